//! An installed ICICLE v4, by its C interface: data go to its device and come back within the time that is taken.
//!
//! Bases are on the device before, as ours are. ICICLE has threads of its own.

use super::{Peer, Transform};
use crate::measure::Contestant;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use zkwatt::Result;
use zkwatt::device::icicle::{IcicleDevice, IcicleOptions};
use zkwatt::device::{Backend, Group, MsmOps, MsmScalars, NttOps};
use zkwatt::kernels::curve::Affine;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::{Fr, PrimeField};

/// Its device, opened once.
///
/// # Errors
/// [`zkwatt::Error::NoSuchDevice`] says what is missing.
pub fn device() -> Result<&'static IcicleDevice> {
    static OPEN: Mutex<Option<&'static IcicleDevice>> = Mutex::new(None);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    match *open {
        Some(device) => Ok(device),
        None => {
            let device: &'static IcicleDevice =
                Box::leak(Box::new(IcicleDevice::new(IcicleOptions::default())?));
            *open = Some(device);
            Ok(device)
        }
    }
}

/// The version with the device, such as `4 on CUDA:0`.
fn version(device: &IcicleDevice) -> String {
    device.info().name.trim_start_matches("ICICLE ").into()
}

/// `bn254_msm` or `bn254_g2_msm`.
///
/// # Errors
/// As [`device`]; what ICICLE reports.
pub fn msm<'a, G: Group>(
    bases: &[Affine<G::Coordinate>],
    scalars: &'a [Fr],
) -> Result<Contestant<'a, Affine<G::Coordinate>>> {
    let device = device()?;
    let start = Instant::now();
    let bases = MsmOps::<G>::prepare(device, bases)?;
    let preparation = start.elapsed();
    let contestant = Contestant::new(Peer::Icicle.name(), version(device), move |watch| {
        let sum =
            watch.time(|| MsmOps::<G>::msm(device, &bases, MsmScalars::Host(Scalars::Field(scalars))))?;
        Ok(watch.result(|| sum))
    });
    Ok(contestant.on_its_own("icicle", device.info().name.clone()).prepared_in(preparation))
}

/// `bn254_ntt`; a coset is multiplied in on the CPU.
///
/// # Errors
/// As [`device`]; what ICICLE reports.
pub fn ntt<'a>(transform: Transform, data: &'a [Fr]) -> Result<Contestant<'a, Vec<Fr>>> {
    let device = device()?;
    let direction = if transform == Transform::Inverse { Direction::Inverse } else { Direction::Forward };
    let mut plan = NttPlan::new(data.len().ilog2(), direction)?;
    plan.coset = (transform == Transform::Coset).then(Fr::generator);
    let mut work = device.upload(data)?;
    let contestant = Contestant::new(Peer::Icicle.name(), version(device), move |watch| {
        device.write(&mut work, 0, data)?;
        watch.time(|| device.ntt(&mut work, &plan))?;
        Ok(watch.result(|| work.as_slice().to_vec()))
    });
    Ok(contestant.on_its_own("icicle", device.info().name.clone()))
}
