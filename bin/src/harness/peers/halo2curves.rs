//! halo2curves-axiom.

use super::{Peer, Pool, Transform};
use crate::measure::Contestant;
use halo2curves_axiom::ff::{BatchInvert, Field as _, PrimeField as _};
use halo2curves_axiom::group::Curve;
use halo2curves_axiom::msm::msm_best;
use halo2curves_axiom::serde::SerdeObject;
use halo2curves_axiom::{CurveAffine, bn256};
use zkwatt::kernels::{Fq, Fq2, Fr, G1Affine, G2Affine, PrimeField};
use zkwatt::{Error, Result};

fn bytes(limbs: [u64; 4]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

fn limbs(value: &impl SerdeObject) -> [u64; 4] {
    let raw = value.to_raw_bytes();
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(raw.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        *limb = u64::from_le_bytes(word);
    }
    limbs
}

/// The same scalar.
pub fn fr(value: &Fr) -> bn256::Fr {
    bn256::Fr::from_raw_bytes_unchecked(&bytes(value.to_montgomery()))
}

/// The same scalar.
pub fn fr_back(value: &bn256::Fr) -> Fr {
    Fr::from_montgomery_unchecked(limbs(value))
}

fn fq(value: &Fq) -> bn256::Fq {
    bn256::Fq::from_raw_bytes_unchecked(&bytes(value.to_montgomery()))
}

fn fq_back(value: &bn256::Fq) -> Fq {
    Fq::from_montgomery_unchecked(limbs(value))
}

/// A group in both libraries' types.
pub trait Halo2Group: Copy + PartialEq + Send + Sync {
    /// halo2curves' affine point.
    type Halo2: CurveAffine<ScalarExt = bn256::Fr>;
    /// The same point.
    fn to_halo2(&self) -> Self::Halo2;
    /// The same point.
    fn from_halo2(point: &Self::Halo2) -> Self;
}

impl Halo2Group for G1Affine {
    type Halo2 = bn256::G1Affine;

    fn to_halo2(&self) -> Self::Halo2 {
        bn256::G1Affine { x: fq(&self.x), y: fq(&self.y) }
    }

    fn from_halo2(point: &Self::Halo2) -> Self {
        Self::new_unchecked(fq_back(&point.x), fq_back(&point.y))
    }
}

impl Halo2Group for G2Affine {
    type Halo2 = bn256::G2Affine;

    fn to_halo2(&self) -> Self::Halo2 {
        let fq2 = |v: &Fq2| bn256::Fq2 { c0: fq(&v.c0), c1: fq(&v.c1) };
        bn256::G2Affine { x: fq2(&self.x), y: fq2(&self.y) }
    }

    fn from_halo2(point: &Self::Halo2) -> Self {
        let back = |v: &bn256::Fq2| Fq2::new(fq_back(&v.c0), fq_back(&v.c1));
        Self::new_unchecked(back(&point.x), back(&point.y))
    }
}

/// `msm_best`.
pub fn msm<'a, P: Halo2Group + 'a>(bases: &[P], scalars: &[Fr], pool: &Pool) -> Contestant<'a, P> {
    let bases: Vec<P::Halo2> = bases.iter().map(P::to_halo2).collect();
    let scalars: Vec<_> = scalars.iter().map(fr).collect();
    let pool = pool.clone();
    Contestant::new(Peer::Halo2curves.name(), Peer::Halo2curves.version(), move |watch| {
        let sum = pool.run(|| watch.time(|| msm_best(&scalars, &bases).to_affine()));
        Ok(watch.result(|| P::from_halo2(&sum)))
    })
}

/// What halo2's FFTs need besides the data: they take the root of unity from the caller.
pub(super) struct Domain {
    pub(super) log_n: u32,
    pub(super) omega: bn256::Fr,
    pub(super) omega_inv: bn256::Fr,
    n_inv: bn256::Fr,
    shift: bn256::Fr,
}

impl Domain {
    pub(super) fn new(n: usize) -> Result<Self> {
        let log_n = n.ilog2();
        let too_large = Error::DomainTooLarge { log_n, max: Fr::TWO_ADICITY };
        let omega = fr(&Fr::root_of_unity(log_n).ok_or(too_large)?);
        let inverse = |v: bn256::Fr| v.invert().unwrap_or(bn256::Fr::ZERO);
        let n_inv = inverse(bn256::Fr::from_u128(n as u128));
        Ok(Self { log_n, omega, omega_inv: inverse(omega), n_inv, shift: fr(&Fr::generator()) })
    }

    /// The transform around a plain FFT by powers of ω or 1/ω; scaling and cosets as halo2-axiom's domain does them.
    pub(super) fn apply(
        &self,
        transform: Transform,
        data: &mut [bn256::Fr],
        fft: impl FnOnce(&mut [bn256::Fr], bn256::Fr),
    ) {
        match transform {
            Transform::Forward => fft(data, self.omega),
            Transform::Inverse => {
                fft(data, self.omega_inv);
                ::halo2_axiom::arithmetic::parallelize(data, |data, _| {
                    data.iter_mut().for_each(|value| *value *= self.n_inv);
                });
            }
            Transform::Coset => {
                ::halo2_axiom::arithmetic::parallelize(data, |data, start| {
                    let mut power = self.shift.pow_vartime([start as u64]);
                    for value in data {
                        *value *= power;
                        power *= self.shift;
                    }
                });
                fft(data, self.omega);
            }
        }
    }
}

/// `fft::best_fft`.
///
/// # Errors
/// [`Error::DomainTooLarge`].
pub fn ntt<'a>(transform: Transform, data: &[Fr], pool: &Pool) -> Result<Contestant<'a, Vec<Fr>>> {
    let domain = Domain::new(data.len())?;
    let data: Vec<_> = data.iter().map(fr).collect();
    let mut work = data.clone();
    let pool = pool.clone();
    Ok(Contestant::new(Peer::Halo2curves.name(), Peer::Halo2curves.version(), move |watch| {
        pool.run(|| {
            work.copy_from_slice(&data);
            watch.time(|| {
                domain.apply(transform, &mut work, |data, omega| {
                    halo2curves_axiom::fft::best_fft(data, omega, domain.log_n);
                });
            });
        });
        Ok(watch.result(|| work.iter().map(fr_back).collect()))
    }))
}

/// `BatchInvert`, on each thread a part.
pub fn batch_inverse<'a>(data: &[Fr], pool: &Pool) -> Contestant<'a, Vec<Fr>> {
    let data: Vec<_> = data.iter().map(fr).collect();
    let mut work = data.clone();
    let pool = pool.clone();
    Contestant::new(Peer::Halo2curves.name(), Peer::Halo2curves.version(), move |watch| {
        pool.run(|| {
            work.copy_from_slice(&data);
            watch.time(|| {
                ::halo2_axiom::arithmetic::parallelize(&mut work, |part, _| {
                    part.iter_mut().batch_invert();
                });
            });
        });
        Ok(watch.result(|| work.iter().map(fr_back).collect()))
    })
}
