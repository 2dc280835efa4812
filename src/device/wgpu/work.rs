//! Recording and submitting work.

use super::WgpuDevice;
use super::clock::Clock;
use super::context::Context;
use super::faults::Fault;
use super::memory::Raw;
use super::pipeline::{PARAMS_BYTES, Pipeline};
use super::recording::Command;
use crate::device::gpu::counters::add;
use crate::device::gpu::{Access, Binding, GpuWork, Stage};
use crate::error::Result;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Dispatches of one submit at most: as many parameter blocks fit its uniform buffer.
const MAX_DISPATCHES: u64 = 256;

/// Field products of one submit at most: half a second on a phone that does 100 million a second, where drivers stop work
/// after about two.
const MAX_PRODUCTS: u64 = 1 << 26;

/// Submits that the device may have before it: enough to keep it busy, and few enough that a deadline is about work that
/// hangs, not about work that waits.
const MAX_IN_FLIGHT: usize = 8;

/// Workgroups of one dimension that every WebGPU device allows.
const MAX_GROUPS: u64 = 65_535;

/// Commands to a device, in order. What is not submitted is forgotten.
///
/// Buffers that commands use stay out of the pool until the commands are submitted; after that the queue's order protects
/// them.
pub struct Work<'a> {
    device: &'a WgpuDevice,
    commands: Vec<Queued>,
    params: Vec<u8>,
    products: u64,
}

enum Queued {
    Dispatch {
        pipeline: Arc<Pipeline>,
        bindings: wgpu::BindGroup,
        params: u32,
        groups: [u32; 2],
        _held: Vec<Raw>,
    },
    Copy {
        from: Raw,
        from_offset: u64,
        to: Raw,
        to_offset: u64,
        bytes: u64,
    },
    Clear {
        raw: Raw,
        offset: u64,
        bytes: u64,
    },
}

impl<'a> Work<'a> {
    pub(super) fn new(device: &'a WgpuDevice) -> Self {
        Self { device, commands: Vec::new(), params: Vec::new(), products: 0 }
    }
}

impl GpuWork for Work<'_> {
    type Memory = Raw;

    fn dispatch_with(
        &mut self,
        stage: &Stage,
        constants: &[(&'static str, u32)],
        bindings: &[Binding<'_, Raw>],
        params: &[u32],
        threads: u64,
    ) -> Result<()> {
        if threads == 0 {
            return Ok(());
        }
        let context = &self.device.context;
        let limit = self.device.limits.max_binding_bytes;
        if let Some(binding) = bindings.iter().find(|binding| binding.bytes > limit) {
            return Err(context.failed(format!(
                "`{}` needs a binding of {} bytes where the adapter allows {limit}; use a smaller size or --device cpu",
                stage.name, binding.bytes
            )));
        }
        let groups = threads.div_ceil(stage.workgroup.into());
        let rows = groups.div_ceil(MAX_GROUPS);
        let groups = [groups.div_ceil(rows), rows].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let pipeline = self.device.pipelines.get(stage, constants)?;
        context.recorder.note(|| Command::Dispatch {
            entry: stage.name.into(),
            shader: pipeline.text.clone().unwrap_or_default(),
            bindings: bindings
                .iter()
                .zip(stage.bindings)
                .map(|(b, access)| (b.memory.id(), b.offset, b.bytes, *access == Access::ReadWrite))
                .collect(),
            params: params.to_vec(),
            groups,
        });
        let entries: Vec<_> = (0..).zip(bindings).filter_map(|(i, binding)| entry(i, binding)).collect();
        let bindings_group = context.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(stage.name),
            layout: &pipeline.storage,
            entries: &entries,
        });
        let start = self.params.len();
        self.params.extend_from_slice(bytemuck::cast_slice(params));
        self.params.resize(start + PARAMS_BYTES as usize, 0);
        let held = bindings.iter().map(|binding| binding.memory.clone()).collect();
        self.commands.push(Queued::Dispatch {
            pipeline,
            bindings: bindings_group,
            params: start as u32,
            groups,
            _held: held,
        });
        self.products += threads * u64::from(stage.products);
        if self.products >= MAX_PRODUCTS || self.params.len() as u64 >= MAX_DISPATCHES * PARAMS_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn copy(&mut self, from: &Raw, from_offset: u64, to: &Raw, to_offset: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.device.context.recorder.note(|| Command::Copy {
            from: from.id(),
            from_offset,
            to: to.id(),
            to_offset,
            bytes,
        });
        self.commands.push(Queued::Copy {
            from: from.clone(),
            from_offset,
            to: to.clone(),
            to_offset,
            bytes,
        });
    }

    fn clear_range(&mut self, raw: &Raw, offset: u64, bytes: u64) {
        if bytes == 0 {
            return;
        }
        self.device.context.recorder.note(|| Command::Clear { id: raw.id(), offset, bytes });
        self.commands.push(Queued::Clear { raw: raw.clone(), offset, bytes });
    }

    fn submit(mut self) -> Result<()> {
        self.flush()
    }
}

impl Work<'_> {
    fn flush(&mut self) -> Result<()> {
        let context = &self.device.context;
        context.check()?;
        if self.commands.is_empty() {
            return Ok(());
        }
        if context.faults.strikes(Fault::DeviceLost) {
            context.device.destroy();
        }
        let params = self.device.params.filled(context, &self.params);
        // Buffers must not go back to the pool, where other threads would take them, before the submit.
        let commands = std::mem::take(&mut self.commands);
        let passes = commands.chunk_by(|a, b| a.is_dispatch() && b.is_dispatch());
        let timing =
            self.device.timer.begin(context, passes.clone().filter(|pass| pass[0].is_dispatch()).count());
        let mut encoder =
            context.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: None });
        let mut timed = 0;
        for pass in passes {
            if pass[0].is_dispatch() {
                let timestamp_writes = timing.as_ref().map(|timing| timing.pass(timed));
                timed += 1;
                encode_pass(&mut encoder, pass, &params.group, timestamp_writes);
            } else {
                pass.iter().for_each(|command| command.encode(&mut encoder));
            }
        }
        if let Some(timing) = &timing {
            timing.resolve(&mut encoder);
        }
        let dispatches = commands.iter().filter(|command| command.is_dispatch()).count() as u64;
        let index = context.queue.submit([encoder.finish()]);
        if let Some(timing) = timing {
            timing.submitted(context);
        }
        self.device.params.give_back(params);
        add(&context.counters.submits, 1);
        add(&context.counters.dispatches, dispatches);
        self.params.clear();
        self.products = 0;
        context.check()?;
        self.device.queue_up(index)
    }
}

impl WgpuDevice {
    /// Waits, where callers may, until the device has not too many submits before it.
    fn queue_up(&self, index: wgpu::SubmissionIndex) -> Result<()> {
        let oldest = {
            let mut in_flight = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
            in_flight.push_back(index);
            if in_flight.len() <= MAX_IN_FLIGHT || cfg!(target_family = "wasm") {
                return Ok(());
            }
            in_flight.pop_front()
        };
        let start = Clock::now();
        loop {
            let timeout = Some(Duration::from_millis(2));
            let wait = wgpu::PollType::Wait { submission_index: oldest.clone(), timeout };
            if self.context.poll(wait).is_ok() {
                return self.context.check();
            }
            if start.elapsed() > self.context.deadline {
                return Err(self.context.hung(format!(
                    "work was not done after {} s, the deadline",
                    self.context.deadline.as_secs_f64()
                )));
            }
        }
    }
}

fn entry<'a>(binding: u32, part: &Binding<'a, Raw>) -> Option<wgpu::BindGroupEntry<'a>> {
    let buffer = part.memory.buffer()?;
    let size = wgpu::BufferSize::new(part.bytes);
    let resource = wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: part.offset, size });
    Some(wgpu::BindGroupEntry { binding, resource })
}

impl Queued {
    fn is_dispatch(&self) -> bool {
        matches!(self, Self::Dispatch { .. })
    }

    /// A copy or a clearing; dispatches need a pass.
    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        match self {
            Self::Dispatch { .. } => (),
            Self::Copy { from, from_offset, to, to_offset, bytes } => {
                if let (Some(from), Some(to)) = (from.buffer(), to.buffer()) {
                    encoder.copy_buffer_to_buffer(from, *from_offset, to, *to_offset, *bytes);
                }
            }
            Self::Clear { raw, offset, bytes } => {
                if let Some(buffer) = raw.buffer() {
                    encoder.clear_buffer(buffer, *offset, Some(*bytes));
                }
            }
        }
    }
}

fn encode_pass(
    encoder: &mut wgpu::CommandEncoder,
    dispatches: &[Queued],
    params: &wgpu::BindGroup,
    timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
) {
    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
    for command in dispatches {
        if let Queued::Dispatch { pipeline, bindings, params: offset, groups, .. } = command {
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, bindings, &[]);
            pass.set_bind_group(1, params, &[*offset]);
            pass.dispatch_workgroups(groups[0], groups[1], 1);
        }
    }
}

/// Uniform buffers for the parameters of submits. A buffer serves again at once: its new contents are written in the
/// queue's order, behind the submit that read the old ones.
pub(super) struct ParamsPool {
    layout: wgpu::BindGroupLayout,
    free: Mutex<Vec<Params>>,
}

struct Params {
    buffer: wgpu::Buffer,
    group: wgpu::BindGroup,
}

impl ParamsPool {
    pub(super) fn new(layout: wgpu::BindGroupLayout) -> Self {
        Self { layout, free: Mutex::default() }
    }

    fn filled(&self, context: &Context, words: &[u8]) -> Params {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let params = free.unwrap_or_else(|| self.create(context));
        if !words.is_empty() {
            context.queue.write_buffer(&params.buffer, 0, words);
        }
        params
    }

    fn create(&self, context: &Context) -> Params {
        let buffer = context.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("params"),
            size: MAX_DISPATCHES * PARAMS_BYTES,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let binding =
            wgpu::BufferBinding { buffer: &buffer, offset: 0, size: wgpu::BufferSize::new(PARAMS_BYTES) };
        let entries = [wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(binding) }];
        let group = context.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("params"),
            layout: &self.layout,
            entries: &entries,
        });
        Params { buffer, group }
    }

    fn give_back(&self, params: Params) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(params);
    }
}
