//! Every shader that the backend can compile, for tests and reports that need no device.

use super::shader::{LimbForm, compose};
use super::{msm, ntt};
use crate::device::gpu::{self, Access, Arithmetic, Stage};

/// The stages of each module. Those that are given constants when they are dispatched have typical ones here.
const MODULES: &[&[&[Stage]]] = &[gpu::STAGES, &[ntt::STAGES], msm::STAGES];

/// The text of a pipeline.
#[derive(Clone, Debug)]
pub struct ShaderText {
    /// The entry point.
    pub entry: &'static str,
    /// Its file in `shaders/`, without the ending.
    pub file: &'static str,
    /// The form of products; `None` for whole numbers only, where it makes no difference.
    pub form: Option<LimbForm>,
    /// `fr`, `g1` or `g2`: what it computes with, if with elements at all.
    pub arithmetic: Option<&'static str>,
    /// Constants that tell pipelines of the same entry point apart.
    pub constants: Vec<(&'static str, u32)>,
    /// For each storage binding whether it is written.
    pub bindings: Vec<bool>,
    /// WGSL.
    pub text: String,
}

impl ShaderText {
    /// Its name in tables: `msm_pair_add g1 int32`.
    pub fn name(&self) -> String {
        let constants = self.constants.iter().map(|(name, value)| format!("{name}={value}"));
        let parts = [Some(self.entry), self.arithmetic, self.form.map(LimbForm::name)];
        parts.into_iter().flatten().map(String::from).chain(constants).collect::<Vec<_>>().join(" ")
    }
}

/// All shaders in all forms.
pub fn shaders() -> Vec<ShaderText> {
    MODULES.iter().copied().flatten().copied().flatten().flat_map(forms).collect()
}

fn forms(stage: &Stage) -> Vec<ShaderText> {
    let text = |form, named| ShaderText {
        entry: stage.name,
        file: stage.source.name,
        form: named,
        arithmetic: arithmetic(stage.arithmetic),
        constants: stage.constants.to_vec(),
        bindings: stage.bindings.iter().map(|access| *access == Access::ReadWrite).collect(),
        text: compose(stage, form, &[]),
    };
    match stage.arithmetic {
        Arithmetic::None => vec![text(LimbForm::Int32, None)],
        _ => LimbForm::ALL.into_iter().map(|form| text(form, Some(form))).collect(),
    }
}

fn arithmetic(arithmetic: Arithmetic) -> Option<&'static str> {
    match arithmetic {
        Arithmetic::None => None,
        Arithmetic::Fr | Arithmetic::CoordFr => Some("fr"),
        Arithmetic::G1 => Some("g1"),
        Arithmetic::G2 => Some("g2"),
    }
}
