//! What CUDA may do to us, injected by the emulator: whatever goes wrong, an operation ends with an error or with the right
//! result, and the device serves again.

use crate::support::{G1Points, mixed};
use std::ffi::CString;
use zkwatt::device::cuda::{CudaDevice, CudaOptions, gpus};
use zkwatt::device::{Backend, G1, MsmOps, MsmScalars, NttOps, VectorOps};
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::{Fr, G1Affine};
use zkwatt::{Error, ErrorKind, Result};

const LOG_N: u32 = 6;

/// A device, or `None` where there is no emulator, which the conformance suite reports.
fn open() -> Option<CudaDevice> {
    let emulated = gpus().ok()?.first()?.emulated;
    emulated.then(|| CudaDevice::new(CudaOptions { poison: true, ..Default::default() }).unwrap())
}

/// Sets what the emulator calls `name`, as its environment variable CUDA_EMULATOR_`name` would have.
fn set(name: &str, value: &str) {
    // SAFETY: the emulator is loaded already; another handle to it.
    let library = unsafe { libloading::Library::new("libcuda.so.1") }.unwrap();
    type Set = unsafe extern "C" fn(*const std::ffi::c_char, *const std::ffi::c_char) -> i32;
    // SAFETY: the type is that of the emulator's function.
    let set: libloading::Symbol<'_, Set> = unsafe { library.get(b"cudaEmulatorSet\0") }.unwrap();
    let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
    // SAFETY: both end with a zero.
    assert_eq!(unsafe { set(name.as_ptr(), value.as_ptr()) }, 0);
}

/// A transform, an inversion and a sum.
fn job(device: &CudaDevice, points: &[G1Affine]) -> Result<(Vec<Fr>, G1Affine)> {
    let mut buffer = device.upload(&mixed(1 << LOG_N, 1))?;
    device.ntt(&mut buffer, &NttPlan::new(LOG_N, Direction::Forward)?)?;
    device.batch_inverse(&mut buffer)?;
    let bases = MsmOps::<G1>::prepare(device, points)?;
    let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Device(&buffer))?;
    Ok((device.download_blocking(&buffer)?, sum))
}

/// Runs the job with the fault at its first, second, … occasion, until it strikes no more; how often it struck.
fn strike(fault: &str, every: usize, expects: impl Fn(&Error) -> bool) -> u32 {
    let points = G1Points::new(1 << LOG_N);
    let Some(device) = open() else { return u32::MAX };
    let expected = job(&device, &points).unwrap();
    let mut struck = 0;
    for occasion in (1..10_000).step_by(every) {
        // What is kept from before would be no occasion.
        device.trim();
        set("FAULT", &format!("{fault}:{occasion}"));
        let outcome = job(&device, &points);
        set("FAULT", "");
        match outcome {
            Ok(result) => {
                assert!(result == expected, "{fault} at occasion {occasion} gave a wrong result");
                return struck;
            }
            Err(error) => assert!(expects(&error), "{fault} at occasion {occasion}: {error}"),
        }
        struck += 1;
        // The same device serves again, in a new context where the old one is lost.
        assert!(job(&device, &points).unwrap() == expected, "after {fault} at occasion {occasion}");
    }
    panic!("{fault} strikes for ever");
}

#[test]
fn refused_allocations() {
    assert!(strike("alloc", 1, |error| error.kind() == ErrorKind::OutOfMemory) > 5);
}

#[test]
fn illegal_addresses() {
    assert!(strike("illegal", 3, |error| matches!(error, Error::DeviceFailed { .. })) > 2);
}

#[test]
fn refused_launches() {
    assert!(strike("launch", 5, |error| matches!(error, Error::DeviceFailed { .. })) > 2);
}

#[test]
fn refused_copies() {
    assert!(strike("memcpy", 1, |error| matches!(error, Error::DeviceFailed { .. })) > 2);
}

#[test]
fn buffers_of_a_lost_context_say_so() {
    let Some(device) = open() else { return };
    let kept = device.upload(&mixed(100, 1)).unwrap();
    set("FAULT", "illegal:1");
    let mut other = device.upload(&mixed(100, 1)).unwrap();
    let failure = device.batch_inverse(&mut other).and_then(|()| device.download_blocking(&other));
    set("FAULT", "");
    assert!(matches!(failure, Err(Error::DeviceFailed { .. })));
    let error = device.download_blocking(&kept).unwrap_err();
    assert!(error.to_string().contains("upload it anew"), "{error}");
    // New memory is in a new context.
    let fresh = device.upload(&mixed(100, 2)).unwrap();
    assert_eq!(device.download_blocking(&fresh).unwrap(), mixed(100, 2));
    let mut copy = device.copy(&fresh).unwrap();
    assert!(device.add_assign(&mut copy, &kept).is_err());
}

#[test]
fn memory_beyond_the_budget() {
    let Some(_) = open() else { return };
    let options = CudaOptions { memory_budget: Some(1 << 16), ..Default::default() };
    let device = CudaDevice::new(options).unwrap();
    let error = device.alloc::<Fr>(1 << 12).err().unwrap();
    assert!(matches!(error, Error::OutOfMemory { available: 65_536, .. }), "{error}");
    device.alloc::<Fr>(1 << 10).unwrap();
}
