//! Vectors of scalars, in arkworks' arithmetic.

use crate::Conforming;
use crate::support::{CHUNK, all_ours, ark, arks, assert_same, in_place, mixed, ours, randoms};
use ark_ff::Field as _;
use ark_poly::{DenseUVPolynomial, Polynomial, univariate::DensePolynomial};
use zkwatt::Error;
use zkwatt::device::VectorOps;
use zkwatt::kernels::vector::Scan;
use zkwatt::kernels::{Field, Fr};

pub fn vectors<D: Conforming>(device: &D) {
    for n in [0, 1, 2, 63, 64, 65, CHUNK - 1, CHUNK + 1, 3 * CHUNK] {
        let (a, b) = (mixed(n, 1), randoms(n, 2));
        let (x, y) = (arks(&a), arks(&b));
        let b_buffer = device.upload(&b).unwrap();
        let c = randoms(1, 3)[0];
        let zip = |f: &dyn Fn(ark_bn254::Fr, ark_bn254::Fr) -> ark_bn254::Fr| -> Vec<Fr> {
            all_ours(&x.iter().zip(&y).map(|(x, y)| f(*x, *y)).collect::<Vec<_>>())
        };
        let run = |f: &dyn Fn(&mut D::Buf<Fr>)| in_place(device, &a, f);
        assert_same(&run(&|a| device.add_assign(a, &b_buffer).unwrap()), &zip(&|x, y| x + y), "add");
        assert_same(&run(&|a| device.sub_assign(a, &b_buffer).unwrap()), &zip(&|x, y| x - y), "sub");
        assert_same(&run(&|a| device.mul_assign(a, &b_buffer).unwrap()), &zip(&|x, y| x * y), "mul");
        assert_same(&run(&|a| device.axpy(a, c, &b_buffer).unwrap()), &zip(&|x, y| x + ark(&c) * y), "axpy");
        assert_same(&run(&|a| device.scale(a, c).unwrap()), &zip(&|x, _| x * ark(&c)), "scale");
        let inverse = |x: ark_bn254::Fr| x.inverse().unwrap_or_default();
        assert_same(&run(&|a| device.batch_inverse(a).unwrap()), &zip(&|x, _| inverse(x)), "inverse");
        let polynomial = DensePolynomial::from_coefficients_slice(&x);
        let value = device.evaluate(&device.upload(&a).unwrap(), c).unwrap();
        assert_eq!(value, ours(&polynomial.evaluate(&ark(&c))), "evaluate {n}");
        for scan in [Scan::Inclusive, Scan::Exclusive] {
            check_scan(device, &b, scan);
        }
    }
}

fn check_scan<D: Conforming>(device: &D, values: &[Fr], scan: Scan) {
    type Op = fn(ark_bn254::Fr, ark_bn254::Fr) -> ark_bn254::Fr;
    let judge = |op: Op, identity: ark_bn254::Fr| -> (Vec<Fr>, Fr) {
        let mut acc = identity;
        let prefixes = values.iter().map(|v| {
            let before = acc;
            acc = op(acc, ark(v));
            ours(&if scan == Scan::Inclusive { acc } else { before })
        });
        let prefixes = prefixes.collect();
        (prefixes, ours(&acc))
    };
    let mut total = Fr::ZERO;
    let sums = in_place(device, values, |v| total = device.prefix_sum(v, scan).unwrap());
    assert_eq!((sums, total), judge(|a, b| a + b, ark(&Fr::ZERO)), "{scan:?} sums");
    let products = in_place(device, values, |v| total = device.prefix_product(v, scan).unwrap());
    assert_eq!((products, total), judge(|a, b| a * b, ark(&Fr::ONE)), "{scan:?} products");
}

/// Evaluations, linear combinations and division of polynomials of several degrees.
pub fn polynomials<D: Conforming>(device: &D) {
    let lengths = [0, 1, 2, 100, CHUNK - 1, CHUNK + 1, 2 * CHUNK];
    let vectors: Vec<_> = (0..).zip(lengths).map(|(seed, n)| mixed(n, seed)).collect();
    let polynomials: Vec<_> =
        vectors.iter().map(|v| DensePolynomial::from_coefficients_vec(arks(v))).collect();
    let buffers: Vec<_> = vectors.iter().map(|v| device.upload(v).unwrap()).collect();
    let z = randoms(1, 20)[0];
    let values = device.evaluate_many(&buffers.iter().collect::<Vec<_>>(), z).unwrap();
    let expected: Vec<_> = polynomials.iter().map(|p| ours(&p.evaluate(&ark(&z)))).collect();
    assert_eq!(values, expected);

    let factors = [randoms(4, 21), vec![Fr::ONE, -Fr::ONE, Fr::ZERO]].concat();
    let terms: Vec<_> = factors.iter().copied().zip(&buffers).collect();
    let combined = device.linear_combination(&terms, 2 * CHUNK).unwrap();
    let expected =
        polynomials.iter().zip(&factors).fold(DensePolynomial::default(), |sum, (p, a)| &sum + &(p * ark(a)));
    let mut expected = all_ours(&expected.coeffs);
    expected.resize(2 * CHUNK, Fr::ZERO);
    assert_same(&device.download_blocking(&combined).unwrap(), &expected, "linear combination");
    let error = device.linear_combination(&terms, 2 * CHUNK - 1).err().map(|e| e.to_string());
    assert!(error.is_some_and(|e| e.contains("8192") && e.contains("8191")));

    for (buffer, (polynomial, vector)) in buffers.iter().zip(polynomials.iter().zip(&vectors)) {
        let mut quotient = device.copy(buffer).unwrap();
        let remainder = device.divide_by_linear(&mut quotient, z).unwrap();
        let linear = DensePolynomial::from_coefficients_vec(vec![-ark(&z), ark(&Fr::ONE)]);
        let quotient = device.download_blocking(&quotient).unwrap();
        let product = &DensePolynomial::from_coefficients_vec(arks(&quotient)) * &linear;
        let whole = &product + &DensePolynomial::from_coefficients_vec(vec![ark(&remainder)]);
        assert_eq!(&whole, polynomial);
        assert_same(&device.download_blocking(buffer).unwrap(), vector, "what was copied");
    }

    for len in [0, 99, 100, 101, 2 * CHUNK] {
        let mut expected = vectors[3].clone();
        expected.resize(len, Fr::ZERO);
        let resized = device.resized(&buffers[3], len).unwrap();
        assert_same(&device.download_blocking(&resized).unwrap(), &expected, "resized");
    }
}

/// Vectors that must be equally long are not: an error, and nothing has changed.
pub fn vector_lengths<D: Conforming>(device: &D) {
    let values = randoms(5, 4);
    let mut a = device.upload(&values).unwrap();
    for n in [0, 4, 6] {
        let b = device.upload(&randoms(n, 5)).unwrap();
        type Op<D> = fn(
            &D,
            &mut <D as zkwatt::device::Backend>::Buf<Fr>,
            &<D as zkwatt::device::Backend>::Buf<Fr>,
        ) -> zkwatt::Result<()>;
        let operations: [Op<D>; 4] =
            [VectorOps::add_assign, VectorOps::sub_assign, VectorOps::mul_assign, |device, y, x| {
                device.axpy(y, Fr::ONE, x)
            }];
        for operation in operations {
            match operation(device, &mut a, &b) {
                Err(e @ (Error::InvalidArgument { .. } | Error::LengthMismatch { .. })) => {
                    let text = e.to_string();
                    assert!(text.contains('5') && text.contains(&n.to_string()), "{text}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_same(&device.download_blocking(&a).unwrap(), &values, "refused operations");
    }
}
