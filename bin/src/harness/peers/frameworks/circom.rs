//! snarkjs, on our constraint system and on that of a circuit for circom in keras2circom's shape.

use super::{Framework, Prepared, Statement, Task, write};
use crate::circuit_args::{Input, Output, System, Weights, circuit_options};
use crate::inputs::SEED;
use crate::peers::Pool;
use crate::peers::snarkjs::tools;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;
use zkwatt::Result;
use zkwatt::groth16::circom::{Witness, read_r1cs, setup};
use zkwatt::mlp::QuantisedModel;
use zkwatt::mlp::r1cs::MlpCircuit;
use zkwatt::mlp::random_salt;

/// A circuit that snarkjs proves.
#[derive(Clone, Debug)]
pub enum Circom {
    /// Ours, as `zkwatt mlp export-r1cs` writes it, with a witness of ours: constant weights.
    Ours(Pool),
    /// Of the same quantised model, with weights as inputs, compiled by circom, the witness by circom's program.
    WeightsAsInputs(Pool),
}

impl Circom {
    fn pool(&self) -> &Pool {
        let (Self::Ours(pool) | Self::WeightsAsInputs(pool)) = self;
        pool
    }
}

/// Keys are thrown away and inputs are no secrets: a fixed seed makes runs comparable.
fn rng(stream: u64) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::seed_from_u64(SEED);
    rng.set_stream(stream);
    rng
}

impl Framework for Circom {
    fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "snarkjs",
            Self::WeightsAsInputs(_) => "snarkjs-weights-as-inputs",
        }
    }

    fn system(&self) -> System {
        System::Groth16
    }

    fn statement(&self, task: &Task<'_>) -> Statement {
        match self {
            Self::Ours(_) => Statement { weights: Weights::Public, input: task.input, output: task.output },
            // Nothing binds the weights: some network gives this class.
            Self::WeightsAsInputs(_) => {
                Statement { weights: Weights::Private, input: Input::Private, output: Output::Class }
            }
        }
    }

    fn program(&self) -> PathBuf {
        tools().join("peers/snarkjs")
    }

    fn prepare(&self, task: &Task<'_>, folder: &Path) -> Result<Prepared> {
        let model = &task.loaded.quantised;
        if let Self::WeightsAsInputs(_) = self {
            let job =
                [("circuit".to_owned(), json!("weights-as-inputs")), ("network".to_owned(), network(model))];
            return Ok(Prepared { job: job.into_iter().collect(), witness: None });
        }
        let circuit = MlpCircuit::new(model, &circuit_options(task.input, task.output, Weights::Public))?;
        let salt = (task.input == Input::Committed).then(|| random_salt(&mut rng(2)));
        let start = Instant::now();
        let assignment = self.pool().run(|| circuit.assign(task.image, salt))?;
        let witness_s = start.elapsed().as_secs_f64();
        let mut r1cs = Vec::new();
        circuit.r1cs().write_r1cs(&mut r1cs)?;
        write(&folder.join("circuit.r1cs"), &r1cs)?;
        write(&folder.join("witness.wtns"), &Witness::new(assignment.values().to_vec()).encode())?;
        let job = Map::from_iter([("circuit".to_owned(), json!("given"))]);
        Ok(Prepared { job, witness: Some((witness_s, model.infer(task.image)?.class())) })
    }

    /// Our setup by one party, as `zkwatt circom setup` makes it: snarkjs's own takes minutes.
    fn make_keys(&self, folder: &Path) -> Result<Option<(f64, u64)>> {
        let start = Instant::now();
        let r1cs = read_r1cs(folder.join("circuit.r1cs"))?.r1cs;
        let zkey = self.pool().run(|| setup(&r1cs, &mut rng(7)))?;
        let seconds = start.elapsed().as_secs_f64();
        write(&folder.join("circuit.zkey"), &zkey)?;
        Ok(Some((seconds, zkey.len() as u64)))
    }
}

/// The quantised model for the program that writes the circuit.
fn network(model: &QuantisedModel) -> Value {
    let layers = model.layers.iter().map(|layer| {
        json!({
            "inputs": layer.inputs,
            "outputs": layer.outputs,
            "weights": layer.weights,
            "bias": layer.bias,
            "requantise": layer.requantise.map(|r| json!({ "shift": r.shift, "bits": r.bits })),
        })
    });
    json!({ "input_bits": model.input.bits, "layers": layers.collect::<Vec<_>>() })
}
