//! WGSL through naga, as wgpu translates it for Vulkan in release builds.

use crate::report::Error;
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{Module, ShaderStage};
use zkwatt::device::wgpu::ShaderText;

/// A shader in naga's form.
pub struct Translated {
    pub module: Module,
    pub info: ModuleInfo,
    entry: &'static str,
}

impl Translated {
    pub fn new(shader: &ShaderText) -> Result<Self, Error> {
        let failed = |message| Error::Shader { name: shader.name(), message };
        let module = naga::front::wgsl::parse_str(&shader.text)
            .map_err(|error| failed(error.emit_to_string(&shader.text)))?;
        let info = Validator::new(ValidationFlags::all(), Capabilities::SHADER_INT64)
            .validate(&module)
            .map_err(|error| failed(error.emit_to_string(&shader.text)))?;
        Ok(Self { module, info, entry: shader.entry })
    }

    pub fn spir_v(&self) -> Result<Vec<u32>, spv::Error> {
        let unchecked = BoundsCheckPolicy::Unchecked;
        let options = spv::Options {
            lang_version: (1, 3),
            bounds_check_policies: BoundsCheckPolicies {
                index: unchecked,
                buffer: unchecked,
                image_load: unchecked,
                binding_array: unchecked,
            },
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            force_loop_bounding: false,
            emit_int_div_checks: false,
            ..Default::default()
        };
        let pipeline =
            spv::PipelineOptions { shader_stage: ShaderStage::Compute, entry_point: self.entry.into() };
        spv::write_vec(&self.module, &self.info, &options, Some(&pipeline))
    }
}
