//! Transforms on eight lanes: n = S1·S2 in two steps.
//!
//! Bailey, "FFTs in external or hierarchical memory", 1990. With inputs j = j1 + S2·j2 and outputs k = k1 + S1·k2,
//! ω^(jk) = (ω^S2)^(j2·k1) · ω^(j1·k1) · (ω^S1)^(j1·k2): step 1 does the S2 transforms over j2 and multiplies by the *twist*
//! ω^(j1·k1), step 2 does the S1 transforms over j1. A task takes eight of them, one a lane, through a buffer in the L2
//! cache, so that every butterfly has one constant for all lanes. The twist also takes 1/n and that part of a coset's
//! factors that depends on j1 or k1.
//!
//! | order | step 1 reads, writes | step 2 reads, writes |
//! |---|---|---|
//! | NN | columns of S1 rows of the data, tiles | tiles, columns of S2 rows |
//! | NR | columns of S1 rows, the same | rows, the same |
//! | RN | rows, the same | columns of S2 rows, the same |

mod layers;
mod step;
mod view;

use super::plan::{Direction, MAX_LOG_N, NttError, NttPlan, Order};
use super::scale::Factors;
use super::twiddles::Twiddles;
use crate::dispatch::CpuPath;
use crate::field::ifma::{Ifma, LANES, Multiplier, Stored, to_limbs};
use crate::field::{Field, Fr};
use crate::parallel;
use crate::vector::powers;
use std::sync::{Mutex, PoisonError};
use view::{Columns, Rows, Shared, Tiles};

pub(super) use layers::constants;
pub(super) use view::Tile;

/// Below this, steps are shorter than the lanes.
pub(super) const MIN_LOG_N: u32 = 6;

/// From this on a column is work enough for all threads.
const SPREAD_LOG_N: u32 = 14;

/// Base-two logarithm of the longer of the two steps.
pub(super) fn longest_step(log_n: u32) -> u32 {
    log_n.div_ceil(2)
}

/// What [`Twiddles`] keep for a plan of at least 2^[`MIN_LOG_N`] elements.
pub(super) fn memory_bytes(plan: &NttPlan) -> u64 {
    if plan.log_n > MAX_LOG_N {
        // Refused before anything is kept.
        return 0;
    }
    let constants = (size_of::<Multiplier>() / 2) << longest_step(plan.log_n);
    let tiles = if plan.order == Order::NN { size_of::<Fr>() << plan.log_n } else { 0 };
    (constants + tiles) as u64
}

/// As `ntt_batch`; the arguments have been checked, and `plan.log_n` is at least [`MIN_LOG_N`].
pub(super) fn ntt_batch(
    (path, ifma): (CpuPath, Ifma),
    columns: Vec<&mut [Fr]>,
    plan: &NttPlan,
    twiddles: &Twiddles,
) -> Result<(), NttError> {
    let tables = Tables::new(path, plan)?;
    let constants = twiddles.constants(plan.direction);
    let run = |column: &mut [Fr]| tables.transform(ifma, column, plan.order, constants, twiddles);
    if plan.log_n >= SPREAD_LOG_N {
        columns.into_iter().for_each(run);
    } else {
        parallel::for_each_owned(columns, run);
    }
    Ok(())
}

/// What the columns of a batch share.
struct Tables {
    /// Base-two logarithms of S1 and S2.
    log_steps: [u32; 2],
    /// Factors of the input: 16·g^(S2·j2) at j2.
    input: Option<Vec<[u64; 5]>>,
    /// The ratio of the twists of an input j1 to its twist at k1 − 1; times 16, at the place of j1.
    ratios: Vec<[u64; 4]>,
    /// The twist at k1 = 0, times 16, at the place of j1.
    starts: Vec<[u64; 4]>,
    /// Factors of the output: 16·g^(−S1·k2) at k2.
    output: Option<Vec<[u64; 5]>>,
}

impl Tables {
    fn new(path: CpuPath, plan: &NttPlan) -> Result<Self, NttError> {
        // Rows of the data are S2 long where the input is in natural order, else S1.
        let (short, long) = (plan.log_n / 2, longest_step(plan.log_n));
        let log_steps = if plan.order == Order::RN { [long, short] } else { [short, long] };
        let [s1, s2] = log_steps.map(|log| 1usize << log);
        let root =
            plan.generator.root_of_unity(plan.log_n).ok_or(NttError::TooLarge { log_n: plan.log_n })?;
        // What the lanes multiply by they divide by 2^260, and elements stand for their multiples by 2^256.
        let sixteen = Fr::from(16u64);
        let table = |ratio: Fr, power: usize, len| {
            let factors = powers(path, sixteen, ratio.pow_vartime(&[power as u64]), len);
            factors.iter().map(|f| to_limbs(f.to_montgomery())).collect::<Vec<_>>()
        };
        let factors = Factors::of(plan)?;
        let one = Factors { first: Fr::ONE, ratio: Fr::ONE };
        let Factors { first, ratio } = factors.unwrap_or(one);
        let (mut ratios, mut starts, input, output);
        match plan.direction {
            Direction::Forward => {
                ratios = powers(path, sixteen, root, s2);
                starts = powers(path, sixteen, ratio, s2);
                input = plan.coset.map(|_| table(ratio, s2, s1));
                output = None;
            }
            Direction::Inverse => {
                let inverse = root.pow_vartime(&[plan.n() as u64 - 1]);
                ratios = powers(path, sixteen * ratio, inverse, s2);
                starts = vec![sixteen * first; s2];
                input = None;
                output = plan.coset.map(|_| table(ratio, s1, s2));
            }
        }
        if plan.order == Order::RN {
            super::ntt_bit_reverse(&mut ratios);
            super::ntt_bit_reverse(&mut starts);
        }
        let words = |table: Vec<Fr>| table.iter().map(|f| f.to_montgomery()).collect();
        Ok(Self { log_steps, input, ratios: words(ratios), starts: words(starts), output })
    }

    fn transform(
        &self,
        ifma: Ifma,
        column: &mut [Fr],
        order: Order,
        constants: &[Multiplier],
        twiddles: &Twiddles,
    ) {
        let [log_s1, log_s2] = self.log_steps;
        let [s1, s2] = self.log_steps.map(|log| 1usize << log);
        let [input, output] = [self.input.as_deref(), self.output.as_deref()];
        let twists = |group: usize| (&self.ratios.as_chunks().0[group], &self.starts.as_chunks().0[group]);
        if order == Order::RR {
            super::ntt_bit_reverse(column);
        }
        let n = column.len();
        let data = Shared::elements(column);
        match order {
            Order::NN => {
                let mut tiles = twiddles.tiles(n / (LANES * LANES));
                let shared = Shared::tiles(&mut tiles);
                for_each_group(s2, s1, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let from = unsafe { Columns::new(data, log_s2, group) };
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let to = unsafe { Tiles::column(shared, s2 / LANES, group) };
                    step::twisted(
                        ifma,
                        buffer,
                        constants,
                        (&from, false),
                        input,
                        (&to, false),
                        twists(group),
                    );
                });
                for_each_group(s1, s2, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let from = unsafe { Tiles::row(shared, s2 / LANES, group) };
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let to = unsafe { Columns::new(data, log_s1, group) };
                    step::last(ifma, buffer, constants, (&from, false), (&to, false), output);
                });
                twiddles.give_back(tiles);
            }
            Order::RN => {
                for_each_group(s2, s1, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let at = unsafe { Rows::new(data, log_s1, group) };
                    step::twisted(ifma, buffer, constants, (&at, true), input, (&at, false), twists(group));
                });
                for_each_group(s1, s2, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let at = unsafe { Columns::new(data, log_s1, group) };
                    step::last(ifma, buffer, constants, (&at, true), (&at, false), output);
                });
            }
            Order::NR | Order::RR => {
                for_each_group(s2, s1, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let at = unsafe { Columns::new(data, log_s2, group) };
                    step::twisted(ifma, buffer, constants, (&at, false), input, (&at, true), twists(group));
                });
                for_each_group(s1, s2, |group, buffer| {
                    // SAFETY: views of a loop are of one kind and differ in their group; loops follow each other.
                    let at = unsafe { Rows::new(data, log_s2, group) };
                    step::last(ifma, buffer, constants, (&at, false), (&at, true), output);
                });
            }
        }
    }
}

/// Calls `f(group, buffer)` for each eight of `count` transforms of `len` elements.
fn for_each_group(count: usize, len: usize, f: impl Fn(usize, &mut [Stored]) + Sync + Send) {
    // As many as there are threads at work, whatever the number of tasks.
    let buffers = Mutex::new(vec![]);
    let lock = || buffers.lock().unwrap_or_else(PoisonError::into_inner);
    parallel::for_each_index(count / LANES, |group| {
        let buffer = lock().pop();
        let mut buffer = buffer.unwrap_or_else(|| vec![Stored::ZERO; len]);
        f(group, &mut buffer);
        lock().push(buffer);
    });
}
