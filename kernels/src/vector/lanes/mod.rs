//! Vector kernels on eight lanes.
//!
//! What lies in memory is a·2^256, of which the lanes make a·b·2^252 in a product. A constant factor is held as a·2^260
//! instead, and of two vectors one is loaded as 16 times itself. Ends of less than eight elements are padded.
#![allow(clippy::needless_range_loop)] // iterators over vectors are not inlined

mod combination;
mod elementwise;
mod fold;
mod inverse;
mod scan;

pub(crate) use combination::{Factor, TWICE_P, combine};
pub(crate) use elementwise::{axpy, mul, mul_assign, scale};
pub(crate) use fold::{Evaluation, Powers, evaluate, evaluate_segments, inner_product, powers};
pub(crate) use inverse::{MIN_LEN, Scratch, invert, invert_shifted};
pub(crate) use scan::{CHUNK as SCAN_CHUNK, SEGMENTS, divide, products, scan_products};

use crate::field::ifma::{Lanes, to_limbs};
use crate::field::{Fr, FrParams};

/// Eight scalars.
type FrLanes = Lanes<FrParams>;

/// The limbs by which lanes multiply with a.
fn factor(a: Fr) -> [u64; 5] {
    to_limbs((a * Fr::from(16u64)).to_montgomery())
}
