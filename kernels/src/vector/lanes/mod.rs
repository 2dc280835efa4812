//! Vector kernels on eight lanes.
//!
//! What lies in memory is a·2^256, of which the lanes make a·b·2^252 in a product. A constant factor is held as a·2^260
//! instead, and of two vectors one is loaded as 16 times itself. Ends of less than eight elements are padded.

mod inverse;

pub(crate) use inverse::{MIN_LEN, Scratch, invert, invert_shifted};

use crate::field::FrParams;
use crate::field::ifma::Lanes;

/// Eight scalars.
type FrLanes = Lanes<FrParams>;
