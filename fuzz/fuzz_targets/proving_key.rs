//! Any bytes as a proving key, bare and with a right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::keys::{ProvingKeyFile, Validate};

fuzz_target!(|data: &[u8]| {
    let _ = ProvingKeyFile::decode(data, Validate::OnCurve);
    if let Ok(file) = ProvingKeyFile::decode(&zkwatt_fuzz::frame(b"zkwattPK", data), Validate::OnCurve) {
        assert!(file.encode().is_ok());
    }
});
