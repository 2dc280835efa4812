//! The text of a pipeline's shader.

use crate::device::gpu::{Arithmetic, Source, Stage, source};
use std::fmt::Write;

/// How products are made in a shader. Elements are 8 words of 32 bits in every form.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum LimbForm {
    /// With 64-bit integers (`SHADER_INT64`).
    Int64,
    /// With 32-bit integers only: every WebGPU device.
    Int32,
}

impl LimbForm {
    /// All forms.
    pub const ALL: [Self; 2] = [Self::Int64, Self::Int32];

    /// The name that options and records use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int64 => "int64",
            Self::Int32 => "int32",
        }
    }
}

const PRELUDE: Source = source!("prelude");
const MODULUS_FR: Source = source!("generated/modulus_fr");
const MODULUS_FQ: Source = source!("generated/modulus_fq");
const FIELD_INT64: Source = source!("generated/field_int64");
const FIELD_INT32: Source = source!("generated/field_int32");
const COORDINATE_PRIME: Source = source!("coordinate_prime");
const COORDINATE_QUADRATIC: Source = source!("coordinate_quadratic");
const POINT: Source = source!("point");

/// The whole text of a stage's module: constants, prelude, arithmetic, the stage's file.
pub(crate) fn compose(stage: &Stage, form: LimbForm, constants: &[(&str, u32)]) -> String {
    let mut text = format!("const WORKGROUP: u32 = {}u;\n", stage.workgroup);
    for (name, value) in stage.constants.iter().chain(constants) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "const {name}: u32 = {value}u;");
    }
    for part in parts(stage.arithmetic, form) {
        text.push_str(part.wgsl);
    }
    text.push_str(stage.source.wgsl);
    text
}

fn parts(arithmetic: Arithmetic, form: LimbForm) -> Vec<Source> {
    let field = match form {
        LimbForm::Int64 => FIELD_INT64,
        LimbForm::Int32 => FIELD_INT32,
    };
    match arithmetic {
        Arithmetic::None => vec![PRELUDE],
        Arithmetic::Fr => vec![PRELUDE, MODULUS_FR, field],
        Arithmetic::CoordFr => vec![PRELUDE, MODULUS_FR, field, COORDINATE_PRIME],
        Arithmetic::G1 => vec![PRELUDE, MODULUS_FQ, field, COORDINATE_PRIME, POINT],
        Arithmetic::G2 => vec![PRELUDE, MODULUS_FQ, field, COORDINATE_QUADRATIC, POINT],
    }
}
