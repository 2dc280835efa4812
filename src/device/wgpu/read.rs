//! Downloads, and waiting for them.

use super::WgpuDevice;
use super::clock::Clock;
use super::context::Context;
use super::faults::Fault;
use super::memory::Raw;
use super::recording::{Command, hex};
use crate::device::Elem;
use crate::device::gpu::counters::add;
use crate::error::{Error, Result};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

impl WgpuDevice {
    /// `count` elements from byte `offset` on, once earlier work is done.
    pub(super) async fn read_elements<T: Elem>(
        &self,
        raw: &Raw,
        offset: u64,
        count: usize,
    ) -> Result<Vec<T>> {
        let wanted = count * size_of::<T>();
        let start = offset % 4;
        let bytes = (start + wanted as u64).next_multiple_of(4);
        if count == 0 {
            return Ok(Vec::new());
        }
        let read = self.read_bytes(raw, offset - start, bytes)?.await?;
        let read = &read[start as usize..start as usize + wanted];
        Ok(crate::device::gpu::elements(read))
    }

    fn read_bytes(&self, raw: &Raw, offset: u64, bytes: u64) -> Result<Download> {
        let context = &self.context;
        context.check()?;
        let descriptor = wgpu::BufferDescriptor {
            label: Some("download"),
            size: bytes,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        };
        let (staging, error) = context.caught(|| context.device.create_buffer(&descriptor));
        if let Some(error) = error {
            return Err(match error {
                wgpu::Error::OutOfMemory { .. } => {
                    Error::OutOfMemory { what: "download", requested: bytes, available: 0 }
                }
                other => context.failed(format!("it made no buffer for a download: {other}")),
            });
        }
        let mut encoder =
            context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
        if let Some(buffer) = raw.buffer() {
            encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, bytes);
        }
        if context.faults.strikes(Fault::DeviceLost) {
            context.device.destroy();
        }
        context.queue.submit([encoder.finish()]);
        context.check()?;
        add(&context.counters.downloaded_bytes, bytes);
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let hangs = context.faults.strikes(Fault::Hang);
        if !hangs {
            let outcome = Arc::clone(&outcome);
            staging.map_async(wgpu::MapMode::Read, .., move |result| {
                let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
                outcome.result = Some(result.is_ok());
                if let Some(waker) = outcome.waker.take() {
                    waker.wake();
                }
            });
        }
        let place = (raw.id(), offset);
        Ok(Download { context: Arc::clone(context), staging, outcome, since: Clock::now(), place })
    }

    /// The value of a future of this device.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = Result<T>>) -> Result<T> {
        #[cfg(target_family = "wasm")]
        {
            let _ = future;
            return Err(Error::Unsupported {
                what: "waiting for a device".into(),
                reason: "a browser may not block; use the asynchronous form".into(),
            });
        }
        #[cfg(not(target_family = "wasm"))]
        {
            let mut future = pin!(future);
            let mut waker = std::task::Context::from_waker(Waker::noop());
            loop {
                if let Poll::Ready(value) = future.as_mut().poll(&mut waker) {
                    return value;
                }
                // Returns when the device is done, also with what others submit, or else soon: the future looks after
                // its own end and its deadline.
                let timeout = Some(std::time::Duration::from_millis(2));
                let outcome = self.context.poll(wgpu::PollType::Wait { submission_index: None, timeout });
                if outcome.is_ok() {
                    // Callbacks have run, so only a download that never ends comes here again.
                    std::thread::yield_now();
                }
            }
        }
    }
}

#[derive(Default)]
struct Outcome {
    result: Option<bool>,
    waker: Option<Waker>,
}

/// Bytes on their way to the host.
struct Download {
    context: Arc<Context>,
    staging: wgpu::Buffer,
    outcome: Arc<Mutex<Outcome>>,
    since: Clock,
    /// Buffer and offset, for recordings.
    place: (u64, u64),
}

impl Future for Download {
    type Output = Result<Vec<u8>>;

    fn poll(self: Pin<&mut Self>, waker: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        // In a browser the event loop does this.
        #[cfg(not(target_family = "wasm"))]
        let _ = self.context.poll(wgpu::PollType::Poll);
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(done) = outcome.result else {
            if let Err(error) = self.context.check() {
                return Poll::Ready(Err(error));
            }
            if self.since.elapsed() > self.context.deadline {
                return Poll::Ready(Err(self.context.hung(format!(
                    "work was not done after {} s, the deadline",
                    self.context.deadline.as_secs_f64()
                ))));
            }
            outcome.waker = Some(waker.waker().clone());
            #[cfg(not(target_family = "wasm"))]
            waker.waker().wake_by_ref();
            return Poll::Pending;
        };
        drop(outcome);
        add(&self.context.counters.wait_ns, self.since.elapsed().as_nanos() as u64);
        Poll::Ready(self.bytes(done))
    }
}

impl Download {
    fn bytes(&self, mapped: bool) -> Result<Vec<u8>> {
        self.context.check()?;
        let failed = || self.context.failed("a download could not be mapped".into());
        if !mapped {
            return Err(failed());
        }
        let start = Clock::now();
        let bytes = self.staging.get_mapped_range(..).map_err(|_| failed())?.to_vec();
        add(&self.context.counters.transfer_ns, start.elapsed().as_nanos() as u64);
        self.context.recorder.note(|| Command::Expect {
            id: self.place.0,
            offset: self.place.1,
            data: hex(&bytes),
        });
        Ok(bytes)
    }
}

/// The value of a future that needs no device to go on.
#[cfg(not(target_family = "wasm"))]
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut waker = std::task::Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut waker) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}
