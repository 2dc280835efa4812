//! The open device of wgpu, and what went wrong with it.

use super::faults::Faults;
use super::recording::Recorder;
use crate::device::gpu::counters::Counters;
use crate::error::{Error, Result};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// A device of wgpu that is never asked for more once it has failed: after an error that no call was there to receive, no
/// buffer can be trusted.
pub(super) struct Context {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) name: String,
    pub(super) deadline: Duration,
    pub(super) counters: Counters,
    pub(super) faults: Faults,
    pub(super) recorder: Recorder,
    failure: Arc<Mutex<Option<String>>>,
    polling: Mutex<()>,
}

impl Context {
    pub(super) fn new(device: wgpu::Device, queue: wgpu::Queue, name: String, deadline: Duration) -> Self {
        let failure = Arc::new(Mutex::new(None));
        let uncaptured = Arc::clone(&failure);
        // The default handler panics.
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&uncaptured, error.to_string())));
        let lost = Arc::clone(&failure);
        device.set_device_lost_callback(move |reason, message| {
            note(&lost, format!("it is lost ({reason:?}): {message}"));
        });
        let (counters, faults, recorder) = Default::default();
        Self { device, queue, name, deadline, counters, faults, recorder, failure, polling: Mutex::default() }
    }

    /// An error if the device has failed before.
    pub(super) fn check(&self) -> Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(()),
            Some(reason) => Err(self.failed(format!("{reason}; open the device anew"))),
        }
    }

    /// Takes the device out of service.
    pub(super) fn fail(&self, reason: impl Into<String>) -> Error {
        note(&self.failure, reason.into());
        match self.check() {
            Err(error) => error,
            // Not reached: a reason was noted just now.
            Ok(()) => self.failed("it was taken out of service".into()),
        }
    }

    /// Takes a device out of service whose work does not end. wgpu would wait for that work when it is dropped: it is not.
    pub(super) fn hung(&self, reason: impl Into<String>) -> Error {
        std::mem::forget((self.device.clone(), self.queue.clone()));
        self.fail(reason)
    }

    /// Lets the device make progress, and waits for it as `what` says.
    ///
    /// One caller at a time: in wgpu-core 30 two that wait may see each other's queue, and it panics. So waits are short.
    pub(super) fn poll(&self, what: wgpu::PollType) -> Result<(), wgpu::PollError> {
        let _one = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        self.device.poll(what).map(drop)
    }

    /// An error of this device.
    pub(super) fn failed(&self, reason: String) -> Error {
        Error::DeviceFailed { device: format!("wgpu ({})", self.name), reason }
    }

    /// Runs `create` and returns the errors of wgpu that it caused, if any.
    ///
    /// In a browser errors come later than the call: none is caught, and they take the device out of service then.
    pub(super) fn caught<T>(&self, create: impl FnOnce() -> T) -> (T, Option<wgpu::Error>) {
        if cfg!(target_family = "wasm") {
            return (create(), None);
        }
        let scopes =
            [wgpu::ErrorFilter::Internal, wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory]
                .map(|filter| self.device.push_error_scope(filter));
        let value = create();
        // Scopes end in the opposite order.
        let error = scopes.into_iter().rev().filter_map(|scope| now(scope.pop()).flatten()).next();
        (value, error)
    }
}

fn note(failure: &Mutex<Option<String>>, reason: String) {
    // The first failure is the cause of those after it.
    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
}

/// The value of a future that is ready.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
