//! Whole operations against arkworks, the independent judge, and against the defining properties of lookups.

mod lookup;
mod msm;
mod ntt;
mod quotient;
mod reuse;
mod vector;

pub use lookup::*;
pub use msm::*;
pub use ntt::*;
pub use quotient::*;
pub use reuse::*;
pub use vector::*;
