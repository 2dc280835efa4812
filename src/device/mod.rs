//! Devices: who owns memory and does the work.
//!
//! [`Backend`] and the capability traits [`MsmOps`], [`NttOps`], [`VectorOps`], [`LookupOps`], [`QuotientOps`] are what
//! provers are generic over. [`Device`] is the closed set of devices behind one type, for callers that choose at run time.

mod backend;
mod cpu;
pub(crate) mod cpu_lookup;
mod discovery;
mod dual;
mod facade;
mod memory;
#[cfg(feature = "wgpu")]
pub mod wgpu;

pub use backend::{
    Backend, Buffer, DeviceInfo, DeviceKind, Elem, G1, G2, Group, LookupOps, MsmOps, MsmScalars, NttOps,
    QuotientOps, VectorOps,
};
pub use cpu::{CpuBuffer, CpuDevice, CpuOptions};
pub use discovery::{AutoReport, Candidate, discover};
pub use dual::Dual;
pub use facade::{Device, PreparedBases};
pub use memory::MemoryBudget;
