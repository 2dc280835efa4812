//! The class as the only public output: the index of the largest accumulator, the lowest one among equals.

use super::range::bit_length;
use super::trace::Trace;
use crate::groth16::r1cs::{Label, LinearCombination, R1csBuilder};
use crate::kernels::{Field, Fr};
use crate::mlp::arg_max;

/// Column of the public class.
const CLASS: u32 = 1;

/// The widths of the comparisons.
///
/// Selectors s_j are boolean with Σ s_j = 1 and Σ j·s_j = class; m is the selected accumulator:
/// s_j·(m − a_j) = 0. For every j the difference m − a_j − \[j < class\], with \[j < class\] = Σ_{i>j} s_i, is in
/// 0..2^n_j, where max_i max a_i − min a_j < 2^n_j.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClassOutput {
    widths: Vec<u32>,
}

impl ClassOutput {
    pub(super) fn plan(ranges: &[(i64, i64)]) -> Self {
        let largest = ranges.iter().map(|r| r.1).max().unwrap_or(0);
        Self { widths: ranges.iter().map(|r| bit_length(largest - r.0)).collect() }
    }

    pub(super) fn build(&self, builder: &mut R1csBuilder, accumulator: impl Fn(usize) -> LinearCombination) {
        let count = self.widths.len();
        let at = |o: usize, what| Label::new(what).at("output", o);
        let variable = LinearCombination::variable;
        let accumulators: Vec<u32> = (0..count)
            .map(|o| {
                let a = builder.witness(at(o, "accumulator"));
                builder.enforce_zero(accumulator(o).plus(a, -Fr::ONE), at(o, "is the accumulator"));
                a
            })
            .collect();
        let selectors: Vec<u32> = (0..count).map(|o| builder.boolean(at(o, "selector"))).collect();
        let mut hot = LinearCombination::constant(-Fr::ONE);
        let mut class = LinearCombination::zero().plus(CLASS, -Fr::ONE);
        for (s, o) in selectors.iter().zip(0u64..) {
            hot.push(*s, Fr::ONE);
            class.push(*s, Fr::from(o));
        }
        builder.enforce_zero(hot, Label::new("exactly one class is selected"));
        builder.enforce_zero(class, Label::new("the selected class is the public one"));
        let largest = builder.witness(Label::new("largest accumulator"));
        for o in 0..count {
            let gap = variable(largest).plus(accumulators[o], -Fr::ONE);
            let label = at(o, "the largest accumulator is the selected one");
            builder.enforce(variable(selectors[o]), gap, LinearCombination::zero(), label);
        }
        for (o, width) in self.widths.iter().enumerate() {
            let bits = builder.booleans(*width, at(o, "margin bits"));
            let mut margin = variable(largest).plus(accumulators[o], -Fr::ONE);
            for later in &selectors[o + 1..] {
                margin.push(*later, -Fr::ONE);
            }
            margin.add_scaled(&LinearCombination::from_bits(bits), -Fr::ONE);
            builder.enforce_zero(margin, at(o, "no larger than the selected class"));
        }
    }

    /// Writes the values of the variables, in the order of [`ClassOutput::build`].
    pub(super) fn assign(&self, trace: &mut Trace, accumulators: &[i64]) {
        let class = arg_max(accumulators);
        let largest = accumulators.get(class).copied().unwrap_or(0);
        accumulators.iter().for_each(|a| trace.push(Fr::from(*a)));
        (0..accumulators.len()).for_each(|o| trace.push(Fr::from(o == class)));
        trace.push(Fr::from(largest));
        for (o, (a, width)) in accumulators.iter().zip(&self.widths).enumerate() {
            trace.push_bits((largest - a - i64::from(o < class)) as u64, *width);
        }
    }
}
