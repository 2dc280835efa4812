//! The public operations on host data: validate, plan, dispatch.
//!
//! Whoever keeps data on a device uses the traits of [`device`](crate::device) instead.

pub mod lookup;
pub mod msm;
pub mod ntt;
pub mod vector;
