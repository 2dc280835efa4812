//! Translation to what drivers read: SPIR-V, MSL and HLSL.

use crate::{Checked, checked};
use naga::ShaderStage;
use naga::back::{hlsl, msl, spv};

/// The first version with 64-bit integers.
const METAL: (u8, u8) = (2, 3);
const SHADER_MODEL: hlsl::ShaderModel = hlsl::ShaderModel::V6_0;

#[test]
fn every_shader_translates_to_spir_v() {
    for shader in checked() {
        let options = spv::Options { lang_version: (1, 3), ..Default::default() };
        let pipeline = spv::PipelineOptions {
            shader_stage: ShaderStage::Compute,
            entry_point: shader.shader.entry.into(),
        };
        let words = spv::write_vec(&shader.module, &shader.info, &options, Some(&pipeline));
        assert!(!done(shader, "SPIR-V", words).is_empty());
    }
}

#[test]
fn every_shader_translates_to_msl() {
    for shader in checked() {
        let options = msl::Options { lang_version: METAL, ..Default::default() };
        let entry_point = Some((ShaderStage::Compute, shader.shader.entry.into()));
        let pipeline = msl::PipelineOptions { entry_point, ..Default::default() };
        let (text, info) =
            done(shader, "MSL", msl::write_string(&shader.module, &shader.info, &options, &pipeline));
        let names = info.entry_point_names.iter().map(|name| done(shader, "MSL", name.as_ref()));
        assert_eq!(names.filter(|name| text.contains(name.as_str())).count(), 1, "{}", shader.shader.name());
    }
}

#[test]
fn every_shader_translates_to_hlsl() {
    for shader in checked() {
        let options = hlsl::Options { shader_model: SHADER_MODEL, ..Default::default() };
        let entry_point = Some((ShaderStage::Compute, shader.shader.entry.into()));
        let pipeline = hlsl::PipelineOptions { entry_point };
        let mut text = String::new();
        let mut writer = hlsl::Writer::new(&mut text, &options, &pipeline);
        done(shader, "HLSL", writer.write(&shader.module, &shader.info, None));
        assert!(text.contains("[numthreads("), "{}", shader.shader.name());
    }
}

fn done<T, E: std::fmt::Debug>(shader: &Checked, language: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        panic!("{} does not translate to {language}: {error:?}", shader.shader.name())
    })
}
