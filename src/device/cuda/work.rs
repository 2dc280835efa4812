//! Launching kernels.

use super::driver::Event;
use super::memory::Raw;
use super::session::Session;
use crate::device::gpu::counters::add;
use crate::device::gpu::{Binding, GpuMemory, GpuWork, Stage};
use crate::error::Result;
use std::ffi::c_void;
use std::sync::Arc;

/// Words of parameters of a launch.
const WORDS: usize = 64;
/// Constants of a stage.
const CONSTANTS: usize = 8;

/// `Params` of `cuda/include/types.cuh`.
#[repr(C)]
struct Params {
    words: [u32; WORDS],
    constants: [u32; CONSTANTS],
}

/// Commands to a device. They go to its stream as they are given; what fails on the way leaves the rest undone, and the
/// buffers that it wrote to undefined.
pub struct Work {
    session: Arc<Session>,
    timing: Option<Event>,
    launches: u64,
    /// The first refusal of a command that has no result.
    refused: Result<()>,
}

impl Work {
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session, timing: None, launches: 0, refused: Ok(()) }
    }

    /// Lets the commands from here on begin only after `event`.
    pub(super) fn wait_for(&mut self, event: Event) -> Result<()> {
        let entered = self.session.enter()?;
        entered
            .stream_wait(self.session.compute, event)
            .map_err(|error| self.session.refused("cuStreamWaitEvent", error))
    }

    /// Notes the outcome of a command that has no result.
    fn note(&mut self, outcome: Result<()>) {
        if self.refused.is_ok() {
            self.refused = outcome;
        }
    }

    fn try_copy(&self, from: &Raw, from_offset: u64, to: &Raw, to_offset: u64, bytes: u64) -> Result<()> {
        self.within(from, from_offset, bytes)?;
        self.within(to, to_offset, bytes)?;
        let (from, to) = (from.pointer() + from_offset, to.pointer() + to_offset);
        let entered = self.session.enter()?;
        // SAFETY: both ranges are within buffers of this session, which reuses memory behind this only.
        unsafe { entered.copy(to, from, bytes, self.session.compute) }
            .map_err(|error| self.session.refused("cuMemcpyDtoDAsync", error))
    }

    fn try_clear(&self, memory: &Raw, offset: u64, bytes: u64) -> Result<()> {
        self.within(memory, offset, bytes)?;
        let entered = self.session.enter()?;
        // SAFETY: the range is within a buffer of this session, which reuses memory behind this only.
        unsafe { entered.fill(memory.pointer() + offset, 0, bytes, self.session.compute) }
            .map_err(|error| self.session.refused("cuMemsetD8Async", error))
    }

    /// An error where a range is not of a live buffer of this session.
    fn within(&self, memory: &Raw, offset: u64, bytes: u64) -> Result<()> {
        memory.check(&self.session)?;
        match offset.checked_add(bytes) {
            Some(end) if end <= memory.bytes() => Ok(()),
            _ => Err(self.session.failed(format!(
                "{bytes} bytes from {offset} on reach beyond a buffer of {}",
                memory.bytes()
            ))),
        }
    }
}

impl GpuWork for Work {
    type Memory = Raw;

    fn dispatch_with(
        &mut self,
        stage: &Stage,
        constants: &[(&'static str, u32)],
        bindings: &[Binding<'_, Raw>],
        words: &[u32],
        threads: u64,
    ) -> Result<()> {
        if threads == 0 {
            return Ok(());
        }
        let session = &self.session;
        for binding in bindings {
            self.within(binding.memory, binding.offset, binding.bytes)?;
        }
        let constants = stage.constants.iter().chain(constants).map(|(_, value)| *value);
        let mut params = Params { words: [0; WORDS], constants: [0; CONSTANTS] };
        if words.len() > WORDS
            || constants.clone().count() > CONSTANTS
            || bindings.len() != stage.bindings.len()
        {
            return Err(session.failed(format!("`{}` was given arguments that it does not have", stage.name)));
        }
        params.words[..words.len()].copy_from_slice(words);
        params.constants.iter_mut().zip(constants).for_each(|(slot, value)| *slot = value);
        let grid = u32::try_from(threads.div_ceil(stage.workgroup.into()))
            .ok()
            .filter(|grid| *grid <= i32::MAX as u32)
            .ok_or_else(|| session.failed(format!("`{}` has too many threads: {threads}", stage.name)))?;
        let kernel = session.kernel(stage)?;
        let mut pointers: Vec<_> = bindings.iter().map(|b| b.memory.pointer() + b.offset).collect();
        let mut arguments: Vec<*mut c_void> =
            pointers.iter_mut().map(|pointer| (pointer as *mut u64).cast()).collect();
        arguments.push((&raw mut params).cast());
        let entered = session.enter()?;
        if self.launches == 0 {
            self.timing = session.start_timing(&entered);
        }
        // SAFETY: kernels have a pointer for each binding of their stage and then `Params` (cuda/include/types.cuh); bindings are
        // within buffers of this session, which reuses memory behind this launch only.
        let launch =
            || unsafe { entered.launch(kernel, grid, stage.workgroup, session.compute, &mut arguments) };
        session.with_room(&entered, launch).map_err(|error| session.refused(stage.name, error))?;
        self.launches += 1;
        Ok(())
    }

    fn copy(&mut self, from: &Raw, from_offset: u64, to: &Raw, to_offset: u64, bytes: u64) {
        if bytes > 0 {
            let outcome = self.try_copy(from, from_offset, to, to_offset, bytes);
            self.note(outcome);
        }
    }

    fn clear_range(&mut self, memory: &Raw, offset: u64, bytes: u64) {
        if bytes > 0 {
            let outcome = self.try_clear(memory, offset, bytes);
            self.note(outcome);
        }
    }

    fn submit(mut self) -> Result<()> {
        std::mem::replace(&mut self.refused, Ok(()))?;
        if self.launches == 0 {
            return self.session.check();
        }
        self.session.mark_submit()
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        add(&self.session.counters.dispatches, self.launches);
        add(&self.session.counters.submits, u64::from(self.launches > 0));
        if let (Some(start), Ok(entered)) = (self.timing.take(), self.session.enter()) {
            self.session.end_timing(&entered, start);
        }
    }
}
