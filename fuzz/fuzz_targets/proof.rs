//! Any bytes as a proof file, bare and with a right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::keys::ProofFile;

fuzz_target!(|data: &[u8]| {
    let _ = ProofFile::decode(data);
    if let Ok(file) = ProofFile::decode(&zkwatt_fuzz::frame(b"zkwattPF", data)) {
        assert!(file.encode().is_ok());
    }
});
