//! Any bytes as a `.ptau`, whose header and lengths are read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::circom::PtauInfo;

fuzz_target!(|data: &[u8]| {
    if let Ok(info) = PtauInfo::decode(data) {
        assert_eq!(info.bytes, data.len() as u64);
        assert!(info.power <= info.ceremony_power);
    }
});
