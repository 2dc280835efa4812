//! arkworks.

use super::{Peer, Pool, Transform};
use crate::measure::Contestant;
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};
use ark_ff::BigInt;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use zkwatt::kernels::{Fq, Fq2, Fr, G1Affine, G2Affine, PrimeField};
use zkwatt::{Error, Result};

/// The same scalar.
pub fn fr(value: &Fr) -> ark_bn254::Fr {
    ark_bn254::Fr::new_unchecked(BigInt(value.to_montgomery()))
}

/// The same scalar.
pub fn fr_back(value: &ark_bn254::Fr) -> Fr {
    Fr::from_montgomery_unchecked(value.0.0)
}

fn fq(value: &Fq) -> ark_bn254::Fq {
    ark_bn254::Fq::new_unchecked(BigInt(value.to_montgomery()))
}

fn fq_back(value: &ark_bn254::Fq) -> Fq {
    Fq::from_montgomery_unchecked(value.0.0)
}

/// A group in both libraries' types.
pub trait ArkGroup: Copy + PartialEq + Send + Sync {
    /// arkworks' affine point.
    type Ark: AffineRepr<ScalarField = ark_bn254::Fr, Group = Self::ArkGroup>;
    /// arkworks' group element.
    type ArkGroup: CurveGroup<Affine = Self::Ark>
        + VariableBaseMSM<MulBase = Self::Ark, ScalarField = ark_bn254::Fr>;
    /// The same point.
    fn to_ark(&self) -> Self::Ark;
    /// The same point.
    fn from_ark(point: &Self::Ark) -> Self;
}

impl ArkGroup for G1Affine {
    type Ark = ark_bn254::G1Affine;
    type ArkGroup = ark_bn254::G1Projective;

    fn to_ark(&self) -> Self::Ark {
        if self.is_identity() {
            return Self::Ark::zero();
        }
        Self::Ark::new_unchecked(fq(&self.x), fq(&self.y))
    }

    fn from_ark(point: &Self::Ark) -> Self {
        point.xy().map_or(Self::IDENTITY, |(x, y)| Self::new_unchecked(fq_back(&x), fq_back(&y)))
    }
}

impl ArkGroup for G2Affine {
    type Ark = ark_bn254::G2Affine;
    type ArkGroup = ark_bn254::G2Projective;

    fn to_ark(&self) -> Self::Ark {
        if self.is_identity() {
            return Self::Ark::zero();
        }
        let fq2 = |v: &Fq2| ark_bn254::Fq2::new(fq(&v.c0), fq(&v.c1));
        Self::Ark::new_unchecked(fq2(&self.x), fq2(&self.y))
    }

    fn from_ark(point: &Self::Ark) -> Self {
        let back = |v: &ark_bn254::Fq2| Fq2::new(fq_back(&v.c0), fq_back(&v.c1));
        point.xy().map_or(Self::IDENTITY, |(x, y)| Self::new_unchecked(back(&x), back(&y)))
    }
}

/// Σ kᵢ·Pᵢ
pub fn msm_once<P: ArkGroup>(bases: &[P], scalars: &[Fr], pool: &Pool) -> P {
    let bases: Vec<P::Ark> = bases.iter().map(P::to_ark).collect();
    let scalars: Vec<_> = scalars.iter().map(fr).collect();
    let sum = pool.run(|| P::ArkGroup::msm_unchecked(&bases, &scalars).into_affine());
    P::from_ark(&sum)
}

/// `VariableBaseMSM::msm`, which from version 0.5 on sorts scalars by width and is the fastest entry for small ones too.
pub fn msm<'a, P: ArkGroup + 'a>(bases: &[P], scalars: &[Fr], pool: &Pool) -> Contestant<'a, P> {
    let bases: Vec<P::Ark> = bases.iter().map(P::to_ark).collect();
    let scalars: Vec<_> = scalars.iter().map(fr).collect();
    let pool = pool.clone();
    Contestant::new(Peer::Arkworks.name(), Peer::Arkworks.version(), move |watch| {
        let sum = pool.run(|| watch.time(|| P::ArkGroup::msm_unchecked(&bases, &scalars).into_affine()));
        Ok(watch.result(|| P::from_ark(&sum)))
    })
}

type Domain = Radix2EvaluationDomain<ark_bn254::Fr>;

fn domain(n: usize, transform: Transform) -> Result<Domain> {
    let too_large = Error::DomainTooLarge { log_n: n.ilog2(), max: Fr::TWO_ADICITY };
    let domain = Domain::new(n).ok_or(too_large)?;
    Ok(match transform {
        Transform::Forward | Transform::Inverse => domain,
        // The generator is not zero, for which alone there is no coset.
        Transform::Coset => domain.get_coset(fr(&Fr::generator())).unwrap_or(domain),
    })
}

fn apply(domain: &Domain, transform: Transform, data: &mut Vec<ark_bn254::Fr>) {
    match transform {
        Transform::Forward | Transform::Coset => domain.fft_in_place(data),
        Transform::Inverse => domain.ifft_in_place(data),
    }
}

/// The transform of `data`, whose length is a power of two.
///
/// # Errors
/// [`Error::DomainTooLarge`].
pub fn ntt_once(transform: Transform, data: &[Fr], pool: &Pool) -> Result<Vec<Fr>> {
    let domain = domain(data.len(), transform)?;
    let mut work: Vec<_> = data.iter().map(fr).collect();
    pool.run(|| apply(&domain, transform, &mut work));
    Ok(work.iter().map(fr_back).collect())
}

/// `Radix2EvaluationDomain::{fft,ifft}_in_place`.
///
/// # Errors
/// [`Error::DomainTooLarge`].
pub fn ntt<'a>(transform: Transform, data: &[Fr], pool: &Pool) -> Result<Contestant<'a, Vec<Fr>>> {
    let domain = domain(data.len(), transform)?;
    let data: Vec<_> = data.iter().map(fr).collect();
    let mut work = data.clone();
    let pool = pool.clone();
    Ok(Contestant::new(Peer::Arkworks.name(), Peer::Arkworks.version(), move |watch| {
        pool.run(|| {
            work.copy_from_slice(&data);
            watch.time(|| apply(&domain, transform, &mut work));
        });
        Ok(watch.result(|| work.iter().map(fr_back).collect()))
    }))
}

/// `batch_inversion`.
pub fn batch_inverse<'a>(data: &[Fr], pool: &Pool) -> Contestant<'a, Vec<Fr>> {
    let data: Vec<_> = data.iter().map(fr).collect();
    let mut work = data.clone();
    let pool = pool.clone();
    Contestant::new(Peer::Arkworks.name(), Peer::Arkworks.version(), move |watch| {
        pool.run(|| {
            work.copy_from_slice(&data);
            watch.time(|| ark_ff::batch_inversion(&mut work));
        });
        Ok(watch.result(|| work.iter().map(fr_back).collect()))
    })
}
