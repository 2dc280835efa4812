//! Sizes, errors and exports.

use crate::common::*;

#[test]
fn mnist_sized_circuit_meets_its_budget() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let model = random_model(&mut rng, &[784, 128, 10], 8, 10);
    for (input, output, limit) in [
        (InputMode::Public, OutputMode::Accumulators, 4_300),
        (InputMode::Private, OutputMode::Accumulators, 10_500),
        (InputMode::Private, OutputMode::Class, 10_900),
        (InputMode::Committed, OutputMode::Accumulators, 11_700),
        (InputMode::Committed, OutputMode::Class, 12_100),
    ] {
        let circuit = MlpCircuit::new(&model, &options(input, output)).unwrap();
        let r1cs = circuit.r1cs();
        println!("{input:?} {output:?}: {} constraints, {:?}", r1cs.num_constraints(), r1cs.non_zeros());
        assert!(r1cs.num_constraints() <= limit, "{input:?} {output:?}: {}", r1cs.num_constraints());
        assert!(r1cs.non_zeros().iter().sum::<usize>() < 250_000);
    }
}

#[test]
fn four_million_weights_build() {
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let model = random_model(&mut rng, &[1024, 1024, 1024, 1024, 1024, 10], 8, 12);
    let start = std::time::Instant::now();
    let circuit = MlpCircuit::new(&model, &options(InputMode::Private, OutputMode::Accumulators)).unwrap();
    println!("built in {:?}", start.elapsed());
    let r1cs = circuit.r1cs();
    let bytes = r1cs.a().bytes() + r1cs.b().bytes() + r1cs.c().bytes();
    assert!(bytes < 80 << 20, "{bytes}");
    let start = std::time::Instant::now();
    let z = circuit.assign(&random_input(&mut rng, &model), None).unwrap();
    println!("assigned in {:?}", start.elapsed());
    let start = std::time::Instant::now();
    r1cs.check(&z).unwrap();
    println!("checked in {:?}; {} constraints", start.elapsed(), r1cs.num_constraints());
}

#[test]
fn bad_models_and_inputs_are_errors() {
    let private = CircuitOptions { weights: WeightMode::Private, ..CircuitOptions::default() };
    assert!(matches!(MlpCircuit::new(&wide(), &private), Err(Error::Unsupported { .. })));
    let refused = |change: fn(&mut QuantisedModel)| {
        let mut model = wide();
        change(&mut model);
        let error = MlpCircuit::new(&model, &CircuitOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadInput, "{error}");
    };
    refused(|m| m.layers.clear());
    refused(|m| m.input.bits = 0);
    refused(|m| m.input.bits = 32);
    refused(|m| m.input.len = 3);
    refused(|m| m.layers[1].inputs = 2);
    refused(|m| m.layers[0].weights.truncate(1));
    refused(|m| m.layers[0].bias.push(1));
    refused(|m| m.layers[0].requantise = None);
    refused(|m| m.layers[1].requantise = Some(Requantise { shift: 1, bits: 1 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 0, bits: 8 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 62, bits: 8 }));
    refused(|m| m.layers[0].requantise = Some(Requantise { shift: 4, bits: 32 }));
    refused(|m| m.layers[0].bias[0] = i64::MIN);
    refused(|m| m.layers[0].bias[0] = 1 << 62);

    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Private, OutputMode::Class)).unwrap();
    assert!(circuit.assign(&[1], None).is_err());
    assert!(circuit.assign(&[1, 256], None).is_err());
    assert!(circuit.r1cs().check(&Assignment::new(vec![])).is_err());
    assert!(circuit.r1cs().check(&Assignment::new(vec![Fr::ZERO; circuit.r1cs().num_variables()])).is_err());
    let statement = Statement { input: InputStatement::Private, output: OutputStatement::Class(1) };
    assert!(circuit.public_inputs(&statement).is_err()); // one output has class 0 only
}

#[test]
fn digest_depends_on_every_weight() {
    let digest = |model: &QuantisedModel| {
        let options = options(InputMode::Private, OutputMode::Accumulators);
        MlpCircuit::new(model, &options).unwrap().r1cs().digest()
    };
    let mut changed = wide();
    changed.layers[1].weights[0] = 8;
    assert_eq!(digest(&wide()), digest(&wide()));
    assert_ne!(digest(&wide()), digest(&changed));
}

#[test]
fn exported_r1cs_has_the_layout_of_the_format() {
    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Committed, OutputMode::Accumulators)).unwrap();
    let r1cs = circuit.r1cs();
    let mut file = Vec::new();
    r1cs.write_r1cs(&mut file).unwrap();
    let u32_at = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let u64_at = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
    assert_eq!(&file[..4], b"r1cs");
    assert_eq!((u32_at(4), u32_at(8)), (1, 3));
    let mut at = 12;
    let mut sections = vec![];
    while at < file.len() {
        sections.push((u32_at(at), at + 12, u64_at(at + 4)));
        at += 12 + u64_at(at + 4);
    }
    assert_eq!(at, file.len());
    assert_eq!(sections.iter().map(|s| s.0).collect::<Vec<_>>(), [1, 2, 3]);
    let header = sections[0].1 + 36;
    assert_eq!(u32_at(header), r1cs.num_variables());
    assert_eq!((u32_at(header + 4), u32_at(header + 8)), (2, 0));
    assert_eq!(u32_at(header + 12), r1cs.num_witness());
    assert_eq!(u32_at(header + 24), r1cs.num_constraints());
    assert_eq!(sections[1].2, 12 * r1cs.num_constraints() + 36 * r1cs.non_zeros().iter().sum::<usize>());
    assert_eq!(sections[2].2, 8 * r1cs.num_variables());
}

#[test]
fn ark_matrices_are_the_same_matrices() {
    let circuit = MlpCircuit::new(&wide(), &options(InputMode::Private, OutputMode::Class)).unwrap();
    let r1cs = circuit.r1cs();
    let matrices = r1cs.to_ark_matrices();
    assert_eq!(matrices.len(), 3);
    for (ark, ours) in matrices.iter().zip([r1cs.a(), r1cs.b(), r1cs.c()]) {
        for (i, row) in ark.iter().enumerate() {
            let ours: Vec<(usize, [u64; 4])> = ours.row(i).map(|(c, v)| (c, v.to_montgomery())).collect();
            let ark: Vec<(usize, [u64; 4])> = row.iter().map(|(v, c)| (*c, (v.0).0)).collect();
            assert_eq!(ark, ours);
        }
    }
}
