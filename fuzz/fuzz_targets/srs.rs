//! Any bytes as an SRS file: bare, as `.ptau`, and in this library's frame with a right checksum.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use zkwatt::halo2::Srs;
use zkwatt::halo2::srs::{ReadOptions, Validate};

fuzz_target!(|data: &[u8]| {
    let mut own = b"zkwattSR".to_vec();
    own.extend_from_slice(&1u32.to_le_bytes());
    own.extend_from_slice(&u32::from(data.first().is_some_and(|b| b & 1 == 1)).to_le_bytes());
    own.extend_from_slice(data);
    own.extend_from_slice(&Sha256::digest(&own));
    let ptau = [&b"ptau\x01\0\0\0"[..], data].concat();
    // A small k, or a basis that is computed would take all the time.
    for k in [None, Some(2)] {
        for bytes in [data, &own, &ptau] {
            let _ = Srs::decode(bytes, &ReadOptions { k, validate: Validate::Trust });
            if let Ok(srs) = Srs::decode(bytes, &ReadOptions { k, validate: Validate::Full }) {
                let again = Srs::decode(&srs.encode(), &ReadOptions::default()).map(|srs| srs.digest());
                assert_eq!(again.ok(), Some(srs.digest()));
            }
        }
    }
});
