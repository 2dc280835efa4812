//! Bounds of the lazy forms, which stay inside the crate.

use super::params::{FieldParams, add_raw, sub_if_ge, sub_raw};
use super::{Arith, Fp, FqParams, FrParams, Plain};
use crate::CpuPath;

fn less(a: [u64; 4], b: [u64; 4]) -> bool {
    sub_raw(a, b).1
}

fn sub_small(a: [u64; 4], d: u64) -> [u64; 4] {
    sub_raw(a, [d, 0, 0, 0]).0
}

/// a mod p for a < 2^256 < 6p.
fn reduce<P: FieldParams>(a: [u64; 4]) -> [u64; 4] {
    (0..5).fold(a, |a, _| sub_if_ge(a, P::MODULUS))
}

/// k·p − 1 and others that are just below, at, and above multiples of p.
fn around_multiples<P: FieldParams>(k: u64) -> Vec<[u64; 4]> {
    let (mut multiple, mut values) = ([0; 4], vec![[0; 4], [1, 0, 0, 0], [u64::MAX, u64::MAX, u64::MAX, 0]]);
    for _ in 0..k {
        values.extend([multiple, add_raw(multiple, [1, 0, 0, 0]).0, add_raw(multiple, [u64::MAX; 4]).0]);
        multiple = add_raw(multiple, P::MODULUS).0;
        values.push(sub_small(multiple, 1));
    }
    values.retain(|&v| less(v, multiple));
    values
}

fn mul_lazy_bounds<P: FieldParams, A: Arith>() {
    let p = P::MODULUS;
    let check = |a: [u64; 4], b: [u64; 4], bound: [u64; 4]| {
        let product = A::mul_lazy::<P>(&a, &b);
        let expected = Plain::mul::<P>(&reduce::<P>(a), &reduce::<P>(b));
        assert!(less(product, bound), "{a:x?} * {b:x?} = {product:x?}");
        assert_eq!(reduce::<P>(product), expected, "{a:x?} * {b:x?}");
    };
    for a in around_multiples::<P>(4) {
        for b in around_multiples::<P>(1) {
            check(a, b, P::MODULUS_2);
        }
    }
    for a in around_multiples::<P>(2) {
        for b in around_multiples::<P>(2) {
            check(a, b, P::MODULUS_2);
        }
    }
    // As far as the form goes at all: any a, and b + p < 2^256. The result is below p + b.
    for a in [[u64::MAX; 4], [0, 0, 0, u64::MAX], [u64::MAX, 0, u64::MAX, u64::MAX]] {
        for b in around_multiples::<P>(4) {
            let (bound, carry) = add_raw(p, b);
            if !carry {
                check(a, b, add_raw(bound, [1, 0, 0, 0]).0);
            }
        }
    }
}

fn additive_bounds<P: FieldParams>() {
    let element = Fp::<P>::from_montgomery_unchecked;
    let (p2, p4) = (P::MODULUS_2, add_raw(P::MODULUS_2, P::MODULUS_2).0);
    let p = P::MODULUS;
    for a in around_multiples::<P>(2) {
        assert_eq!(element(a).reduce_once().0, reduce::<P>(a));
        for b in around_multiples::<P>(2) {
            let sum = element(a).add_lazy(element(b)).0;
            assert!(less(sum, p4));
            assert_eq!(reduce::<P>(sum), reduce::<P>(add_raw(reduce::<P>(a), reduce::<P>(b)).0));
            let difference = Plain::sub_lazy(&a, &b, &P::MODULUS_2);
            assert!(less(difference, p4));
            let minus_b = sub_raw(p, reduce::<P>(b)).0;
            assert_eq!(reduce::<P>(difference), reduce::<P>(add_raw(reduce::<P>(a), minus_b).0));
        }
    }
    for a in around_multiples::<P>(4) {
        let reduced = element(a).reduce_to_2p().0;
        assert!(less(reduced, p2));
        assert_eq!(reduce::<P>(reduced), reduce::<P>(a));
    }
}

#[test]
fn mul_lazy_keeps_its_bounds() {
    mul_lazy_bounds::<FrParams, Plain>();
    mul_lazy_bounds::<FqParams, Plain>();
    #[cfg(target_arch = "x86_64")]
    if CpuPath::adx().is_some() {
        mul_lazy_bounds::<FrParams, super::Adx>();
        mul_lazy_bounds::<FqParams, super::Adx>();
    }
}

#[test]
fn lazy_sums_keep_their_bounds() {
    additive_bounds::<FrParams>();
    additive_bounds::<FqParams>();
}

/// Both butterflies at and around every bound, against the reduced arithmetic.
fn butterflies<P: FieldParams, A: Arith>() {
    let (p2, p4) = (P::MODULUS_2, add_raw(P::MODULUS_2, P::MODULUS_2).0);
    let value = |limbs| Fp::<P>::from_montgomery_unchecked(reduce::<P>(limbs));
    for w in around_multiples::<P>(1).into_iter().filter(|w| less(*w, P::MODULUS)) {
        let factor = value(w);
        for x in around_multiples::<P>(4) {
            for y in around_multiples::<P>(4) {
                let (mut u, mut v) = (x, y);
                A::butterfly_ct_4p::<P>(&mut u, &mut v, &w);
                assert!(less(u, p4) && less(v, p4));
                assert_eq!(value(u), value(x) + value(y) * factor);
                assert_eq!(value(v), value(x) - value(y) * factor);
                if less(x, p2) && less(y, p2) {
                    let (mut u, mut v) = (x, y);
                    A::butterfly_gs_2p::<P>(&mut u, &mut v, &w);
                    assert!(less(u, p2) && less(v, p2));
                    assert_eq!(value(u), value(x) + value(y));
                    assert_eq!(value(v), (value(x) - value(y)) * factor);
                }
            }
        }
    }
}

#[test]
fn butterflies_keep_their_bounds() {
    butterflies::<FrParams, Plain>();
    #[cfg(target_arch = "x86_64")]
    if CpuPath::adx().is_some() {
        butterflies::<FrParams, super::Adx>();
        butterflies::<FqParams, super::Adx>();
    }
}
