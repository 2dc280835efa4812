//! Batches of affine additions on the device.

use super::super::WgpuDevice;
use super::super::memory::Raw;
use super::super::work::Work;
use super::plan::{Room, max_threads, pairs_per_thread};
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{Arithmetic, BatchInverse, Binding, Gpu, GpuMemory, GpuWork, Source, Stage, source};
use crate::error::Result;

const TREE: Source = source!("msm_tree");
const PRODUCTS: Stage =
    Stage::new("msm_pair_products", TREE).bind(&[Read, Read, ReadWrite, ReadWrite, ReadWrite]);
const ADD: Stage = Stage::new("msm_pair_add", TREE).bind(&[Read, Read, ReadWrite, ReadWrite, ReadWrite]);

/// Which points are added, and where the sums go.
pub(super) enum Pairs<'a> {
    /// Slot s ← the signed bases `entries`\[2s\] and \[2s + 1\].
    Bases { entries: &'a Raw },
    /// In place: a slot of the list and the one `distance` further on.
    Slots { list: &'a Raw, start: u64, distance: u64 },
}

/// All stages of this module, with typical constants, for [`catalogue`](crate::device::wgpu::catalogue).
pub(super) const STAGES: &[Stage] = &[
    PRODUCTS.over(Arithmetic::G1).constants(&[("FIRST", 0)]),
    PRODUCTS.over(Arithmetic::G1).constants(&[("FIRST", 1)]),
    PRODUCTS.over(Arithmetic::G2).constants(&[("FIRST", 0)]),
    PRODUCTS.over(Arithmetic::G2).constants(&[("FIRST", 1)]),
    ADD.over(Arithmetic::G1).constants(&[("FIRST", 0)]),
    ADD.over(Arithmetic::G1).constants(&[("FIRST", 1)]),
    ADD.over(Arithmetic::G2).constants(&[("FIRST", 0)]),
    ADD.over(Arithmetic::G2).constants(&[("FIRST", 1)]),
];

/// Memory that batches use one after the other.
pub(super) struct Adder<'a> {
    device: &'a WgpuDevice,
    pub(super) room: Room,
    bases: Binding<'a, Raw>,
    before: Raw,
    products: Raw,
}

impl<'a> Adder<'a> {
    /// For batches of up to `pairs` additions.
    pub(super) fn new(
        device: &'a WgpuDevice,
        room: Room,
        bases: Binding<'a, Raw>,
        pairs: u64,
    ) -> Result<Self> {
        let bytes = room.coordinate_bytes();
        let before = device.scratch(pairs * bytes)?;
        let products = device.scratch(max_threads(pairs) * bytes)?;
        Ok(Self { device, room, bases, before, products })
    }

    /// Adds `count` pairs.
    pub(super) fn add(&self, work: &mut Work<'_>, pairs: &Pairs<'_>, points: &Raw, count: u64) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let (first, list, start, distance) = match pairs {
            Pairs::Bases { entries } => (1, entries, 0, 0),
            Pairs::Slots { list, start, distance } => (0, list, *start, *distance),
        };
        let per_thread = pairs_per_thread(count);
        let threads = count.div_ceil(per_thread);
        let bindings = [self.bases, list.whole(), points.whole(), self.before.whole(), self.products.whole()];
        let params = [threads, count, distance, start].map(|word| word as u32);
        let base_products = self.room.base_products() * per_thread;
        let stage = |stage: Stage, products: u64| {
            stage.over(self.room.arithmetic).products((products * base_products) as u32)
        };
        let constants = [("FIRST", first)];
        work.dispatch_with(&stage(PRODUCTS, 1), &constants, &bindings, &params, threads)?;
        self.device.batch_inverse_raw(work, self.room.arithmetic, &self.products, threads)?;
        work.dispatch_with(&stage(ADD, 5), &constants, &bindings, &params, threads)
    }
}
