//! What a GPU may do to us: whatever goes wrong, an operation ends with an error or with the right result.

use crate::support::{G1Points, mixed, randoms};
use std::time::{Duration, Instant};
use zkwatt::device::wgpu::{Fault, LimbForm, WgpuDevice, WgpuOptions};
use zkwatt::device::{Backend, G1, MsmOps, MsmScalars, NttOps, VectorOps};
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::{Fr, G1Affine};
use zkwatt::{Error, ErrorKind, Result};

const LOG_N: u32 = 8;

/// A device, or `None` where there is no adapter, which the conformance suite reports.
fn open(options: WgpuOptions) -> Option<WgpuDevice> {
    match WgpuDevice::new(options) {
        Ok(device) => Some(device),
        Err(Error::NoSuchDevice { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

fn usual() -> WgpuOptions {
    WgpuOptions { form: Some(LimbForm::Int64), poison: true, ..Default::default() }
}

/// A transform, an inversion and a sum.
fn job(device: &WgpuDevice, points: &[G1Affine]) -> Result<(Vec<Fr>, G1Affine)> {
    let mut buffer = device.upload(&mixed(1 << LOG_N, 1))?;
    device.ntt(&mut buffer, &NttPlan::new(LOG_N, Direction::Forward)?)?;
    device.batch_inverse(&mut buffer)?;
    let bases = MsmOps::<G1>::prepare(device, points)?;
    let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Device(&buffer))?;
    Ok((device.download_blocking(&buffer)?, sum))
}

/// Runs the job with the fault at its first, second, … occasion, until it strikes no more.
fn strike(fault: Fault, every: u32, reopen: bool) -> u32 {
    let points = G1Points::new(1 << LOG_N);
    let impatient = || WgpuOptions { deadline: Some(Duration::from_secs(1)), ..usual() };
    let Some(mut device) = open(impatient()) else { return u32::MAX };
    let expected = job(&device, &points).unwrap();
    let mut struck = 0;
    for occasion in (0..10_000).step_by(every as usize) {
        device.inject(fault, occasion);
        match job(&device, &points) {
            Ok(result) => {
                assert!(result == expected, "{fault:?} at occasion {occasion} gave a wrong result");
                return struck;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty() && error.kind() != ErrorKind::Usage, "{error}");
                struck += 1;
            }
        }
        if reopen {
            assert!(job(&device, &points).is_err(), "a device that failed must stay out of service");
            device = open(impatient()).unwrap();
        }
    }
    panic!("{fault:?} strikes for ever");
}

#[test]
fn refused_allocations() {
    assert!(strike(Fault::Allocation, 1, false) > 5);
}

#[test]
fn a_device_that_vanishes() {
    assert!(strike(Fault::DeviceLost, 3, true) > 2);
}

#[test]
fn work_that_hangs() {
    let start = Instant::now();
    assert!(strike(Fault::Hang, 1, true) > 1);
    assert!(start.elapsed() < Duration::from_secs(120));
}

#[test]
fn refused_shaders() {
    // Each on a device that has made no pipelines yet.
    let points = G1Points::new(1 << LOG_N);
    for occasion in [0, 1, 4, 9] {
        let Some(device) = open(usual()) else { return };
        device.inject(Fault::Shader, occasion);
        let error = job(&device, &points).unwrap_err();
        assert!(error.to_string().contains("refused the shader"), "{error}");
        // The refusal is of this shader only, and was one of ours.
        assert!(job(&device, &points).is_ok());
    }
}

#[test]
fn bindings_beyond_the_limit() {
    let Some(device) = open(WgpuOptions { max_binding_bytes: Some(1 << 14), ..usual() }) else { return };
    // Element-wise work is cut; a transform is not.
    let (a, b) = (randoms(5000, 1), randoms(5000, 2));
    let mut product = device.upload(&a).unwrap();
    device.mul_assign(&mut product, &device.upload(&b).unwrap()).unwrap();
    let expected: Vec<Fr> = a.iter().zip(&b).map(|(a, b)| *a * *b).collect();
    assert!(device.download_blocking(&product).unwrap() == expected);
    let mut long = device.upload(&randoms(1 << 12, 3)).unwrap();
    let error = device.ntt(&mut long, &NttPlan::new(12, Direction::Forward).unwrap()).unwrap_err();
    assert!(error.to_string().contains("16384"), "names the limit: {error}");
    // A sum is cut too, or refused; never wrong.
    let points = G1Points::new(1000);
    let scalars = randoms(1000, 4);
    let sum = MsmOps::<G1>::prepare(&device, &points)
        .and_then(|bases| MsmOps::<G1>::msm(&device, &bases, MsmScalars::Host(Scalars::Field(&scalars))));
    match sum {
        Ok(sum) => assert!(sum == points.judge(&scalars)),
        Err(error) => assert!(error.to_string().contains("16384"), "names the limit: {error}"),
    }
}
