//! Statements for people and for programs, and the file that opens a commitment.

use super::key::hex;
use crate::console::field;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zkwatt::kernels::Fr;
use zkwatt::mlp::arg_max;
use zkwatt::mlp::r1cs::{InputStatement, OutputStatement, Statement};
use zkwatt::{Error, Result, files};

/// Accumulators that are shown.
const SHOWN: usize = 10;
const OPENING: &str = "zkwatt-input-opening";

/// A field element: 64 hex digits, the highest first.
pub fn element(x: &Fr) -> String {
    let bytes: Vec<u8> = x.to_canonical().iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    format!("0x{}", hex(&bytes))
}

/// The inverse of [`element`]; `None` for other texts and for numbers that are not below the modulus.
pub fn parse_element(text: &str) -> Option<Fr> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut limbs = [0; 4];
    for (i, limb) in limbs.iter_mut().rev().enumerate() {
        *limb = u64::from_str_radix(digits.get(16 * i..16 * (i + 1))?, 16).ok()?;
    }
    Fr::from_canonical(limbs)
}

/// What a proof states, line by line.
pub fn describe(statement: &Statement) -> Vec<String> {
    let mut lines = describe_output(&statement.output);
    lines.push(match &statement.input {
        InputStatement::Commitment(commitment) => field("commitment", element(commitment)),
        InputStatement::Private => field("input", UNBOUND),
        InputStatement::Public(input) => field("input", public_input(input)),
    });
    lines
}

/// What is shown of an input that is not.
pub const UNBOUND: &str = "private and bound to nothing";

/// What is shown of a public input.
pub fn public_input(input: &[u32]) -> String {
    format!("public, {} values", input.len())
}

/// What is stated of the outputs, line by line.
pub fn describe_output(output: &OutputStatement) -> Vec<String> {
    let mut lines = Vec::new();
    match output {
        OutputStatement::Class(class) => lines.push(field("class", class)),
        OutputStatement::Accumulators(outputs) => {
            lines.push(field("class", format!("{} (the largest output)", arg_max(outputs))));
            let shown: Vec<String> = outputs.iter().take(SHOWN).map(i64::to_string).collect();
            let more =
                if outputs.len() > SHOWN { format!(" … ({})", outputs.len()) } else { String::new() };
            lines.push(field("outputs", shown.join(" ") + &more));
        }
    }
    lines
}

/// A statement as JSON: `class` or `outputs`, and `commitment` or `input`.
pub fn to_json(statement: &Statement) -> serde_json::Value {
    let mut json = output_json(&statement.output);
    match &statement.input {
        InputStatement::Commitment(commitment) => {
            json.insert("commitment".into(), element(commitment).into());
        }
        InputStatement::Private => {}
        InputStatement::Public(input) => {
            json.insert("input".into(), input.clone().into());
        }
    }
    json.into()
}

/// An object of `class` or `outputs`.
pub fn output_json(output: &OutputStatement) -> serde_json::Map<String, serde_json::Value> {
    let mut json = serde_json::Map::new();
    match output {
        OutputStatement::Class(class) => json.insert("class".into(), (*class).into()),
        OutputStatement::Accumulators(outputs) => json.insert("outputs".into(), outputs.clone().into()),
    };
    json
}

/// What opens a commitment, together with the input. Secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    format: String,
    version: u32,
    commitment: String,
    salt: String,
}

impl Opening {
    /// The file's text.
    ///
    /// # Errors
    /// None that is known.
    pub fn encode(salt: &Fr, commitment: &Fr) -> Result<Vec<u8>> {
        let opening =
            Self { format: OPENING.into(), version: 1, commitment: element(commitment), salt: element(salt) };
        let mut text =
            serde_json::to_vec_pretty(&opening).map_err(|e| Error::format("opening", e.to_string()))?;
        text.push(b'\n');
        Ok(text)
    }

    /// The salt in a file.
    ///
    /// # Errors
    /// [`Error::Format`] for another file.
    pub fn read_salt(path: &Path) -> Result<Fr> {
        let bad = |reason: String| Error::format(path.display().to_string(), reason);
        // The parser's message could quote a secret.
        let opening: Self = serde_json::from_slice(&files::read_at_most(path, 1 << 16)?)
            .map_err(|e| bad(format!("is no opening of a commitment (line {})", e.line())))?;
        if (opening.format.as_str(), opening.version) != (OPENING, 1) {
            return Err(bad("is no opening of a commitment of version 1".into()));
        }
        parse_element(&opening.salt).ok_or_else(|| bad("its salt is no field element".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_as_text() {
        for x in [Fr::from(0u64), Fr::from(255u64), -Fr::from(1u64)] {
            assert_eq!(parse_element(&element(&x)), Some(x));
        }
        assert!(element(&Fr::from(255u64)).ends_with("00ff"));
        for bad in ["", "0x1", &"f".repeat(64), &"é".repeat(32), &format!("+{}", "0".repeat(63))] {
            assert_eq!(parse_element(bad), None, "{bad}");
        }
    }
}
