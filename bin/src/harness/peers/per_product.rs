//! The circuit that a quantised model gets when every product of a weight and a value costs a constraint.
//!
//! Same model, same integers, same outputs as [`zkwatt::mlp::r1cs::MlpCircuit`] with a private input and public
//! accumulators, and rectification by the usual bit decomposition. It is the cheapest of its kind: weights are
//! constants, so that neither they nor their ranges cost anything, and nearly all of the second matrix is the constant
//! one, which spares the prover the sum in G2.

use std::ops::Range;
use zkwatt::Result;
use zkwatt::groth16::r1cs::{Assignment, Label, LinearCombination, R1cs, R1csBuilder};
use zkwatt::kernels::{Field, Fr};
use zkwatt::mlp::{QuantisedLayer, QuantisedModel, Requantise};

/// The circuit of `model` and its assignment for `input`.
///
/// # Errors
/// What inference reports.
pub fn circuit(model: &QuantisedModel, input: &[u32]) -> Result<(R1cs, Assignment)> {
    let inference = model.infer(input)?;
    let outputs = inference.outputs();
    let mut values = vec![Fr::ONE];
    values.extend(outputs.iter().map(|acc| Fr::from(*acc)));
    let mut writer = Writer { builder: R1csBuilder::new(outputs.len()), values };
    let mut x: Vec<u32> = input.iter().map(|x| writer.input(*x, model.input.bits)).collect();
    let mut bits = model.input.bits;
    for (l, layer) in model.layers.iter().enumerate() {
        let (activations, accumulators) = (&inference.activations[l], &inference.accumulators[l]);
        let mut next = Vec::with_capacity(layer.outputs);
        for (o, &accumulator) in accumulators.iter().enumerate() {
            let mut acc = writer.products(layer, o, &x, activations);
            match layer.requantise {
                Some(requantise) => {
                    let (low, high) = layer.accumulator_range(o, ((1u64 << bits) - 1) as u32);
                    let bound = low.unsigned_abs().max(high.unsigned_abs());
                    next.push(writer.requantise(acc, accumulator, bound, requantise));
                }
                None => {
                    acc.push(1 + o as u32, -Fr::ONE);
                    writer.builder.enforce_zero(acc, Label::new("output"));
                }
            }
        }
        x = next;
        bits = layer.requantise.map_or(bits, |r| r.bits);
    }
    Ok((writer.builder.finish()?, Assignment::new(writer.values)))
}

/// Writes constraints and values together.
struct Writer {
    builder: R1csBuilder,
    values: Vec<Fr>,
}

impl Writer {
    fn witness(&mut self, value: Fr) -> u32 {
        self.values.push(value);
        self.builder.witness(Label::new("value"))
    }

    /// The low `count` bits of `value`.
    fn bits(&mut self, value: u64, count: u32) -> Range<u32> {
        self.values.extend((0..count).map(|i| Fr::from(value >> i & 1)));
        self.builder.booleans(count, Label::new("bits"))
    }

    /// An input of `bits` bits.
    fn input(&mut self, value: u32, bits: u32) -> u32 {
        let x = self.witness(Fr::from(u64::from(value)));
        let bits = self.bits(value.into(), bits);
        self.builder.enforce_zero(LinearCombination::from_bits(bits).plus(x, -Fr::ONE), Label::new("input"));
        x
    }

    /// Σ w_i·x_i + b of one output, each product a variable of its own.
    fn products(
        &mut self,
        layer: &QuantisedLayer,
        output: usize,
        x: &[u32],
        values: &[u32],
    ) -> LinearCombination {
        let mut sum = LinearCombination::constant(Fr::from(layer.bias[output]));
        for ((w, x), value) in layer.row(output).iter().zip(x).zip(values) {
            let product = self.witness(Fr::from(i64::from(*w) * i64::from(*value)));
            self.builder.enforce(
                LinearCombination::zero().plus(*x, Fr::from(i64::from(*w))),
                LinearCombination::constant(Fr::ONE),
                LinearCombination::variable(product),
                Label::new("product"),
            );
            sum.push(product, Fr::ONE);
        }
        sum
    }

    /// clamp((acc + 2^(shift−1)) >> shift, 0, Y) for |acc| ≤ `bound`, with v = acc + 2^(shift−1) + 2^n in n + 1 bits:
    /// the top bit is set iff the sum is not negative, and the bits above the result iff it saturates.
    fn requantise(&mut self, acc: LinearCombination, value: i64, bound: u128, requantise: Requantise) -> u32 {
        let Requantise { shift, bits } = requantise;
        let one = Fr::ONE;
        let half = 1i64 << (shift - 1);
        // Accumulators stay below 2^62.
        let n = (u128::BITS - (bound + half as u128).leading_zeros()).max(shift + bits + 1);
        let offset = half + (1i64 << n);
        let v = (value + offset) as u64;
        let all = self.bits(v, n + 1);
        let mut sum = acc;
        sum.push(0, Fr::from(offset));
        sum.add_scaled(&LinearCombination::from_bits(all.clone()), -one);
        self.builder.enforce_zero(sum, Label::new("bits of the accumulator"));

        let result_at = all.start + shift;
        let low = LinearCombination::from_bits(result_at..result_at + bits);
        let mut high = LinearCombination::zero();
        (result_at + bits..all.start + n).for_each(|bit| high.push(bit, one));
        let high_value = (v >> (shift + bits) & ((1 << (n - shift - bits)) - 1)).count_ones();
        let over = high_value != 0;
        // high·inverse = over and high·(1 − over) = 0
        let overflow = self.witness(Fr::from(over));
        let inverse = Fr::from(u64::from(high_value)).inverse_vartime().unwrap_or(Fr::ZERO);
        let inverse = self.witness(inverse);
        let (over_lc, inverse_lc) =
            (LinearCombination::variable(overflow), LinearCombination::variable(inverse));
        self.builder.enforce(high.clone(), inverse_lc, over_lc.clone(), Label::new("overflow"));
        let not_over = LinearCombination::constant(one).plus(overflow, -one);
        self.builder.enforce(high, not_over, LinearCombination::zero(), Label::new("overflow"));
        // over·(Y − low) = clamped − low
        let maximum = (1u64 << bits) - 1;
        let low_value = v >> shift & maximum;
        let clamped_value = if over { maximum } else { low_value };
        let clamped = self.witness(Fr::from(clamped_value));
        let mut gap = LinearCombination::constant(Fr::from(maximum));
        gap.add_scaled(&low, -one);
        let mut change = LinearCombination::variable(clamped);
        change.add_scaled(&low, -one);
        self.builder.enforce(over_lc, gap, change, Label::new("saturation"));
        // sign·clamped = y
        let sign = all.start + n;
        let y = self.witness(Fr::from(if v >> n & 1 == 1 { clamped_value } else { 0 }));
        self.builder.enforce(
            LinearCombination::variable(sign),
            LinearCombination::variable(clamped),
            LinearCombination::variable(y),
            Label::new("rectification"),
        );
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt::mlp::InputSpec;

    fn model(bits: u32) -> QuantisedModel {
        let layer = |inputs: usize, outputs: usize, requantise, seed: i64| QuantisedLayer {
            inputs,
            outputs,
            weights: (0..inputs * outputs).map(|i| ((i as i64 * 37 + seed) % 255 - 127) as i32).collect(),
            bias: (0..outputs).map(|o| o as i64 * 100 - 150).collect(),
            requantise,
            accumulator_scale: 1.0,
        };
        let requantise = Some(Requantise { shift: 7, bits });
        QuantisedModel {
            name: "test".into(),
            input: InputSpec { len: 6, bits: 8, scale: 1.0 },
            layers: vec![
                layer(6, 5, requantise, 3),
                layer(5, 4, Some(Requantise { shift: 4, bits }), 11),
                layer(4, 3, None, 5),
            ],
        }
    }

    #[test]
    fn is_satisfied_and_spends_a_constraint_on_each_product() {
        for bits in [8, 16] {
            let model = model(bits);
            let weights: usize = model.layers.iter().map(|layer| layer.weights.len()).sum();
            for input in [[0; 6], [255; 6], [1, 2, 3, 200, 100, 50], [255, 0, 255, 0, 255, 0]] {
                let (r1cs, assignment) = circuit(&model, &input).unwrap();
                r1cs.check(&assignment).unwrap();
                assert!(r1cs.num_constraints() > weights);
                let outputs = model.infer(&input).unwrap().outputs().to_vec();
                let expected: Vec<Fr> = outputs.into_iter().map(Fr::from).collect();
                assert_eq!(assignment.public_inputs(&r1cs), expected);
            }
        }
    }
}
