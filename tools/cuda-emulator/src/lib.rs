//! A CUDA driver without a GPU: `libcuda.so.1` that executes PTX on the CPU and checks every access.
//!
//! See the README for what it checks and how programs find it.

pub mod api;
mod config;
mod exec;
mod lower;
mod memory;
mod program;
mod ptx;

/// Parses and lowers a module as `cuModuleLoadData` does, and keeps nothing.
///
/// # Errors
/// What the JIT error log would get.
pub fn check(text: &str) -> Result<(), String> {
    lower::load(text).map(drop).map_err(|error| error.to_string())
}
