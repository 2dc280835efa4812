//! Sizes of a multi-scalar multiplication with CUDA: pure functions.

use super::step::{FAN_IN, Shape, Step};
use super::{LANES, arithmetic_of};
use crate::device::Group;
use crate::device::gpu::Arithmetic;
use zkwatt_kernels::msm::{BitHistogram, windows_of};

/// Wider windows would need more buckets than entries for any sum that fits a GPU.
pub(super) const MAX_WINDOW_BITS: u32 = 21;

/// Uploads of longer sums run ahead of the work, in this many pieces: the first is waited for.
const UPLOAD_PIECES: usize = 4;
const MIN_UPLOAD: usize = 1 << 17;

/// Smaller pieces would save little memory.
const MIN_PIECE: usize = 1 << 12;

/// Digits and buckets are numbered by 31 bits.
const MAX_NUMBERED: u64 = 1 << 31;

/// Products of a mixed addition, 8M + 2S, and of a full one, 12M + 2S.
const MIXED_PRODUCTS: u64 = 10;
const FULL_PRODUCTS: u64 = 14;

/// A warp that has its scheduler for itself is so many times faster than one of four.
const LONE: u64 = 3;
/// What a launch, an addition by the host and the sorting of a digit cost, in products of all lanes, of a fifth of the lanes,
/// and of one: 3 µs, a fifth of a microsecond and 36 bytes on an H100.
const LAUNCH_PRODUCTS: u64 = 3;
const HOST_SHARE: u64 = 5;
const DIGIT_PRODUCTS: u64 = 1;

/// What the work is done over and within.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// G1 or G2.
    pub(super) arithmetic: Arithmetic,
    /// Threads of 128 registers that the device runs at the same time.
    pub(super) lanes: u64,
    /// Bytes of memory beside bases and scalars that are there.
    pub(super) memory_bytes: u64,
}

impl Room {
    pub(super) fn point_bytes(&self) -> u64 {
        if self.arithmetic == Arithmetic::G2 { 128 } else { 64 }
    }

    /// Bytes of a point in XYZZ form.
    pub(super) fn sum_bytes(&self) -> u64 {
        2 * self.point_bytes()
    }

    /// Products over F_q in one over the coordinates.
    fn base_products(&self) -> u64 {
        if self.arithmetic == Arithmetic::G2 { 3 } else { 1 }
    }
}

/// Multiples of bases: level l is 2^(c·l) times the bases.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct TablePlan {
    pub(super) window_bits: u32,
    pub(super) levels: usize,
}

impl TablePlan {
    /// The tables with which full-width sums over `n` bases cost least, among those of at most `budget` bytes, the bases
    /// themselves not counted; `None` if they would not save a tenth.
    pub(super) fn new(n: usize, budget: u64, room: &Room) -> Option<Self> {
        if n == 0 {
            return None;
        }
        let histogram = BitHistogram::uniform(n, FULL_BITS);
        let cut = Cut { items: 1, piece: n };
        let without = CudaMsmPlan::new(&histogram, n, cut, room, None).cost;
        let candidates = (8..=MAX_WINDOW_BITS).flat_map(|window_bits| {
            let windows = windows_of(FULL_BITS, window_bits) as usize;
            (1..=4).map(move |rows| Self { window_bits, levels: windows.div_ceil(rows) })
        });
        let fitting = candidates.filter(|plan| plan.levels > 1 && plan.bytes(n, room) <= budget);
        let fitting = fitting.filter(|plan| (n as u64) * (plan.levels as u64) < MAX_NUMBERED);
        let cost = |plan: &Self| {
            let shape = Shape::new(FULL_BITS, plan.window_bits, plan.levels);
            CudaMsmPlan::of(&histogram, n, cut, room, shape).cost
        };
        let (cost, plan) =
            fitting.map(|plan| (cost(&plan), plan)).min_by_key(|(cost, plan)| (*cost, plan.levels))?;
        (10 * cost <= 9 * without).then_some(plan)
    }

    /// Bytes of the multiples.
    pub(super) fn bytes(&self, n: usize, room: &Room) -> u64 {
        (self.levels as u64 - 1) * n as u64 * room.point_bytes()
    }
}

/// Bits of the smaller of k and r − k.
const FULL_BITS: u32 = 253;

/// Sums, and scalars of each, that are worked on at the same time.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) items: usize,
    pub(super) piece: usize,
}

impl Cut {
    /// For `items` sums of `n` scalars each, of `upload_bytes` bytes each where they have to be uploaded.
    ///
    /// What does not fit memory is cut: first into fewer sums, then into fewer scalars of one.
    pub(super) fn new(n: usize, items: usize, upload_bytes: u64, room: &Room) -> Self {
        let ahead = if upload_bytes != 0 && n >= UPLOAD_PIECES * MIN_UPLOAD { UPLOAD_PIECES } else { 1 };
        let mut cut = Self { items: items.max(1), piece: n.div_ceil(ahead).max(1) };
        while !cut.fits(n, upload_bytes, room)
            && let Some(half) = cut.halved()
        {
            cut = half;
        }
        cut
    }

    /// What takes half of the memory; `None` where that would save little.
    pub(super) fn halved(self) -> Option<Self> {
        if self.items > 1 {
            Some(Self { items: self.items.div_ceil(2), ..self })
        } else if self.piece > MIN_PIECE {
            Some(Self { piece: self.piece.div_ceil(2), ..self })
        } else {
            None
        }
    }

    fn fits(&self, n: usize, upload_bytes: u64, room: &Room) -> bool {
        let entries = (self.items * self.piece) as u64;
        let buffers = if self.piece < n { 2 } else { 1 };
        let uploads = buffers * entries * upload_bytes;
        let room = Room { memory_bytes: room.memory_bytes.saturating_sub(uploads), ..*room };
        let histogram = BitHistogram::uniform(self.items * self.piece, FULL_BITS);
        CudaMsmPlan::new(&histogram, n, *self, &room, None).peak_bytes <= room.memory_bytes
    }
}

/// How an MSM is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CudaMsmPlan {
    pub(super) shape: Shape,
    /// Sums and scalars of each at the same time.
    pub(super) cut: Cut,
    /// Products over F_q.
    pub products: u64,
    /// Bytes of memory beside bases and scalars.
    pub peak_bytes: u64,
    /// Bytes that kernels read and write, sectors that they use in part not counted whole.
    pub moved_bytes: u64,
    /// Kernels that are launched.
    pub launches: u64,
    /// Modelled time, in products of a device that is busy all the time.
    pub(super) cost: u64,
}

impl CudaMsmPlan {
    /// The cheapest way to do `cut.items` sums of `n` scalars each, the first pieces of which have these bit lengths.
    ///
    /// Pure. One more bit removes windows and doubles the buckets in each; tables remove rows of buckets.
    pub(super) fn new(
        histogram: &BitHistogram,
        n: usize,
        cut: Cut,
        room: &Room,
        tables: Option<TablePlan>,
    ) -> Self {
        let bits = histogram.max_bits();
        let plain = (2..=MAX_WINDOW_BITS).map(|c| Shape::new(bits, c, 1));
        let shared = tables.map(|tables| Shape::new(bits, tables.window_bits, tables.levels));
        let plans = plain.chain(shared).map(|shape| Self::of(histogram, n, cut, room, shape));
        // Where nothing fits, the least memory: the allocation says what is missing.
        plans
            .min_by_key(|plan| {
                let missing = plan.peak_bytes.saturating_sub(room.memory_bytes);
                (missing, plan.cost)
            })
            .unwrap_or_else(|| Self::of(histogram, n, cut, room, Shape::new(bits, 8, 1)))
    }

    /// The plan of a given shape.
    pub(super) fn of(histogram: &BitHistogram, n: usize, cut: Cut, room: &Room, shape: Shape) -> Self {
        let step = Step::new(histogram, cut.piece, cut.items, room, &shape);
        let steps = n.div_ceil(cut.piece) as u64;
        let mut plan = Self {
            shape,
            cut,
            products: 0,
            peak_bytes: step.bytes(room),
            moved_bytes: 0,
            launches: 0,
            cost: 0,
        };
        if step.digits >= MAX_NUMBERED || 2 * step.buckets >= MAX_NUMBERED {
            plan.peak_bytes = u64::MAX;
            return plan;
        }
        for _ in 0..steps {
            plan.add_step(&step, room);
        }
        plan.add_reduction(&step, room);
        plan
    }

    /// Work of `total` products, none of which can be done before `chain` others.
    fn add_work(&mut self, room: &Room, total: u64, chain: u64) {
        let products = total * room.base_products();
        self.products += products;
        self.cost += products.max(room.lanes * chain * room.base_products() / LONE);
    }

    fn add_launches(&mut self, room: &Room, launches: u64) {
        self.launches += launches;
        self.cost += launches * LAUNCH_PRODUCTS * room.lanes;
    }

    fn add_step(&mut self, step: &Step, room: &Room) {
        let items = self.cut.items as u64;
        let scalars = items * self.cut.piece as u64;
        self.moved_bytes += scalars * (64 + room.point_bytes()) + 36 * step.digits + 32 * step.buckets;
        self.cost += DIGIT_PRODUCTS * step.digits;
        self.add_launches(room, 2 * items + 6 + scan_launches(2 * step.buckets) + u64::from(step.rounds()));
        // Of uniform digits.
        let mean = step.entries as f64 / step.buckets as f64;
        let longest = ((mean + 5.0 * mean.sqrt() + 2.0) as u64).min(step.segment);
        let segments = (mean / step.segment as f64) as u64;
        let extras = if segments > 0 { step.extras() } else { 0 };
        self.add_work(room, MIXED_PRODUCTS * step.entries, MIXED_PRODUCTS * longest);
        if extras > 0 {
            let rounds = u64::from(segments.ilog(FAN_IN)) + 1;
            self.add_work(room, FULL_PRODUCTS * extras, FULL_PRODUCTS * (FAN_IN - 1) * rounds);
        }
        self.moved_bytes += step.entries * (room.point_bytes() + 4)
            + 2 * room.sum_bytes() * step.entries.min(step.buckets)
            + 4 * room.sum_bytes() * extras;
    }

    fn add_reduction(&mut self, step: &Step, room: &Room) {
        for round in 0..self.shape.log_buckets() {
            let additions = (u64::from(round) + 1) * (step.buckets >> (round + 1));
            self.moved_bytes += 3 * room.sum_bytes() * additions;
            self.add_work(room, FULL_PRODUCTS * additions, FULL_PRODUCTS);
        }
        self.add_launches(room, u64::from(self.shape.log_buckets()) + 1);
        let rows = (self.shape.rows() * self.cut.items) as u64;
        let doublings = (self.shape.rows() * self.shape.levels * self.cut.items) as u64;
        let on_host = (2 * rows + doublings) * u64::from(self.shape.window_bits);
        self.cost += on_host * room.base_products() * room.lanes / HOST_SHARE;
    }

    /// The plan of one sum of `n` full-width scalars that an H100 holds beside their bases.
    pub fn on_h100<G: Group>(n: usize) -> Self {
        let room = Room { arithmetic: arithmetic_of::<G::Coordinate>(), ..H100 };
        let cut = Cut { items: 1, piece: n.max(1) };
        Self::new(&BitHistogram::uniform(n, FULL_BITS), n, cut, &room, None)
    }

    /// Bits of a signed digit.
    pub fn window_bits(&self) -> u32 {
        self.shape.window_bits
    }

    /// Seconds on an H100 by the model: products at the rate of its multiply pipes, 131 instructions each, and what launches
    /// and latencies add. Not measured.
    pub fn modelled_h100_seconds(&self) -> f64 {
        self.cost as f64 / H100_PRODUCTS
    }
}

const H100: Room = Room { arithmetic: Arithmetic::G1, lanes: 132 * LANES, memory_bytes: 72 << 30 };

/// Products that an H100 SXM's 132 multiprocessors do in a second at 1.98 GHz: 4 schedulers with 8 lanes of the multiply pipe
/// each, 131 instructions a product.
const H100_PRODUCTS: f64 = 132.0 * 32.0 * 1.98e9 / 131.0;

/// Launches of `scan_u32` over `n` numbers, in tiles of 1024.
fn scan_launches(n: u64) -> u64 {
    let tiles = (n + 1).div_ceil(1024);
    if tiles <= 1 { 1 } else { 2 + scan_launches(tiles) }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
