//! BN254 arithmetic and the CPU form of every zkwatt kernel.
//!
//! No device, no prover, no I/O. A kernel here has the same name as its CUDA entry in `cuda/` and its WGSL entry in
//! `shaders/`. [`reference`](mod@reference) holds the obvious forms that all others are compared with.
//!
//! Functions take a [`CpuPath`] and use the current rayon pool (feature `parallel`); results are
//! bit-identical for every path and thread count.

pub mod bn254;
pub mod curve;
pub mod dispatch;
pub mod field;
#[cfg(all(target_arch = "x86_64", any(test, fuzzing)))]
#[doc(hidden)]
pub mod hostile;
pub mod lookup;
pub mod msm;
pub mod ntt;
mod pages;
pub mod parallel;
mod prefetch;
pub mod quotient;
pub mod reference;
mod scratch;
pub mod vector;

pub use curve::{G1Affine, G2Affine};
pub use dispatch::CpuPath;
pub use field::{Field, Fq, Fq2, Fr, PrimeField};
