//! Scalars on their way to the device, one piece ahead of the work.

use super::super::memory::Raw;
use super::super::session::Session;
use super::super::wait::Mark;
use super::super::{CudaDevice, work::Work};
use crate::device::MsmScalars;
use crate::device::gpu::{ALIGNMENT, DeviceScalars, Gpu, scalar_bytes};
use crate::error::Result;
use std::ops::Range;
use std::sync::Arc;
use zkwatt_kernels::Fr;

/// The scalars of some sums. What is on the device stays where it is; the rest comes by the stream of uploads into one of
/// two slots while the work on the piece in the other one goes on.
pub(super) struct Ahead<'a> {
    session: &'a Arc<Session>,
    items: &'a [MsmScalars<'a, CudaDevice>],
    /// Where in a slot each item's scalars are.
    offsets: Vec<u64>,
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    memory: Raw,
    /// Behind the last work in `compute` that touches the memory.
    free: Mark<'a>,
    /// Behind uploads that `compute` does not wait for yet.
    arrived: Option<Mark<'a>>,
    /// Whether there may be uploads that `compute` does not wait for yet.
    uploading: bool,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(
        session: &'a Arc<Session>,
        items: &'a [MsmScalars<'a, CudaDevice>],
        piece: usize,
        pieces: usize,
    ) -> Result<Self> {
        let mut end = 0;
        let offsets = items.iter().map(|item| {
            let start = end;
            end += (piece as u64 * upload_bytes(item)).next_multiple_of(ALIGNMENT);
            start
        });
        let offsets = offsets.collect();
        let count = if end == 0 { 0 } else { pieces.min(2) };
        let slots = (0..count).map(|_| {
            let memory = session.take("scalars on the device", end)?;
            let free = session.mark(&session.enter()?, session.compute)?;
            Ok(Slot { memory, free, arrived: None, uploading: false })
        });
        let slots = slots.collect::<Result<_>>()?;
        Ok(Self { session, items, offsets, slots })
    }

    /// Uploads the scalars of `range`, those of piece `k`, once piece k − 2 is no longer needed.
    pub(super) fn start(&mut self, k: usize, range: &Range<usize>) -> Result<()> {
        let count = self.slots.len();
        if count == 0 {
            return Ok(());
        }
        let session = self.session;
        let slot = &mut self.slots[k % count];
        session.stream_wait(session.uploads, slot.free.event)?;
        slot.uploading = true;
        for (item, offset) in self.items.iter().zip(&self.offsets) {
            if let MsmScalars::Host(scalars) = item {
                let (bytes, _) = scalar_bytes(scalars.slice(range.clone()));
                session.upload_ahead(&slot.memory, *offset, &bytes)?;
            }
        }
        slot.arrived = Some(session.mark(&session.enter()?, session.uploads)?);
        Ok(())
    }

    /// The scalars of piece `k`, for work that begins when they are there.
    pub(super) fn take(
        &mut self,
        k: usize,
        range: &Range<usize>,
        work: &mut Work,
    ) -> Result<Vec<DeviceScalars<Raw>>> {
        let count = self.slots.len().max(1);
        let slot = self.slots.get_mut(k % count);
        if let Some(arrived) = slot.as_ref().and_then(|slot| slot.arrived.as_ref()) {
            work.wait_for(arrived.event)?;
        }
        let memory = slot.map(|slot| {
            slot.arrived = None;
            slot.uploading = false;
            slot.memory.clone()
        });
        let scalars = self.items.iter().zip(&self.offsets).filter_map(|(item, offset)| match item {
            MsmScalars::Device(buffer) => {
                let start = (range.start * size_of::<Fr>()) as u64;
                Some(DeviceScalars::new(CudaDevice::raw(buffer).clone(), start, 8))
            }
            MsmScalars::Host(scalars) => {
                let words = scalar_bytes(scalars.slice(0..0)).1;
                Some(DeviceScalars::new(memory.clone()?, *offset, words))
            }
        });
        Ok(scalars.collect())
    }

    /// Lets `compute` go on only behind all uploads so far.
    fn await_uploads(&self) -> Result<()> {
        let mark = self.session.mark(&self.session.enter()?, self.session.uploads)?;
        self.session.stream_wait(self.session.compute, mark.event)
    }

    /// The work so far is the last on piece `k`.
    pub(super) fn release(&mut self, k: usize) -> Result<()> {
        let count = self.slots.len().max(1);
        if let Some(slot) = self.slots.get_mut(k % count) {
            slot.free = self.session.mark(&self.session.enter()?, self.session.compute)?;
        }
        Ok(())
    }
}

impl Drop for Ahead<'_> {
    /// Memory is used again by the order of `compute` alone: uploads that nobody took, or that failed midway, must be behind
    /// it.
    fn drop(&mut self) {
        if !self.slots.iter().any(|slot| slot.uploading) || self.await_uploads().is_ok() {
            return;
        }
        // The memory of a session that has failed serves nobody. Otherwise nobody may have it: copies may still come.
        if !self.session.has_failed() {
            self.slots.iter().for_each(|slot| std::mem::forget(slot.memory.clone()));
        }
    }
}

/// Bytes of a scalar that have to be uploaded.
pub(super) fn upload_bytes(item: &MsmScalars<'_, CudaDevice>) -> u64 {
    match item {
        MsmScalars::Host(scalars) => 4 * u64::from(scalar_bytes(scalars.slice(0..0)).1),
        MsmScalars::Device(_) => 0,
    }
}
