//! Any text as `proof.json`, `public.json` and `verification_key.json`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::circom::json;

fuzz_target!(|text: &str| {
    if let Ok(proof) = json::parse_proof(text) {
        assert_eq!(json::parse_proof(&json::write_proof(&proof)).ok(), Some(proof));
    }
    if let Ok(public) = json::parse_public(text) {
        assert_eq!(json::parse_public(&json::write_public(&public)).ok(), Some(public));
    }
    if let Ok(key) = json::parse_verifying_key(text) {
        assert_eq!(json::parse_verifying_key(&json::write_verifying_key(&key)).ok(), Some(key));
    }
});
