//! The CUDA driver API: entry points as `cuda.h` declares them.
//!
//! Handles are numbers that are never used twice; each is looked up, so that a stale or foreign one is an error.
#![allow(clippy::missing_safety_doc, reason = "the contract is that of the CUDA driver API")]

#[macro_use]
mod entry;
mod context;
mod copy;
mod current;
mod device;
mod emulator;
mod event;
mod host;
mod launch;
mod memory;
mod module;
mod procedure;
mod queue;
mod registry;
pub mod status;
mod stream;

pub use context::*;
pub use copy::*;
pub use device::*;
pub use emulator::*;
pub use event::*;
pub use host::*;
pub use launch::*;
pub use memory::*;
pub use module::*;
pub use procedure::*;
pub use stream::*;
