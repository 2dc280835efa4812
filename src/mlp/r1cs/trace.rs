//! The values of an assignment, written in the order in which the circuit allocates its variables.

use crate::groth16::r1cs::wipe;
use crate::kernels::{Field, Fr};

/// Values so far, and quotients that wait for one common inversion.
pub(super) struct Trace {
    values: Vec<Fr>,
    /// (index, numerator, denominator)
    quotients: Vec<(usize, Fr, Fr)>,
}

impl Trace {
    pub(super) fn new(len: usize) -> Self {
        // The full length at once: growing would leave copies of secrets behind.
        Self { values: Vec::with_capacity(len), quotients: Vec::new() }
    }

    pub(super) fn push(&mut self, value: Fr) {
        self.values.push(value);
    }

    /// A place to be [`Trace::set`] later.
    pub(super) fn reserve(&mut self) -> usize {
        self.values.push(Fr::ZERO);
        self.values.len() - 1
    }

    pub(super) fn set(&mut self, index: usize, value: Fr) {
        self.values[index] = value;
    }

    /// The lowest `count` bits of `value`.
    pub(super) fn push_bits(&mut self, value: u64, count: u32) {
        self.values.extend((0..count).map(|i| Fr::from(value >> i & 1 == 1)));
    }

    /// As `range::ranged` allocates: the value, and all its bits but the top one.
    pub(super) fn push_ranged(&mut self, value: u64, bits: u32) {
        self.push(Fr::from(value));
        self.push_bits(value, bits.saturating_sub(1));
    }

    /// numerator / denominator, or zero where either is.
    pub(super) fn push_quotient(&mut self, numerator: i64, denominator: i64) {
        if numerator != 0 && denominator != 0 {
            self.quotients.push((self.values.len(), Fr::from(numerator), Fr::from(denominator)));
        }
        self.push(Fr::ZERO);
    }

    pub(super) fn finish(mut self) -> Vec<Fr> {
        // Montgomery's trick: one inversion, three products for each quotient.
        let mut prefix = Vec::with_capacity(self.quotients.len());
        let mut product = Fr::ONE;
        for (_, _, denominator) in &self.quotients {
            prefix.push(product);
            product *= *denominator;
        }
        let mut inverse = product.inverse_vartime().unwrap_or(Fr::ZERO);
        for ((index, numerator, denominator), before) in self.quotients.iter().zip(&prefix).rev() {
            self.values[*index] = *numerator * inverse * *before;
            inverse *= *denominator;
        }
        wipe(&mut prefix);
        core::mem::take(&mut self.values)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        wipe(&mut self.values);
        self.quotients.fill((0, Fr::ZERO, Fr::ZERO));
        zeroize::optimization_barrier(self.quotients.as_slice());
    }
}
