//! No value is free, and nothing but the specified activation satisfies a neuron.

use crate::common::*;

/// Changing any one value breaks a constraint, except z of a neuron that is neither negative nor saturated.
#[test]
fn single_changes_are_noticed() {
    let hidden = layer(&[&[9, -9, 4], &[3, -3, 0], &[2, 1, 1], &[9, 9, 9]], &[5, 6, 7, 8], Some((2, 4)));
    let model = model(4, vec![hidden, layer(&[&[7, -2, 3, 1], &[4, 4, -4, 1]], &[1, 2], None)]);
    for (input_mode, output_mode) in INPUTS.iter().flat_map(|i| OUTPUTS.map(|o| (*i, o))) {
        for input in [[1, 0, 2], [15, 0, 15], [0, 15, 3]] {
            let mut case = Case::new(&model, options(input_mode, output_mode), &input);
            for column in 1..case.r1cs().num_variables() {
                let name = case.r1cs().describe_variable(column);
                for delta in [1, -1] {
                    case.add(column, delta);
                    let accepted = case.r1cs().check(&case.z).is_ok();
                    if accepted {
                        assert!(name.ends_with("free unless clamped"), "{name} is free");
                        let layer = &model.infer(&input).unwrap();
                        let neuron: usize = name["layer 0, neuron ".len()..][..1].parse().unwrap();
                        let quotient = (layer.accumulators[0][neuron] + 2) >> 2;
                        assert!((0..16).contains(&quotient));
                    }
                    case.add(column, -delta);
                }
            }
        }
    }
}

/// For every accumulator of a tiny neuron, every choice of all bits, every y near the range and every z: what
/// satisfies the constraints has y = clamp(…).
#[test]
fn only_the_specified_activation_satisfies_a_neuron() {
    // (weight, bias, shift, bits): signed and wide; wide; signed; exact.
    for (weight, bias, shift, bits) in
        [(3, -20, 1, 2), (3, 0, 2, 2), (2, -20, 2, 2), (1, 0, 2, 2), (1, -3, 1, 3)]
    {
        let hidden = layer(&[&[weight]], &[bias], Some((shift, bits)));
        let model = model(4, vec![hidden, layer(&[&[1]], &[0], None)]);
        for x in 0..16 {
            let honest = Case::new(&model, options(InputMode::Public, OutputMode::Accumulators), &[x]);
            let expected = honest.z.values()[1];
            let r1cs = honest.r1cs();
            let is = |i: &usize, what: &str| r1cs.describe_variable(*i).ends_with(what);
            let all = 3..r1cs.num_variables();
            let bit_columns: Vec<usize> = all.clone().filter(|i| is(i, "bits") || is(i, "bit")).collect();
            let y_column = all.clone().find(|i| is(i, "activation")).unwrap();
            let z_column = all.clone().find(|i| is(i, "free unless clamped"));
            assert_eq!(bit_columns.len() + 1 + usize::from(z_column.is_some()), all.len());
            let quotient_bits = all.clone().filter(|i| is(i, "quotient bits")).count() as i64;
            let mut satisfying = 0;
            for choice in 0..1i64 << bit_columns.len() {
                let mut z = honest.z.clone();
                for (i, column) in bit_columns.iter().enumerate() {
                    z.values_mut()[*column] = Fr::from(choice >> i & 1 == 1);
                }
                for y in -3..(1 << bits) + 3 {
                    z.values_mut()[1] = Fr::from(y);
                    z.values_mut()[y_column] = Fr::from(y);
                    if let Some(z_column) = z_column {
                        // The only z that can help: (y − L)/h.
                        let q = choice >> shift & ((1 << quotient_bits) - 1);
                        let negative = choice >> (i64::from(shift) + quotient_bits) & 1;
                        let high = (q >> bits) - (negative << (quotient_bits - i64::from(bits)));
                        let low = q & ((1 << bits) - 1);
                        let inverse = Fr::from(high).inverse_vartime().unwrap_or(Fr::ZERO);
                        z.values_mut()[z_column] = Fr::from(y - low) * inverse;
                    }
                    if r1cs.check(&z).is_ok() {
                        satisfying += 1;
                        assert_eq!(Fr::from(y), expected, "x = {x}, bits {choice:b}");
                    }
                }
            }
            assert_eq!(satisfying, 1, "weight {weight}, x = {x}");
        }
    }
}
