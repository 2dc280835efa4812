//! Links of proofs that upstream's prover made.

use crate::circuit::{Mixed, SHAPES};
use crate::device_srs;
use crate::scheme::{prove, verifies};
use halo2_axiom::halo2curves::bn256::{self, Bn256};
use halo2_axiom::halo2curves::ff::Field as _;
use halo2_axiom::poly::kzg::commitment::KZGCommitmentScheme;
use halo2_axiom::poly::kzg::multiopen::ProverSHPLONK;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zkwatt::error::Error;
use zkwatt::halo2::link::{self, LinkStatement};
use zkwatt::interop::halo2curves as interop;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::{Field, Fr};

const K: u32 = 5;

/// The first `columns` of a proof's advice columns of the first phase, in the blinding rows: upstream draws these values
/// before any others.
fn blinding(seed: u64, columns: usize, rows: usize) -> Vec<Vec<Fr>> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut column = || (0..rows).map(|_| interop::scalar(&bn256::Fr::random(&mut rng))).collect();
    (0..columns).map(|_| column()).collect()
}

/// The column with these cells.
fn column(cells: &[(usize, u64)], blinding: &[Fr]) -> Vec<Fr> {
    let mut column = vec![Fr::ZERO; (1 << K) - blinding.len()];
    for (row, value) in cells {
        column[*row] = Fr::from(*value);
    }
    column.extend_from_slice(blinding);
    column
}

#[test]
fn columns_of_an_upstream_proof_are_linked() {
    let srs = device_srs(K);
    // The second has a second phase, whose column is not among the first points.
    for shape in [SHAPES[0], SHAPES[4]] {
        let circuit = Mixed { shape, x: 3, stray: None };
        let seed = 77;
        let (vk, proof) =
            prove::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>>(srs.srs().params(), &circuit, seed);
        assert!(verifies(srs.srs().params(), &vk, &circuit.instances(), &proof));
        let rows = vk.cs().blinding_factors() + 1;
        let in_proof = blinding(seed, 3, rows);
        let ours = blinding(1, 2, rows);
        let a = column(&[(0, 3), (1, 12), (3, 5), (5, 3), (6, 7)], &ours[0]);
        let c = column(&[(0, 12), (1, 17)], &ours[1]);
        let commit = |column: &[Fr]| srs.commit_lagrange(Scalars::Field(column)).unwrap();
        let published = [commit(&c), commit(&a)];
        let statement = LinkStatement::new(&vk, &proof, &[2, 0], &published).unwrap();
        assert_eq!((statement.k(), statement.usable_rows(), statement.columns()), (K, 32 - rows, 2));
        let link =
            link::prove(&srs, &statement, &[&ours[1], &ours[0]], &[&in_proof[2], &in_proof[0]]).unwrap();
        let params = srs.srs().verifier_params();
        link::verify(&params, &statement, &link).unwrap();

        // Another proof of the same circuit: other blinding, other commitments.
        let (_, other) = prove::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>>(
            srs.srs().params(),
            &circuit,
            seed + 1,
        );
        let of_other = LinkStatement::new(&vk, &other, &[2, 0], &published).unwrap();
        assert!(matches!(link::verify(&params, &of_other, &link), Err(Error::ProofRejected)));
        // Another value in a published column.
        let mut wrong = a.clone();
        wrong[3] += Fr::ONE;
        let wrong = LinkStatement::new(&vk, &proof, &[2, 0], &[published[0], commit(&wrong)]).unwrap();
        assert!(matches!(link::verify(&params, &wrong, &link), Err(Error::ProofRejected)));
        let swapped = LinkStatement::new(&vk, &proof, &[0, 2], &published).unwrap();
        assert!(matches!(link::verify(&params, &swapped, &link), Err(Error::ProofRejected)));
    }
}

#[test]
fn only_columns_of_the_first_phase_are() {
    let srs = device_srs(K);
    let circuit = Mixed { shape: SHAPES[4], x: 3, stray: None };
    let (vk, proof) =
        prove::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>>(srs.srs().params(), &circuit, 1);
    let g = [zkwatt::kernels::G1Affine::generator(); 2];
    let second = vk.cs().advice_column_phase().iter().position(|phase| *phase == 1).unwrap();
    for columns in [[0, 0], [0, second], [0, second + 1], [usize::MAX, 0]] {
        let result = LinkStatement::new(&vk, &proof, &columns, &g);
        assert!(matches!(result, Err(Error::InvalidArgument { argument: "columns", .. })), "{columns:?}");
    }
    assert!(LinkStatement::new(&vk, &proof, &[0, 1], &g).is_ok());
    assert!(LinkStatement::new(&vk, &proof, &[0, 1], &g[..1]).is_err());
    assert!(matches!(LinkStatement::new(&vk, &proof[..40], &[0, 1], &g), Err(Error::Format { .. })));
    assert!(matches!(LinkStatement::new(&vk, &[0xff; 64], &[0, 1], &g), Err(Error::Format { .. })));
}
