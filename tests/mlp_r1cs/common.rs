//! Models, and a case that a cheat can change.

pub use rand_chacha::ChaCha20Rng;
pub use rand_core::{RngCore, SeedableRng};
pub use zkwatt::groth16::r1cs::{Assignment, R1cs};
pub use zkwatt::kernels::{Field, Fr};
pub use zkwatt::mlp::r1cs::{
    CircuitOptions, InputMode, InputStatement, MlpCircuit, OutputMode, OutputStatement, Statement, WeightMode,
};
pub use zkwatt::mlp::{InputSpec, QuantisedLayer, QuantisedModel, Requantise, commit_input, random_salt};
pub use zkwatt::{Error, ErrorKind};

pub fn layer(rows: &[&[i32]], bias: &[i64], requantise: Option<(u32, u32)>) -> QuantisedLayer {
    QuantisedLayer {
        inputs: rows[0].len(),
        outputs: rows.len(),
        weights: rows.concat(),
        bias: bias.to_vec(),
        requantise: requantise.map(|(shift, bits)| Requantise { shift, bits }),
        accumulator_scale: 1.0,
    }
}

pub fn model(bits: u32, layers: Vec<QuantisedLayer>) -> QuantisedModel {
    let input = InputSpec { len: layers[0].inputs, bits, scale: 1.0 };
    QuantisedModel { name: "test".into(), input, layers }
}

pub fn below(rng: &mut ChaCha20Rng, n: u32) -> u32 {
    rng.next_u32() % n
}

/// Weights of 8 bits; the sum of four draws is as bell-shaped as trained weights are.
pub fn random_model(rng: &mut ChaCha20Rng, dims: &[usize], bits: u32, shift: u32) -> QuantisedModel {
    let layers = dims.windows(2).enumerate().map(|(l, d)| QuantisedLayer {
        inputs: d[0],
        outputs: d[1],
        weights: (0..d[0] * d[1]).map(|_| (0..4).map(|_| below(rng, 64) as i32).sum::<i32>() - 126).collect(),
        bias: (0..d[1]).map(|_| i64::from(below(rng, 4001)) - 2000).collect(),
        requantise: (l + 2 < dims.len()).then_some(Requantise { shift, bits }),
        accumulator_scale: 1.0,
    });
    model(bits, layers.collect())
}

pub fn random_input(rng: &mut ChaCha20Rng, model: &QuantisedModel) -> Vec<u32> {
    (0..model.input.len).map(|_| below(rng, 1 << model.input.bits)).collect()
}

pub fn options(input: InputMode, output: OutputMode) -> CircuitOptions {
    CircuitOptions { input, output, weights: WeightMode::Public }
}

pub const INPUTS: [InputMode; 3] = [InputMode::Committed, InputMode::Private, InputMode::Public];
pub const OUTPUTS: [OutputMode; 2] = [OutputMode::Accumulators, OutputMode::Class];

/// One circuit with an honest assignment, and what a cheat needs.
pub struct Case {
    pub circuit: MlpCircuit,
    pub z: Assignment,
}

impl Case {
    pub fn new(model: &QuantisedModel, options: CircuitOptions, input: &[u32]) -> Self {
        let salt = (options.input == InputMode::Committed).then(|| Fr::from(12345u64));
        let circuit = MlpCircuit::new(model, &options).unwrap();
        let z = circuit.assign(input, salt).unwrap();
        circuit.r1cs().check(&z).unwrap();
        Self { circuit, z }
    }

    pub fn private(model: &QuantisedModel, input: &[u32]) -> Self {
        Self::new(model, options(InputMode::Private, OutputMode::Accumulators), input)
    }

    pub fn r1cs(&self) -> &R1cs {
        self.circuit.r1cs()
    }

    /// Columns of the variables with this description.
    pub fn columns(&self, name: &str) -> Vec<usize> {
        let r1cs = self.r1cs();
        let found: Vec<_> =
            (0..r1cs.num_variables()).filter(|i| r1cs.describe_variable(*i) == name).collect();
        assert!(!found.is_empty(), "no variable `{name}`");
        found
    }

    pub fn column(&self, name: &str) -> usize {
        self.columns(name)[0]
    }

    pub fn add(&mut self, column: usize, delta: i64) {
        self.z.values_mut()[column] += Fr::from(delta);
    }

    /// Adds to variable `name`; `index` counts within its group (0: the lowest bit).
    pub fn add_to(&mut self, name: &str, index: usize, delta: i64) {
        let column = self.columns(name)[index];
        self.add(column, delta);
    }

    pub fn value(&self, name: &str, index: usize) -> Fr {
        self.z.values()[self.columns(name)[index]]
    }

    /// Descriptions of all constraints that fail, without repetition.
    pub fn violations(&self) -> Vec<String> {
        let (r1cs, z) = (self.r1cs(), self.z.values());
        let dot = |matrix: &zkwatt::groth16::r1cs::SparseMatrix, row| -> Fr {
            matrix.row(row).map(|(column, coefficient)| coefficient * z[column]).sum()
        };
        let mut failing: Vec<String> = (0..r1cs.num_constraints())
            .filter(|&i| dot(r1cs.a(), i) * dot(r1cs.b(), i) != dot(r1cs.c(), i))
            .map(|i| r1cs.describe_constraint(i))
            .collect();
        failing.dedup();
        match r1cs.check(&self.z) {
            Ok(()) => assert!(failing.is_empty()),
            Err(Error::Unsatisfied { description, .. }) => assert_eq!(description, failing[0]),
            Err(error) => panic!("{error}"),
        }
        failing
    }

    /// Exactly these conditions fail; all others hold, so each of them is needed.
    #[track_caller]
    pub fn rejected_by(&self, expected: &[&str]) {
        assert_eq!(self.violations(), expected);
    }
}

/// Two inputs, a wide neuron with a sign (y in 0..256), output 7y.
pub fn wide() -> QuantisedModel {
    let hidden = layer(&[&[100, -100]], &[0], Some((4, 8)));
    model(8, vec![hidden, layer(&[&[7]], &[0], None)])
}
