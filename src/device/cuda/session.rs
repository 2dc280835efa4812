//! A context with all that lives in it.

use super::driver::{Context, Driver, DriverError, Entered, Event, Stream};
use super::kernels::Kernels;
use super::memory::Free;
use super::staging::Staging;
use super::wait::Progress;
use crate::device::MemoryBudget;
use crate::device::gpu::counters::{Counters, add};
use crate::error::{Error, Result};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A context, its streams, memory and kernels, used until the first fault that the driver does not recover from: all
/// calls fail after one. Buffers hold their session, so that nothing outlives its context.
pub(super) struct Session {
    pub(super) name: String,
    driver: &'static Driver,
    pub(super) context: Context,
    /// All work but uploads that run ahead.
    pub(super) compute: Stream,
    /// Uploads that run ahead of the work that waits for them.
    pub(super) uploads: Stream,
    pub(super) kernels: Kernels,
    pub(super) free: Mutex<Free>,
    pub(super) in_use: AtomicU64,
    pub(super) budget: MemoryBudget,
    pub(super) poison: bool,
    pub(super) staging: Staging,
    pub(super) counters: Arc<Counters>,
    timings: Option<Mutex<Vec<(Event, Event)>>>,
    pub(super) deadline: Duration,
    pub(super) progress: Progress,
    failure: Mutex<Option<String>>,
}

/// How a session works.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) memory_budget: Option<u64>,
    pub(super) deadline: Duration,
    pub(super) timestamps: bool,
    pub(super) poison: bool,
}

/// Share of the free memory that is left to the driver, which needs some for modules and stacks.
const LEFT_TO_DRIVER: u64 = 16;

impl Session {
    pub(super) fn new(
        driver: &'static Driver,
        context: Context,
        settings: &Settings,
        counters: Arc<Counters>,
    ) -> Result<Self, DriverError> {
        let (compute, uploads, free) = {
            let entered = context.enter()?;
            (entered.stream()?, entered.stream()?, entered.memory()?.0)
        };
        let budget = MemoryBudget::bytes(settings.memory_budget.unwrap_or(free - free / LEFT_TO_DRIVER));
        Ok(Self {
            name: settings.name.clone(),
            driver,
            context,
            compute,
            uploads,
            kernels: Kernels::default(),
            free: Mutex::default(),
            in_use: AtomicU64::new(0),
            budget,
            poison: settings.poison,
            staging: Staging::default(),
            counters,
            timings: settings.timestamps.then(Mutex::default),
            deadline: settings.deadline,
            progress: Progress::default(),
            failure: Mutex::default(),
        })
    }

    /// Makes the context current. Errors: it has failed before.
    pub(super) fn enter(&self) -> Result<Entered<'_>> {
        self.check()?;
        self.context.enter().map_err(|error| self.refused("cuCtxPushCurrent", error))
    }

    /// An error if the session has failed before.
    pub(super) fn check(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(reason) => Err(self.failed(format!("{reason}; {LOST}"))),
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Ends the session. The first reason is the cause of those after it.
    pub(super) fn fail(&self, reason: &str) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.into());
    }

    /// The error for a call that the driver refused; a sticky one ends the session.
    pub(super) fn refused(&self, call: &str, error: DriverError) -> Error {
        if error == DriverError(DriverError::OUT_OF_MEMORY) {
            // The driver does not say how much it wants.
            return Error::OutOfMemory { what: OF_DRIVER, requested: 0, available: 0 };
        }
        let report = self.driver.report().map_or(String::new(), |report| format!("\n{report}"));
        let reason = format!("{call}: {error}{report}");
        if error.is_sticky() {
            self.fail(&reason);
        }
        self.failed(reason)
    }

    /// An error of this device.
    pub(super) fn failed(&self, reason: String) -> Error {
        Error::DeviceFailed { device: format!("cuda ({})", self.name), reason }
    }

    /// The start of a timed stretch of `compute`; `None` where nobody asked for times.
    pub(super) fn start_timing(&self, entered: &Entered<'_>) -> Option<Event> {
        self.timings.as_ref()?;
        self.time(entered)
    }

    /// The end of it.
    pub(super) fn end_timing(&self, entered: &Entered<'_>, start: Event) {
        let Some(timings) = &self.timings else { return };
        let Some(end) = self.time(entered) else {
            // SAFETY: nobody else has it.
            let _ = unsafe { entered.destroy_event(start) };
            return;
        };
        timings.lock().unwrap_or_else(PoisonError::into_inner).push((start, end));
        self.collect_timings(entered, COLLECTED);
    }

    /// An event that takes the time when `compute` passes it.
    fn time(&self, entered: &Entered<'_>) -> Option<Event> {
        let event = entered.timed_event().ok()?;
        if entered.record(event, self.compute).is_ok() {
            return Some(event);
        }
        // SAFETY: nobody else has it.
        let _ = unsafe { entered.destroy_event(event) };
        None
    }

    /// Adds the times of what is done to the counters, where there are more than `kept` stretches.
    pub(super) fn collect_timings(&self, entered: &Entered<'_>, kept: usize) {
        let Some(timings) = &self.timings else { return };
        let mut timings = timings.lock().unwrap_or_else(PoisonError::into_inner);
        if timings.len() <= kept {
            return;
        }
        timings.retain(|(start, end)| {
            if entered.is_done(*end) != Ok(true) {
                return true;
            }
            add(&self.counters.compute_ns, entered.elapsed_ns(*start, *end).unwrap_or(0));
            for event in [*start, *end] {
                // SAFETY: both events are done and leave the list.
                let _ = unsafe { entered.destroy_event(event) };
            }
            false
        });
    }
}

const OF_DRIVER: &str = "what the driver takes for itself (modules, launches, events)";

const LOST: &str = "what was on the device is lost: upload it anew; its memory is free again when all buffers and bases \
    from before are dropped";

impl Drop for Session {
    fn drop(&mut self) {
        let Ok(entered) = self.context.enter() else { return };
        // All goes with a context of ours. In somebody else's what is here is given back, unless the device may still use it.
        if !self.context.is_owned() {
            if !self.comes_to_rest(&entered) {
                return;
            }
            std::mem::take(&mut self.kernels).unload(&entered);
            std::mem::take(&mut self.progress).release(&entered);
        }
        self.collect_timings(&entered, 0);
        std::mem::take(self.free.get_mut().unwrap_or_else(PoisonError::into_inner)).release(&entered);
        std::mem::take(&mut self.staging).release(&entered);
        for stream in [self.compute, self.uploads] {
            // SAFETY: nobody else has the session any more. The driver finishes what is in the stream.
            let _ = unsafe { entered.destroy_stream(stream) };
        }
    }
}

/// Timed stretches that wait to be collected.
const COLLECTED: usize = 256;
