//! KZG over a device for upstream's own prover.
//!
//! ```text
//! let params = ParamsOnDevice::new(Arc::new(DeviceSrs::new(device, srs)?));
//! create_proof::<KzgOnDevice<_>, ShplonkOnDevice<_>, _, _, _, _>(&params, &pk, &[circuit], instances, rng, &mut transcript)
//! ```
//!
//! Upstream's keygen and prover then commit through the device, and everything else stays upstream's; its verifier
//! takes the ordinary parameters. Two of a proof's commitments, those of the multi-opening itself, do not go through
//! the device: what is to be opened is visible to upstream's own SHPLONK alone.
//!
//! Upstream's traits have no place for errors of a device. A commitment that the device cannot make (for want of
//! memory, say) is made by upstream's code.

use super::device_srs::DeviceSrs;
use super::srs::{ReadOptions, Srs};
use crate::device::{G1, MsmOps};
use crate::interop::halo2curves as interop;
use halo2_axiom::poly::commitment::{Blind, CommitmentScheme, Params, ParamsProver, ParamsVerifier, Prover};
use halo2_axiom::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_axiom::poly::kzg::msm::MSMKZG;
use halo2_axiom::poly::kzg::multiopen::ProverSHPLONK;
use halo2_axiom::poly::{Coeff, LagrangeCoeff, Polynomial, ProverQuery};
use halo2_axiom::transcript::{EncodedChallenge, TranscriptWrite};
use halo2curves_axiom::bn256::{self, Bn256, Fr, G1Affine};
use halo2curves_axiom::serde::SerdeObject;
use rand_core::RngCore;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use zkwatt_kernels::msm::Scalars;

/// An SRS on a device, as upstream's prover takes it.
pub struct ParamsOnDevice<B: MsmOps<G1>> {
    srs: Arc<Srs>,
    /// `None` for parameters that upstream made by itself.
    device: Option<Arc<DeviceSrs<B>>>,
}

impl<B: MsmOps<G1>> ParamsOnDevice<B> {
    /// Commits through this device.
    pub fn new(device: Arc<DeviceSrs<B>>) -> Self {
        Self { srs: device.srs().clone(), device: Some(device) }
    }

    /// The SRS.
    pub fn srs(&self) -> &Arc<Srs> {
        &self.srs
    }

    /// Whether commitments go through a device; not those of parameters that upstream made through
    /// [`Params::read`], [`ParamsProver::new`] or [`CommitmentScheme`], which know of none.
    pub fn has_device(&self) -> bool {
        self.device.is_some()
    }

    fn commit_or(
        &self,
        commit: impl FnOnce(&DeviceSrs<B>) -> crate::Result<zkwatt_kernels::G1Affine>,
        otherwise: impl FnOnce(&ParamsKZG<Bn256>) -> bn256::G1,
    ) -> bn256::G1 {
        match self.device.as_deref().map(commit) {
            Some(Ok(point)) => interop::halo2_g1_point(&point).into(),
            _ => otherwise(self.srs.params()),
        }
    }
}

impl<B: MsmOps<G1>> Clone for ParamsOnDevice<B> {
    fn clone(&self) -> Self {
        Self { srs: self.srs.clone(), device: self.device.clone() }
    }
}

impl<B: MsmOps<G1>> fmt::Debug for ParamsOnDevice<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = self.device.as_ref().map(|d| d.device().info());
        f.debug_struct("ParamsOnDevice").field("k", &self.srs.k()).field("device", &device).finish()
    }
}

impl<'params, B: MsmOps<G1>> Params<'params, G1Affine> for ParamsOnDevice<B> {
    type MSM = MSMKZG<Bn256>;

    fn k(&self) -> u32 {
        self.srs.k()
    }

    fn n(&self) -> u64 {
        self.srs.n() as u64
    }

    /// As [`Srs::downsized`], on the same device if it takes the new bases. A k of 0 or beyond the SRS changes nothing.
    fn downsize(&mut self, k: u32) {
        if k == self.srs.k() {
            return;
        }
        if let Ok(smaller) = self.srs.downsized(k) {
            self.srs = Arc::new(smaller);
            let device = self.device.take();
            let again = device.map(|d| DeviceSrs::new(d.device().clone(), self.srs.clone()));
            self.device = again.and_then(Result::ok).map(Arc::new);
        }
    }

    fn empty_msm(&'params self) -> MSMKZG<Bn256> {
        MSMKZG::new()
    }

    fn commit_lagrange(&self, poly: &Polynomial<Fr, LagrangeCoeff>, blind: Blind<Fr>) -> bn256::G1 {
        let scalars = Scalars::Field(interop::scalars(poly.values()));
        self.commit_or(|device| device.commit_lagrange(scalars), |params| params.commit_lagrange(poly, blind))
    }

    fn write<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.srs.encode_halo2())
    }

    /// Reads any format that [`Srs::read`] knows, to the end of `reader`, and checks it in full.
    fn read<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        let srs = Srs::decode(&bytes, &ReadOptions::default())
            .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.to_string()))?;
        Ok(Self { srs: Arc::new(srs), device: None })
    }
}

impl<'params, B: MsmOps<G1>> ParamsProver<'params, G1Affine> for ParamsOnDevice<B> {
    type ParamsVerifier = ParamsKZG<Bn256>;

    /// An insecure SRS from the system's randomness. Beyond the possible k, 1 to 28, it is the nearest of these.
    fn new(k: u32) -> Self {
        // A point whose secret upstream drew and dropped serves as a seed.
        let seed = ParamsKZG::<Bn256>::new(1).s_g2().to_raw_bytes();
        Self { srs: Arc::new(Srs::insecure_clamped(k, &seed)), device: None }
    }

    fn commit(&self, poly: &Polynomial<Fr, Coeff>, blind: Blind<Fr>) -> bn256::G1 {
        let scalars = Scalars::Field(interop::scalars(poly.values()));
        self.commit_or(|device| device.commit(scalars), |params| params.commit(poly, blind))
    }

    fn get_g(&self) -> &[G1Affine] {
        interop::halo2_g1_points(self.srs.g())
    }

    fn verifier_params(&'params self) -> &'params ParamsKZG<Bn256> {
        self.srs.params()
    }
}

impl<'params, B: MsmOps<G1>> ParamsVerifier<'params, G1Affine> for ParamsOnDevice<B> {}

/// KZG over BN254 whose prover's parameters are [`ParamsOnDevice`].
#[derive(Copy, Clone, Debug)]
pub struct KzgOnDevice<B>(PhantomData<B>);

impl<B: MsmOps<G1>> CommitmentScheme for KzgOnDevice<B> {
    type Scalar = Fr;
    type Curve = G1Affine;
    type ParamsProver = ParamsOnDevice<B>;
    type ParamsVerifier = ParamsKZG<Bn256>;

    fn new_params(k: u32) -> ParamsOnDevice<B> {
        ParamsProver::new(k)
    }

    fn read_params<R: io::Read>(reader: &mut R) -> io::Result<ParamsOnDevice<B>> {
        Params::read(reader)
    }
}

/// Upstream's SHPLONK under [`KzgOnDevice`].
#[derive(Debug)]
pub struct ShplonkOnDevice<'params, B> {
    upstream: ProverSHPLONK<'params, Bn256>,
    device: PhantomData<B>,
}

impl<'params, B: MsmOps<G1>> Prover<'params, KzgOnDevice<B>> for ShplonkOnDevice<'params, B> {
    const QUERY_INSTANCE: bool = false;

    fn new(params: &'params ParamsOnDevice<B>) -> Self {
        Self { upstream: ProverSHPLONK::new(params.srs.params()), device: PhantomData }
    }

    fn create_proof<'com, E, T, R, I>(&self, rng: R, transcript: &mut T, queries: I) -> io::Result<()>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
        R: RngCore,
        I: IntoIterator<Item = ProverQuery<'com, G1Affine>> + Clone,
    {
        Prover::<'params, KZGCommitmentScheme<Bn256>>::create_proof(&self.upstream, rng, transcript, queries)
    }
}
