//! The work on one group of windows.

use super::super::WgpuDevice;
use super::super::memory::Raw;
use super::super::work::Work;
use super::Job;
use super::adder::{Adder, Pairs};
use super::plan::{GroupSizes, WgpuMsmPlan, rounds};
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{Arithmetic, Gpu, GpuMemory, GpuWork, ScanU32, Source, Stage, source, window_sum};
use crate::error::Result;
use std::ops::Range;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};

const SORT: Source = source!("msm_sort");
const COUNT: Stage =
    Stage::new("msm_bucket_count", SORT).bind(&[Read, ReadWrite, ReadWrite]).workgroup(COUNT_WORKGROUP);
const LEVEL_TOTALS: Stage = Stage::new("msm_level_totals", SORT).bind(&[Read, ReadWrite]);
const LEVEL_LENGTHS: Stage = Stage::new("msm_level_lengths", SORT).bind(&[Read, ReadWrite]);
const BUCKET_SORT: Stage =
    Stage::new("msm_bucket_sort", SORT).bind(&[Read, Read, Read, ReadWrite, ReadWrite]);
const PAIRS: Stage = Stage::new("msm_pairs", SORT).bind(&[Read, Read, ReadWrite]);
const REDUCE: Stage = Stage::new("msm_bucket_reduce", SORT).bind(&[ReadWrite]);
const GATHERING: Source = source!("msm_gather");
const GATHER: Stage = Stage::new("msm_bucket_gather", GATHERING).bind(&[Read, Read, ReadWrite]);
const WINDOW_POINTS: Stage = Stage::new("msm_window_points", GATHERING).bind(&[Read, Read, ReadWrite]);

const COUNT_WORKGROUP: u32 = 256;

/// Digits of one tile; as in the shader.
const TILE: u64 = 8 * COUNT_WORKGROUP as u64;

/// Buckets that one thread measures.
const MEASURED: u64 = 8;

/// Words of `msm_level_totals`; as in the shader.
const TOTALS: usize = 34;

/// Bit of a list's word that sends the sum to the right element; as in the shader.
const TO_RIGHT: u32 = 1 << 31;

/// Digits of a group of windows with their ranks.
struct Ranked {
    digits: Raw,
    ranks: Raw,
    counts: Raw,
    /// Slots of each level l = 1, 2, …, up to the one where no bucket has two.
    levels: Vec<u64>,
}

/// Entries in the order of their buckets.
struct Sorted {
    entries: Raw,
    starts: Raw,
    list: Raw,
}

/// All stages of this module, with typical constants, for [`catalogue`](crate::device::wgpu::catalogue).
pub(super) const STAGES: &[Stage] = &[
    COUNT,
    LEVEL_TOTALS,
    LEVEL_LENGTHS,
    BUCKET_SORT,
    PAIRS,
    REDUCE,
    GATHER.over(Arithmetic::G1),
    GATHER.over(Arithmetic::G2),
    WINDOW_POINTS.over(Arithmetic::G1),
    WINDOW_POINTS.over(Arithmetic::G2),
];

impl WgpuDevice {
    /// Σ (i + 1)·D_i of the buckets D_i of each window.
    pub(super) async fn window_sums<F: Coordinate>(
        &self,
        job: &Job<'_>,
        plan: &WgpuMsmPlan,
        group: &Range<usize>,
    ) -> Result<Vec<Xyzz<F>>> {
        let windows = group.len() as u64;
        let Some(ranked) = self.ranked(job, plan, group).await? else {
            return Ok(vec![Xyzz::IDENTITY; group.len()]);
        };
        let sizes = GroupSizes {
            digits: windows * job.scalars.n as u64,
            buckets: windows * plan.buckets(),
            slots: ranked.levels[0],
            levels: ranked.levels.len() as u64,
        };
        let levels = ranked.levels.clone();
        let sorted = self.sorted(job, plan, &sizes, ranked)?;
        let points = self.bucket_sums(job, plan, &sizes, &levels, sorted)?;
        let points: Vec<Affine<F>> =
            self.read(&points, 0, last_points(plan.buckets(), windows) as usize).await?;
        let (trees, elements) = last_trees(plan.buckets());
        let tree = |window: usize, l: usize| {
            let start = (l * group.len() + window) * elements as usize;
            &points[start..start + elements as usize]
        };
        Ok((0..group.len()).map(|w| window_sum((0..trees as usize).map(|l| tree(w, l)))).collect())
    }

    /// `None` where all digits are zero.
    async fn ranked(
        &self,
        job: &Job<'_>,
        plan: &WgpuMsmPlan,
        group: &Range<usize>,
    ) -> Result<Option<Ranked>> {
        let (n, windows) = (job.scalars.n as u64, group.len() as u64);
        let buckets = windows * plan.buckets();
        let (digits, ranks) = (self.scratch(4 * n * windows)?, self.scratch(4 * n * windows)?);
        let (counts, totals) = (self.scratch(4 * buckets)?, self.scratch(4 * TOTALS as u64)?);
        let mut work = self.work()?;
        work.clear(&counts);
        work.clear(&totals);
        job.scalars.record_digits(&mut work, plan.window_bits, group, digits.whole())?;
        let tiles = n.div_ceil(TILE);
        let threads = tiles * windows * u64::from(COUNT_WORKGROUP);
        let params = [threads, n, tiles, windows, plan.buckets()].map(|word| word as u32);
        work.dispatch(&COUNT, &[digits.whole(), ranks.whole(), counts.whole()], &params, threads)?;
        let threads = buckets.div_ceil(MEASURED);
        let params = [threads as u32, buckets as u32];
        work.dispatch(&LEVEL_TOTALS, &[counts.whole(), totals.whole()], &params, threads)?;
        work.submit()?;
        let levels = levels(&self.read::<u32>(&totals, 0, TOTALS).await?);
        Ok((levels[0] != 0).then_some(Ranked { digits, ranks, counts, levels }))
    }

    fn sorted(
        &self,
        job: &Job<'_>,
        plan: &WgpuMsmPlan,
        sizes: &GroupSizes,
        ranked: Ranked,
    ) -> Result<Sorted> {
        let rows = sizes.buckets * sizes.levels;
        let starts = self.scratch(4 * (rows + 1))?;
        let (entries, slot_buckets) = (self.scratch(8 * sizes.slots)?, self.scratch(4 * sizes.slots)?);
        let list = self.scratch(4 * sizes.list())?;
        let mut work = self.work()?;
        let params = [sizes.buckets as u32, sizes.levels as u32];
        work.dispatch(&LEVEL_LENGTHS, &[ranked.counts.whole(), starts.whole()], &params, sizes.buckets)?;
        self.scan_u32(&mut work, &starts, rows as usize)?;
        // Buckets of odd length have a slot with one entry only.
        work.clear(&entries);
        work.dispatch(
            &BUCKET_SORT,
            &[
                ranked.digits.whole(),
                ranked.ranks.whole(),
                starts.whole(),
                entries.whole(),
                slot_buckets.whole(),
            ],
            &[sizes.digits as u32, job.scalars.n as u32, plan.buckets() as u32],
            sizes.digits,
        )?;
        let params = [sizes.slots, sizes.buckets, sizes.levels].map(|word| word as u32);
        work.dispatch(&PAIRS, &[slot_buckets.whole(), starts.whole(), list.whole()], &params, sizes.slots)?;
        work.submit()?;
        Ok(Sorted { entries, starts, list })
    }

    /// The last points of all windows.
    fn bucket_sums(
        &self,
        job: &Job<'_>,
        plan: &WgpuMsmPlan,
        sizes: &GroupSizes,
        levels: &[u64],
        sorted: Sorted,
    ) -> Result<Raw> {
        let room = job.room;
        let adder = Adder::new(self, room, job.scalars.bases, sizes.batch())?;
        let slots = self.scratch(sizes.slots * room.point_bytes())?;
        let mut work = self.work()?;
        adder.add(&mut work, &Pairs::Bases { entries: &sorted.entries }, &slots, sizes.slots)?;
        let mut start = 0;
        for (level, pair) in levels.windows(2).enumerate() {
            let pairs = pair[0] - pair[1];
            let in_place = Pairs::Slots { list: &sorted.list, start, distance: 1 << level };
            adder.add(&mut work, &in_place, &slots, pairs)?;
            start += pairs;
        }
        let Sorted { entries, starts, list } = sorted;
        work.submit()?;
        drop(entries);

        let buckets = self.scratch(sizes.buckets * room.point_bytes())?;
        let mut work = self.work()?;
        let stage = GATHER.over(room.arithmetic);
        let bindings = [starts.whole(), slots.whole(), buckets.whole()];
        work.dispatch(&stage, &bindings, &[sizes.buckets as u32], sizes.buckets)?;
        let points = self.reduced(&mut work, &adder, plan, sizes.buckets, &buckets, &list)?;
        work.submit()?;
        Ok(points)
    }

    fn reduced(
        &self,
        work: &mut Work<'_>,
        adder: &Adder<'_>,
        plan: &WgpuMsmPlan,
        buckets: u64,
        points: &Raw,
        list: &Raw,
    ) -> Result<Raw> {
        let room = adder.room;
        let windows = buckets / plan.buckets();
        let elements = |work: &mut Work<'_>, n: u64, trees: u64, spacing: u64, mark: u32| {
            let threads = n * trees * windows;
            let params = [threads, n, trees, windows, plan.buckets(), spacing, mark.into()].map(|w| w as u32);
            work.dispatch(&REDUCE, &[list.whole()], &params, threads)
        };
        for round in rounds(plan.buckets()) {
            elements(work, round.pairs, round.trees, 2 * round.distance, TO_RIGHT)?;
            let in_place = Pairs::Slots { list, start: 0, distance: round.distance };
            adder.add(work, &in_place, points, round.pairs(windows))?;
        }
        let (trees, n) = last_trees(plan.buckets());
        elements(work, n, trees, plan.buckets() / n, 0)?;
        let count = last_points(plan.buckets(), windows);
        let last = self.scratch(count * room.point_bytes())?;
        let bindings = [list.whole(), points.whole(), last.whole()];
        work.dispatch(&WINDOW_POINTS.over(room.arithmetic), &bindings, &[count as u32], count)?;
        Ok(last)
    }
}

/// Trees of a window after the last round, and their elements.
fn last_trees(buckets: u64) -> (u64, u64) {
    let rounds = rounds(buckets).count() as u64;
    (rounds + 1, buckets >> rounds)
}

fn last_points(buckets: u64, windows: u64) -> u64 {
    let (trees, elements) = last_trees(buckets);
    trees * elements * windows
}

/// Slots of each level, from what `msm_level_totals` leaves.
fn levels(totals: &[u32]) -> Vec<u64> {
    let (filled, surplus) = (u64::from(totals[1]), &totals[2..]);
    let above = surplus.iter().take_while(|n| **n != 0).map(|n| filled + u64::from(*n));
    above.chain([filled]).collect()
}
