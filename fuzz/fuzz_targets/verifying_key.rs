//! Any bytes as a verifying key, bare and with a right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::keys::VerifyingKeyFile;

fuzz_target!(|data: &[u8]| {
    let _ = VerifyingKeyFile::decode(data);
    if let Ok(file) = VerifyingKeyFile::decode(&zkwatt_fuzz::frame(b"zkwattVK", data)) {
        assert!(file.encode().is_ok());
    }
});
