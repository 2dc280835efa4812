//! Upstream's prover over our commitment scheme.

use crate::circuit::{Mixed, SHAPES};
use crate::device_srs;
use halo2_axiom::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_axiom::plonk::{VerifyingKey, create_proof, keygen_pk2, verify_proof};
use halo2_axiom::poly::commitment::{CommitmentScheme, Params, ParamsProver, Prover};
use halo2_axiom::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_axiom::poly::kzg::multiopen::{ProverSHPLONK, VerifierSHPLONK};
use halo2_axiom::poly::kzg::strategy::SingleStrategy;
use halo2_axiom::transcript::{
    Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer, TranscriptWriterBuffer,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::sync::Arc;
use zkwatt::device::CpuDevice;
use zkwatt::halo2::scheme::{KzgOnDevice, ParamsOnDevice, ShplonkOnDevice};

type OnCpu = KzgOnDevice<CpuDevice>;

/// A proof by upstream's prover with a fixed random stream, under any scheme.
pub fn prove<'p, S, P>(
    params: &'p S::ParamsProver,
    circuit: &Mixed,
    seed: u64,
) -> (VerifyingKey<G1Affine>, Vec<u8>)
where
    S: CommitmentScheme<Curve = G1Affine, Scalar = Fr>,
    S::ParamsProver: Sync,
    P: Prover<'p, S>,
{
    let pk = keygen_pk2(params, circuit, false).unwrap();
    let instances = circuit.instances();
    let instances: Vec<&[Fr]> = instances.iter().map(|column| &column[..]).collect();
    let mut transcript = Blake2bWrite::<_, _, Challenge255<_>>::init(Vec::new());
    let rng = ChaCha20Rng::seed_from_u64(seed);
    create_proof::<S, P, _, _, _, _>(
        params,
        &pk,
        std::slice::from_ref(circuit),
        &[&instances],
        rng,
        &mut transcript,
    )
    .unwrap();
    (pk.get_vk().clone(), transcript.finalize())
}

/// Upstream's verifier.
pub fn verifies(
    params: &ParamsKZG<Bn256>,
    vk: &VerifyingKey<G1Affine>,
    instances: &[Vec<Fr>],
    proof: &[u8],
) -> bool {
    let instances: Vec<&[Fr]> = instances.iter().map(|column| &column[..]).collect();
    let mut transcript = Blake2bRead::<_, _, Challenge255<_>>::init(proof);
    verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        params,
        vk,
        SingleStrategy::new(params),
        &[&instances],
        &mut transcript,
    )
    .is_ok()
}

#[test]
fn upstreams_prover_commits_to_the_same_through_a_device() {
    let device = Arc::new(device_srs(6));
    let params = ParamsOnDevice::new(device.clone());
    assert!(params.has_device());
    for shape in SHAPES {
        let circuit = Mixed { shape, x: 3, stray: None };
        let (vk, proof) = prove::<OnCpu, ShplonkOnDevice<'_, CpuDevice>>(&params, &circuit, 5);
        type Upstream = KZGCommitmentScheme<Bn256>;
        let (_, want) = prove::<Upstream, ProverSHPLONK<'_, Bn256>>(device.srs().params(), &circuit, 5);
        // Upstream's random polynomial comes from the system whatever generator it is given: only what is committed
        // to before can be equal.
        let before = 32 * vk.cs().num_advice_columns();
        assert_eq!(proof.len(), want.len());
        assert!(proof[..before] == want[..before], "{shape:?}");
        // A verifier needs no powers.
        let verifier = device.srs().verifier_params();
        let instances = circuit.instances();
        assert!(verifies(&verifier, &vk, &instances, &proof), "{shape:?}");
        assert!(verifies(params.verifier_params(), &vk, &instances, &proof));
        let mut flipped = proof.clone();
        flipped[100] ^= 1;
        assert!(!verifies(&verifier, &vk, &instances, &flipped));
        if shape.instances > 0 {
            let wrong = Mixed { x: 4, ..circuit }.instances();
            assert!(!verifies(&verifier, &vk, &wrong, &proof));
        }
    }
}

#[test]
fn params_do_what_upstreams_do() {
    let device = Arc::new(device_srs(6));
    let mut params = ParamsOnDevice::new(device.clone());
    let mut bytes = Vec::new();
    params.write(&mut bytes).unwrap();
    let mut want = Vec::new();
    device.srs().params().write(&mut want).unwrap();
    assert_eq!(bytes, want);
    let read = OnCpu::read_params(&mut &bytes[..]).unwrap();
    assert_eq!((read.k(), read.n(), read.has_device()), (6, 64, false));
    assert_eq!(read.get_g(), device.srs().params().get_g());
    assert!(OnCpu::read_params(&mut &bytes[1..]).is_err());

    params.downsize(7);
    assert_eq!(params.k(), 6);
    params.downsize(5);
    assert_eq!((params.k(), params.has_device()), (5, true));
    let made = OnCpu::new_params(4);
    assert!(made.srs().is_insecure() && made.k() == 4);
    assert_ne!(made.srs().digest(), OnCpu::new_params(4).srs().digest());
    assert_eq!(OnCpu::new_params(0).k(), 1);
    for params in [params, made, read] {
        let circuit = Mixed { shape: SHAPES[1], x: 3, stray: None };
        if params.k() > 4 {
            let (vk, proof) = prove::<OnCpu, ShplonkOnDevice<'_, CpuDevice>>(&params, &circuit, 5);
            assert!(verifies(params.verifier_params(), &vk, &circuit.instances(), &proof));
        }
    }
}
