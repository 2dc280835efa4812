//! One check for every circuit: our proof is accepted, has the size of upstream's, and nothing else is accepted.

use halo2_axiom::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_axiom::halo2curves::ff::Field;
use halo2_axiom::plonk::{self, Circuit, ProvingKey, VerifyingKey, keygen_pk, keygen_vk_custom};
use halo2_axiom::poly::commitment::{Params, ParamsProver};
use halo2_axiom::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_axiom::poly::kzg::multiopen::{ProverSHPLONK, VerifierSHPLONK};
use halo2_axiom::poly::kzg::strategy::SingleStrategy;
use halo2_axiom::transcript::{
    Blake2bRead, Blake2bWrite, Challenge255, TranscriptReadBuffer, TranscriptWriterBuffer,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
use std::sync::{Arc, OnceLock};
#[cfg(feature = "cuda")]
use zkwatt::device::cuda::{CudaDevice, CudaOptions};
#[cfg(feature = "wgpu")]
use zkwatt::device::wgpu::{LimbForm, WgpuDevice, WgpuOptions};
use zkwatt::device::{CpuDevice, CpuOptions, Dual};
use zkwatt::halo2::{Halo2Backend, KeyOptions, PreparedKey, create_proof};
use zkwatt::kernels::CpuPath;

/// The instances of several circuits, by circuit and column.
pub type Instances<'a> = &'a [&'a [&'a [Fr]]];

pub fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub fn params(k: u32) -> ParamsKZG<Bn256> {
    ParamsKZG::setup(k, rng(17))
}

pub fn keys<C: Circuit<Fr>>(params: &ParamsKZG<Bn256>, circuit: &C, compress: bool) -> ProvingKey<G1Affine> {
    let vk = keygen_vk_custom(params, circuit, compress).unwrap();
    keygen_pk(params, vk, circuit).unwrap()
}

pub fn device(threads: usize, path: CpuPath) -> CpuDevice {
    CpuDevice::new(CpuOptions { threads: Some(threads), path: Some(path), ..CpuOptions::default() }).unwrap()
}

pub fn prove<B: Halo2Backend, C: Circuit<Fr>>(
    key: &PreparedKey<B>,
    circuits: &[C],
    instances: Instances<'_>,
) -> zkwatt::Result<Vec<u8>> {
    let mut transcript = Blake2bWrite::<_, G1Affine, Challenge255<_>>::init(Vec::new());
    create_proof(key, circuits, instances, &mut rng(5), &mut transcript)?;
    Ok(transcript.finalize())
}

pub fn verify(
    params: &ParamsKZG<Bn256>,
    vk: &VerifyingKey<G1Affine>,
    instances: Instances<'_>,
    proof: &[u8],
) -> Result<(), plonk::Error> {
    let mut transcript = Blake2bRead::<_, G1Affine, Challenge255<_>>::init(proof);
    let (verifier, strategy) = (params.verifier_params(), SingleStrategy::new(params));
    plonk::verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<Bn256>, _, _, _>(
        verifier,
        vk,
        strategy,
        instances,
        &mut transcript,
    )
}

pub fn upstream_proof<C: Circuit<Fr>>(
    params: &ParamsKZG<Bn256>,
    pk: &ProvingKey<G1Affine>,
    circuits: &[C],
    instances: Instances<'_>,
) -> Vec<u8> {
    let mut transcript = Blake2bWrite::<_, _, Challenge255<_>>::init(Vec::new());
    plonk::create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<Bn256>, _, _, _, _>(
        params,
        pk,
        circuits,
        instances,
        rng(5),
        &mut transcript,
    )
    .unwrap();
    transcript.finalize()
}

/// What wgpu finds here, in every form of products; nothing where there is no adapter, which `tests/conformance` reports.
#[cfg(feature = "wgpu")]
fn gpus() -> &'static [Arc<WgpuDevice>] {
    static OPEN: OnceLock<Vec<Arc<WgpuDevice>>> = OnceLock::new();
    OPEN.get_or_init(|| {
        let open =
            |form| WgpuDevice::new(WgpuOptions { form: Some(form), poison: true, ..Default::default() });
        LimbForm::ALL.into_iter().filter_map(|form| open(form).ok().map(Arc::new)).collect()
    })
}

/// An NVIDIA GPU or our emulator of one, where there is either.
#[cfg(feature = "cuda")]
fn cuda() -> Option<&'static Arc<CudaDevice>> {
    static OPEN: OnceLock<Option<Arc<CudaDevice>>> = OnceLock::new();
    let options = CudaOptions { poison: true, ..Default::default() };
    OPEN.get_or_init(|| CudaDevice::new(options).ok().map(Arc::new)).as_ref()
}

/// Proves `circuits` and checks the proof from every side.
pub fn check<C: Circuit<Fr>>(k: u32, compress: bool, circuits: &[C], instances: Instances<'_>) {
    let params = params(k);
    let pk = keys(&params, &circuits[0], compress);
    check_with_keys(&params, &pk, circuits, instances);
}

pub fn check_with_keys<C: Circuit<Fr>>(
    params: &ParamsKZG<Bn256>,
    pk: &ProvingKey<G1Affine>,
    circuits: &[C],
    instances: Instances<'_>,
) {
    let fastest = CpuPath::available().next().unwrap();
    let vk = pk.get_vk();
    let key = PreparedKey::new(device(2, fastest), params, pk).unwrap();
    let proof = prove(&key, circuits, instances).unwrap();
    verify(params, vk, instances, &proof).expect("upstream's verifier accepts");

    // A prepared key is not used up.
    assert_eq!(prove(&key, circuits, instances).unwrap(), proof);
    // Neither the path nor the number of threads shows.
    let other = PreparedKey::new(device(1, CpuPath::PLAIN), params, pk).unwrap();
    assert_eq!(prove(&other, circuits, instances).unwrap(), proof);
    // Nor does what the key spends on being faster.
    let coset = 1 << (params.k() + 10);
    for options in [
        KeyOptions { table_bytes: 1 << 28, coset_bytes: coset },
        KeyOptions { table_bytes: 0, coset_bytes: u64::MAX },
    ] {
        let key = PreparedKey::with_options(device(2, fastest), params, pk, options).unwrap();
        assert_eq!(prove(&key, circuits, instances).unwrap(), proof, "{options:?}");
    }
    let dual = Dual::new(device(3, fastest), device(1, CpuPath::PLAIN));
    let dual = PreparedKey::new(dual, params, pk).unwrap();
    assert_eq!(prove(&dual, circuits, instances).unwrap(), proof);

    // Nor does a GPU.
    #[cfg(feature = "cuda")]
    if let Some(gpu) = cuda() {
        let key: PreparedKey<CudaDevice> = PreparedKey::new(gpu.clone(), params, pk).unwrap();
        assert_eq!(prove(&key, circuits, instances).unwrap(), proof, "CUDA");
    }
    #[cfg(feature = "wgpu")]
    for gpu in gpus() {
        let key: PreparedKey<WgpuDevice> = PreparedKey::new(gpu.clone(), params, pk).unwrap();
        assert_eq!(prove(&key, circuits, instances).unwrap(), proof, "{}", gpu.form().name());
    }

    // One byte of every message; the last byte too.
    for at in (7..proof.len()).step_by(32).chain([proof.len() - 1]) {
        let mut flipped = proof.clone();
        flipped[at] ^= 1;
        assert!(verify(params, vk, instances, &flipped).is_err(), "byte {at} flipped");
    }
    assert!(verify(params, vk, instances, &proof[..proof.len() - 1]).is_err(), "truncated");
    for (i, circuit) in instances.iter().enumerate() {
        for (j, column) in circuit.iter().enumerate().filter(|(_, column)| !column.is_empty()) {
            let mut changed = column.to_vec();
            changed[0] += Fr::ONE;
            let mut columns = circuit.to_vec();
            columns[j] = &changed;
            let mut all = instances.to_vec();
            all[i] = &columns;
            assert!(verify(params, vk, &all, &proof).is_err(), "instance {i}, column {j}");
        }
    }
    // Upstream's prover and verifier disagree on the order of several circuits' instances and advice, and its prover
    // panics behind a third phase.
    let phases = vk.cs().advice_column_phase().into_iter().max();
    if circuits.len() == 1 && phases < Some(2) {
        let upstream = upstream_proof(params, pk, circuits, instances);
        assert_eq!(upstream.len(), proof.len());
        verify(params, vk, instances, &upstream).expect("upstream accepts its own proof");
    }
}
