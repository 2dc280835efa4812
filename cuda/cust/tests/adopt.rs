//! A context and buffers of cust under zkwatt. Needs a driver, or the emulator of `tools/cuda-emulator`.

use cust::CudaFlags;
use cust::context::Context;
use cust::device::Device;
use cust::memory::{CopyDestination, DeviceBuffer};
use zkwatt::device::cuda::{CudaDevice, CudaOptions};
use zkwatt::device::{Backend, CpuDevice, CpuOptions, NttOps, VectorOps};
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::{Field, Fr};

fn context() -> Context {
    cust::init(CudaFlags::empty()).unwrap();
    Context::new(Device::get_device(0).unwrap()).unwrap()
}

fn values(n: usize) -> Vec<Fr> {
    core::iter::successors(Some(Fr::from(11u64)), |x| Some(x.square() + Fr::ONE)).take(n).collect()
}

/// The limbs of elements, as a program without zkwatt has them.
fn limbs(values: &[Fr]) -> Vec<[u64; 4]> {
    values.iter().map(|x| x.to_montgomery()).collect()
}

fn device(context: &Context) -> CudaDevice {
    zkwatt_cust::adopt(context.clone(), CudaOptions::default()).unwrap()
}

#[test]
fn transforms_a_buffer_of_cust_in_place() {
    let context = context();
    let device = device(&context);
    let input = values(256);
    let mut column = DeviceBuffer::from_slice(&limbs(&input)).unwrap();
    let plan = NttPlan::new(8, Direction::Inverse).unwrap();
    // SAFETY: the copy above was synchronous; scalars.
    let mut lent = unsafe { zkwatt_cust::lend::<Fr, _>(&device, &mut column).unwrap() };
    device.ntt(&mut lent, &plan).unwrap();
    lent.finish().unwrap();
    let mut actual = vec![[0; 4]; 256];
    column.copy_to(&mut actual).unwrap();
    let mut expected = input;
    CpuDevice::new(CpuOptions::default()).unwrap().ntt_in_place(&mut expected, &plan).unwrap();
    assert!(actual == limbs(&expected));
}

#[test]
fn buffers_of_both_kinds_meet() {
    let context = context();
    let device = device(&context);
    let (a, b) = (values(100), values(200)[100..].to_vec());
    let words: Vec<u64> = limbs(&a).concat();
    let mut theirs = DeviceBuffer::from_slice(&words).unwrap();
    let ours = device.upload(&b).unwrap();
    // SAFETY: as above.
    let mut lent = unsafe { zkwatt_cust::lend::<Fr, _>(&device, &mut theirs).unwrap() };
    device.add_assign(&mut lent, &ours).unwrap();
    drop(lent);
    let mut actual = vec![0; 400];
    theirs.copy_to(&mut actual).unwrap();
    let sums: Vec<Fr> = a.iter().zip(&b).map(|(a, b)| *a + *b).collect();
    assert!(actual == limbs(&sums).concat());
}

#[test]
fn a_device_leaves_the_context_as_it_was() {
    let context = context();
    let kept = DeviceBuffer::from_slice(&[1u64, 2, 3]).unwrap();
    let buffer = device(&context).upload(&values(8)).unwrap();
    drop(buffer);
    let mut read = [0; 3];
    kept.copy_to(&mut read).unwrap();
    assert_eq!(read, [1, 2, 3]);
}

#[test]
fn odd_lengths_are_refused() {
    let context = context();
    let device = device(&context);
    let mut words = DeviceBuffer::from_slice(&[0u64; 5]).unwrap();
    // SAFETY: as above.
    let error = unsafe { zkwatt_cust::lend::<Fr, _>(&device, &mut words) }.err().unwrap();
    assert!(error.to_string().contains("40 bytes"), "{error}");
}
