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
