//! Edge values through the device's element-wise operations, against arkworks.

use crate::Conforming;
use crate::support::{all_ours, ark, arks, assert_same, edges, in_place, randoms};
use ark_ff::Field as _;
use zkwatt::kernels::{Field, Fr};

/// Every pair of edge values, and random ones.
fn pairs() -> (Vec<Fr>, Vec<Fr>) {
    let edges = edges();
    let pairs = edges.iter().flat_map(|a| edges.iter().map(|b| (*a, *b)));
    let (mut a, mut b): (Vec<_>, Vec<_>) = pairs.unzip();
    a.extend(randoms(1000, 1));
    b.extend(randoms(1000, 2));
    (a, b)
}

pub fn sums_differences_products<D: Conforming>(device: &D) {
    let (a, b) = pairs();
    let (x, y) = (arks(&a), arks(&b));
    let right = device.upload(&b).unwrap();
    let expected = |f: fn(ark_bn254::Fr, ark_bn254::Fr) -> ark_bn254::Fr| -> Vec<Fr> {
        all_ours(&x.iter().zip(&y).map(|(x, y)| f(*x, *y)).collect::<Vec<_>>())
    };
    let sum = in_place(device, &a, |a| device.add_assign(a, &right).unwrap());
    assert_same(&sum, &expected(|x, y| x + y), "sum");
    let difference = in_place(device, &a, |a| device.sub_assign(a, &right).unwrap());
    assert_same(&difference, &expected(|x, y| x - y), "difference");
    let product = in_place(device, &a, |a| device.mul_assign(a, &right).unwrap());
    assert_same(&product, &expected(|x, y| x * y), "product");
}

pub fn inverses<D: Conforming>(device: &D) {
    let mut values = edges();
    values.extend(randoms(100, 3));
    let expected: Vec<_> = values.iter().map(|v| ark(v).inverse().unwrap_or_default()).collect();
    let inverses = in_place(device, &values, |v| device.batch_inverse(v).unwrap());
    assert_same(&inverses, &all_ours(&expected), "inverse");
}

pub fn axpy_and_scale<D: Conforming>(device: &D) {
    let (y, x) = pairs();
    let x_buffer = device.upload(&x).unwrap();
    for a in [Fr::ZERO, Fr::ONE, -Fr::ONE, randoms(1, 4)[0]] {
        let expected: Vec<_> = y.iter().zip(&x).map(|(y, x)| ark(y) + ark(&a) * ark(x)).collect();
        let result = in_place(device, &y, |y| device.axpy(y, a, &x_buffer).unwrap());
        assert_same(&result, &all_ours(&expected), "y + a·x");
        let expected: Vec<_> = y.iter().map(|y| ark(y) * ark(&a)).collect();
        let result = in_place(device, &y, |y| device.scale(y, a).unwrap());
        assert_same(&result, &all_ours(&expected), "c·y");
    }
}

/// Whoever compares or hashes bits relies on one form of each element: −a + a, (−1)·(−1) and a − a are 0 and 1.
pub fn results_are_fully_reduced<D: Conforming>(device: &D) {
    let values = edges();
    let opposite: Vec<_> = values.iter().map(|v| -*v).collect();
    let (same, opposite) = (device.upload(&values).unwrap(), device.upload(&opposite).unwrap());
    let reduced = |values: Vec<Fr>| {
        values.iter().for_each(|v| assert!(Fr::from_montgomery(v.to_montgomery()).is_some(), "{v:?}"));
        values
    };
    let zeros = vec![Fr::ZERO; values.len()];
    let difference = in_place(device, &values, |a| device.sub_assign(a, &same).unwrap());
    assert_same(&reduced(difference), &zeros, "a − a");
    let sum = in_place(device, &values, |a| device.add_assign(a, &opposite).unwrap());
    assert_same(&reduced(sum), &zeros, "a + (−a)");
    let twice = in_place(device, &values, |a| {
        device.scale(a, -Fr::ONE).unwrap();
        device.scale(a, -Fr::ONE).unwrap();
    });
    assert_same(&reduced(twice), &values, "(−1)·(−1)·a");
    let one = in_place(device, &values, |a| {
        device.batch_inverse(a).unwrap();
        device.mul_assign(a, &same).unwrap();
    });
    let expected: Vec<_> = values.iter().map(|v| if v.is_zero() { Fr::ZERO } else { Fr::ONE }).collect();
    assert_same(&reduced(one), &expected, "a/a");
}
