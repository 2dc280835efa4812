//! What our key files say of the circuit, and circuits rebuilt from it.

use serde::{Deserialize, Serialize};
use zkwatt::groth16::keys::KeyInfo;
use zkwatt::mlp::r1cs::{CircuitInterface, CircuitOptions, MlpCircuit};
use zkwatt::mlp::{MAX_ACTIVATION_BITS, MAX_WIDTH, QuantisedModel};
use zkwatt::{Error, Result};

/// The options of a [`KeyInfo`], as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CircuitOf {
    /// The model's name.
    pub model: String,
    /// Its digest in hex.
    pub model_digest: String,
    /// What the circuit proves.
    pub statement: CircuitOptions,
    /// The shape of the public values.
    pub interface: CircuitInterface,
}

impl CircuitOf {
    /// What belongs to `circuit`.
    pub fn new(circuit: &MlpCircuit, statement: CircuitOptions) -> Self {
        let model = circuit.model();
        let model_digest = hex(&model.digest());
        Self { model: model.name.clone(), model_digest, statement, interface: circuit.interface().clone() }
    }

    /// The header of a key file. Our setup has one party, so all keys are for development.
    ///
    /// # Errors
    /// None for options that this program made.
    pub fn info(&self, circuit: &MlpCircuit) -> Result<KeyInfo> {
        let options = serde_json::to_string(self).map_err(|e| Error::format("key file", e.to_string()))?;
        Ok(KeyInfo::new(circuit.r1cs().digest(), options, true))
    }

    /// Reads the header of a file of kind `what`.
    ///
    /// # Errors
    /// [`Error::Format`] for a header that another program wrote, or shapes that no model has.
    pub fn read(what: &str, info: &KeyInfo) -> Result<Self> {
        let options: Self = serde_json::from_str(&info.options).map_err(|e| {
            Error::format(what, format!("its options are not those of `zkwatt mlp setup`: {e}"))
        })?;
        let CircuitInterface { input_len, input_bits, output_len, input, output } = options.interface;
        let shapes = [input_len, output_len].iter().all(|n| (1..=MAX_WIDTH).contains(n));
        let modes = (input, output) == (options.statement.input, options.statement.output);
        if !shapes || !modes || !(1..=MAX_ACTIVATION_BITS).contains(&input_bits) {
            return Err(Error::format(what, "its options contradict themselves; run setup again"));
        }
        Ok(options)
    }

    /// The circuit of `model` under these options.
    ///
    /// # Errors
    /// [`Error::Mismatch`] if it is not the circuit that `info` names.
    pub fn rebuild(&self, what: &'static str, info: &KeyInfo, model: &QuantisedModel) -> Result<MlpCircuit> {
        if hex(&model.digest()) != self.model_digest {
            return Err(Error::Mismatch {
                what,
                made_for: format!("model `{}`", self.model.escape_debug()),
                used_with: format!("`{}`", model.name.escape_debug()),
                hint: "use the directory that `zkwatt mlp setup` wrote for this model",
            });
        }
        let circuit = MlpCircuit::new(model, &self.statement)?;
        info.expect_circuit(what, &circuit.r1cs().digest())?;
        // The header is outside of the circuit's digest, and ranges are checked by what it says.
        if *circuit.interface() != self.interface {
            return Err(Error::format(
                what,
                "its header describes other inputs or outputs than its circuit has",
            ));
        }
        Ok(circuit)
    }
}

/// Bytes in hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
