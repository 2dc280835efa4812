//! Sums by ICICLE: bases are made canonical and put on the device once, sums come back as X, Y, Z with (X/Z, Y/Z).

use super::IcicleDevice;
use super::session::DeviceMemory;
use crate::device::backend::{G1, G2, Group, MsmOps, MsmScalars};
use crate::device::trial;
use crate::error::{Error, Result};
use std::any::Any;
use std::borrow::Cow;
use zkwatt_kernels::curve::{Affine, Coordinate};
use zkwatt_kernels::msm::{self, MsmBases, Scalars};
use zkwatt_kernels::{Fq, Fq2, Fr};

/// Bases in the memory of a device of ICICLE.
pub struct IcicleBases {
    /// `None` if there are none.
    points: Option<DeviceMemory>,
    len: usize,
}

impl<G: Group> MsmOps<G> for IcicleDevice {
    type Bases = IcicleBases;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<IcicleBases> {
        if bases.len() >= 1 << 31 {
            return Err(Error::invalid("bases", format!("{} are too many; at most 2^31 − 1", bases.len())));
        }
        let mut words = Vec::with_capacity(bases.len() * 8 * G::DEGREE);
        for point in bases {
            // ICICLE writes the identity as (0, 0) too.
            push_canonical(&mut words, point.x)?;
            push_canonical(&mut words, point.y)?;
        }
        let points = (!words.is_empty()).then(|| self.session.upload(&words)).transpose()?;
        Ok(IcicleBases { points, len: bases.len() })
    }

    fn msm(&self, bases: &IcicleBases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let sums = self.sums::<G>(bases, &field_elements(&scalars), elements(&scalars))?;
        sums.first().copied().ok_or_else(|| Error::SelfCheck("a sum without a result".into()))
    }

    fn msm_batch(
        &self,
        bases: &IcicleBases,
        batch: Vec<MsmScalars<'_, Self>>,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        // One call for all, if they are of one length.
        let n = batch.first().map_or(0, elements);
        if batch.len() < 2 || batch.iter().any(|scalars| elements(scalars) != n) {
            return batch.into_iter().map(|scalars| MsmOps::<G>::msm(self, bases, scalars)).collect();
        }
        if n == 0 {
            return Ok(vec![Affine::IDENTITY; batch.len()]);
        }
        let mut all = Vec::with_capacity(batch.len() * n);
        batch.iter().for_each(|scalars| all.extend_from_slice(&field_elements(scalars)));
        self.sums::<G>(bases, &all, n)
    }
}

impl IcicleDevice {
    /// The sums of consecutive n scalars each; one sum if n is 0.
    fn sums<G: Group>(
        &self,
        bases: &IcicleBases,
        scalars: &[Fr],
        n: usize,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        if n > bases.len {
            let (left, right) = ("bases", "scalars");
            return Err(Error::LengthMismatch { left, left_len: bases.len, right, right_len: n });
        }
        let Some(points) = bases.points.as_ref().filter(|_| n > 0) else {
            return Ok(vec![Affine::IDENTITY]);
        };
        let words = self.session.msm(G::DEGREE, scalars, points, n)?;
        words.chunks_exact(12 * G::DEGREE).map(affine).collect()
    }

    /// Compares ICICLE with the CPU in a sum over each group and in a transform.
    pub(super) fn check_known_answers(&self) -> Result<()> {
        const N: usize = 32;
        let scalars: Vec<Fr> = (1..=N as u64).map(|i| -Fr::from(i * i)).collect();
        self.check_sum::<G1>(&scalars)?;
        self.check_sum::<G2>(&scalars)?;
        self.check_transform(&scalars)
    }

    fn check_sum<G: Group>(&self, scalars: &[Fr]) -> Result<()> {
        let points = trial::multiples::<G::Coordinate>(scalars.len());
        let bases = MsmOps::<G>::prepare(self, &points)?;
        let sum = MsmOps::<G>::msm(self, &bases, MsmScalars::Host(Scalars::Field(scalars)))?;
        let expected = msm::msm(self.path(), &MsmBases::new(points), Scalars::Field(scalars));
        if sum == expected { Ok(()) } else { Err(wrong(&format!("a sum over {}", G::NAME))) }
    }
}

/// What an ICICLE that computes something else is told.
pub(super) fn wrong(what: &str) -> Error {
    Error::SelfCheck(format!("ICICLE and the CPU disagree in {what}; install ICICLE v4.0, or use `cpu`"))
}

fn elements(scalars: &MsmScalars<'_, IcicleDevice>) -> usize {
    match scalars {
        MsmScalars::Host(scalars) => scalars.len(),
        MsmScalars::Device(buffer) => buffer.as_slice().len(),
    }
}

fn field_elements<'a>(scalars: &'a MsmScalars<'_, IcicleDevice>) -> Cow<'a, [Fr]> {
    fn all<T: Copy + Into<i128>>(integers: &[T]) -> Cow<'static, [Fr]> {
        integers.iter().map(|integer| of_integer((*integer).into())).collect()
    }
    match scalars {
        MsmScalars::Device(buffer) => Cow::Borrowed(buffer.as_slice()),
        MsmScalars::Host(Scalars::Field(scalars)) => Cow::Borrowed(scalars),
        MsmScalars::Host(Scalars::I8(integers)) => all(integers),
        MsmScalars::Host(Scalars::I16(integers)) => all(integers),
        MsmScalars::Host(Scalars::I32(integers)) => all(integers),
        MsmScalars::Host(Scalars::I64(integers)) => all(integers),
        MsmScalars::Host(Scalars::I128(integers)) => all(integers),
    }
}

fn of_integer(integer: i128) -> Fr {
    let magnitude = integer.unsigned_abs();
    let value = Fr::from_u256_reduced([magnitude as u64, (magnitude >> 64) as u64, 0, 0]);
    if integer < 0 { -value } else { value }
}

/// Appends the canonical words of a coordinate.
fn push_canonical<F: Coordinate>(words: &mut Vec<u64>, value: F) -> Result<()> {
    let value: &dyn Any = &value;
    if let Some(value) = value.downcast_ref::<Fq>() {
        words.extend(value.to_canonical());
    } else if let Some(value) = value.downcast_ref::<Fq2>() {
        words.extend(value.c0.to_canonical());
        words.extend(value.c1.to_canonical());
    } else {
        return Err(no_such_field());
    }
    Ok(())
}

/// A coordinate of canonical words; errors unless they are reduced.
fn from_canonical<F: Coordinate>(words: &[u64]) -> Result<F> {
    let element = |words: &[u64]| {
        let limbs = <[u64; 4]>::try_from(words).ok();
        let unreduced = || Error::SelfCheck("ICICLE's sum has a coordinate that is not reduced".into());
        limbs.and_then(Fq::from_canonical).ok_or_else(unreduced)
    };
    let mut value = F::ZERO;
    let place: &mut dyn Any = &mut value;
    if let Some(place) = place.downcast_mut::<Fq>() {
        *place = element(words)?;
    } else if let Some(place) = place.downcast_mut::<Fq2>() {
        let (c0, c1) = words.split_at(words.len() / 2);
        *place = Fq2::new(element(c0)?, element(c1)?);
    } else {
        return Err(no_such_field());
    }
    Ok(value)
}

/// Not reached: BN254's groups have coordinates in these two fields.
fn no_such_field() -> Error {
    Error::Unsupported {
        what: "a group over another field".into(),
        reason: "ICICLE is used for G1 and G2".into(),
    }
}

/// The point of the words of X, Y, Z.
fn affine<F: Coordinate>(words: &[u64]) -> Result<Affine<F>> {
    let third = words.len() / 3;
    let coordinate = |i: usize| from_canonical::<F>(&words[i * third..(i + 1) * third]);
    // The identity has Z = 0.
    match coordinate(2)?.inverse_vartime() {
        Some(z_inv) => Ok(Affine::new_unchecked(coordinate(0)? * z_inv, coordinate(1)? * z_inv)),
        None => Ok(Affine::IDENTITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt_kernels::Field;

    #[test]
    fn integers_are_field_elements() {
        assert_eq!(of_integer(-3), -Fr::from(3u64));
        assert_eq!(of_integer(i128::MIN) + of_integer(i128::MAX), -Fr::ONE);
    }

    #[test]
    fn points_come_from_projective_ones() {
        let generator = Affine::<Fq2>::generator();
        let z = Fq2::new(Fq::from(3u64), Fq::from(5u64));
        let mut words = Vec::new();
        for value in [generator.x * z, generator.y * z, z] {
            push_canonical(&mut words, value).unwrap();
        }
        assert_eq!(affine::<Fq2>(&words).unwrap(), generator);
        words[16..].fill(0);
        assert!(affine::<Fq2>(&words).unwrap().is_identity());
        words[..4].fill(u64::MAX);
        words[16] = 1;
        assert!(matches!(affine::<Fq2>(&words), Err(Error::SelfCheck(_))));
    }
}
