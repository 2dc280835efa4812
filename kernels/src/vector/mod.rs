//! Kernels over vectors of scalars: element-wise work, inversion, scans, folds.
//!
//! Every function uses the current pool and gives the same bits for every [`CpuPath`](crate::CpuPath) and thread
//! count: elements are fully reduced and field arithmetic is exact, so the order of additions cannot show.

mod combination;
mod division;
mod elementwise;
mod fold;
mod inverse;
#[cfg(target_arch = "x86_64")]
pub(crate) mod lanes;
mod scan;

pub use combination::linear_combination;
pub use division::divide_by_linear;
pub use elementwise::{add, add_assign, axpy, mul, mul_assign, scale, sub, sub_assign};
pub use fold::{evaluate, evaluate_many, inner_product, powers, sum};
pub use inverse::batch_inverse;
pub(crate) use inverse::invert_chunk;
pub use scan::{Scan, prefix_product, prefix_sum};

use crate::field::{Fp, FrParams};

/// Elements that one task works on: 128 KiB, so that a chunk and its scratch stay in a core's L2 cache, and one
/// inversion a chunk is a few per cent of [`batch_inverse`].
pub(crate) const CHUNK: usize = 1 << 12;

/// Independent chains of products inside a chunk; one chain alone waits for the latency of every product.
const LANES: usize = 4;

/// A scalar under the form `A`.
pub(crate) type FrOn<A> = Fp<FrParams, A>;

/// Two vectors that must be equally long are not.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{argument}` has {actual} elements where {expected} are expected")]
pub struct LengthMismatch {
    /// The argument that differs.
    pub argument: &'static str,
    /// The length that the first argument implies.
    pub expected: usize,
    /// The length it has.
    pub actual: usize,
}

impl LengthMismatch {
    /// Compares the length of `argument` with `expected`.
    pub fn check(argument: &'static str, actual: usize, expected: usize) -> Result<(), Self> {
        if actual == expected { Ok(()) } else { Err(Self { argument, expected, actual }) }
    }
}
