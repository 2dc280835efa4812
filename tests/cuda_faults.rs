//! What CUDA may do to us, injected by the emulator: whatever goes wrong, an operation ends with an error or with the right
//! result, and the device serves again.
//!
//! A test binary of its own: faults strike whatever the process does next.
#![cfg(feature = "cuda")]

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use std::ffi::{CString, c_char};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zkwatt::device::cuda::{CudaBuffer, CudaDevice, CudaMulti, CudaOptions, gpus};
use zkwatt::device::{AllOps, Backend, CpuDevice, CpuOptions, G1, MsmOps, MsmScalars, VectorOps};
use zkwatt::kernels::curve::{Affine, Xyzz};
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::{Fq, Fr, G1Affine};
use zkwatt::{Error, ErrorKind, Result};

const LOG_N: u32 = 6;

/// One test at a time: the emulator has one fault to strike with.
static ONE: Mutex<()> = Mutex::new(());

/// A device of the emulator, for this test alone; `None` where there is no emulator, which the conformance suite reports.
fn open() -> Option<(MutexGuard<'static, ()>, CudaDevice)> {
    let alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let emulated = gpus().ok()?.first()?.emulated;
    let device = || CudaDevice::new(CudaOptions { poison: true, ..Default::default() }).unwrap();
    emulated.then(|| (alone, device()))
}

/// Sets what the emulator calls `name`, as its environment variable CUDA_EMULATOR_`name` would have.
fn set(name: &str, value: &str) {
    // SAFETY: the emulator is loaded already; another handle to it.
    let library = unsafe { libloading::Library::new("libcuda.so.1") }.unwrap();
    type Set = unsafe extern "C" fn(*const c_char, *const c_char) -> i32;
    // SAFETY: the type is that of the emulator's function.
    let set: libloading::Symbol<'_, Set> = unsafe { library.get(b"cudaEmulatorSet\0") }.unwrap();
    let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
    // SAFETY: both end with a zero.
    assert_eq!(unsafe { set(name.as_ptr(), value.as_ptr()) }, 0);
}

fn values(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()))).collect()
}

fn points(n: usize) -> Vec<G1Affine> {
    let step = Affine::<Fq>::generator();
    let multiples = std::iter::successors(Some(Xyzz::from(step)), |at| Some(at.add_affine(step)));
    multiples.skip(5).take(n).map(|point| point.to_affine()).collect()
}

/// A transform, an inversion and a sum.
fn job<D: AllOps>(device: &D) -> Result<(Vec<Fr>, G1Affine)> {
    let mut buffer = device.upload(&values(1 << LOG_N, 1))?;
    device.ntt(&mut buffer, &NttPlan::new(LOG_N, Direction::Forward)?)?;
    device.batch_inverse(&mut buffer)?;
    let bases = MsmOps::<G1>::prepare(device, &points(1 << LOG_N))?;
    let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Device(&buffer))?;
    Ok((device.download_blocking(&buffer)?, sum))
}

/// Runs the job with the fault at its first, later and later occasions, until it strikes no more; how often it struck.
fn strike(fault: &str, every: usize, expects: impl Fn(&Error) -> bool) -> u32 {
    let Some((_alone, device)) = open() else { return u32::MAX };
    let expected = job(&CpuDevice::new(CpuOptions::default()).unwrap()).unwrap();
    for (struck, occasion) in (0..).zip((1..10_000).step_by(every)) {
        // Memory that is kept from before would be no occasion.
        device.trim();
        // Twice: an allocation that is refused is tried once more, after memory that is kept has been given back.
        set("FAULT", &format!("{fault}:{occasion},{fault}:{}", occasion + 1));
        let outcome = job(&device);
        set("FAULT", "");
        match outcome {
            Ok(result) => {
                assert!(result == expected, "{fault} at occasion {occasion} gave a wrong result");
                return struck;
            }
            Err(error) => assert!(expects(&error), "{fault} at occasion {occasion}: {error}"),
        }
        // The same device serves again, in a new context where the old one is lost.
        assert!(job(&device).unwrap() == expected, "after {fault} at occasion {occasion}");
    }
    panic!("{fault} strikes for ever");
}

/// An illegal address in work on `buffer`, which the call meets, or the wait for it.
fn illegal(device: &CudaDevice, buffer: &mut CudaBuffer<Fr>) -> Error {
    set("FAULT", "illegal:1");
    let outcome = VectorOps::batch_inverse(device, buffer).and_then(|()| device.synchronise());
    set("FAULT", "");
    outcome.unwrap_err()
}

fn device_failed(error: &Error) -> bool {
    matches!(error, Error::DeviceFailed { .. })
}

#[test]
fn refused_allocations() {
    assert!(strike("alloc", 1, |error| error.kind() == ErrorKind::OutOfMemory) > 5);
}

/// Where memory is refused in the middle of several sums, fewer are worked on at a time.
#[test]
fn sums_with_less_memory_than_planned() {
    let Some((_alone, device)) = open() else { return };
    let n = 1 << LOG_N;
    let bases = points(n);
    let (a, b) = (values(n, 1), values(n, 2));
    let batch = |device: &CudaDevice| {
        let prepared = MsmOps::<G1>::prepare(device, &bases)?;
        let on_device = device.upload(&b)?;
        let items = || {
            let [host, other] =
                [&a, &b].map(|scalars| MsmScalars::<CudaDevice>::Host(Scalars::Field(scalars)));
            vec![host, MsmScalars::<CudaDevice>::Device(&on_device), other]
        };
        // Pinned memory is here from now on: only memory of the device is refused.
        let expected = MsmOps::<G1>::msm_batch(device, &prepared, items())?;
        for occasion in 1..20 {
            device.trim();
            // Twice: an allocation that is refused is tried once more.
            set("FAULT", &format!("alloc:{occasion},alloc:{}", occasion + 1));
            let sums = MsmOps::<G1>::msm_batch(device, &prepared, items());
            set("FAULT", "");
            assert_eq!(sums?, expected, "occasion {occasion}");
        }
        Ok::<_, Error>(expected)
    };
    let sums = batch(&device).unwrap();
    let cpu = CpuDevice::new(CpuOptions::default()).unwrap();
    let prepared = MsmOps::<G1>::prepare(&cpu, &bases).unwrap();
    for (sum, scalars) in sums.into_iter().zip([&a, &b, &b]) {
        let scalars = MsmScalars::Host(Scalars::Field(scalars));
        assert_eq!(sum, MsmOps::<G1>::msm(&cpu, &prepared, scalars).unwrap());
    }
}

#[test]
fn trimming_gives_everything_back() {
    let Some((_alone, device)) = open() else { return };
    let before = available(&device);
    job(&device).unwrap();
    device.trim();
    assert_eq!(available(&device), before);
}

#[test]
fn illegal_addresses() {
    assert!(strike("illegal", 3, device_failed) > 2);
}

#[test]
fn refused_launches() {
    assert!(strike("launch", 5, device_failed) > 2);
}

#[test]
fn refused_copies() {
    assert!(strike("memcpy", 1, device_failed) > 2);
}

#[test]
fn buffers_of_a_lost_context_say_so() {
    let Some((_alone, device)) = open() else { return };
    let kept = device.upload(&values(100, 1)).unwrap();
    let mut other = device.upload(&values(100, 1)).unwrap();
    set("FAULT", "illegal:1");
    let failure =
        VectorOps::batch_inverse(&device, &mut other).and_then(|()| device.download_blocking(&other));
    set("FAULT", "");
    assert!(device_failed(&failure.unwrap_err()));
    let error = device.download_blocking(&kept).unwrap_err();
    assert!(error.to_string().contains("upload it anew"), "{error}");
    // New memory is in a new context.
    let mut fresh = device.upload(&values(100, 2)).unwrap();
    assert_eq!(device.download_blocking(&fresh).unwrap(), values(100, 2));
    assert!(VectorOps::add_assign(&device, &mut fresh, &kept).is_err());
}

#[test]
fn memory_beyond_the_budget() {
    let Some((_alone, _)) = open() else { return };
    let options = CudaOptions { memory_budget: Some(1 << 16), ..Default::default() };
    let device = CudaDevice::new(options).unwrap();
    let error = device.alloc::<Fr>(1 << 12).err().unwrap();
    assert!(matches!(error, Error::OutOfMemory { available: 65_536, .. }), "{error}");
    device.alloc::<Fr>(1 << 10).unwrap();
}

/// Bytes that an allocation could have.
fn available(device: &CudaDevice) -> u64 {
    match device.alloc::<Fr>(1 << 50) {
        Err(Error::OutOfMemory { available, .. }) => available,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("2^55 bytes were there"),
    }
}

#[test]
fn lost_contexts_give_their_memory_back() {
    let Some((_alone, device)) = open() else { return };
    let expected = job(&CpuDevice::new(CpuOptions::default()).unwrap()).unwrap();
    let before = available(&device);
    for round in 0..4 {
        // Leaves roots of unity and memory that is kept for others in the context that is lost.
        assert!(job(&device).unwrap() == expected);
        set("FAULT", "illegal:1");
        let failure = job(&device);
        set("FAULT", "");
        assert!(device_failed(&failure.unwrap_err()));
        assert_eq!(available(&device), before, "after {round} faults and one");
    }
}

#[test]
fn buffers_that_are_kept_hold_the_memory_of_a_lost_context() {
    let Some((_alone, device)) = open() else { return };
    let before = available(&device);
    let mut kept = device.upload(&values(1 << 12, 1)).unwrap();
    assert!(device_failed(&illegal(&device, &mut kept)));
    let error = device.download_blocking(&kept).unwrap_err();
    assert!(error.to_string().contains("dropped"), "{error}");
    assert!(available(&device) < before);
    // The budget is what was free when the context was made: the next one has all again.
    drop(kept);
    let mut fresh = device.upload(&values(100, 1)).unwrap();
    assert!(device_failed(&illegal(&device, &mut fresh)));
    drop(fresh);
    assert_eq!(available(&device), before);
}

#[test]
fn a_context_that_cannot_be_made_is_tried_again() {
    let Some((_alone, device)) = open() else { return };
    let before = available(&device);
    let mut lost = device.upload(&values(100, 1)).unwrap();
    assert!(device_failed(&illegal(&device, &mut lost)));
    drop(lost);
    set("DEVICES", "0");
    let failures = [device.upload(&values(9, 1)).err(), device.upload(&values(9, 1)).err()];
    device.trim();
    device.counters();
    set("DEVICES", "1");
    for failure in failures {
        assert!(device_failed(&failure.unwrap()));
    }
    let fresh = device.upload(&values(9, 1)).unwrap();
    assert_eq!(device.download_blocking(&fresh).unwrap(), values(9, 1));
    drop(fresh);
    device.trim();
    assert_eq!(available(&device), before);
}

#[test]
fn gpus_that_do_not_open_are_left_out() {
    let Some((_alone, _)) = open() else { return };
    set("DEVICES", "2");
    let all = CudaMulti::new(&CudaOptions::default());
    set("COMPUTE_CAPABILITY", "6.1");
    let none = CudaMulti::new(&CudaOptions::default());
    let reports = gpus();
    set("COMPUTE_CAPABILITY", "8.9");
    set("DEVICES", "1");
    let all = all.unwrap();
    assert_eq!((all.devices().len(), all.left_out().len()), (2, 0));
    let error = none.err().unwrap();
    assert!(matches!(error, Error::NoSuchDevice { .. }), "{error}");
    assert!(error.to_string().contains("6.1"), "{error}");
    assert!(reports.unwrap().iter().all(|gpu| gpu.unusable.is_some()));
}

#[test]
fn waiting_tells_of_work_that_was_lost() {
    let Some((_alone, device)) = open() else { return };
    device.synchronise().unwrap();
    let mut buffer = device.upload(&values(100, 1)).unwrap();
    assert!(device_failed(&illegal(&device, &mut buffer)));
    for _ in 0..2 {
        assert!(device_failed(&device.synchronise().unwrap_err()));
    }
    device.upload(&values(100, 1)).unwrap();
    device.synchronise().unwrap();
}

#[test]
fn devices_that_finish_nothing_are_given_up() {
    let Some((_alone, _)) = open() else { return };
    let deadline = Some(std::time::Duration::from_millis(300));
    let device = CudaDevice::new(CudaOptions { deadline, poison: true, ..Default::default() }).unwrap();
    let mut buffer = device.upload(&values(100, 1)).unwrap();
    set("FAULT", "hang:1");
    let outcome =
        VectorOps::batch_inverse(&device, &mut buffer).and_then(|()| device.download_blocking(&buffer));
    set("FAULT", "");
    let error = outcome.unwrap_err();
    assert!(device_failed(&error) && error.to_string().contains("deadline"), "{error}");
    drop(buffer);
    let fresh = device.upload(&values(9, 1)).unwrap();
    assert_eq!(device.download_blocking(&fresh).unwrap(), values(9, 1));
}
