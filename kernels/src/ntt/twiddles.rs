//! Tables of roots of unity.

use super::plan::{Direction, Generator, MAX_LOG_N, NttError};
use crate::field::{Arith, Field, Fp, Fr, FrParams, cast, cast_slice_mut};
use crate::{
    dispatch::{CpuPath, with_arith},
    parallel,
};
use std::sync::OnceLock;
#[cfg(target_arch = "x86_64")]
use {
    super::lanes::{self, Tile},
    crate::field::ifma::Multiplier,
    std::sync::{Mutex, PoisonError},
};

/// Powers of ω in bit-reversed order: entry i is ω^rev(i), rev over `log_n` − 1 bits.
///
/// Entry i does not depend on `log_n`, so one table serves all smaller transforms. Memory: n/2 elements for each
/// direction that has been used. On lanes, that of transforms in natural order on both ends instead: n elements for each that ran
/// at the same time, which are kept, with what the last one left in them.
#[derive(Debug)]
pub struct Twiddles {
    log_n: u32,
    generator: Generator,
    path: CpuPath,
    forward: OnceLock<Vec<Fr>>,
    inverse: OnceLock<Vec<Fr>>,
    #[cfg(target_arch = "x86_64")]
    on_lanes: OnLanes,
}

/// What transforms on lanes keep.
#[cfg(target_arch = "x86_64")]
#[derive(Default)]
struct OnLanes {
    forward: OnceLock<Vec<Multiplier>>,
    inverse: OnceLock<Vec<Multiplier>>,
    /// Memory between the steps, which costs more to get from the system than to fill.
    tiles: Mutex<Vec<Vec<Tile>>>,
}

#[cfg(target_arch = "x86_64")]
impl core::fmt::Debug for OnLanes {
    /// Says nothing: data of callers are not printed.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("OnLanes").finish_non_exhaustive()
    }
}

impl Twiddles {
    /// Tables for transforms of up to 2^`log_n` elements, filled on first use.
    pub fn new(path: CpuPath, log_n: u32, generator: Generator) -> Result<Self, NttError> {
        if log_n > MAX_LOG_N {
            return Err(NttError::TooLarge { log_n });
        }
        Ok(Self {
            log_n,
            generator,
            path,
            forward: OnceLock::new(),
            inverse: OnceLock::new(),
            #[cfg(target_arch = "x86_64")]
            on_lanes: OnLanes::default(),
        })
    }

    /// Base-two logarithm of the largest transform that the tables serve.
    pub fn log_n(&self) -> u32 {
        self.log_n
    }

    /// Whose roots they are.
    pub fn generator(&self) -> Generator {
        self.generator
    }

    pub(super) fn of(&self, direction: Direction) -> &[Fr] {
        let (cell, inverse) = match direction {
            Direction::Forward => (&self.forward, false),
            Direction::Inverse => (&self.inverse, true),
        };
        if let Some(table) = cell.get() {
            return table;
        }
        // Not inside of `get_or_init`: the table is filled by parallel tasks, and a thread that waits for them may take
        // up another transform, which would wait for this very cell. Two first users may both fill a table instead.
        let table = self.table(self.log_n, inverse);
        cell.get_or_init(|| table)
    }

    /// The first entries, as many as a step on lanes needs.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn constants(&self, direction: Direction) -> &[Multiplier] {
        let (cell, inverse) = match direction {
            Direction::Forward => (&self.on_lanes.forward, false),
            Direction::Inverse => (&self.on_lanes.inverse, true),
        };
        if let Some(table) = cell.get() {
            return table;
        }
        // Not inside of `get_or_init`, as above.
        let table = lanes::constants(&self.table(lanes::longest_step(self.log_n), inverse));
        cell.get_or_init(|| table)
    }

    /// Memory of at least `len` tiles of any content.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn tiles(&self, len: usize) -> Vec<Tile> {
        let kept = self.on_lanes.tiles.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut tiles = kept.unwrap_or_default();
        if tiles.len() < len {
            tiles.resize(len, Tile::default());
        }
        tiles
    }

    /// Takes what [`Twiddles::tiles`] gave.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn give_back(&self, tiles: Vec<Tile>) {
        self.on_lanes.tiles.lock().unwrap_or_else(PoisonError::into_inner).push(tiles);
    }

    fn table(&self, log_n: u32, inverse: bool) -> Vec<Fr> {
        let mut table = vec![Fr::ONE; (1usize << log_n) / 2];
        let mut m = 1;
        while m < table.len() {
            // rev(m + i) = rev(i) + n/(4m), and ω^(n/4m) is a root of order 4m. It exists: 4m ≤ n.
            let root = self.generator.root_of_unity(m.ilog2() + 2).unwrap_or(Fr::ONE);
            let root = if inverse { root.inverse_vartime().unwrap_or(Fr::ONE) } else { root };
            let (known, rest) = table.split_at_mut(m);
            with_arith!(self.path, A => multiply_into::<A>(known, &mut rest[..m], root));
            m *= 2;
        }
        table
    }
}

/// to[i] = from[i]·factor
fn multiply_into<A: Arith>(from: &[Fr], to: &mut [Fr], factor: Fr) {
    let factor = cast::<Fr, A>(factor);
    parallel::for_each_chunk_mut(
        cast_slice_mut::<Fr, A>(to),
        1 << 12,
        |start, chunk: &mut [Fp<FrParams, A>]| {
            for (to, from) in chunk.iter_mut().zip(&from[start..]) {
                *to = cast::<Fr, A>(*from) * factor;
            }
        },
    );
}
