//! Statements, commitments and layouts for people and for programs.

use crate::console::field;
use crate::mlp::key::hex;
use crate::mlp::statement::{UNBOUND, describe_output, output_json, public_input};
use halo2curves_axiom::group::GroupEncoding;
use zkwatt::interop::halo2curves::halo2_g1_point;
use zkwatt::kernels::G1Affine;
use zkwatt::mlp::halo2::{MlpProof, ModelCommitment};
use zkwatt::mlp::plonkish::PlonkishPlan;
use zkwatt::mlp::{CircuitOptions, InputMode, OutputMode, OutputStatement, WeightMode, arg_max};
use zkwatt_harness::table::Table;

/// Inferences of a batch that are shown.
const SHOWN: usize = 10;

/// A point of G1 in its compressed form of 32 bytes: x little-endian, with the sign of y in the highest bits.
pub fn point(point: &G1Affine) -> String {
    format!("0x{}", hex(halo2_g1_point(point).to_bytes().as_ref()))
}

/// The digest of a commitment to weights.
pub fn model_digest(commitment: &ModelCommitment) -> String {
    hex(&commitment.digest())
}

/// The first digits of a digest.
pub fn short(digest: &[u8]) -> String {
    format!("{}…", hex(digest.get(..8).unwrap_or(digest)))
}

/// What the circuit proves.
pub fn modes(options: &CircuitOptions, batch: usize) -> String {
    let weights = match options.weights {
        WeightMode::Public => "public",
        WeightMode::Private => "private",
    };
    let input = match options.input {
        InputMode::Committed => "committed",
        InputMode::Private => "private",
        InputMode::Public => "public",
    };
    let output = match options.output {
        OutputMode::Accumulators => "accumulators",
        OutputMode::Class => "class",
    };
    let batch = if batch == 1 { String::new() } else { format!(", batch of {batch}") };
    format!("weights {weights}, input {input}, output {output}{batch}")
}

/// The size and shape of the circuit.
pub fn layout(plan: &PlonkishPlan) -> String {
    let choice = plan.choice;
    format!(
        "k = {}, {} columns of weights, {} rows used, degree {}",
        choice.log_n, choice.weight_columns, plan.rows, plan.degree
    )
}

/// What a proof states, line by line; a batch as a table.
pub fn describe(proof: &MlpProof) -> Vec<String> {
    if let [statement] = proof.statements.as_slice() {
        let mut lines = describe_output(&statement.output);
        lines.push(match (proof.input_commitments.first(), &statement.input) {
            (Some(commitment), _) => field("commitment", point(commitment)),
            (None, Some(input)) => field("input", public_input(input)),
            (None, None) => field("input", UNBOUND),
        });
        return lines;
    }
    let mut table = Table::new(&["input", "class", "largest", "commitment to the input"]).left(&[3]);
    for (i, statement) in proof.statements.iter().enumerate().take(SHOWN) {
        let (class, largest) = match &statement.output {
            OutputStatement::Class(class) => (*class, String::new()),
            OutputStatement::Accumulators(outputs) => {
                let class = arg_max(outputs);
                (class, outputs.get(class).map(i64::to_string).unwrap_or_default())
            }
        };
        let commitment = proof.input_commitments.get(i).map(point).unwrap_or_default();
        table.row(vec![i.to_string(), class.to_string(), largest, commitment]);
    }
    let mut lines = vec![String::new(), table.render()];
    if proof.statements.len() > SHOWN {
        lines.push(format!("… ({} inferences; --statement of `mlp verify` has all)", proof.statements.len()));
    }
    lines
}

/// What a proof states, as JSON: an object as for Groth16, for a batch a list of them. With private weights each names
/// the commitment to them.
pub fn to_json(proof: &MlpProof, model: Option<&ModelCommitment>) -> serde_json::Value {
    let digest = model.map(model_digest);
    let object = |i: usize| -> serde_json::Value {
        let Some(statement) = proof.statements.get(i) else { return serde_json::Value::Null };
        let mut json = output_json(&statement.output);
        if let Some(commitment) = proof.input_commitments.get(i) {
            json.insert("commitment".into(), point(commitment).into());
        }
        if let Some(input) = &statement.input {
            json.insert("input".into(), input.clone().into());
        }
        if let Some(digest) = &digest {
            json.insert("model_commitment".into(), digest.clone().into());
        }
        json.into()
    };
    match proof.statements.len() {
        1 => object(0),
        n => (0..n).map(object).collect::<Vec<_>>().into(),
    }
}
