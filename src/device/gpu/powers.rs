//! Small tables whose products are all factors of a transform.
//!
//! Roots and powers of a coset's shift are multiplicative in the bits of a place: f(p) = f(low bits)·f(high
//! bits). So the host makes about two times the square root of n of them.

use crate::error::Result;
use zkwatt_kernels::ntt::{Direction, Generator, NttError, NttPlan, Order};
use zkwatt_kernels::{Field, Fr};

/// Bits of a place that the first table covers: 32 KiB, as `LOW_BITS` of `shaders/ntt.wgsl`.
pub(crate) const LOW_BITS: u32 = 10;

/// Two tables, one after the other.
pub(crate) struct Powers {
    pub(crate) entries: Vec<Fr>,
    /// Length of the first.
    pub(crate) low_len: usize,
    /// How many of the two a place needs.
    pub(crate) products: u32,
}

impl Powers {
    /// What a transform multiplies coefficients with: g^j before a forward one, g^−j/n after an inverse one.
    pub(crate) fn scaling(plan: &NttPlan) -> Result<Option<Self>> {
        let (first, ratio) = match (plan.direction, plan.coset) {
            (Direction::Forward, None) => return Ok(None),
            (Direction::Forward, Some(shift)) => (Fr::ONE, shift),
            (Direction::Inverse, shift) => {
                let ratio = shift.unwrap_or(Fr::ONE).inverse_vartime().ok_or(NttError::ZeroCoset)?;
                // n is a power of two below r.
                (Fr::from(plan.n() as u64).inverse_vartime().unwrap_or(Fr::ONE), ratio)
            }
        };
        if ratio == Fr::ONE {
            return Ok(Some(Self { entries: vec![first], low_len: 1, products: 1 }));
        }
        let mut weights = squares(ratio, plan.log_n);
        // Butterflies that start in natural order end in bit-reversed order, which is where an inverse one
        // scales.
        let (from_natural, _) = ends(plan.order);
        if from_natural != (plan.direction == Direction::Forward) {
            weights.reverse();
        }
        Ok(Some(Self::of(first, &weights)))
    }

    /// ω^rev(i) for 2^(`log_n` − 1) places i, as two products each.
    pub(crate) fn roots(log_n: u32, generator: Generator) -> Self {
        // Bit k of i stands for a root of order 2^(k + 2). It exists: k + 2 ≤ log_n.
        let weight = |k| generator.root_of_unity(k + 2).unwrap_or(Fr::ONE);
        let weights: Vec<_> = (0..log_n.saturating_sub(1)).map(weight).collect();
        let mut powers = Self::of(Fr::ONE, &weights);
        if powers.products == 1 {
            powers.entries.push(Fr::ONE);
        }
        powers
    }

    /// f(p) = first·Π wₖ over the bits k of p.
    fn of(first: Fr, weights: &[Fr]) -> Self {
        let (low, high) = weights.split_at(weights.len().min(LOW_BITS as usize));
        let mut entries = bit_products(first, low);
        let low_len = entries.len();
        if high.is_empty() {
            return Self { entries, low_len, products: 1 };
        }
        entries.extend(bit_products(Fr::ONE, high));
        Self { entries, low_len, products: 2 }
    }
}

/// first·Π wₖ over the bits k of i, for each i.
fn bit_products(first: Fr, weights: &[Fr]) -> Vec<Fr> {
    let mut products = Vec::with_capacity(1 << weights.len());
    products.push(first);
    for weight in weights {
        for i in 0..products.len() {
            products.push(products[i] * *weight);
        }
    }
    products
}

/// x, x², x⁴, …
fn squares(x: Fr, count: u32) -> Vec<Fr> {
    core::iter::successors(Some(x), |x| Some(x.square())).take(count as usize).collect()
}

/// Whether input and output are in natural order.
pub(crate) fn ends(order: Order) -> (bool, bool) {
    match order {
        Order::NN => (true, true),
        Order::NR => (true, false),
        Order::RN => (false, true),
        Order::RR => (false, false),
    }
}
