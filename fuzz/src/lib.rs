//! Key and proof files end with a checksum that no fuzzer guesses; this puts a right one around its bytes.

use sha2::{Digest, Sha256};

const HEADER: &[u8] = br#"{"system":"groth16","circuit":"0000000000000000000000000000000000000000000000000000000000000000","options":"","development":true}"#;

/// A file of kind `magic`, as src/groth16/container.rs frames it. The first byte says whether the header is a valid
/// one, with all of `data` as the body, or as many bytes of `data` as the byte says.
pub fn frame(magic: &[u8; 8], data: &[u8]) -> Vec<u8> {
    let (choice, data) = data.split_first().unwrap_or((&0, &[]));
    let (header, body) = match choice {
        0 => (HEADER, data),
        len => data.split_at(usize::from(*len).min(data.len())),
    };
    let mut out = magic.to_vec();
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    out.extend_from_slice(&(body.len() as u64).to_le_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(body);
    let checksum = Sha256::digest(&out);
    out.extend_from_slice(&checksum);
    out
}
