//! Key and proof files: round trips, damage, and files of something else.
#![cfg(feature = "groth16")]

use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use zkwatt::error::Error;
use zkwatt::groth16::keys::{KeyInfo, ProofFile, ProvingKeyFile, Validate, VerifyingKeyFile};
use zkwatt::groth16::r1cs::{Label, LinearCombination, R1cs, R1csBuilder};
use zkwatt::groth16::{Proof, setup};
use zkwatt::kernels::{Field, Fr};

const OPTIONS: &str = r#"{"weights":"private"}"#;

/// x·x = y for public y, and a variable that B lacks.
fn square() -> R1cs {
    let mut builder = R1csBuilder::new(1);
    let x = builder.witness(Label::new("root"));
    let x = LinearCombination::variable(x);
    builder.enforce(x.clone(), x, LinearCombination::variable(1), Label::new("square"));
    builder.finish().unwrap()
}

fn files() -> (ProvingKeyFile, VerifyingKeyFile, ProofFile) {
    let r1cs = square();
    let key = setup(&r1cs, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let info = KeyInfo::new(r1cs.digest(), OPTIONS, true);
    let proof = Proof { a: key.delta_g1, b: key.vk.beta_g2, c: key.beta_g1 };
    let proof = ProofFile::new(info.clone(), &key.vk, vec![-Fr::ONE], proof);
    let proving = ProvingKeyFile { info, key };
    let verifying = proving.verifying_key();
    (proving, verifying, proof)
}

/// What is wrong with bytes that are no such file; panics if there is nothing wrong.
type Refusal = fn(&[u8]) -> String;

/// Every kind of file with its decoder.
fn encoded() -> [(Vec<u8>, Refusal); 3] {
    fn refusal<T>(decoded: Result<T, Error>) -> String {
        match decoded {
            Ok(_) => panic!("a damaged file was accepted"),
            Err(e @ Error::Format { .. }) => e.to_string(),
            Err(e) => panic!("{e:?}"),
        }
    }
    let (proving, verifying, proof) = files();
    [
        (proving.encode().unwrap(), |b| refusal(ProvingKeyFile::decode(b, Validate::Trust))),
        (verifying.encode().unwrap(), |b| refusal(VerifyingKeyFile::decode(b))),
        (proof.encode().unwrap(), |b| refusal(ProofFile::decode(b))),
    ]
}

/// The bytes with a checksum that fits them.
fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    let content = bytes.len() - 32;
    let checksum = Sha256::digest(&bytes[..content]);
    bytes[content..].copy_from_slice(&checksum);
    bytes
}

#[test]
fn files_come_back_as_they_were() {
    let (proving, verifying, proof) = files();
    for validate in [Validate::Full, Validate::OnCurve, Validate::Trust] {
        assert_eq!(ProvingKeyFile::decode(&proving.encode().unwrap(), validate).unwrap(), proving);
    }
    assert_eq!(VerifyingKeyFile::decode(&verifying.encode().unwrap()).unwrap(), verifying);
    assert_eq!(ProofFile::decode(&proof.encode().unwrap()).unwrap(), proof);
    assert_eq!(proof.info.options, OPTIONS);
    assert!(proof.info.development);

    let dir = std::env::temp_dir().join(format!("zkwatt-keys-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    proving.write(dir.join("pk")).unwrap();
    verifying.write(dir.join("vk")).unwrap();
    proof.write(dir.join("proof")).unwrap();
    assert_eq!(ProvingKeyFile::read(dir.join("pk"), Validate::Full).unwrap(), proving);
    assert_eq!(VerifyingKeyFile::read(dir.join("vk")).unwrap(), verifying);
    assert_eq!(ProofFile::read(dir.join("proof")).unwrap(), proof);
    assert!(matches!(ProofFile::read(dir.join("absent")), Err(Error::Io { .. })));
    let message = ProofFile::read(dir.join("vk")).unwrap_err().to_string();
    assert!(message.contains("vk") && message.contains("another kind of file"), "{message}");
    // A write that fails leaves no part of the file, and nothing else either.
    std::fs::create_dir(dir.join("taken")).unwrap();
    assert!(matches!(proof.write(dir.join("taken")), Err(Error::Io { .. })));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 4);
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn truncated_files_are_refused() {
    for (bytes, refusal) in encoded() {
        let header = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
        // The ends of all parts of the frame, and every length near both ends of the file.
        let mut ends = vec![8, 12, 16, 24, 24 + header, bytes.len() - 32];
        ends.extend(0..64);
        ends.extend(bytes.len() - 64..bytes.len());
        for end in ends {
            let message = refusal(&bytes[..end]);
            assert!(message.contains("cut off") || end < 24, "{end}: {message}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(refusal(&longer).contains("damaged"));
    }
}

#[test]
fn flipped_bits_are_found() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    for (bytes, refusal) in encoded() {
        for _ in 0..2000 {
            let mut bytes = bytes.clone();
            let at = rng.next_u64() as usize % bytes.len();
            bytes[at] ^= 1 << (rng.next_u32() % 8);
            refusal(&bytes);
        }
    }
}

#[test]
fn hostile_bytes_with_a_right_checksum_are_refused_or_well_formed() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    for (kind, (bytes, _)) in encoded().into_iter().enumerate() {
        for round in 0..2000 {
            let mut bytes = bytes.clone();
            for _ in 0..=round % 4 {
                // Extreme bytes make the most of lengths and coordinates.
                let at = 8 + rng.next_u64() as usize % (bytes.len() - 40);
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, rng.next_u32() as u8][rng.next_u32() as usize % 6];
            }
            let bytes = reseal(bytes);
            // Either an error or a value that comes back from its own encoding; never a panic.
            match kind {
                0 => {
                    if let Ok(file) = ProvingKeyFile::decode(&bytes, Validate::Trust) {
                        assert_eq!(file.encode().unwrap(), bytes);
                    }
                }
                1 => {
                    if let Ok(file) = VerifyingKeyFile::decode(&bytes) {
                        assert_eq!(VerifyingKeyFile::decode(&file.encode().unwrap()).unwrap(), file);
                    }
                }
                _ => {
                    if let Ok(file) = ProofFile::decode(&bytes) {
                        assert_eq!(ProofFile::decode(&file.encode().unwrap()).unwrap(), file);
                    }
                }
            }
        }
    }
}

#[test]
fn points_that_are_none_are_refused() {
    let (proving, ..) = files();
    let bytes = proving.encode().unwrap();
    let body = 24 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let with = |at: usize, patch: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + patch.len()].copy_from_slice(patch);
        reseal(bytes)
    };
    let refused = |bytes: &[u8], validate| ProvingKeyFile::decode(bytes, validate).unwrap_err().to_string();
    for validate in [Validate::Full, Validate::OnCurve, Validate::Trust] {
        let too_large = refused(&with(body, &[0xff; 32]), validate);
        assert!(too_large.contains("alpha_g1") && too_large.contains("modulus"), "{too_large}");
        let infinity = refused(&with(body + 64, &[0; 128]), validate);
        assert!(infinity.contains("beta_g2") && infinity.contains("infinity"), "{infinity}");
    }
    // alpha_g1 with x = 1 and another y.
    let off = with(body, &[1]);
    assert!(refused(&off, Validate::Full).contains("not on the curve"));
    assert!(refused(&off, Validate::OnCurve).contains("not on the curve"));
    assert!(ProvingKeyFile::decode(&off, Validate::Trust).is_ok());
    // beta_g2 on the twist but outside of the group.
    let stray = (0u64..)
        .find_map(|x| {
            let x = ark_bn254::Fq2::new(x.into(), 1u64.into());
            let p = ark_bn254::G2Affine::get_point_from_x_unchecked(x, true)?;
            (!p.is_in_correct_subgroup_assuming_on_curve()).then_some(p)
        })
        .unwrap();
    let mut forged = proving;
    forged.key.vk.beta_g2 = stray;
    let forged = forged.encode().unwrap();
    assert!(refused(&forged, Validate::Full).contains("group of order r"));
    assert!(ProvingKeyFile::decode(&forged, Validate::OnCurve).is_ok());
    // Counts that no file could hold.
    let gamma_abc_count = body + 64 + 3 * 128;
    for count in [u64::MAX, 1 << 60, u64::MAX / 64 + 1, 1000] {
        let message = refused(&with(gamma_abc_count, &count.to_le_bytes()), Validate::Trust);
        assert!(message.contains("gamma_abc_g1"), "{message}");
    }
}

#[test]
fn files_of_something_else_are_named() {
    let (proving, verifying, proof) = files();
    verifying.info.expect_circuit("the verifying key", &square().digest()).unwrap();
    let message = proving.info.expect_circuit("the proving key", &[7; 32]).unwrap_err();
    assert!(matches!(message, Error::Mismatch { .. }));
    assert!(message.to_string().contains("0707"), "{message}");

    // The proof in the file is none, but it is not even of this key.
    let other_key = setup(&square(), &mut ChaCha20Rng::seed_from_u64(9)).unwrap();
    let other = VerifyingKeyFile { info: verifying.info.clone(), key: other_key.vk };
    assert!(matches!(other.verify(&proof), Err(Error::Mismatch { what: "the proof", .. })));
    assert!(matches!(verifying.verify(&proof), Err(Error::ProofRejected)));
    let elsewhere = KeyInfo::new([7; 32], OPTIONS, true);
    let elsewhere = VerifyingKeyFile { info: elsewhere, ..verifying.clone() };
    assert!(matches!(elsewhere.verify(&proof), Err(Error::Mismatch { what: "the proof", .. })));

    let mut plonk = verifying;
    plonk.info.system = "plonk".into();
    let bytes = plonk.encode().unwrap();
    assert!(matches!(VerifyingKeyFile::decode(&bytes), Err(Error::Mismatch { .. })));

    // A later format version.
    let mut bytes = proof.encode().unwrap();
    bytes[8] = 2;
    let message = ProofFile::decode(&reseal(bytes)).unwrap_err().to_string();
    assert!(message.contains("version 2"), "{message}");
}
