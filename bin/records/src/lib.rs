//! Measurement records of zkwatt: what one is, and what is made of many.
//!
//! Depends on nothing of zkwatt's arithmetic, so that it builds in seconds and reads records on any machine.

pub mod record;
pub mod statistics;
