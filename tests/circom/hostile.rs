//! Files that are cut off, damaged, or meant to harm: an error each time, or the same content.

use super::support::{file, rng};
use ark_ec::AffineRepr;
use rand_core::RngCore;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zkwatt::Error;
use zkwatt::device::CpuDevice;
use zkwatt::groth16::circom::{
    PtauInfo, R1csFile, Residence, Witness, Zkey, ZkeyProver, ZkeyProverOptions, json,
};
use zkwatt::groth16::keys::Validate;

/// Reads bytes to the end.
type Read = fn(&[u8]) -> Result<(), Error>;

fn read_zkey(bytes: &[u8]) -> Result<(), Error> {
    let zkey = Zkey::decode(bytes)?;
    zkey.matrices()?;
    ZkeyProver::<CpuDevice>::new(zkey, super::cpu(), ZkeyProverOptions::default()).map(|_| ())
}

fn files() -> [(&'static str, Vec<u8>, Read); 7] {
    fn text(bytes: &[u8]) -> Result<&str, Error> {
        std::str::from_utf8(bytes).map_err(|e| Error::format("text", e.to_string()))
    }
    [
        ("zkey", file("chain.zkey"), read_zkey),
        ("wtns", file("chain.wtns"), |b| Witness::decode(b).map(|_| ())),
        ("r1cs", file("chain.r1cs"), |b| R1csFile::decode(b).map(|_| ())),
        ("ptau", file("../../halo2_srs/power3.ptau"), |b| PtauInfo::decode(b).map(|_| ())),
        ("proof", file("chain.proof.json"), |b| json::parse_proof(text(b)?).map(|_| ())),
        ("public", file("chain.public.json"), |b| json::parse_public(text(b)?).map(|_| ())),
        ("key", file("chain.verification_key.json"), |b| json::parse_verifying_key(text(b)?).map(|_| ())),
    ]
}

/// An error about the content, or none; anything else is a failure.
fn expect_no_harm(name: &str, what: &str, read: Read, bytes: &[u8]) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(|| read(bytes))) {
        Ok(Ok(())) => None,
        Ok(Err(e @ (Error::Format { .. } | Error::InvalidArgument { .. }))) => Some(e.to_string()),
        Ok(Err(e)) => panic!("{name}, {what}: {e:?}"),
        Err(_) => panic!("{name}, {what}: a panic"),
    }
}

#[test]
fn cut_off_files_are_refused() {
    for (name, bytes, read) in files() {
        read(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        // The text ends in a line break, without which it says the same.
        let end = if bytes.ends_with(b"\n") { bytes.len() - 1 } else { bytes.len() };
        let step = if name == "zkey" { 17 } else { 1 };
        let boundaries = section_boundaries(&bytes);
        for len in (0..end).step_by(step).chain(boundaries) {
            let message = expect_no_harm(name, &format!("{len} bytes"), read, &bytes[..len]);
            assert!(message.is_some_and(|message| !message.is_empty()), "{name}, {len} bytes");
        }
    }
}

/// Where sections and their contents begin, if the bytes have such.
fn section_boundaries(bytes: &[u8]) -> Vec<usize> {
    if bytes.first() == Some(&b'{') || bytes.first() == Some(&b'[') {
        return Vec::new();
    }
    let (mut at, mut found) = (12, vec![4, 8, 12]);
    while at < bytes.len() {
        let len = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
        found.extend([at + 4, at + 12]);
        at += 12 + len;
        found.push(at);
    }
    found.retain(|at| *at < bytes.len());
    found
}

#[test]
fn damaged_files_do_no_harm() {
    for (name, bytes, read) in files() {
        let mut rng = rng(9);
        // All of the header and of each section's beginning; and anywhere.
        let starts = section_boundaries(&bytes);
        for round in 0..10_000 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + rng.next_u32() % 3 {
                let at = match starts.get(rng.next_u32() as usize % (2 * starts.len().max(1))) {
                    Some(start) => start + rng.next_u32() as usize % 48,
                    None => rng.next_u32() as usize,
                } % damaged.len();
                damaged[at] = match rng.next_u32() % 4 {
                    0 => 0,
                    1 => 0xff,
                    2 => damaged[at] ^ 1 << (rng.next_u32() % 8),
                    _ => rng.next_u32() as u8,
                };
            }
            expect_no_harm(name, &format!("round {round}"), read, &damaged);
        }
    }
}

/// The message for `bytes` with `value` at `at`.
fn patched(bytes: &[u8], at: usize, value: &[u8], read: Read) -> String {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    expect_no_harm("patched", &format!("at {at}"), read, &bytes)
        .unwrap_or_else(|| panic!("accepted: at {at}"))
}

/// Where the content of a section begins.
fn section(bytes: &[u8], kind: u32) -> usize {
    let mut at = 12;
    while u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) != kind {
        at += 12 + u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap()) as usize;
    }
    at + 12
}

#[track_caller]
fn expect(message: String, part: &str) {
    assert!(message.contains(part), "`{message}` does not say `{part}`");
}

#[test]
fn what_is_wrong_is_said() {
    let zkey = file("chain.zkey");
    let at = |kind| section(&zkey, kind);
    let bad = |at, value: &[u8]| patched(&zkey, at, value, read_zkey);
    let max = u32::MAX.to_le_bytes();
    expect(bad(0, b"zkex"), "does not begin with `zkey`");
    expect(bad(4, &[2]), "version 2");
    expect(bad(8, &max), "4294967295 sections");
    expect(bad(at(1), &[2]), "protocol 2 (PLONK)");
    expect(bad(at(2) + 4, &[0]), "base field is not BN254's");
    expect(bad(at(2) + 40, &[0]), "scalar field is not BN254's");
    expect(bad(at(2) + 72, &max), "section 5");
    expect(bad(at(2) + 76, &max), "that is impossible");
    expect(bad(at(2) + 80, &[65, 0, 0, 0]), "expected a power of two");
    expect(bad(at(2) + 80, &(1u32 << 28).to_le_bytes()), "up to 2^27");
    expect(bad(at(2) + 84, &[0; 64]), "α in G1 is the point at infinity");
    expect(bad(at(2) + 84, &[0xff; 32]), "not below the modulus");
    expect(bad(at(3), &[1]), "of IC is not on the curve");
    expect(bad(at(4), &max), "section 4 (coefficients)");
    expect(bad(at(4) + 4, &[2]), "is of matrix 2");
    expect(bad(at(4) + 8, &max), "row 4294967295 of 64");
    expect(bad(at(4) + 12, &max), "variable 4294967295");
    expect(bad(at(4) + 16, &[0xff; 32]), "coefficient 0 is not below the modulus");
    expect(bad(at(5) + 64, &[1]), "point 1 of A in G1 is not on the curve");
    expect(bad(at(7), &[0xff; 32]), "point 0 of B in G2 has a coordinate that is not below the modulus");

    let wtns = file("chain.wtns");
    let at = |kind| section(&wtns, kind);
    let bad = |at, value: &[u8]| patched(&wtns, at, value, |b| Witness::decode(b).map(|_| ()));
    expect(bad(4, &[9]), "version 9; this program reads version 1 or 2");
    expect(bad(at(1) + 4, &[0]), "scalar field");
    expect(bad(at(1) + 36, &max), "section 2 (values)");
    expect(bad(at(2), &[2]), "not the constant 1");
    expect(bad(at(2) + 64, &[0xff; 32]), "value 2 is not below the modulus");

    let r1cs = file("chain.r1cs");
    let at = |kind| section(&r1cs, kind);
    let bad = |at, value: &[u8]| patched(&r1cs, at, value, |b| R1csFile::decode(b).map(|_| ()));
    expect(bad(at(1) + 36, &[1, 0, 0, 0]), "fewer than its public values");
    expect(bad(at(1) + 36, &max), "section 3");
    // Inputs that optimisation took out still count.
    let mut optimised = r1cs.clone();
    optimised[at(1) + 48..at(1) + 52].copy_from_slice(&max);
    assert_eq!(R1csFile::decode(&optimised).unwrap().private_inputs, u32::MAX as usize);
    expect(bad(at(1) + 60, &max), "too few for 4294967295 constraints");
    expect(bad(at(1) + 60, &[1, 0, 0, 0]), "after the last constraint");
    expect(bad(at(2), &max), "constraint 0");
    expect(bad(at(2) + 4, &max), "names wire 4294967295");
    expect(bad(at(2) + 8, &[0xff; 32]), "not below the modulus");
}

#[test]
fn both_forms_of_b_are_infinity_at_the_same_places() {
    let mut zkey = file("chain.zkey");
    let witness = Witness::decode(&file("chain.wtns")).unwrap();
    let b = section(&zkey, 6);
    let finite = (b..).step_by(64).find(|at| zkey[*at..at + 64] != [0; 64]).unwrap();
    zkey[finite..finite + 64].fill(0);
    for residence in [Residence::Device, Residence::File] {
        let options = ZkeyProverOptions { residence, ..ZkeyProverOptions::default() };
        let prover = ZkeyProver::<CpuDevice>::new(Zkey::decode(zkey.clone()).unwrap(), super::cpu(), options);
        let error = prover.and_then(|prover| prover.prove(&witness, &mut rng(1))).unwrap_err();
        expect(error.to_string(), "infinity at different places");
    }
}

/// G2's curve has points outside of the group of order r.
#[test]
fn points_outside_of_the_group_are_found() {
    let mut zkey = file("chain.zkey");
    let stray = (1u64..)
        .find_map(|x| {
            let x = ark_bn254::Fq2::from(x);
            let p = ark_bn254::G2Affine::get_point_from_x_unchecked(x, true)?;
            Some(p).filter(|p| !p.is_in_correct_subgroup_assuming_on_curve())
        })
        .unwrap();
    let [b1, b2] = [6, 7].map(|kind| section(&zkey, kind));
    let finite = (0..).find(|i| zkey[b1 + 64 * i..][..64] != [0; 64]).unwrap();
    let limbs = [stray.x.c0, stray.x.c1, stray.y.c0, stray.y.c1].map(|c| c.0.0.map(u64::to_le_bytes));
    zkey[b2 + 128 * finite..][..128].copy_from_slice(limbs.as_flattened().as_flattened());
    let open = |validate| {
        let options = ZkeyProverOptions { validate, ..ZkeyProverOptions::default() };
        ZkeyProver::<CpuDevice>::new(Zkey::decode(zkey.clone()).unwrap(), super::cpu(), options)
    };
    assert!(open(Validate::OnCurve).is_ok());
    let error = open(Validate::Full).map(|_| ()).unwrap_err();
    expect(error.to_string(), "not in the group of order r");
}

/// C_i + G makes the proof's C reveal z_i to whoever knows the honest key. Nothing is wrong with any single point.
#[test]
fn keys_that_reveal_the_witness_give_no_proof() {
    let mut zkey = file("chain.zkey");
    let witness = Witness::decode(&file("chain.wtns")).unwrap();
    let c = section(&zkey, 8);
    let generator = ark_bn254::G1Affine::generator();
    zkey[c..c + 64].copy_from_slice(
        [generator.x, generator.y].map(|c| c.0.0.map(u64::to_le_bytes)).as_flattened().as_flattened(),
    );
    for residence in [Residence::Device, Residence::File] {
        let options =
            ZkeyProverOptions { residence, validate: Validate::Full, ..ZkeyProverOptions::default() };
        let prover =
            ZkeyProver::<CpuDevice>::new(Zkey::decode(zkey.clone()).unwrap(), super::cpu(), options).unwrap();
        let error = prover.prove(&witness, &mut rng(1)).unwrap_err();
        expect(error.to_string(), "or else the key is damaged");
    }
}

#[test]
fn numbers_in_json_are_canonical() {
    let modulus = "21888242871839275222246405745257275088548364400416034343698204186575808495617";
    let refused = ["", "-1", "+1", " 1", "01", "1.0", "0x1", "1e3", modulus, &"9".repeat(500)];
    for text in refused {
        let error = json::parse_public(&format!("[\"{text}\"]")).unwrap_err().to_string();
        assert!(error.contains("value 0 is `") && error.len() < 300, "{error}");
    }
    assert!(json::parse_public("[1]").is_err());
    assert_eq!(json::parse_public("[]").unwrap(), []);
    assert_eq!(json::parse_public("[\"0\", \"17\"]").unwrap()[1], zkwatt::kernels::Fr::from(17u64));

    let proof = String::from_utf8(file("chain.proof.json")).unwrap();
    let changed = |from: &str, to: &str| json::parse_proof(&proof.replace(from, to)).unwrap_err().to_string();
    expect(changed("groth16", "plonk"), "protocol `plonk`");
    expect(changed("bn128", "bls12381"), "curve `bls12381`");
    expect(changed("pi_b", "pi_x"), "pi_b");
    let value: serde_json::Value = serde_json::from_str(&proof).unwrap();
    let x = value["pi_a"][0].as_str().unwrap();
    expect(changed(x, "1"), "pi_a is not on the curve");
    let text = serde_json::to_string(&value).unwrap();
    let error = json::parse_proof(&text.replacen("\"1\"", "\"2\"", 1)).unwrap_err().to_string();
    expect(error, "third coordinate");
}
