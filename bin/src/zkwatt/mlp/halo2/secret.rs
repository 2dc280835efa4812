//! Files that open commitments. Secret.

use super::show::point;
use crate::mlp::key::hex;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zkwatt::kernels::G1Affine;
use zkwatt::mlp::halo2::BlindingSeed;
use zkwatt::{Error, Result, files};

const INPUTS: &str = "zkwatt-halo2-input-openings";
const MODEL: &str = "zkwatt-halo2-model-opening";

/// Largest file that is read: more than a batch needs.
const MAX_BYTES: u64 = 1 << 25;

/// What opens one commitment, together with what is committed to.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    /// A point, or the digest of the points of a model.
    commitment: String,
    seed: String,
}

/// A file of openings.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    version: u32,
    openings: Vec<Opening>,
}

/// The text of a file that opens commitments to inputs, in the order of the batch.
///
/// # Errors
/// None that is known.
pub fn encode_inputs(seeds: &[BlindingSeed], commitments: &[G1Affine]) -> Result<Vec<u8>> {
    encode(INPUTS, seeds.iter().zip(commitments.iter().map(point)))
}

/// The text of the file that opens a commitment to weights with this digest.
///
/// # Errors
/// None that is known.
pub fn encode_model(seed: &BlindingSeed, digest: String) -> Result<Vec<u8>> {
    encode(MODEL, [(seed, digest)].into_iter())
}

/// The seeds of a file of [`encode_inputs`].
///
/// # Errors
/// [`Error::Format`] for another file, or another number of seeds than `count`.
pub fn read_inputs(path: &Path, count: usize) -> Result<Vec<BlindingSeed>> {
    let seeds = read(path, INPUTS, "is no opening of commitments to inputs of Halo2 proofs")?;
    if seeds.len() == count {
        return Ok(seeds);
    }
    let reason = format!("opens {} commitments; the key is for {count} inputs at once", seeds.len());
    Err(Error::format(path.display().to_string(), reason))
}

/// The seed of a file of [`encode_model`].
///
/// # Errors
/// [`Error::Format`] for another file.
pub fn read_model(path: &Path) -> Result<BlindingSeed> {
    let mut seeds = read(path, MODEL, "is no opening of a commitment to weights")?;
    match (seeds.pop(), seeds.is_empty()) {
        (Some(seed), true) => Ok(seed),
        _ => Err(Error::format(path.display().to_string(), "does not open one commitment")),
    }
}

fn encode<'a>(format: &str, openings: impl Iterator<Item = (&'a BlindingSeed, String)>) -> Result<Vec<u8>> {
    let openings =
        openings.map(|(seed, commitment)| Opening { commitment, seed: hex(&seed.to_bytes()) }).collect();
    let file = File { format: format.into(), version: 1, openings };
    let mut text = serde_json::to_vec_pretty(&file).map_err(|e| Error::format("opening", e.to_string()))?;
    text.push(b'\n');
    Ok(text)
}

fn read(path: &Path, format: &str, not: &str) -> Result<Vec<BlindingSeed>> {
    let bad = |reason: String| Error::format(path.display().to_string(), reason);
    // The parser's message could quote a secret.
    let file: File = serde_json::from_slice(&files::read_at_most(path, MAX_BYTES)?)
        .map_err(|e| bad(format!("{not} (line {})", e.line())))?;
    if (file.format.as_str(), file.version) != (format, 1) {
        return Err(bad(format!("{not} of version 1")));
    }
    let seed = |opening: &Opening| {
        parse(&opening.seed).ok_or_else(|| bad("has a seed that is not 64 hex digits".into()))
    };
    file.openings.iter().map(seed).collect()
}

fn parse(text: &str) -> Option<BlindingSeed> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(BlindingSeed::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_of_both_kinds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret.json");
        let seeds = [1, 254].map(|byte| BlindingSeed::from_bytes([byte; 32]));
        let point = G1Affine::generator();
        fs::write(&path, encode_inputs(&seeds, &[point, point]).unwrap()).unwrap();
        assert!(read_inputs(&path, 2).unwrap() == seeds);
        assert!(read_inputs(&path, 1).is_err() && read_model(&path).is_err());
        fs::write(&path, encode_model(&seeds[1], "digest".into()).unwrap()).unwrap();
        assert!(read_model(&path).unwrap() == seeds[1]);
        assert!(read_inputs(&path, 1).is_err());
        for bad in
            ["", "[]", "{\"format\": \"zkwatt-halo2-model-opening\", \"version\": 1, \"openings\": []}"]
        {
            fs::write(&path, bad).unwrap();
            assert!(read_model(&path).is_err(), "{bad}");
        }
        for bad in ["", "00", &"g".repeat(64), &"é".repeat(32), &"+0".repeat(32)] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
