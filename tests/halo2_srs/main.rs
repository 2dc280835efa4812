//! SRS files: the formats of halo2, snarkjs and this library, and files that are wrong in any way.
#![cfg(feature = "halo2")]

use halo2_axiom::SerdeFormat;
use halo2_axiom::halo2curves::bn256::{self, Bn256};
use halo2_axiom::poly::commitment::{Params, ParamsProver};
use halo2_axiom::poly::kzg::commitment::ParamsKZG;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};
use zkwatt::error::Error;
use zkwatt::halo2::Srs;
use zkwatt::halo2::srs::{ReadOptions, Validate, verifier_params};
use zkwatt::interop::halo2curves as interop;
use zkwatt::kernels::{G1Affine, G2Affine};

/// Made by snarkjs 0.7.5: `powersoftau new bn128 3`, one contribution, `prepare phase2`.
const PTAU: &[u8] = include_bytes!("power3.ptau");

const FULL: ReadOptions = ReadOptions { k: None, validate: Validate::Full };
const TRUST: ReadOptions = ReadOptions { k: None, validate: Validate::Trust };

fn upstream(k: u32) -> ParamsKZG<Bn256> {
    ParamsKZG::setup(k, ChaCha20Rng::seed_from_u64(7))
}

fn bytes_of(params: &ParamsKZG<Bn256>, format: SerdeFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    params.write_custom(&mut bytes, format).unwrap();
    bytes
}

/// The error's message; panics if there is none.
fn rejected(bytes: &[u8]) -> String {
    match Srs::decode(bytes, &FULL) {
        Ok(_) => panic!("accepted"),
        Err(e @ Error::Format { .. }) => e.to_string(),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn reads_what_halo2_writes() {
    let params = upstream(4);
    let raw = bytes_of(&params, SerdeFormat::RawBytes);
    let srs = Srs::decode(&raw, &FULL).unwrap();
    assert_eq!(interop::halo2_g1_points(srs.g()), params.get_g());
    assert_eq!((srs.k(), srs.n(), srs.is_insecure()), (4, 16, false));
    assert_eq!(srs.encode_halo2(), raw);
    let mut written = Vec::new();
    params.write(&mut written).unwrap();
    assert_eq!(written, raw, "what `write` writes");
    let compressed = Srs::decode(&bytes_of(&params, SerdeFormat::Processed), &FULL).unwrap();
    assert_eq!((compressed.encode_halo2(), compressed.digest()), (raw.clone(), srs.digest()));
    // And back through upstream, by way of `params`.
    assert_eq!(bytes_of(srs.params(), SerdeFormat::RawBytes), raw);
}

#[test]
fn cuts_down_as_upstream_does() {
    let mut params = upstream(5);
    let raw = bytes_of(&params, SerdeFormat::RawBytes);
    params.downsize(3);
    let want = bytes_of(&params, SerdeFormat::RawBytes);
    let whole = Srs::decode(&raw, &FULL).unwrap();
    let read = Srs::decode(&raw, &ReadOptions { k: Some(3), ..FULL }).unwrap();
    let cut = whole.downsized(3).unwrap();
    assert_eq!(read.encode_halo2(), want);
    assert_eq!(cut.encode_halo2(), want);
    assert_eq!(cut.digest(), read.digest());
    assert_ne!(cut.digest(), whole.digest());
    assert_eq!(whole.downsized(5).unwrap().digest(), whole.digest());
    for k in [0, 6, 29, u32::MAX] {
        assert!(matches!(whole.downsized(k), Err(Error::InvalidArgument { argument: "k", .. })), "{k}");
        let options = ReadOptions { k: Some(k), ..FULL };
        assert!(matches!(Srs::decode(&raw, &options), Err(Error::InvalidArgument { argument: "k", .. })));
    }
}

#[test]
fn insecure_says_so_and_is_the_same_everywhere() {
    let srs = Srs::insecure(6, b"seed").unwrap();
    assert!(srs.is_insecure());
    // The powers and the Lagrange basis that were computed from τ belong together.
    let plain = Srs::decode(&srs.encode_halo2(), &FULL).unwrap();
    assert_eq!(plain.digest(), srs.digest());
    assert!(!plain.is_insecure(), "the format cannot say so");
    assert_eq!(srs.downsized(5).unwrap().g_lagrange(), Srs::insecure(5, b"seed").unwrap().g_lagrange());
    assert!(srs.downsized(5).unwrap().is_insecure());
    assert!(srs.clone().is_insecure());
    assert_ne!(Srs::insecure(6, b"seeds").unwrap().digest(), srs.digest());
    for k in [0, 29] {
        assert!(Srs::insecure(k, b"").is_err());
    }

    let dir = std::env::temp_dir().join(format!("zkwatt-srs-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("srs");
    srs.write(&path).unwrap();
    let read = Srs::read(&path).unwrap();
    assert!(read.is_insecure());
    assert_eq!((read.digest(), read.encode()), (srs.digest(), srs.encode()));
    std::fs::write(&path, b"k").unwrap();
    let message = Srs::read(&path).unwrap_err().to_string();
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    assert!(matches!(Srs::read(dir.join("absent")), Err(Error::Io { .. })));
    std::fs::remove_dir_all(&dir).unwrap();
}

#[test]
fn verifier_params_are_the_verifiers_part() {
    let srs = Srs::insecure(3, b"").unwrap();
    let params = srs.verifier_params();
    assert_eq!((params.k(), params.n(), params.get_g().len()), (3, 8, 1));
    assert_eq!(params.s_g2(), srs.params().s_g2());
    assert_eq!(params.g2(), bn256::G2Affine::generator());
    assert_eq!(verifier_params(3, &srs.s_g2()).unwrap().s_g2(), params.s_g2());
    for (k, s_g2) in [
        (0, srs.s_g2()),
        (64, srs.s_g2()),
        (3, G2Affine::IDENTITY),
        (3, G2Affine { x: srs.s_g2().y, ..srs.s_g2() }),
    ] {
        assert!(matches!(verifier_params(k, &s_g2), Err(Error::InvalidArgument { .. })));
    }
}

/// The sections of a `.ptau` as (type, content).
fn sections(ptau: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut rest = &ptau[12..];
    let mut out = Vec::new();
    while !rest.is_empty() {
        let kind = u32::from_le_bytes(rest[..4].try_into().unwrap());
        let len = u64::from_le_bytes(rest[4..12].try_into().unwrap()) as usize;
        out.push((kind, rest[12..12 + len].to_vec()));
        rest = &rest[12 + len..];
    }
    out
}

fn ptau(sections: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"ptau".to_vec();
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u32).to_le_bytes());
    for (kind, content) in sections {
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&(content.len() as u64).to_le_bytes());
        out.extend_from_slice(content);
    }
    out
}

#[test]
fn reads_what_snarkjs_writes() {
    let all = sections(PTAU);
    assert_eq!(ptau(&all), PTAU);
    let unprepared: Vec<_> = all.iter().filter(|(kind, _)| *kind < 12).cloned().collect();
    assert!(unprepared.len() < all.len());
    for k in 1..=3 {
        let options = ReadOptions { k: Some(k), ..FULL };
        let srs = Srs::decode(PTAU, &options).unwrap();
        // The file's Lagrange basis is over other roots of unity; this one is computed over Halo2's.
        let computed = Srs::decode(&ptau(&unprepared), &options).unwrap();
        assert_eq!(srs.encode_halo2(), computed.encode_halo2(), "k = {k}");
        assert_eq!(srs.k(), k);
        Srs::decode(&srs.encode_halo2(), &FULL).unwrap();
    }
    assert!(Srs::decode(PTAU, &ReadOptions { k: Some(4), ..FULL }).is_err());
}

#[test]
fn wrong_ptau_files_are_named() {
    let all = sections(PTAU);
    let change = |kind: u32, f: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = all.clone();
        f(&mut changed.iter_mut().find(|(k, _)| *k == kind).unwrap().1);
        rejected(&ptau(&changed))
    };
    let expect = |message: String, part: &str| assert!(message.contains(part), "{message}");
    expect(change(1, &|h| h[0] = 48), "BN254");
    expect(change(1, &|h| h[5] ^= 1), "BN254");
    expect(change(1, &|h| h[36] = 29), "power 29");
    expect(change(1, &|h| h[36] = 0), "power 0");
    expect(change(1, &|h| h[36] = 4), "ceremony of power 3");
    expect(change(1, &|h| (h[36], h[40]) = (4, 4)), "section 2");
    expect(change(1, &|h| h.push(0)), "section 1");
    expect(change(2, &|g| g.truncate(64 * 14)), "section 2");
    expect(change(3, &|g| g.truncate(128 * 7)), "section 3");
    expect(change(12, &|l| l.truncate(64 * 14)), "section 12");
    expect(change(2, &|g| g.copy_within(64..128, 0)), "generator of G1");
    expect(change(3, &|g| g.copy_within(128..256, 0)), "generator");
    expect(change(3, &|g| g.copy_within(256..384, 128)), "powers of one τ");
    expect(change(2, &|g| g.copy_within(128..192, 192)), "powers of one τ");
    expect(change(12, &|l| l.copy_within(64 * 7..64 * 8, 64 * 9)), "Lagrange");
    expect(change(2, &|g| g[64..128].fill(0)), "point 1 is the identity");
    expect(change(2, &|g| g[70] ^= 1), "point 1 ");
    for kind in [1, 2, 3] {
        let mut without = all.clone();
        without.retain(|(k, _)| *k != kind);
        expect(rejected(&ptau(&without)), &format!("no section {kind}"));
        let mut twice = all.clone();
        twice.push(twice.iter().find(|(k, _)| *k == kind).unwrap().clone());
        expect(rejected(&ptau(&twice)), &format!("section {kind} twice"));
    }
    let patched = |at: usize, bytes: &[u8]| {
        let mut file = PTAU.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        rejected(&file)
    };
    expect(patched(4, &2u32.to_le_bytes()), "version 2");
    expect(patched(8, &u32::MAX.to_le_bytes()), "4294967295 sections");
    expect(patched(16, &u64::MAX.to_le_bytes()), "beyond the file's end");
    expect(rejected(&[PTAU, &[0]].concat()), "1 bytes after its last section");
}

/// Swaps `len` bytes at two places.
fn swap(bytes: &mut [u8], a: usize, b: usize, len: usize) {
    for i in 0..len {
        bytes.swap(a + i, b + i);
    }
}

#[test]
fn wrong_powers_are_rejected() {
    const N: usize = 8;
    let honest = Srs::insecure(3, b"").unwrap();
    let raw = honest.encode_halo2();
    let g = |i: usize| 4 + 64 * i;
    let l = |i: usize| g(N + i);
    let h = g(2 * N);
    let change = |f: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = raw.clone();
        f(&mut bytes);
        // A right checksum changes nothing.
        let mut own = [&honest.encode()[..16], &bytes].concat();
        own.extend_from_slice(&Sha256::digest(&own));
        let message = rejected(&bytes);
        assert_eq!(message, rejected(&own));
        message
    };
    let expect = |message: String, part: &str| assert!(message.contains(part), "{message}");
    expect(change(&|b| swap(b, g(2), g(3), 64)), "powers of one τ");
    expect(change(&|b| swap(b, g(0), g(1), 64)), "generator of G1");
    expect(change(&|b| swap(b, l(2), l(3), 64)), "Lagrange");
    expect(change(&|b| b.copy_within(g(4)..g(5), g(7))), "powers of one τ");
    expect(change(&|b| b[g(3)..g(4)].fill(0)), "identity");
    expect(change(&|b| b[l(3)..l(4)].fill(0)), "identity");
    expect(change(&|b| b[g(3)] ^= 1), "point 3");
    expect(change(&|b| swap(b, h, h + 128, 128)), "generator of G2");
    expect(change(&|b| b.copy_within(h..h + 128, h + 128)), "powers of one τ");
    expect(change(&|b| b[h + 128] ^= 1), "twist");
    expect(change(&|b| b[h + 128..].fill(0)), "identity");
    expect(change(&|b| b[0] = 29), "2^29");
    expect(change(&|b| b[..4].fill(0)), "2^0");
    expect(change(&|b| b[0] = 4), "should have");
    // Two errors that cancel in a combination with equal coefficients.
    let opposite = change(&|b| {
        let point = |b: &[u8], i: usize| {
            use halo2_axiom::halo2curves::serde::SerdeObject;
            bn256::G1Affine::from_raw_bytes(&b[g(i)..g(i + 1)]).unwrap()
        };
        let (plus, minus) = (
            bn256::G1Affine::from(point(b, 4) + point(b, 1)),
            bn256::G1Affine::from(point(b, 5) - bn256::G1::from(point(b, 1))),
        );
        for (i, p) in [(4, plus), (5, minus)] {
            use halo2_axiom::halo2curves::serde::SerdeObject;
            b[g(i)..g(i + 1)].copy_from_slice(&p.to_raw_bytes());
        }
    });
    expect(opposite, "powers of one τ");
}

/// τ in G2 plus a point of the twist that is outside of the group: the pairing does not see it in every library.
#[test]
fn points_outside_of_g2_are_rejected() {
    use halo2_axiom::halo2curves::ff::Field;
    use halo2_axiom::halo2curves::serde::SerdeObject;
    let raw = Srs::insecure(1, b"").unwrap().encode_halo2();
    let b = bn256::G2Affine::generator();
    let b = b.y * b.y - b.x * b.x * b.x;
    let mut x = bn256::Fq2::ONE;
    let y = loop {
        x += bn256::Fq2::ONE;
        if let Some(y) = Option::<bn256::Fq2>::from((x * x * x + b).sqrt()) {
            break y;
        }
    };
    let outside = bn256::G2Affine { x, y };
    let mut bytes = raw.clone();
    bytes[4 + 256 + 128..].copy_from_slice(&outside.to_raw_bytes());
    assert!(rejected(&bytes).contains("group of order r"));
}

#[test]
fn damaged_files_are_rejected_without_a_panic() {
    let srs = Srs::insecure(2, b"").unwrap();
    let compressed = bytes_of(srs.params(), SerdeFormat::Processed);
    let files = [srs.encode(), srs.encode_halo2(), compressed, PTAU.to_vec()];
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (which, file) in files.iter().enumerate() {
        for len in 0..file.len() {
            assert!(Srs::decode(&file[..len], &TRUST).is_err(), "file {which}, {len} bytes");
        }
        assert!(Srs::decode(&[file, &[0][..]].concat(), &TRUST).is_err());
        for _ in 0..150 {
            let mut bytes = file.clone();
            let at = rng.next_u32() as usize % bytes.len();
            bytes[at] ^= 1 << (rng.next_u32() % 8);
            match Srs::decode(&bytes, &FULL) {
                // Sections that are not read, and the ceremony's power.
                Ok(read) if which == 3 => {
                    assert_eq!(read.digest(), Srs::decode(PTAU, &TRUST).unwrap().digest());
                }
                result => assert!(result.is_err(), "file {which}, byte {at}"),
            }
        }
        for _ in 0..500 {
            let mut bytes = file.clone();
            for _ in 0..1 + rng.next_u32() % 8 {
                let at = rng.next_u32() as usize % bytes.len().min(128);
                bytes[at] = rng.next_u32() as u8;
            }
            let _ = Srs::decode(&bytes, &TRUST);
        }
    }
    // A compressed coordinate of G2 that is not below the modulus, in either half.
    for at in [31, 63] {
        let mut bytes = files[2].clone();
        let start = bytes.len() - 64;
        bytes[start + at] |= 0x3f;
        assert!(rejected(&bytes).contains("twist"));
    }
    let message = rejected(&[0xff; 2000]);
    assert!(message.contains("no `.ptau` or `.srs`"), "{message}");
    assert!(Srs::decode(&[], &FULL).is_err());
}

#[test]
fn a_lagrange_basis_commits_as_the_powers_do() {
    use halo2_axiom::poly::EvaluationDomain;
    use halo2_axiom::poly::commitment::Blind;
    let srs = Srs::insecure(5, b"x").unwrap();
    let domain = EvaluationDomain::<bn256::Fr>::new(3, 5);
    let values: Vec<_> = (0..32u64).map(|i| bn256::Fr::from(i * i + 3)).collect();
    let lagrange = domain.lagrange_from_vec(values);
    let left = srs.params().commit_lagrange(&lagrange, Blind::default());
    let right = srs.params().commit(&domain.lagrange_to_coeff(lagrange), Blind::default());
    assert_eq!(left, right);
    assert_ne!(srs.g_lagrange()[1], G1Affine::generator());
}
