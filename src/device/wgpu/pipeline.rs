//! Pipelines, made once per device.

use super::cache::DiskCache;
use super::clock::Clock;
use super::context::Context;
use super::faults::Fault;
use super::shader::{LimbForm, compose};
use crate::device::gpu::counters::add;
use crate::device::gpu::{Access, Stage};
use crate::error::Result;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A stage ready to run.
pub(super) struct Pipeline {
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) storage: wgpu::BindGroupLayout,
    /// The text, where commands are recorded.
    pub(super) text: Option<String>,
}

/// What tells pipelines of one device apart.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    stage: &'static str,
    file: &'static str,
    arithmetic: crate::device::gpu::Arithmetic,
    workgroup: u32,
    constants: Vec<(&'static str, u32)>,
}

/// The pipelines of a device.
pub(super) struct Pipelines {
    context: Arc<Context>,
    form: LimbForm,
    /// The layout of group 1: the parameters of a dispatch.
    pub(super) params: wgpu::BindGroupLayout,
    made: Mutex<HashMap<Key, Arc<Pipeline>>>,
    /// The driver's own cache, where it has one.
    pub(super) cache: Option<DiskCache>,
}

/// Bytes of a dispatch's parameters.
pub(super) const PARAMS_BYTES: u64 = 256;

impl Pipelines {
    pub(super) fn new(context: Arc<Context>, form: LimbForm, cache: Option<DiskCache>) -> Self {
        let entry =
            layout_entry(0, wgpu::BufferBindingType::Uniform, true, wgpu::BufferSize::new(PARAMS_BYTES));
        let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some("params"), entries: &[entry] };
        let params = context.device.create_bind_group_layout(&descriptor);
        Self { context, form, params, made: Mutex::default(), cache }
    }

    /// The pipeline of a stage with these further constants.
    pub(super) fn get(&self, stage: &Stage, constants: &[(&'static str, u32)]) -> Result<Arc<Pipeline>> {
        let key = Key {
            stage: stage.name,
            file: stage.source.name,
            arithmetic: stage.arithmetic,
            workgroup: stage.workgroup,
            constants: constants.to_vec(),
        };
        // Held while a pipeline is made: callers at the same time mostly want the same one.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pipeline) = made.get(&key) {
            return Ok(Arc::clone(pipeline));
        }
        let start = Clock::now();
        let pipeline = Arc::new(self.make(stage, constants)?);
        add(&self.context.counters.pipelines, 1);
        add(&self.context.counters.pipeline_ns, start.elapsed().as_nanos() as u64);
        made.insert(key, Arc::clone(&pipeline));
        Ok(pipeline)
    }

    fn make(&self, stage: &Stage, constants: &[(&'static str, u32)]) -> Result<Pipeline> {
        let mut text = compose(stage, self.form, constants);
        if self.context.faults.strikes(Fault::Shader) {
            text.push_str("\nfn injected() -> u32 { return 1.0; }\n");
        }
        let device = &self.context.device;
        let (pipeline, error) = self.context.caught(|| {
            let source = wgpu::ShaderSource::Wgsl(text.as_str().into());
            let descriptor = wgpu::ShaderModuleDescriptor { label: Some(stage.name), source };
            // SAFETY: the shaders are the crate's own. They end, their indices stay within bindings for the lengths
            // that the host passes, and divisors are not zero; debug builds and tests run them with all checks.
            let module = unsafe { device.create_shader_module_trusted(descriptor, runtime_checks()) };
            let entries: Vec<_> =
                (0..).zip(stage.bindings).map(|(i, access)| storage_entry(i, *access)).collect();
            let descriptor = wgpu::BindGroupLayoutDescriptor { label: Some(stage.name), entries: &entries };
            let storage = device.create_bind_group_layout(&descriptor);
            let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(stage.name),
                bind_group_layouts: &[Some(&storage), Some(&self.params)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(stage.name),
                layout: Some(&layout),
                module: &module,
                entry_point: Some(stage.name),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Every stage writes what it reads of its workgroup's memory.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: self.cache.as_ref().map(|kept| &kept.cache),
            });
            (pipeline, storage)
        });
        self.context.check()?;
        match error {
            None => Ok(Pipeline { pipeline: pipeline.0, storage: pipeline.1, text: self.context.recorder.on().then_some(text) }),
            Some(error) => Err(self.context.failed(format!(
                "its driver or wgpu refused the shader `{}` ({} form): {error}; use another adapter or --device cpu",
                stage.name,
                self.form.name()
            ))),
        }
    }
}

fn runtime_checks() -> wgpu::ShaderRuntimeChecks {
    if cfg!(debug_assertions) {
        wgpu::ShaderRuntimeChecks::checked()
    } else {
        wgpu::ShaderRuntimeChecks::unchecked()
    }
}

fn storage_entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    let read_only = access == Access::Read;
    layout_entry(binding, wgpu::BufferBindingType::Storage { read_only }, false, None)
}

fn layout_entry(
    binding: u32,
    ty: wgpu::BufferBindingType,
    has_dynamic_offset: bool,
    min_binding_size: Option<wgpu::BufferSize>,
) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size },
        count: None,
    }
}
