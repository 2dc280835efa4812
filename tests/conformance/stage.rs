//! Memory, and kernels at the seams between their stages, against the obvious forms.
//!
//! Stages that no trait exposes are tested in the crate of the device's kernels.

use crate::Conforming;
use crate::support::{CHUNK, Judged, assert_same, edges, in_place, mixed, random, randoms, rng};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use zkwatt::device::{Buffer, Elem, G1, G2, Group, MsmOps, MsmScalars};
use zkwatt::kernels::curve::Affine;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::kernels::quotient::Graph;
use zkwatt::kernels::vector::Scan;
use zkwatt::kernels::{Field, Fr, reference};

/// Sizes around nothing, a group of lanes, and one and two chunks.
const SEAMS: [usize; 12] = [0, 1, 2, 3, 4, 5, 8, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 3];

pub fn memory_round_trips<D: Conforming>(device: &D) {
    fn check<D: Conforming, T: Elem>(device: &D, values: &[T]) {
        for n in [0, 1, values.len()] {
            let buffer = device.upload(&values[..n]).unwrap();
            assert_eq!((buffer.len(), buffer.is_empty()), (n, n == 0));
            assert_same(&device.download_blocking(&buffer).unwrap(), &values[..n], "blocking download");
            assert_same(&wait(device.download(&buffer)).unwrap(), &values[..n], "download");
        }
    }
    check(device, &randoms(1000, 1));
    check(device, &G1::all_ours(&G1::points(100, 1)));
    check(device, &G2::all_ours(&G2::points(100, 1)));
    check(device, &[u8::MIN, 1, u8::MAX]);
    check(device, &[u32::MIN, 1, u32::MAX]);
    check(device, &[u64::MIN, 1, u64::MAX]);
    check(device, &[i8::MIN, -1, i8::MAX]);
    check(device, &[i16::MIN, -1, i16::MAX]);
    check(device, &[i32::MIN, -1, i32::MAX]);
    check(device, &[i64::MIN, -1, i64::MAX]);
    check(device, &[i128::MIN, -1, i128::MAX]);
}

/// Polls until the download is there.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// Also where the memory held something before.
pub fn fresh_memory_is_zero<D: Conforming>(device: &D) {
    for n in [0, 1, 1000, 1 << 16] {
        for _ in 0..3 {
            drop(device.upload(&vec![-Fr::ONE; n]).unwrap());
            let fresh = device.alloc::<Fr>(n).unwrap();
            assert_same(&device.download_blocking(&fresh).unwrap(), &vec![Fr::ZERO; n], "fresh memory");
        }
    }
    let points = device.alloc::<Affine<<G2 as Group>::Coordinate>>(3).unwrap();
    assert!(device.download_blocking(&points).unwrap().iter().all(Affine::is_identity));
}

pub fn scans_at_chunk_seams<D: Conforming>(device: &D) {
    for n in SEAMS {
        // A zero makes all later products zero: once without, once with.
        for values in [randoms(n, 2), mixed(n, 3)] {
            for scan in [Scan::Inclusive, Scan::Exclusive] {
                let mut total = Fr::ZERO;
                let sums = in_place(device, &values, |v| total = device.prefix_sum(v, scan).unwrap());
                let expected = reference::prefix_sum(&values, scan);
                assert_same(&sums, &expected.0, "prefix sums");
                assert_eq!(total, expected.1, "sum of {n}");
                let products = in_place(device, &values, |v| total = device.prefix_product(v, scan).unwrap());
                let expected = reference::prefix_product(&values, scan);
                assert_same(&products, &expected.0, "prefix products");
                assert_eq!(total, expected.1, "product of {n}");
            }
        }
    }
}

pub fn inversion_at_chunk_seams<D: Conforming>(device: &D) {
    for n in SEAMS {
        for values in [randoms(n, 4), mixed(n, 5), vec![Fr::ZERO; n], vec![-Fr::ONE; n]] {
            let inverses = in_place(device, &values, |v| device.batch_inverse(v).unwrap());
            for (i, (v, inverse)) in values.iter().zip(&inverses).enumerate() {
                let expected = if v.is_zero() { Fr::ZERO } else { Fr::ONE };
                assert!(*v * *inverse == expected && v.is_zero() == inverse.is_zero(), "{i} of {n}");
            }
        }
    }
}

pub fn evaluation_at_chunk_seams<D: Conforming>(device: &D) {
    for n in SEAMS {
        let values = mixed(n, 6);
        let buffer = device.upload(&values).unwrap();
        for x in [Fr::ZERO, Fr::ONE, -Fr::ONE, random(&mut rng(7))] {
            assert_eq!(device.evaluate(&buffer, x).unwrap(), reference::evaluate(&values, x), "{n} at {x:?}");
        }
    }
}

pub fn divisions_at_chunk_seams<D: Conforming>(device: &D) {
    for n in SEAMS {
        for values in [mixed(n, 6), vec![-Fr::ONE; n]] {
            for z in [Fr::ZERO, Fr::ONE, -Fr::ONE, random(&mut rng(7))] {
                let mut remainder = Fr::ZERO;
                let quotient =
                    in_place(device, &values, |v| remainder = device.divide_by_linear(v, z).unwrap());
                let expected = reference::divide_by_linear(&values, z);
                assert_same(&quotient, &expected.0, "quotient");
                assert_eq!(remainder, expected.1, "remainder of {n} at {z:?}");
            }
        }
    }
}

pub fn combinations_at_chunk_seams<D: Conforming>(device: &D) {
    for n in SEAMS {
        let vectors = [mixed(n, 1), vec![-Fr::ONE; n], mixed(n / 2, 2), vec![-Fr::ONE; n]];
        let buffers = vectors.each_ref().map(|v| device.upload(v).unwrap());
        for factors in [[-Fr::ONE; 4], [Fr::ONE; 4], [Fr::ZERO; 4], [(); 4].map(|()| random(&mut rng(3)))] {
            let terms: Vec<_> = factors.into_iter().zip(&buffers).collect();
            let sum = device.linear_combination(&terms, n).unwrap();
            let terms: Vec<_> = factors.into_iter().zip(vectors.iter().map(Vec::as_slice)).collect();
            let expected = reference::linear_combination(n, &terms);
            assert_same(&device.download_blocking(&sum).unwrap(), &expected, "linear combination");
        }
    }
}

/// Every operation, alone and fused, on edge values; rotations in both directions and beyond the end.
pub fn programs_follow_the_graph<D: Conforming>(device: &D) {
    let mut graph = Graph::new();
    let mut values: Vec<_> = (0..3).map(|column| graph.column(column, 0)).collect();
    values.extend([1, -1, 70, -1000, i32::MAX, i32::MIN].map(|rotation| graph.column(1, rotation)));
    values.extend([graph.uniform(0), graph.uniform(1), graph.constant(-Fr::from(3u64)), Graph::ONE]);
    let mut outputs = vec![values[0], values[4], values[9], values[0], Graph::ZERO];
    for i in 0..60 {
        let (a, b, c) = (values[i], values[i * 7 % (i + 3)], values[i * 5 % (i + 2)]);
        let product = graph.mul(a, b);
        let value = match i % 7 {
            0 => graph.add(product, c),
            1 => graph.sub(product, c),
            2 => graph.sub(c, product),
            3 => graph.add(a, b),
            4 => graph.sub(a, c),
            5 => graph.square(b),
            _ => product,
        };
        let other = if i % 2 == 0 { graph.neg(value) } else { graph.double(value) };
        values.extend([value, other]);
        outputs.extend([value, other].into_iter().filter(|_| i % 5 == 0));
    }
    outputs.push(graph.sum(&values));
    outputs.push(graph.horner(&values, values[9]));
    outputs.push(graph.horner(&values, values[2]));
    let program = graph.compile(&outputs);
    let uniforms = [-Fr::ONE, random(&mut rng(1))];
    let edges = edges();
    for n in [1, 3, 63, 64, 65, 200, 1025] {
        let columns = [mixed(n, 1), edges.iter().copied().cycle().take(n).collect(), vec![-Fr::ONE; n]];
        let views = columns.each_ref().map(Vec::as_slice);
        let expected = reference::evaluate_rows(&graph, &outputs, &views, &uniforms, n).unwrap();
        let buffers = columns.each_ref().map(|column| device.upload(column).unwrap());
        let mut results: Vec<_> = outputs.iter().map(|_| device.upload(&randoms(n, 5)).unwrap()).collect();
        let mut slots: Vec<_> = results.iter_mut().collect();
        device.run_program(&program, &buffers.each_ref(), &uniforms, &mut slots).unwrap();
        for (result, expected) in results.iter().zip(&expected) {
            assert_same(&device.download_blocking(result).unwrap(), expected, "output of a program");
        }
    }
}

pub fn programs_refuse<D: Conforming>(device: &D) {
    let mut graph = Graph::new();
    let (column, uniform) = (graph.column(1, 0), graph.uniform(1));
    let program = graph.compile(&[column, uniform]);
    let [empty, two, three] = [0, 2, 3].map(|n| device.upload(&randoms(n, 1)).unwrap());
    let uniforms = randoms(2, 2);
    let run = |columns: &[&D::Buf<Fr>], uniforms: &[Fr], lengths: &[usize]| {
        let before: Vec<_> = lengths.iter().map(|&n| randoms(n, 3)).collect();
        let mut outputs: Vec<_> = before.iter().map(|v| device.upload(v).unwrap()).collect();
        let result =
            device.run_program(&program, columns, uniforms, &mut outputs.iter_mut().collect::<Vec<_>>());
        if result.is_err() {
            for (output, before) in outputs.iter().zip(&before) {
                assert_same(&device.download_blocking(output).unwrap(), before, "refused program");
            }
        }
        result
    };
    run(&[&empty, &three], &uniforms, &[3, 3]).unwrap();
    for (columns, uniforms, lengths) in [
        (&[&three][..], &uniforms[..], &[3, 3][..]),
        (&[&empty, &three], &uniforms[..1], &[3, 3]),
        (&[&empty, &two], &uniforms, &[3, 3]),
        (&[&empty, &three], &uniforms, &[3, 2]),
        (&[&empty, &three], &uniforms, &[3]),
        (&[&empty, &three], &uniforms, &[3, 3, 3]),
    ] {
        assert!(matches!(run(columns, uniforms, lengths), Err(zkwatt::Error::InvalidArgument { .. })));
    }
}

pub fn ntt_follows_the_formula<D: Conforming>(device: &D) {
    for log_n in 0..=7 {
        let values = mixed(1 << log_n, 8);
        for shift in [Fr::ONE, Fr::from(5u64), random(&mut rng(9))] {
            let plan = |direction| NttPlan::new(log_n, direction).unwrap().coset(shift).unwrap();
            let forward = in_place(device, &values, |v| device.ntt(v, &plan(Direction::Forward)).unwrap());
            assert_same(&forward, &reference::ntt_forward(&values, shift).unwrap(), "forward transform");
            let inverse = in_place(device, &values, |v| device.ntt(v, &plan(Direction::Inverse)).unwrap());
            assert_same(&inverse, &reference::ntt_inverse(&values, shift).unwrap(), "inverse transform");
        }
    }
}

/// ±2^k·P for every k: each digit of each window alone, and every carry of a signed digit.
pub fn msm_of_single_digits<D: Conforming>(device: &D) {
    let point = G1::points(1, 2);
    let ours = G1::all_ours(&point);
    let bases = MsmOps::<G1>::prepare(device, &ours).unwrap();
    let mut power = Fr::ONE;
    for k in 0..254 {
        for scalar in [power, -power, power - Fr::ONE] {
            let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Host(Scalars::Field(&[scalar]))).unwrap();
            assert_eq!(sum, reference::msm(&ours, &[scalar]), "about 2^{k}");
        }
        power = power.double();
    }
}

pub fn msm_follows_the_formula<D: Conforming>(device: &D) {
    fn check<D: Conforming + MsmOps<G>, G: Judged>(device: &D) {
        let points = G::all_ours(&G::points(20, 3));
        let scalars = mixed(20, 10);
        let bases = MsmOps::<G>::prepare(device, &points).unwrap();
        let sum = MsmOps::<G>::msm(device, &bases, MsmScalars::Host(Scalars::Field(&scalars))).unwrap();
        assert_eq!(sum, reference::msm(&points, &scalars), "{}", G::NAME);
    }
    check::<D, G1>(device);
    check::<D, G2>(device);
}
