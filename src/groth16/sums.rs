//! The sums over a key's bases that make a proof.

use super::prover::{Groth16Backend, ProveReport};
use super::{Proof, VerifyingKey};
use crate::device::{G1, G2, MsmOps, MsmScalars};
use crate::error::{Error, Result};
use crate::interop::ark;
use ark_ec::CurveGroup;
use std::borrow::Cow;
use std::time::Instant;
use zeroize::Zeroizing;
use zkwatt_kernels::curve::{Affine, Xyzz};
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::{Field, Fr, G1Affine, G2Affine};

/// Those bases of one query that are not infinity, on the device.
pub(super) struct Query<T> {
    bases: T,
    len: usize,
    /// Their indices among the query's; `None` if none was left out.
    kept: Option<Vec<u32>>,
}

/// The points of a key's queries.
pub(super) struct Points<'a> {
    pub a: &'a [G1Affine],
    pub b1: &'a [G1Affine],
    pub b2: &'a [G2Affine],
    pub l: &'a [G1Affine],
    pub h: &'a [G1Affine],
}

/// All bases of a key, on the device.
pub(super) struct Queries<B: Groth16Backend> {
    pub a: Query<<B as MsmOps<G1>>::Bases>,
    pub b1: Query<<B as MsmOps<G1>>::Bases>,
    pub b2: Query<<B as MsmOps<G2>>::Bases>,
    pub l: Query<<B as MsmOps<G1>>::Bases>,
    /// With all of its bases.
    pub h: Query<<B as MsmOps<G1>>::Bases>,
}

/// Σ over each query: z·A, z·B in both groups, w·L and h·H.
pub(super) struct Sums {
    pub a: G1Affine,
    pub b1: G1Affine,
    pub b2: G2Affine,
    pub l: G1Affine,
    pub h: G1Affine,
}

/// The single points of a key.
pub(super) struct KeyPoints {
    alpha_g1: ark_bn254::G1Affine,
    beta_g1: ark_bn254::G1Affine,
    delta_g1: ark_bn254::G1Affine,
    beta_g2: ark_bn254::G2Affine,
    delta_g2: ark_bn254::G2Affine,
}

impl<T> Query<T> {
    /// Bases over G1.
    pub fn g1<'a, B>(backend: &B, points: impl Into<Cow<'a, [G1Affine]>>) -> Result<Self>
    where
        B: Groth16Backend + MsmOps<G1, Bases = T>,
    {
        let (kept, points) = finite(points.into());
        Ok(Self { bases: MsmOps::<G1>::prepare(backend, &points)?, len: points.len(), kept })
    }

    /// Bases over G1 for scalars on the device, which are not gathered: infinity stays.
    pub fn g1_all<'a, B>(backend: &B, points: impl Into<Cow<'a, [G1Affine]>>) -> Result<Self>
    where
        B: Groth16Backend + MsmOps<G1, Bases = T>,
    {
        let points = points.into();
        Ok(Self { bases: MsmOps::<G1>::prepare(backend, &points)?, len: points.len(), kept: None })
    }

    /// Bases over G2.
    pub fn g2<'a, B>(backend: &B, points: impl Into<Cow<'a, [G2Affine]>>) -> Result<Self>
    where
        B: Groth16Backend + MsmOps<G2, Bases = T>,
    {
        let (kept, points) = finite(points.into());
        Ok(Self { bases: MsmOps::<G2>::prepare(backend, &points)?, len: points.len(), kept })
    }

    /// Bases that are not infinity.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The indices of the bases that are not infinity; `None` if all are finite.
    pub fn places(&self) -> Option<&[u32]> {
        self.kept.as_deref()
    }

    /// As [`Query::places`], and drops the bases.
    pub fn into_places(self) -> Option<Vec<u32>> {
        self.kept
    }

    /// The scalars of the bases that were kept, in their order.
    pub fn gather<'a>(&self, values: &'a [Fr]) -> Gathered<'a> {
        match &self.kept {
            None => Gathered::All(values),
            Some(kept) => Gathered::Some(Zeroizing::new(kept.iter().map(|i| values[*i as usize]).collect())),
        }
    }

    /// Σ over G1; `scalars` are those that were kept.
    pub fn sum_g1<B: Groth16Backend + MsmOps<G1, Bases = T>>(
        &self,
        backend: &B,
        scalars: &[Fr],
    ) -> Result<G1Affine> {
        MsmOps::<G1>::msm(backend, &self.bases, MsmScalars::Host(Scalars::Field(scalars)))
    }

    /// Σ over G1 of a query with all of its bases.
    pub fn sum_on_device<B: Groth16Backend + MsmOps<G1, Bases = T>>(
        &self,
        backend: &B,
        scalars: &B::Buf<Fr>,
    ) -> Result<G1Affine> {
        MsmOps::<G1>::msm(backend, &self.bases, MsmScalars::Device(scalars))
    }

    /// Σ over G2; `scalars` are those that were kept.
    pub fn sum_g2<B: Groth16Backend + MsmOps<G2, Bases = T>>(
        &self,
        backend: &B,
        scalars: &[Fr],
    ) -> Result<G2Affine> {
        MsmOps::<G2>::msm(backend, &self.bases, MsmScalars::Host(Scalars::Field(scalars)))
    }
}

impl<B: Groth16Backend> Queries<B> {
    pub fn prepare(backend: &B, points: Points<'_>) -> Result<Self> {
        let b2 = Query::g2(backend, points.b2)?;
        let b1 = Query::g1(backend, points.b1)?;
        // Both hold the same multiples; a key for which that is not so was not made by a setup.
        if b1.places() != b2.places() {
            let reason = "b_g1_query and b_g2_query are infinity at different places";
            return Err(Error::invalid("proving key", reason));
        }
        Ok(Self {
            a: Query::g1(backend, points.a)?,
            b1,
            b2,
            l: Query::g1(backend, points.l)?,
            h: Query::g1_all(backend, points.h)?,
        })
    }

    /// Bases in A, B in G1, B in G2, and L, as [`super::ProverPlan::new`] takes them.
    pub fn lengths(&self) -> [usize; 4] {
        [self.a.len(), self.b1.len(), self.b2.len(), self.l.len()]
    }

    /// The sums of assignment z, of which the first `num_instance` values are public, and of the quotient.
    pub fn sums(
        &self,
        backend: &B,
        z: &[Fr],
        num_instance: usize,
        quotient: &B::Buf<Fr>,
        report: &mut ProveReport,
    ) -> Result<Sums> {
        let a = timed(&mut report.msm_a_s, || self.a.sum_g1(backend, &self.a.gather(z)))?;
        let b_scalars = self.b1.gather(z);
        let b1 = timed(&mut report.msm_b1_s, || self.b1.sum_g1(backend, &b_scalars))?;
        let b2 = timed(&mut report.msm_b2_s, || self.b2.sum_g2(backend, &b_scalars))?;
        let w = &z[num_instance..];
        let l = timed(&mut report.msm_l_s, || self.l.sum_g1(backend, &self.l.gather(w)))?;
        let h = timed(&mut report.msm_h_s, || self.h.sum_on_device(backend, quotient))?;
        Ok(Sums { a, b1, b2, l, h })
    }
}

impl Sums {
    /// With another factor before the sum over H.
    pub fn scale_h(self, factor: Fr) -> Self {
        let h = Xyzz::from(self.h).mul_vartime(&factor.to_canonical()).to_affine();
        Self { h, ..self }
    }
}

impl KeyPoints {
    pub fn new(vk: &VerifyingKey, beta_g1: ark_bn254::G1Affine, delta_g1: ark_bn254::G1Affine) -> Self {
        let (alpha_g1, beta_g2, delta_g2) = (vk.alpha_g1, vk.beta_g2, vk.delta_g2);
        Self { alpha_g1, beta_g1, delta_g1, beta_g2, delta_g2 }
    }

    /// The proof from its sums.
    ///
    /// ```text
    /// A = α + Σa + r·δ    B = β + Σb + s·δ    C = Σl + Σh + s·A + r·B − r·s·δ
    /// ```
    pub fn assemble(&self, sums: Sums, r: Fr, s: Fr) -> Proof {
        let (r, s) = (Zeroizing::new(ark::ark_scalar(&r)), Zeroizing::new(ark::ark_scalar(&s)));
        let a = self.delta_g1 * *r + self.alpha_g1 + ark::ark_g1_point(&sums.a);
        let b1 = self.delta_g1 * *s + self.beta_g1 + ark::ark_g1_point(&sums.b1);
        let b2 = self.delta_g2 * *s + self.beta_g2 + ark::ark_g2_point(&sums.b2);
        let [l, h] = [sums.l, sums.h].map(|p| ark::ark_g1_point(&p));
        let c = a * *s + b1 * *r - self.delta_g1 * (*r * *s) + l + h;
        Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() }
    }
}

/// Scalars of a query; copies are wiped.
pub(super) enum Gathered<'a> {
    All(&'a [Fr]),
    Some(Zeroizing<Vec<Fr>>),
}

impl std::ops::Deref for Gathered<'_> {
    type Target = [Fr];
    fn deref(&self) -> &[Fr] {
        match self {
            Self::All(values) => values,
            Self::Some(values) => values,
        }
    }
}

/// The points that are not infinity, and their indices unless these are all.
fn finite<F: Field>(points: Cow<'_, [Affine<F>]>) -> (Option<Vec<u32>>, Cow<'_, [Affine<F>]>) {
    if !points.iter().any(Affine::is_identity) {
        return (None, points);
    }
    // A circuit has at most 2^32 − 1 variables.
    let kept: Vec<u32> = (0..).zip(&*points).filter(|(_, p)| !p.is_identity()).map(|(i, _)| i).collect();
    let mut points = points.into_owned();
    points.retain(|p| !p.is_identity());
    (Some(kept), Cow::Owned(points))
}

pub(super) fn timed<T>(seconds: &mut f64, f: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let out = f();
    *seconds = start.elapsed().as_secs_f64();
    out
}
