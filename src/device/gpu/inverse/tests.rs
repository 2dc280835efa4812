//! Inversion at the seams of its levels, over every kind of coordinate.

use super::*;
use crate::device::VectorOps;
use crate::device::gpu::testing::on_every_gpu;
use zkwatt_kernels::curve::{Affine, Coordinate};
use zkwatt_kernels::{CpuPath, Field, Fq, Fq2, Fr, vector};

on_every_gpu! {
    scalars with [None];
    coordinates_of_g1 with [None];
    coordinates_of_g2 with [None];
}

/// 1, 0, 3, 4, …, with zeros also at 16-element seams.
fn values<F: Field>(n: usize, one: F) -> Vec<F> {
    let mut next = F::ZERO;
    let step = |i: usize| {
        next = next.square() + one;
        if i % 17 == 1 || i % 64 == 15 { F::ZERO } else { next }
    };
    (0..n).map(step).collect()
}

/// Coordinates as buffers can hold them; an odd one is followed by another that is left as it is.
fn pairs<F: Coordinate>(values: &[F]) -> Vec<Affine<F>> {
    values.chunks(2).map(|pair| Affine { x: pair[0], y: *pair.last().unwrap_or(&pair[0]) }).collect()
}

fn inverts<F: Coordinate, D: Gpu>(device: &D, arithmetic: Arithmetic, values: impl Fn(usize) -> Vec<F>) {
    for n in [1, 16, 17, 300] {
        let values = values(n);
        let expected: Vec<F> = values.iter().map(|v| v.inverse_vartime().unwrap_or(F::ZERO)).collect();
        let buffer = device.upload(&pairs(&values)).unwrap();
        let mut work = device.work().unwrap();
        device.batch_inverse_raw(&mut work, arithmetic, D::raw(&buffer), n as u64).unwrap();
        work.submit().unwrap();
        let points = device.download_blocking(&buffer).unwrap();
        let actual: Vec<F> = points.iter().flat_map(|p| [p.x, p.y]).take(n).collect();
        assert!(actual == expected, "{arithmetic:?}, {n} elements, {:?}", device.info().name);
    }
}

fn scalars<D: Gpu>(device: &D) {
    let sizes = [0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 1000, 4096, 4097, 65_537];
    for n in sizes {
        let values = values(n, Fr::ONE);
        let mut expected = values.clone();
        vector::batch_inverse(CpuPath::active(), &mut expected);
        let mut buffer = device.upload(&values).unwrap();
        device.batch_inverse(&mut buffer).unwrap();
        let actual = device.download_blocking(&buffer).unwrap();
        assert!(actual == expected, "{n} elements, {:?}", device.info().name);
    }
}

fn coordinates_of_g1<D: Gpu>(device: &D) {
    inverts(device, Arithmetic::G1, |n| values(n, Fq::ONE));
}

/// Some have one part that is zero: zeros are those with two.
fn coordinates_of_g2<D: Gpu>(device: &D) {
    let values = |n| {
        let mut values = values(n, Fq2::new(Fq::ONE, Fq::from(3u64)));
        for (i, value) in values.iter_mut().enumerate() {
            match i % 5 {
                0 => *value = Fq2::new(value.c0, Fq::ZERO),
                2 => *value = Fq2::new(Fq::ZERO, value.c1),
                _ => {}
            }
        }
        values
    };
    inverts(device, Arithmetic::G2, values);
}
