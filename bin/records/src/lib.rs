//! Measurement records of zkwatt: what one is, and what is made of many.
//!
//! Depends on nothing of zkwatt's arithmetic, so that it builds in seconds and reads records on any machine.

pub mod compare;
pub mod device;
pub mod error;
pub mod files;
pub mod identity;
pub mod numbers;
pub mod prediction;
pub mod read;
pub mod record;
pub mod report;
pub mod statistics;
pub mod text;

pub use error::{Error, Result};
pub use read::{Collection, read};
