//! Zero-knowledge proving kernels over BN254 on CPUs and GPUs, and provers for neural networks over them.

#[cfg(any(feature = "groth16", feature = "halo2"))]
mod container;
#[macro_use]
pub mod device;
pub mod error;
pub mod files;
#[cfg(feature = "groth16")]
pub mod groth16;
#[cfg(feature = "halo2")]
pub mod halo2;
#[cfg(any(feature = "groth16", feature = "halo2"))]
mod iden3;
pub mod interop;
pub mod mlp;
pub mod ops;
#[cfg(any(feature = "groth16", feature = "halo2"))]
mod ptau;
#[cfg(any(feature = "groth16", feature = "halo2"))]
mod source;

/// Compiles and runs the examples of the README.
#[cfg(all(doctest, feature = "groth16", feature = "onnx"))]
#[doc = include_str!("../README.md")]
struct Readme;

pub use error::{Error, ErrorKind, Result};
pub use zkwatt_kernels as kernels;
