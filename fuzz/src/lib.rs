//! What fuzz targets share: files that are right but for what is fuzzed, and seeds.

pub mod iden3;
pub mod zkey;

use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use zkwatt::device::{CpuDevice, CpuOptions};

/// A device of one thread; one for all executions, since threads take long to start.
pub static DEVICE: LazyLock<Arc<CpuDevice>> = LazyLock::new(|| {
    let options = CpuOptions { threads: Some(1), ..CpuOptions::default() };
    Arc::new(CpuDevice::new(options).expect("a device of one thread"))
});

/// Writes a seed that no file of the repository could be into the folder that `fuzz/run` gives.
pub fn seed(name: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("ZKWATT_FUZZ_SEEDS") {
        std::fs::write(Path::new(&folder).join(name), bytes).expect("the seed can be written");
    }
}

const HEADER: &[u8] = br#"{"system":"groth16","circuit":"0000000000000000000000000000000000000000000000000000000000000000","options":"","development":true}"#;

/// A file of kind `magic`, as src/container.rs frames it: such files end with a checksum that no fuzzer guesses. The first byte says whether the header is a valid
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
