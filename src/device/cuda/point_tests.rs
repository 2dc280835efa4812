//! Sums of points against the host's, with every exceptional case.

use super::CudaDevice;
use super::kernels::source;
use crate::device::gpu::field_tests::Element;
use crate::device::gpu::testing::{cuda, numbers};
use crate::device::gpu::{Access, Arithmetic, Gpu, GpuMemory, GpuWork, Stage};
use crate::device::{Backend, Elem};
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::{Fq, Fq2};

const SUM: &[Access] = &[Access::Read, Access::Read, Access::ReadWrite];
const ADD_MIXED: Stage = Stage::new("point_add_mixed", source("curve")).bind(SUM);
const ADD: Stage = Stage::new("point_add", source("curve")).bind(SUM);
const DOUBLE: Stage = Stage::new("point_double", source("curve")).bind(&[Access::Read, Access::ReadWrite]);
const REDUCE: Stage =
    Stage::new("msm_bucket_reduce", source("msm_reduce")).bind(&[Access::ReadWrite]).workgroup(128);

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

/// Runs `stage` with `threads` threads.
fn run<F: Coordinate, L: Elem, R: Elem>(
    device: &CudaDevice,
    stage: &Stage,
    threads: usize,
    left: &[L],
    right: &[R],
) -> Vec<Xyzz<F>> {
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

/// Sums of pairs in place, left before right: the first round of a reduction of two buckets a row.
fn sums_in_place<F: Coordinate, E: Elem>(
    device: &CudaDevice,
    arithmetic: Arithmetic,
    rows: usize,
    pairs: &[E],
) -> Vec<Xyzz<F>> {
    let buckets = device.upload(pairs).unwrap();
    let buckets = CudaDevice::raw(&buckets);
    let mut work = device.work().unwrap();
    work.dispatch(&REDUCE.over(arithmetic), &[buckets.whole()], &[rows as u32, 0, 1], rows as u64).unwrap();
    work.submit().unwrap();
    let buckets = device.wait(device.read(buckets, 0, 2 * rows)).unwrap();
    buckets.into_iter().step_by(2).collect()
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
    let n = left.len();
    compare("mixed sum", run(&device, &ADD_MIXED.over(arithmetic), n, &left, &affine), &|p, q| p + q);
    compare("sum", run(&device, &ADD.over(arithmetic), n, &left, &right), &|p, q| p + q);
    let in_place: Vec<Xyzz<F>> = pairs().flat_map(|(p, q)| [p, q]).collect();
    compare("sum in place", sums_in_place(&device, arithmetic, n, &in_place), &|p, q| p + q);

    // Carries that seldom matter: many points, each on denominators of its own.
    let generator = Affine::<F>::generator();
    let chain = std::iter::successors(Some(points[6]), |at| Some(at.add_affine(generator)));
    let chain: Vec<Xyzz<F>> = points.iter().copied().chain(chain.take(1000)).collect();
    let doubles = run(&device, &DOUBLE.over(arithmetic), chain.len(), &chain, &chain);
    for (found, p) in doubles.into_iter().zip(&chain) {
        assert_eq!(found, p.double(), "double of {p:?}");
    }
}

/// `a` with each of its parts as it is, zero, or that of `b`.
fn with_parts_of<F: Element>(a: F, b: F) -> Vec<F> {
    let (a, b) = (a.to_parts(), b.to_parts());
    let mut mixed = vec![Vec::new()];
    for (a, b) in a.into_iter().zip(b) {
        mixed =
            mixed.iter().flat_map(|rest| [a, [0; 8], b].map(|part| [&rest[..], &[part]].concat())).collect();
    }
    mixed.iter().map(|parts| F::from_parts(parts)).collect()
}

/// Decisions look at whole coordinates. The points are on no curve, which the formulas do not mind; denominators have
/// parts that are zero.
fn sums_of_points_with_equal_parts_equal_the_hosts<F: Coordinate + Element>(arithmetic: Arithmetic) {
    let Some(device) = cuda(None) else { return };
    let [p, q] = [2, 3].map(|k| Xyzz::from(Affine::<F>::generator()).mul_vartime(&[k]).to_affine());
    let (xs, ys) = (with_parts_of(p.x, q.x), with_parts_of(p.y, -p.y));
    let all = xs.iter().flat_map(|x| ys.iter().map(|y| Affine { x: *x, y: *y }));
    let all: Vec<Affine<F>> = all.collect();
    // The squares of the last ones have a first part of zero.
    let even = F::from_parts(&vec![p.x.to_parts()[0]; F::PARTS]);
    let denominators = with_parts_of(p.x, q.x).into_iter().chain(with_parts_of(even, -even));
    let denominators: Vec<F> = denominators.filter(|z| !z.is_zero()).collect();
    let few = [p, -p, all[all.len() / 2]];
    let pairs = few.iter().flat_map(|few| all.iter().flat_map(|p| [(*few, *p), (*p, *few)]));
    let pairs: Vec<(Affine<F>, Affine<F>)> = pairs.collect();
    // Never (0, 0), which as a fraction would not be the identity.
    let pairs: Vec<_> = pairs.into_iter().filter(|(p, _)| !p.is_identity()).collect();
    let over = |p: &Affine<F>, z: F| {
        let (zz, zzz) = (z * z, z * z * z);
        if p.is_identity() { [F::ZERO; 4] } else { [p.x * zz, p.y * zzz, zz, zzz] }
    };
    // First all with the denominator one.
    let n = 2 * pairs.len();
    let nth = |i: usize, step: usize| {
        if i < n / 2 { F::ONE } else { denominators[i / step % denominators.len()] }
    };
    let pairs = pairs.repeat(2);
    let words = |points: Vec<[F; 4]>| -> Vec<u32> {
        points.as_flattened().iter().flat_map(|x| x.to_parts().concat()).collect()
    };
    let left = words((0..).zip(&pairs).map(|(i, (p, _))| over(p, nth(i, 1))).collect());
    let right = words((0..).zip(&pairs).map(|(i, (_, q))| over(q, nth(i, 5))).collect());
    let affine: Vec<Affine<F>> = pairs.iter().map(|(_, q)| *q).collect();
    let point = left.len() / n;
    let in_place: Vec<u32> =
        left.chunks(point).zip(right.chunks(point)).flat_map(|(p, q)| [p, q].concat()).collect();
    for (what, found) in [
        ("mixed sum", run::<F, _, _>(&device, &ADD_MIXED.over(arithmetic), n, &left, &affine)),
        ("sum", run::<F, _, _>(&device, &ADD.over(arithmetic), n, &left, &right)),
        ("sum in place", sums_in_place(&device, arithmetic, n, &in_place)),
    ] {
        for (found, (p, q)) in found.into_iter().zip(&pairs) {
            assert_eq!(found, Xyzz::from(*p) + Xyzz::from(*q), "{what} of {p:?} and {q:?}");
        }
    }
}

#[test]
fn sums_of_g1_equal_the_hosts() {
    sums_equal_the_hosts::<Fq>(Arithmetic::G1);
}

#[test]
fn sums_of_g2_equal_the_hosts() {
    sums_equal_the_hosts::<Fq2>(Arithmetic::G2);
}

#[test]
fn sums_of_g1_with_equal_parts_equal_the_hosts() {
    sums_of_points_with_equal_parts_equal_the_hosts::<Fq>(Arithmetic::G1);
}

#[test]
fn sums_of_g2_with_equal_parts_equal_the_hosts() {
    sums_of_points_with_equal_parts_equal_the_hosts::<Fq2>(Arithmetic::G2);
}
