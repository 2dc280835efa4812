//! Marks in streams, and waiting for them.

use super::driver::{Entered, Event, Stream};
use super::session::Session;
use crate::device::gpu::counters::add;
use crate::error::Result;
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How far the device has got, so that whoever waits behind the work of others does not take it for hung.
#[derive(Default)]
pub(super) struct Progress {
    submits: Mutex<Submits>,
    /// Marks that have been seen to be passed.
    passed: AtomicU64,
}

#[derive(Default)]
struct Submits {
    /// Marks behind submits, oldest first.
    pending: VecDeque<Event>,
    /// Events for later marks.
    idle: Vec<Event>,
}

/// Submits that may be in the stream. Whoever submits more waits for the oldest.
const IN_FLIGHT: usize = 256;

const SPIN: Duration = Duration::from_micros(200);
const SLEEP: Duration = Duration::from_micros(50);

/// An event that lives as long as this.
pub(super) struct Mark<'a> {
    session: &'a Session,
    pub(super) event: Event,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        if let Ok(entered) = self.session.context.enter() {
            // SAFETY: the driver keeps what waits for the event.
            let _ = unsafe { entered.destroy_event(self.event) };
        }
    }
}

impl Progress {
    fn submits(&self) -> MutexGuard<'_, Submits> {
        self.submits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks that have been passed so far.
    fn sweep(&self, entered: &Entered<'_>) -> u64 {
        let mut submits = self.submits();
        while let Some(oldest) = submits.pending.front().copied()
            && entered.is_done(oldest) == Ok(true)
        {
            submits.pending.pop_front();
            submits.idle.push(oldest);
            self.passed.fetch_add(1, Ordering::Relaxed);
        }
        self.passed.load(Ordering::Relaxed)
    }

    /// Destroys all marks.
    pub(super) fn release(self, entered: &Entered<'_>) {
        let Submits { pending, idle } = self.submits.into_inner().unwrap_or_else(PoisonError::into_inner);
        for event in pending.into_iter().chain(idle) {
            // SAFETY: nobody else has it.
            let _ = unsafe { entered.destroy_event(event) };
        }
    }
}

impl Session {
    /// A mark behind all work that `stream` has now.
    pub(super) fn mark(&self, entered: &Entered<'_>, stream: Stream) -> Result<Mark<'_>> {
        let event = entered.event().map_err(|error| self.refused("cuEventCreate", error))?;
        let mark = Mark { session: self, event };
        entered.record(event, stream).map_err(|error| self.refused("cuEventRecord", error))?;
        Ok(mark)
    }

    /// Lets what `stream` gets from now on begin only after `event`.
    pub(super) fn stream_wait(&self, stream: Stream, event: Event) -> Result<()> {
        let entered = self.enter()?;
        entered.stream_wait(stream, event).map_err(|error| self.refused("cuStreamWaitEvent", error))
    }

    /// Notes that work has been given to `compute`.
    pub(super) fn mark_submit(self: &Arc<Self>) -> Result<()> {
        let entered = self.enter()?;
        self.progress.sweep(&entered);
        let mut submits = self.progress.submits();
        if submits.pending.len() >= IN_FLIGHT
            && let Some(oldest) = submits.pending.pop_front()
        {
            drop(submits);
            let passed = self.wait(&entered, oldest);
            submits = self.progress.submits();
            submits.idle.push(oldest);
            passed?;
        }
        let event = match submits.idle.pop() {
            Some(event) => event,
            None => entered.event().map_err(|error| self.refused("cuEventCreate", error))?,
        };
        let recorded = entered.record(event, self.compute);
        // One that is not recorded counts as passed.
        submits.pending.push_back(event);
        recorded.map_err(|error| self.refused("cuEventRecord", error))
    }

    /// Waits until all that `compute` has now is done.
    pub(super) fn finish(self: &Arc<Self>) -> Result<()> {
        let entered = self.enter()?;
        let mark = self.mark(&entered, self.compute)?;
        self.wait(&entered, mark.event)
    }

    /// Waits for an event, or until the deadline; then the session has failed, and its context is never destroyed,
    /// because that would wait too.
    pub(super) fn wait(self: &Arc<Self>, entered: &Entered<'_>, event: Event) -> Result<()> {
        let start = Instant::now();
        if !self.passes(entered, event)? {
            let reason = format!("nothing was done for {} s, the deadline", self.deadline.as_secs_f64());
            self.fail(&reason);
            let _never_dropped = ManuallyDrop::new(Arc::clone(self));
            return Err(self.failed(reason));
        }
        add(&self.counters.wait_ns, start.elapsed().as_nanos() as u64);
        Ok(())
    }

    /// Whether nothing is running in the session's streams; waits until then, or for the deadline.
    pub(super) fn comes_to_rest(&self, entered: &Entered<'_>) -> bool {
        [self.compute, self.uploads].into_iter().all(|stream| {
            let Ok(event) = entered.event() else { return false };
            let rests = entered.record(event, stream).is_ok() && self.passes(entered, event).unwrap_or(false);
            // SAFETY: nobody else has it.
            let _ = unsafe { entered.destroy_event(event) };
            rests
        })
    }

    /// Waits for an event, or until the device has passed no mark for as long as the deadline: whether it is the former.
    fn passes(&self, entered: &Entered<'_>, event: Event) -> Result<bool> {
        let start = Instant::now();
        let (mut since, mut passed) = (start, self.progress.sweep(entered));
        loop {
            match entered.is_done(event) {
                Ok(true) => break,
                Ok(false) => (),
                Err(error) => return Err(self.refused("cuEventQuery", error)),
            }
            if since.elapsed() > self.deadline {
                let now = self.progress.sweep(entered);
                if now == passed {
                    return Ok(false);
                }
                (since, passed) = (Instant::now(), now);
            }
            // Short waits are frequent and latency counts; long ones leave the core to others.
            if start.elapsed() < SPIN { std::thread::yield_now() } else { std::thread::sleep(SLEEP) }
        }
        self.progress.passed.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }
}
