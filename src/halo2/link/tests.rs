use super::*;
use crate::device::{CpuDevice, CpuOptions};
use crate::halo2::Srs;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::sync::Arc;

const K: u32 = 5;
const USABLE: usize = 26;
const PROOF: &[u8] = b"a halo2 proof";

fn srs() -> DeviceSrs<CpuDevice> {
    let device = Arc::new(CpuDevice::new(CpuOptions::default()).unwrap());
    DeviceSrs::new(device, Arc::new(Srs::insecure(K, b"link").unwrap())).unwrap()
}

fn random(rng: &mut ChaCha20Rng) -> Fr {
    Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()))
}

/// Columns that agree on the usable rows and have blinding of their own.
struct Columns {
    published: Vec<Vec<Fr>>,
    committed: Vec<Vec<Fr>>,
}

impl Columns {
    fn new(count: usize, rng: &mut ChaCha20Rng) -> Self {
        let mut column = || (0..1 << K).map(|_| random(rng)).collect::<Vec<_>>();
        let published: Vec<_> = (0..count).map(|_| column()).collect();
        let committed = published.iter().map(|p| [&p[..USABLE], &column()[USABLE..]].concat()).collect();
        Self { published, committed }
    }

    fn statement(&self, srs: &DeviceSrs<CpuDevice>) -> LinkStatement {
        let commit = |columns: &[Vec<Fr>]| {
            let commit = |column: &Vec<Fr>| srs.commit_lagrange(Scalars::Field(column)).unwrap();
            columns.iter().map(commit).collect::<Vec<_>>()
        };
        let (committed, published) = (commit(&self.committed), commit(&self.published));
        let vk = Fr::from(99u64);
        LinkStatement::from_commitments(K, USABLE, vk, PROOF, &committed, &published).unwrap()
    }

    fn rows(&self) -> [Vec<&[Fr]>; 2] {
        [&self.published, &self.committed].map(|columns| columns.iter().map(|c| &c[USABLE..]).collect())
    }

    fn prove(&self, srs: &DeviceSrs<CpuDevice>, statement: &LinkStatement) -> Result<LinkProof> {
        let [published, committed] = self.rows();
        prove(srs, statement, &published, &committed)
    }

    /// As [`prove`], for statements that are false.
    fn prove_regardless(&self, srs: &DeviceSrs<CpuDevice>, statement: &LinkStatement) -> LinkProof {
        let [published, committed] = self.rows();
        let (mut transcript, difference) = open(statement);
        let rows = BlindingRows::new(statement);
        let values = rows.combine(difference.gamma, &published, &committed).unwrap();
        answer(srs, &rows, &values, &mut transcript).unwrap()
    }
}

fn rejected(srs: &DeviceSrs<CpuDevice>, statement: &LinkStatement, proof: &LinkProof) -> bool {
    matches!(verify(&srs.srs().verifier_params(), statement, proof), Err(Error::ProofRejected))
}

#[test]
fn honest_links_are_accepted() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(1));
    for count in [1, 2, 7] {
        let columns = Columns::new(count, &mut rng);
        let statement = columns.statement(&srs);
        let proof = columns.prove(&srs, &statement).unwrap();
        verify(srs.srs().params(), &statement, &proof).unwrap();
        let bytes = proof.to_bytes();
        let read = LinkProof::from_bytes(&bytes).unwrap();
        verify(&srs.srs().verifier_params(), &statement, &read).unwrap();
        assert_eq!((bytes.len(), read), (96, proof));
        // The same columns with the same blinding: nothing to show, and still a link.
        let same = Columns { published: columns.committed.clone(), committed: columns.committed };
        let statement = same.statement(&srs);
        let proof = LinkProof::from_bytes(&same.prove(&srs, &statement).unwrap().to_bytes()).unwrap();
        verify(srs.srs().params(), &statement, &proof).unwrap();
    }
}

#[test]
fn a_difference_in_any_usable_row_is_rejected() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(2));
    for row in [0, 1, 13, USABLE - 1] {
        for column in 0..3 {
            let mut columns = Columns::new(3, &mut rng);
            columns.committed[column][row] += Fr::ONE;
            let statement = columns.statement(&srs);
            assert!(matches!(
                columns.prove(&srs, &statement),
                Err(Error::InvalidArgument { argument: "rows", .. })
            ));
            assert!(rejected(&srs, &statement, &columns.prove_regardless(&srs, &statement)));
        }
    }
    // Differences that cancel in a plain sum of the columns.
    let mut columns = Columns::new(2, &mut rng);
    columns.committed[0][4] += Fr::ONE;
    columns.committed[1][4] -= Fr::ONE;
    let statement = columns.statement(&srs);
    assert!(rejected(&srs, &statement, &columns.prove_regardless(&srs, &statement)));
    // In a blinding row it is no difference.
    let mut columns = Columns::new(2, &mut rng);
    columns.committed[0][USABLE] += Fr::ONE;
    let statement = columns.statement(&srs);
    verify(srs.srs().params(), &statement, &columns.prove(&srs, &statement).unwrap()).unwrap();
}

/// A prover that opens the true D, which does not vanish on the usable rows, and claims q = D(z)/Z(z).
#[test]
fn an_opening_of_the_true_difference_is_rejected() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(3));
    let mut columns = Columns::new(1, &mut rng);
    columns.committed[0][5] += Fr::ONE;
    let statement = columns.statement(&srs);
    let (mut transcript, _) = open(&statement);
    let rows = BlindingRows::new(&statement);
    let d: Vec<Fr> = columns.committed[0].iter().zip(&columns.published[0]).map(|(c, p)| *c - *p).collect();
    let quotient = rows.quotient(&d[USABLE..]);
    let commitment = srs.commit(Scalars::Field(&quotient)).unwrap();
    transcript.point(&commitment);
    let z = transcript.challenge();
    // D(z) from its coefficients.
    let mut c = d;
    let plan = zkwatt_kernels::ntt::NttPlan::new(K, zkwatt_kernels::ntt::Direction::Inverse).unwrap();
    let plan = plan.generator(zkwatt_kernels::ntt::Generator::Seven);
    srs.device().ntt_in_place(&mut c, &plan).unwrap();
    let vanishing = rows.vanishing(z).unwrap();
    let (mut witness, at_z) = rows::divide(&c, z);
    let evaluation = at_z * vanishing.inverse_vartime().unwrap();
    transcript.scalar(evaluation);
    let nu = transcript.challenge();
    let (rest, _) = rows::divide(&quotient, z);
    for (w, r) in witness.iter_mut().zip(rest) {
        *w += nu * r;
    }
    let opening = srs.commit(Scalars::Field(&witness)).unwrap();
    let proof = LinkProof { quotient: commitment, opening, evaluation };
    assert!(rejected(&srs, &statement, &proof));
}

#[test]
fn a_link_is_of_its_own_statement_only() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(4));
    let columns = Columns::new(2, &mut rng);
    let statement = columns.statement(&srs);
    let proof = columns.prove(&srs, &statement).unwrap();
    let pairs: Vec<_> = statement.pairs().map(|(c, p)| (*c, *p)).collect();
    let [(c0, p0), (c1, p1)] = pairs[..] else { panic!() };
    let make = |k, usable, vk: u64, proof: &[u8], c: &[G1Affine], p: &[G1Affine]| {
        LinkStatement::from_commitments(k, usable, Fr::from(vk), proof, c, p).unwrap()
    };
    assert_eq!(make(K, USABLE, 99, PROOF, &[c0, c1], &[p0, p1]), statement);
    let others = [
        ("swapped columns", make(K, USABLE, 99, PROOF, &[c1, c0], &[p0, p1])),
        ("both swapped", make(K, USABLE, 99, PROOF, &[c1, c0], &[p1, p0])),
        ("sides swapped", make(K, USABLE, 99, PROOF, &[p0, p1], &[c0, c1])),
        ("another published", make(K, USABLE, 99, PROOF, &[c0, c1], &[p0, G1Affine::generator()])),
        ("another committed", make(K, USABLE, 99, PROOF, &[c0, -c1], &[p0, p1])),
        ("fewer columns", make(K, USABLE, 99, PROOF, &[c0], &[p0])),
        ("another proof", make(K, USABLE, 99, b"A halo2 proof", &[c0, c1], &[p0, p1])),
        ("another key", make(K, USABLE, 98, PROOF, &[c0, c1], &[p0, p1])),
        ("more usable rows", make(K, USABLE + 1, 99, PROOF, &[c0, c1], &[p0, p1])),
        ("fewer usable rows", make(K, USABLE - 1, 99, PROOF, &[c0, c1], &[p0, p1])),
    ];
    for (what, other) in &others {
        assert!(rejected(&srs, other, &proof), "{what}");
    }
    // A prover cannot link swapped columns either.
    let swapped = &others[0].1;
    assert!(columns.prove(&srs, swapped).is_err());
    assert!(rejected(&srs, swapped, &columns.prove_regardless(&srs, swapped)));
    // Another SRS.
    let other = Srs::insecure(K, b"other").unwrap().verifier_params();
    assert!(matches!(verify(&other, &statement, &proof), Err(Error::ProofRejected)));
    let smaller = Srs::insecure(K - 1, b"link").unwrap().verifier_params();
    assert!(matches!(verify(&smaller, &statement, &proof), Err(Error::InvalidArgument { .. })));
}

#[test]
fn damaged_links_are_rejected() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(5));
    let columns = Columns::new(1, &mut rng);
    let statement = columns.statement(&srs);
    let proof = columns.prove(&srs, &statement).unwrap();
    let bytes = proof.to_bytes();
    for i in 0..bytes.len() {
        let mut flipped = bytes;
        flipped[i] ^= 1 << (i % 8);
        match LinkProof::from_bytes(&flipped) {
            Ok(proof) => assert!(rejected(&srs, &statement, &proof), "byte {i}"),
            Err(e) => assert!(matches!(e, Error::Format { .. })),
        }
    }
    assert!(LinkProof::from_bytes(&bytes[1..]).is_err());
    assert!(LinkProof::from_bytes(&[]).is_err());
    assert!(LinkProof::from_bytes(&[0xff; 96]).is_err());
    let LinkProof { quotient, opening, evaluation } = proof;
    let swapped = LinkProof { quotient: opening, opening: quotient, evaluation };
    assert!(rejected(&srs, &statement, &swapped));
    let zero = LinkProof { quotient: G1Affine::IDENTITY, opening: G1Affine::IDENTITY, evaluation: Fr::ZERO };
    assert!(rejected(&srs, &statement, &zero));
}

#[test]
fn arguments_are_checked() {
    let (srs, mut rng) = (srs(), ChaCha20Rng::seed_from_u64(6));
    let columns = Columns::new(2, &mut rng);
    let statement = columns.statement(&srs);
    let [published, committed] = columns.rows();
    assert!(prove(&srs, &statement, &published[..1], &committed).is_err());
    assert!(prove(&srs, &statement, &[&published[0][1..], published[1]], &committed).is_err());
    assert!(prove(&srs, &statement, &published[..1], &committed[..1]).is_err(), "rows of fewer columns");
    let g = G1Affine::generator();
    let make = |k, usable, committed: &[G1Affine]| {
        LinkStatement::from_commitments(k, usable, Fr::ONE, PROOF, committed, &[g])
    };
    assert!(make(K, USABLE, &[g]).is_ok());
    for (k, usable) in [(0, 1), (29, 1), (u32::MAX, 1), (K, 0), (K, 32), (K, usize::MAX)] {
        assert!(matches!(make(k, usable, &[g]), Err(Error::InvalidArgument { .. })), "{k} {usable}");
    }
    assert!(matches!(make(K, USABLE, &[g, g]), Err(Error::LengthMismatch { .. })));
    assert!(make(K, USABLE, &[G1Affine::new_unchecked(g.x, g.x)]).is_err());
    assert!(LinkStatement::from_commitments(K, USABLE, Fr::ONE, PROOF, &[], &[]).is_err());
}
