//! Any bytes as an SRS file: bare, as `.ptau`, and in this library's frame with a right checksum.
#![no_main]

use halo2_axiom::SerdeFormat;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use zkwatt::halo2::Srs;
use zkwatt::halo2::srs::{ReadOptions, Validate};
use zkwatt::kernels::bn254::BASE_MODULUS;
use zkwatt_fuzz::iden3;

fuzz_target!(init: seeds(), |data: &[u8]| {
    let mut own = b"zkwattSR".to_vec();
    own.extend_from_slice(&1u32.to_le_bytes());
    own.extend_from_slice(&u32::from(data.first().is_some_and(|b| b & 1 == 1)).to_le_bytes());
    own.extend_from_slice(data);
    own.extend_from_slice(&Sha256::digest(&own));
    let ptau = [&b"ptau\x01\0\0\0"[..], data].concat();
    for bytes in [data, &own, &ptau] {
        let read = |k, validate| Srs::decode(bytes, &ReadOptions { k, validate });
        // A small k, or a basis that is computed would take all the time.
        let _ = read(Some(1), Validate::Trust);
        // Pairings take long; most files need none.
        if read(None, Validate::Trust).is_err() {
            continue;
        }
        if let Ok(srs) = read(None, Validate::Full) {
            let again = Srs::decode(&srs.encode(), &ReadOptions { k: None, validate: Validate::Trust });
            assert_eq!(again.map(|srs| srs.digest()).ok(), Some(srs.digest()));
        }
    }
});

/// The smallest files of each format.
fn seeds() {
    let srs = Srs::insecure(1, b"").expect("2 powers");
    let raw = srs.encode_halo2();
    let mut compressed = Vec::new();
    srs.params().write_custom(&mut compressed, SerdeFormat::Processed).expect("writing to memory");
    // Four powers, their Lagrange basis, then two points of G2.
    let four = Srs::insecure(2, b"").expect("4 powers").encode_halo2();
    let header = [&iden3::modulus(BASE_MODULUS)[..], &1u32.to_le_bytes(), &1u32.to_le_bytes()].concat();
    let mut sections = vec![
        iden3::section(1, &header),
        iden3::section(2, &four[4..4 + 3 * 64]),
        iden3::section(3, &four[4 + 8 * 64..]),
    ];
    let unprepared = iden3::file(b"ptau", 1, &sections);
    // The basis of one point is the generator.
    sections.push(iden3::section(12, &[&raw[4..4 + 64], &raw[4 + 2 * 64..4 + 4 * 64]].concat()));
    let prepared = iden3::file(b"ptau", 1, &sections);
    for (name, bytes) in
        [("raw", raw), ("compressed", compressed), ("unprepared", unprepared), ("prepared", prepared)]
    {
        zkwatt_fuzz::seed(name, &bytes);
    }
}
