//! Time by the device's clock.

use super::context::Context;
use crate::device::gpu::counters::add;
use std::sync::Arc;

/// Whether and how dispatches are timed.
pub(super) struct Timer {
    /// Nanoseconds of a tick; `None` without timestamps.
    tick_ns: Option<f32>,
}

/// The timestamps of one submit.
pub(super) struct Timing {
    queries: wgpu::QuerySet,
    passes: u32,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    tick_ns: f32,
}

impl Timer {
    pub(super) fn new(tick_ns: Option<f32>) -> Self {
        Self { tick_ns }
    }

    /// Timestamps for a submit of this many passes.
    pub(super) fn begin(&self, context: &Context, passes: usize) -> Option<Timing> {
        let tick_ns = self.tick_ns?;
        let passes = u32::try_from(passes).ok().filter(|n| (1..=MAX_PASSES).contains(n))?;
        let descriptor =
            wgpu::QuerySetDescriptor { label: None, ty: wgpu::QueryType::Timestamp, count: 2 * passes };
        let queries = context.device.create_query_set(&descriptor);
        let buffer = |usage| {
            let size = u64::from(passes) * 16;
            let descriptor = wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false };
            context.device.create_buffer(&descriptor)
        };
        let resolved = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        Some(Timing { queries, passes, resolved, staging, tick_ns })
    }
}

/// Query sets have 4,096 entries at most.
const MAX_PASSES: u32 = 2048;

impl Timing {
    pub(super) fn pass(&self, index: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(2 * index),
            end_of_pass_write_index: Some(2 * index + 1),
        }
    }

    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2 * self.passes, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, self.resolved.size());
    }

    /// Adds the time to the counters once the submit is done and somebody waits for the device.
    pub(super) fn submitted(self, context: &Arc<Context>) {
        let (staging, context) = (self.staging.clone(), Arc::downgrade(context));
        self.staging.map_async(wgpu::MapMode::Read, .., move |outcome| {
            let (Ok(()), Some(context)) = (outcome, context.upgrade()) else { return };
            let Ok(view) = staging.get_mapped_range(..) else { return };
            let ticks: &[[u64; 2]] = bytemuck::cast_slice(&view);
            let total: u64 = ticks.iter().map(|[start, end]| end.saturating_sub(*start)).sum();
            add(&context.counters.compute_ns, (total as f64 * f64::from(self.tick_ns)) as u64);
        });
    }
}
