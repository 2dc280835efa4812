//! Against the CPU's kernels, bit for bit, at the seams of workgroups, chunks, levels and bindings.

use super::*;
use crate::device::gpu::testing::on_every_gpu;
use crate::error::Error;
use zkwatt_kernels::{CpuPath, vector};

/// Workgroups of 64, chunks of 32, and levels of 1024.
const SIZES: [usize; 19] =
    [0, 1, 2, 7, 8, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 4097, 40_000];

fn values(n: usize, seed: u64) -> Vec<Fr> {
    let mut next = Fr::from(seed + 2);
    let step = |_| {
        next = next.square() + Fr::ONE;
        next
    };
    (0..n).map(step).collect()
}

fn path() -> CpuPath {
    CpuPath::active()
}

fn down<D: Gpu>(device: &D, buffer: &D::Buf<Fr>) -> Vec<Fr> {
    device.download_blocking(buffer).unwrap()
}

/// Bindings as large as the device's, and of 16 KiB, 512 scalars.
const BOUNDS: [Option<u64>; 2] = [None, Some(1 << 14)];

on_every_gpu! {
    element_wise with super::BOUNDS;
    lengths_that_differ with [None];
    prefixes with super::BOUNDS;
    divisions with super::BOUNDS;
    evaluations with super::BOUNDS;
    evaluations_of_many with super::BOUNDS;
    copies with [None];
    combinations with super::BOUNDS;
}

fn element_wise<D: Gpu>(device: &D) {
    SIZES.into_iter().for_each(|n| {
        let (a, b, c) = (values(n, 1), values(n, 2), Fr::from(3u64).square());
        let right = device.upload(&b).unwrap();
        let check = |name: &str, ours: &dyn Fn(&mut D::Buf<Fr>) -> Result<()>, cpu: &dyn Fn(&mut [Fr])| {
            let (mut left, mut expected) = (device.upload(&a).unwrap(), a.clone());
            ours(&mut left).unwrap();
            cpu(&mut expected);
            assert!(down(device, &left) == expected, "{name}, {n} elements, {:?}", device.info().name);
        };
        check("sum", &|v| device.add_assign(v, &right), &|v| vector::add_assign(path(), v, &b).unwrap());
        check("difference", &|v| device.sub_assign(v, &right), &|v| {
            vector::sub_assign(path(), v, &b).unwrap()
        });
        check("product", &|v| device.mul_assign(v, &right), &|v| vector::mul_assign(path(), v, &b).unwrap());
        check("axpy", &|v| device.axpy(v, c, &right), &|v| vector::axpy(path(), v, c, &b).unwrap());
        check("scale", &|v| device.scale(v, c), &|v| vector::scale(path(), v, c));
    });
}

fn lengths_that_differ<D: Gpu>(device: &D) {
    let (mut a, b) = (device.upload(&values(3, 1)).unwrap(), device.upload(&values(4, 1)).unwrap());
    let expected = vector::add_assign(path(), &mut values(3, 1), &values(4, 1)).unwrap_err();
    let expected = Error::from(expected).to_string();
    assert_eq!(device.add_assign(&mut a, &b).unwrap_err().to_string(), expected);
    assert_eq!(device.mul_assign(&mut a, &b).unwrap_err().to_string(), expected);
    assert!(device.axpy(&mut a, Fr::ONE, &b).is_err());
    assert!(device.linear_combination(&[(Fr::ONE, &b)], 3).is_err());
}

fn prefixes<D: Gpu>(device: &D) {
    SIZES.into_iter().for_each(|n| {
        let mut input = values(n, 3);
        for scan in [Scan::Inclusive, Scan::Exclusive] {
            let (mut expected, mut buffer) = (input.clone(), device.upload(&input).unwrap());
            let total = vector::prefix_sum(path(), &mut expected, scan);
            assert_eq!(device.prefix_sum(&mut buffer, scan).unwrap(), total, "{n} elements");
            assert!(down(device, &buffer) == expected, "{n} elements, {scan:?}, {:?}", device.info().name);

            let (mut expected, mut buffer) = (input.clone(), device.upload(&input).unwrap());
            let total = vector::prefix_product(path(), &mut expected, scan);
            assert_eq!(device.prefix_product(&mut buffer, scan).unwrap(), total, "{n} elements");
            assert!(down(device, &buffer) == expected, "{n} elements, {scan:?}, {:?}", device.info().name);
            // The second time with a zero, after which all products are.
            if let Some(middle) = input.get_mut(n / 2) {
                *middle = Fr::ZERO;
            }
        }
    });
}

fn divisions<D: Gpu>(device: &D) {
    SIZES.into_iter().for_each(|n| {
        for z in [Fr::ZERO, Fr::ONE, Fr::from(5u64)] {
            let mut expected = values(n, 4);
            let mut buffer = device.upload(&expected).unwrap();
            let remainder = vector::divide_by_linear(path(), &mut expected, z);
            assert_eq!(device.divide_by_linear(&mut buffer, z).unwrap(), remainder, "{n} elements");
            assert!(down(device, &buffer) == expected, "{n} elements, {z:?}, {:?}", device.info().name);
        }
    });
}

fn evaluations<D: Gpu>(device: &D) {
    SIZES.into_iter().for_each(|n| {
        let input = values(n, 5);
        let buffer = device.upload(&input).unwrap();
        for x in [Fr::ZERO, Fr::ONE, Fr::from(7u64)] {
            let expected = vector::evaluate(path(), &input, x);
            assert_eq!(
                device.evaluate(&buffer, x).unwrap(),
                expected,
                "{n} elements, {:?}",
                device.info().name
            );
        }
    });
}

fn evaluations_of_many<D: Gpu>(device: &D) {
    let inputs: Vec<_> = SIZES.iter().map(|n| values(*n, *n as u64)).collect();
    let buffers: Vec<_> = inputs.iter().map(|input| device.upload(input).unwrap()).collect();
    let x = Fr::from(9u64);
    let expected: Vec<_> = inputs.iter().map(|input| vector::evaluate(path(), input, x)).collect();
    assert_eq!(device.evaluate_many(&buffers.iter().collect::<Vec<_>>(), x).unwrap(), expected);
    assert_eq!(device.evaluate_many(&[], x).unwrap(), vec![]);
}

fn copies<D: Gpu>(device: &D) {
    for n in [0, 1, 5, 100] {
        let input = values(n, 6);
        let buffer = device.upload(&input).unwrap();
        assert!(down(device, &device.copy(&buffer).unwrap()) == input);
        for len in [0, 1, 4, 5, 6, 99, 101, 1000] {
            let mut expected = input.clone();
            expected.resize(len, Fr::ZERO);
            assert!(down(device, &device.resized(&buffer, len).unwrap()) == expected, "{n} to {len}");
        }
    }
}

fn combinations<D: Gpu>(device: &D) {
    let len = 1100;
    let lengths = [1100, 0, 1, 513, 512, 1024, 1099, 600, 1100, 511, 1100, 64, 1100, 700];
    let inputs: Vec<_> = lengths.iter().map(|n| values(*n, *n as u64)).collect();
    let buffers: Vec<_> = inputs.iter().map(|input| device.upload(input).unwrap()).collect();
    let factors = [Fr::ONE, Fr::ZERO, -Fr::ONE, Fr::from(17u64)];
    for count in [0, 1, 2, 5, 6, 7, 12, 13, 14] {
        let factor = |i: usize| factors[(i + count) % 4];
        let mut expected = vec![Fr::ZERO; len];
        let terms: Vec<_> = (0..count).map(|i| (factor(i), &inputs[i][..])).collect();
        vector::linear_combination(path(), &mut expected, &terms).unwrap();
        let terms: Vec<_> = (0..count).map(|i| (factor(i), &buffers[i])).collect();
        let actual = down(device, &device.linear_combination(&terms, len).unwrap());
        assert!(actual == expected, "{count} terms, {:?}", device.info().name);
    }
    let same = [(Fr::ONE, &buffers[3]), (Fr::from(2u64), &buffers[3])];
    let actual = down(device, &device.linear_combination(&same, 513).unwrap());
    let expected: Vec<_> = inputs[3].iter().map(|v| *v * Fr::from(3u64)).collect();
    assert!(actual == expected);
}
