//! Sums of points against the host's, with every exceptional case.

use super::CudaDevice;
use super::kernels::source;
use crate::device::gpu::testing::{cuda, numbers};
use crate::device::gpu::{Access, Arithmetic, Gpu, GpuMemory, GpuWork, Stage};
use crate::device::{Backend, Elem};
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::{Fq, Fq2};

const SUM: &[Access] = &[Access::Read, Access::Read, Access::ReadWrite];
const ADD_MIXED: Stage = Stage::new("point_add_mixed", source("curve")).bind(SUM);
const ADD: Stage = Stage::new("point_add", source("curve")).bind(SUM);
const DOUBLE: Stage = Stage::new("point_double", source("curve")).bind(&[Access::Read, Access::ReadWrite]);

/// The identity, multiples of the generator, the same with other denominators, and their opposites.
fn points<F: Coordinate>() -> Vec<Xyzz<F>> {
    let generator = Xyzz::from(Affine::<F>::generator());
    let mut numbers = numbers(1);
    let random = (0..8)
        .map(|_| generator.mul_vartime(&[0; 4].map(|_| u64::from(numbers()) << 32 | u64::from(numbers()))));
    let points: Vec<Xyzz<F>> = (0..5).map(|k| generator.mul_vartime(&[k])).chain(random).collect();
    let normal = points.iter().map(|p| p.to_affine().into()).collect();
    let opposite = points.iter().map(|p| -*p).collect();
    [points, normal, opposite].concat()
}

/// Runs `stage` with a thread for each element of `left`.
fn run<F: Coordinate, T: Elem>(
    device: &CudaDevice,
    stage: &Stage,
    left: &[Xyzz<F>],
    right: &[T],
) -> Vec<Xyzz<F>> {
    let threads = left.len();
    let left = device.upload(left).unwrap();
    let right = device.upload(right).unwrap();
    let results = device.alloc::<Xyzz<F>>(threads).unwrap();
    let [a, b, c] =
        [CudaDevice::raw(&left), CudaDevice::raw(&right), CudaDevice::raw(&results)].map(GpuMemory::whole);
    let bindings = if stage.bindings.len() == 3 { vec![a, b, c] } else { vec![a, c] };
    let mut work = device.work().unwrap();
    work.dispatch(stage, &bindings, &[threads as u32], threads as u64).unwrap();
    work.submit().unwrap();
    device.download_blocking(&results).unwrap()
}

/// The same for all pairs; names what differs.
fn sums_equal_the_hosts<F: Coordinate>(arithmetic: Arithmetic) {
    let Some(device) = cuda(None) else { return };
    let points = points::<F>();
    let pairs = || points.iter().flat_map(|p| points.iter().map(|q| (*p, *q)));
    let (left, right): (Vec<_>, Vec<_>) = pairs().unzip();
    let affine: Vec<Affine<F>> = right.iter().map(|q| q.to_affine()).collect();
    let compare = |what: &str, found: Vec<Xyzz<F>>, host: &dyn Fn(Xyzz<F>, Xyzz<F>) -> Xyzz<F>| {
        for (found, (p, q)) in found.into_iter().zip(pairs()) {
            assert_eq!(found, host(p, q), "{what} of {p:?} and {q:?}");
        }
    };
    compare("mixed sum", run(&device, &ADD_MIXED.over(arithmetic), &left, &affine), &|p, q| p + q);
    compare("sum", run(&device, &ADD.over(arithmetic), &left, &right), &|p, q| p + q);
    compare("double", run(&device, &DOUBLE.over(arithmetic), &left, &right), &|p, _| p.double());
}

#[test]
fn sums_of_g1_equal_the_hosts() {
    sums_equal_the_hosts::<Fq>(Arithmetic::G1);
}

#[test]
fn sums_of_g2_equal_the_hosts() {
    sums_equal_the_hosts::<Fq2>(Arithmetic::G2);
}
