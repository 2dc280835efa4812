//! Devices: who owns memory and does the work.
//!
//! [`Backend`] and the capability traits [`MsmOps`], [`NttOps`], [`VectorOps`], [`LookupOps`], [`QuotientOps`] are what
//! provers are generic over. [`Device`] is the closed set of devices behind one type, for callers that choose at run time.

mod backend;
mod costs;
mod counters;
mod cpu;
pub(crate) mod cpu_lookup;
#[cfg(feature = "cuda")]
pub mod cuda;
mod discovery;
mod dual;
#[macro_use]
mod facade;
mod any;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod gpu;
mod hybrid;
#[cfg(feature = "icicle")]
pub mod icicle;
mod memory;
mod trial;
pub mod tuning;
#[cfg(feature = "wgpu")]
pub mod wgpu;

pub use any::{DeviceBuffer, PreparedBases};
pub use backend::{
    AllOps, Backend, Buffer, DeviceInfo, DeviceKind, Elem, G1, G2, Group, LookupOps, MsmOps, MsmScalars,
    NttOps, QuotientOps, VectorOps,
};
pub use costs::{CostLine, Costs, Operation, Side};
pub use counters::DeviceCounters;
pub use cpu::{CpuBuffer, CpuDevice, CpuOptions};
pub use discovery::{AutoReport, Candidate, discover};
pub use dual::Dual;
pub use facade::Device;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "icicle"))]
pub(crate) use facade::in_place;
pub use hybrid::{Hybrid, HybridBases, HybridBuffer};
pub use memory::MemoryBudget;
pub use trial::check_kernels;
