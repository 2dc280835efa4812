//! Number-theoretic transforms X\[k\] = Σ_j x\[j\]·(g·ω^k)^j over F_r.

use crate::device::Device;
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;

pub use zkwatt_kernels::ntt::{Direction, Generator, MAX_LOG_N, NttPlan, Order, ntt_bit_reverse};

/// What a transform does; the default is one column, forward, natural order on both ends, no coset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NttOptions {
    /// From coefficients to values or back.
    pub direction: Direction,
    /// Order of input and output.
    pub order: Order,
    /// The shift g; `None` for g = 1.
    pub coset: Option<Fr>,
    /// Number of columns, one after the other, all of the same size.
    pub columns: usize,
    /// Whose roots of unity: those of arkworks and circom by default.
    pub generator: Generator,
}

impl Default for NttOptions {
    fn default() -> Self {
        Self {
            direction: Direction::Forward,
            order: Order::NN,
            coset: None,
            columns: 1,
            generator: Generator::Five,
        }
    }
}

/// Transforms `options.columns` columns in place.
///
/// Errors: columns that are not a power of two long, or longer than 2^28; a coset shift of zero; too little memory
/// for the twiddles (at most half of a column) or, with AVX-512 and natural order on both ends, for a column between the steps, which
/// the device keeps. The data are unchanged then.
pub fn ntt(device: &Device, data: &mut [Fr], options: &NttOptions) -> Result<()> {
    let plan = plan(data.len(), options)?;
    device.ntt_in_place(data, &plan)
}

fn plan(len: usize, options: &NttOptions) -> Result<NttPlan> {
    let columns = options.columns;
    let n = len.checked_div(columns).filter(|n| n * columns == len && n.is_power_of_two());
    let n = n.ok_or_else(|| {
        Error::invalid("data", format!("{len} elements are not {columns} column(s) of 2^k elements each"))
    })?;
    let plan = NttPlan::new(n.ilog2(), options.direction)?.order(options.order).generator(options.generator);
    Ok(match options.coset {
        Some(shift) => plan.coset(shift)?,
        None => plan,
    })
}
