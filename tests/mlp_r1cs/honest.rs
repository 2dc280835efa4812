//! Honest assignments satisfy the circuit and agree with inference.

use crate::common::*;

#[test]
fn honest_assignments_satisfy_and_match_inference() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (dims, bits, shift) in [
        (&[5, 3][..], 8, 4),
        (&[1, 1, 1], 1, 1),
        (&[7, 6, 4], 8, 3),
        (&[7, 6, 4], 8, 9),
        (&[7, 6, 4], 8, 14),
        (&[40, 9, 8, 3], 8, 8),
        (&[20, 6, 5], 16, 12),
        (&[33, 6, 2], 4, 5),
        (&[500, 3, 2], 8, 10),
    ] {
        let model = random_model(&mut rng, dims, bits, shift);
        for (input_mode, output_mode) in INPUTS.iter().flat_map(|i| OUTPUTS.map(|o| (*i, o))) {
            let circuit = MlpCircuit::new(&model, &options(input_mode, output_mode)).unwrap();
            for _ in 0..4 {
                let input = random_input(&mut rng, &model);
                let salt = (input_mode == InputMode::Committed).then(|| random_salt(&mut rng));
                let z = circuit.assign(&input, salt).unwrap();
                circuit.r1cs().check(&z).unwrap();

                let inference = model.infer(&input).unwrap();
                let statement = Statement {
                    input: match input_mode {
                        InputMode::Private => InputStatement::Private,
                        InputMode::Public => InputStatement::Public(input.clone()),
                        InputMode::Committed => {
                            InputStatement::Commitment(commit_input(salt.unwrap(), &input, bits).unwrap())
                        }
                    },
                    output: match output_mode {
                        OutputMode::Accumulators => {
                            OutputStatement::Accumulators(inference.outputs().to_vec())
                        }
                        OutputMode::Class => OutputStatement::Class(inference.class()),
                    },
                };
                assert_eq!(statement, circuit.statement(&input, salt).unwrap());
                let public = z.public_inputs(circuit.r1cs());
                assert_eq!(circuit.public_inputs(&statement).unwrap(), public);
                assert_eq!(circuit.interface().statement(public).unwrap(), statement);
            }
        }
    }
}

#[test]
fn public_values_that_no_statement_has_are_refused() {
    let model = random_model(&mut ChaCha20Rng::seed_from_u64(2), &[3, 2], 8, 4);
    let interface =
        |input, output| MlpCircuit::new(&model, &options(input, output)).unwrap().interface().clone();
    let class = interface(InputMode::Public, OutputMode::Class);
    let [zero, one, two, large] = [0u64, 1, 2, 256].map(Fr::from);
    assert!(class.statement(&[one, zero, one, two]).is_ok());
    for bad in [
        &[two, zero, zero, zero][..],
        &[one, zero, large, zero],
        &[one, zero, zero, -one],
        &[one],
        &[-one; 4],
    ] {
        assert!(class.statement(bad).is_err(), "{bad:?}");
    }
    let accumulators = interface(InputMode::Private, OutputMode::Accumulators);
    let beyond = Fr::from(1u64 << 63);
    assert_eq!(
        accumulators.statement(&[-two, one]).unwrap().output,
        OutputStatement::Accumulators(vec![-2, 1])
    );
    assert!(
        accumulators.statement(&[beyond, zero]).is_err() && accumulators.statement(&[zero, -beyond]).is_err()
    );
}

#[test]
fn extreme_inputs_of_every_neuron_form() {
    // Quotients that stay within, fall below, rise above the range of y, do both, or never leave one value.
    let hidden = layer(
        &[&[1, 1], &[3, -3], &[5, 5], &[9, -9], &[-1, -1], &[1, 0], &[0, 0], &[127, 127]],
        &[0, 10, 0, 0, 1, 5000, 40, -3],
        Some((2, 4)),
    );
    let last = layer(&[&[1, -2, 3, -4, 5, -6, 7, -8]], &[-9], None);
    let model = model(4, vec![hidden, last]);
    let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Accumulators)).unwrap();
    for i in 0..256 {
        let input = [i % 16, i / 16];
        let z = circuit.assign(&input, None).unwrap();
        circuit.r1cs().check(&z).unwrap();
        assert_eq!(z.values()[1], Fr::from(model.infer(&input).unwrap().outputs()[0]));
    }
}
