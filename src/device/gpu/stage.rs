//! Stages: entry points of shaders, with all that is fixed when a pipeline is made.

/// A file of stages.
#[derive(Copy, Clone, Debug)]
pub struct Source {
    /// Its name, for messages.
    pub name: &'static str,
    /// WGSL without the parts that `wgpu::shader::compose` puts before it.
    #[cfg(feature = "wgpu")]
    pub wgsl: &'static str,
}

/// `shaders/NAME.wgsl`, which is `cuda/NAME.cu` in CUDA.
macro_rules! source {
    ($name:literal) => {
        $crate::device::gpu::Source {
            name: $name,
            #[cfg(feature = "wgpu")]
            wgsl: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl")),
        }
    };
}
pub(crate) use source;

/// What a stage computes with.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Arithmetic {
    /// Whole numbers only.
    None,
    /// `Fe` of F_r.
    Fr,
    /// `Fe` and `Coord` of F_r.
    CoordFr,
    /// `Fe` and `Coord` of F_q, and points of G1.
    G1,
    /// `Fe` of F_q, `Coord` of F_q², and points of G2.
    G2,
}

/// How a stage uses a binding.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// `var<storage, read>`
    Read,
    /// `var<storage, read_write>`
    ReadWrite,
}

/// An entry point.
#[derive(Copy, Clone, Debug)]
pub struct Stage {
    /// Name of the entry point.
    pub name: &'static str,
    /// Its file.
    pub source: Source,
    /// What it computes with.
    pub arithmetic: Arithmetic,
    /// Storage bindings 0, 1, … of group 0.
    pub bindings: &'static [Access],
    /// Invocations of a workgroup.
    pub workgroup: u32,
    /// Estimated field products of an invocation, for cutting work into submits.
    pub products: u32,
    /// Constants beside `WORKGROUP`.
    pub constants: &'static [(&'static str, u32)],
}

impl Stage {
    /// Entry point `name` of `source`: whole numbers, no bindings, workgroups of 64.
    pub(crate) const fn new(name: &'static str, source: Source) -> Self {
        let (arithmetic, bindings, constants) = (Arithmetic::None, &[], &[]);
        Self { name, source, arithmetic, bindings, workgroup: 64, products: 1, constants }
    }

    /// The same with other arithmetic.
    pub(crate) const fn over(self, arithmetic: Arithmetic) -> Self {
        Self { arithmetic, ..self }
    }

    /// The same with these storage bindings.
    pub(crate) const fn bind(self, bindings: &'static [Access]) -> Self {
        Self { bindings, ..self }
    }

    /// The same with workgroups of another size.
    pub(crate) const fn workgroup(self, workgroup: u32) -> Self {
        Self { workgroup, ..self }
    }

    /// The same with an estimate of the products that each invocation does.
    pub(crate) const fn products(self, products: u32) -> Self {
        Self { products, ..self }
    }

    /// The same with constants.
    pub(crate) const fn constants(self, constants: &'static [(&'static str, u32)]) -> Self {
        Self { constants, ..self }
    }
}
