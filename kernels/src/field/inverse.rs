//! Modular inversion by the binary extended gcd on 64-bit approximations.
//!
//! Source: T. Pornin, "Optimized Binary GCD for Modular Inversion", ePrint 2020/972, algorithm 2, here without the
//! constant-time selections.

use super::params::{add_raw, sub_raw};

/// Steps of the gcd that one approximation is good for.
const STEPS: u32 = 31;
const STEP_MASK: u64 = (1 << STEPS) - 1;

/// y⁻¹ mod m for odd m < 2^255, 0 < y < m, gcd(y, m) = 1. `neg_inv` is −m⁻¹ mod 2^64. Time depends on y.
pub(super) fn invert_vartime(y: &[u64; 4], m: &[u64; 4], neg_inv: u64) -> [u64; 4] {
    // Invariants: a ≡ u·y, b ≡ v·y (mod m); b is odd; gcd(a, b) = 1.
    let (mut a, mut b) = (*y, *m);
    let (mut u, mut v) = ([1, 0, 0, 0], [0; 4]);
    while a != [0; 4] {
        let factors = gcd_steps(approximate(&a, &b));
        let [f0, g0, f1, g1] = factors;
        let (next_a, flip_a) = shift_down_signed(combine(&a, f0, &b, g0));
        let (next_b, flip_b) = shift_down_signed(combine(&a, f1, &b, g1));
        let sign = |flip: bool, x: i64| if flip { -x } else { x };
        let next_u = combine(&u, sign(flip_a, f0), &v, sign(flip_a, g0));
        let next_v = combine(&u, sign(flip_b, f1), &v, sign(flip_b, g1));
        (a, b) = (next_a, next_b);
        (u, v) = (shift_down_modular(next_u, m, neg_inv), shift_down_modular(next_v, m, neg_inv));
    }
    v
}

/// The lowest 31 and the highest 33 bits of both numbers, aligned to the longer one; exact if both fit 64 bits.
fn approximate(a: &[u64; 4], b: &[u64; 4]) -> (u64, u64) {
    let top = (0..4).rev().find(|i| a[*i] | b[*i] != 0).unwrap_or(0);
    if top == 0 {
        return (a[0], b[0]);
    }
    let shift = (a[top] | b[top]).leading_zeros();
    let high = |x: &[u64; 4]| {
        let below = if shift == 0 { 0 } else { x[top - 1] >> (64 - shift) };
        x[top] << shift | below
    };
    (a[0] & STEP_MASK | high(a) & !STEP_MASK, b[0] & STEP_MASK | high(b) & !STEP_MASK)
}

/// Runs the gcd on approximations, b odd. Returns f0, g0, f1, g1 with a·f0 + b·g0 and a·f1 + b·g1 divisible by 2^31 and
/// |f| + |g| ≤ 2^31.
///
/// A difference and all of its zero bits at a time: two steps on average. Which number is the larger one is a coin toss, so
/// nothing branches on it.
#[inline(always)]
fn gcd_steps((mut a, mut b): (u64, u64)) -> [i64; 4] {
    let (mut f0, mut g0, mut f1, mut g1) = (1i64, 0i64, 0i64, 1i64);
    let mut left = STEPS;
    let mut zeros = (a | 1 << left).trailing_zeros();
    loop {
        a >>= zeros;
        f1 <<= zeros;
        g1 <<= zeros;
        left -= zeros;
        if left == 0 {
            return [f0, g0, f1, g1];
        }
        // Both are odd: (a, b) ← (|a − b|, min(a, b)).
        let (difference, less) = a.overflowing_sub(b);
        zeros = (difference | 1 << left).trailing_zeros();
        let (df, dg) = (f0 - f1, g0 - g1);
        let select =
            |if_less: i64, otherwise: i64| core::hint::select_unpredictable(less, if_less, otherwise);
        b = core::hint::select_unpredictable(less, a, b);
        (f1, g1) = (select(f0, f1), select(g0, g1));
        (f0, g0) = (select(-df, df), select(-dg, dg));
        a = core::hint::select_unpredictable(less, difference.wrapping_neg(), difference);
    }
}

/// x·f + y·g in two's complement of 320 bits; |f| + |g| ≤ 2^31.
#[inline(always)]
fn combine(x: &[u64; 4], f: i64, y: &[u64; 4], g: i64) -> ([u64; 4], i64) {
    let mut carry = 0i128;
    let mut out = [0; 4];
    for i in 0..4 {
        carry += i128::from(x[i]) * i128::from(f) + i128::from(y[i]) * i128::from(g);
        out[i] = carry as u64;
        carry >>= 64;
    }
    (out, carry as i64)
}

/// (|x|/2^31, x < 0); x is divisible by 2^31 and the quotient fits 256 bits.
#[inline(always)]
fn shift_down_signed(x: ([u64; 4], i64)) -> ([u64; 4], bool) {
    let shifted = shift_down(x);
    if x.1 < 0 { (sub_raw([0; 4], shifted).0, true) } else { (shifted, false) }
}

/// x/2^31 mod m in 0..m, for −2^31·m < x < 2^31·m.
#[inline(always)]
fn shift_down_modular(x: ([u64; 4], i64), m: &[u64; 4], neg_inv: u64) -> [u64; 4] {
    let multiple = x.0[0].wrapping_mul(neg_inv) & STEP_MASK;
    let mut carry = 0u128;
    let mut sum = [0; 4];
    for i in 0..4 {
        carry += u128::from(m[i]) * u128::from(multiple) + u128::from(x.0[i]);
        sum[i] = carry as u64;
        carry >>= 64;
    }
    let top = x.1 + carry as i64;
    // In (−m, 2m).
    let shifted = shift_down((sum, top));
    if top < 0 {
        return add_raw(shifted, *m).0;
    }
    let (reduced, borrow) = sub_raw(shifted, *m);
    if borrow { shifted } else { reduced }
}

#[inline(always)]
fn shift_down((x, top): ([u64; 4], i64)) -> [u64; 4] {
    let above = [x[1], x[2], x[3], top as u64];
    core::array::from_fn(|i| x[i] >> STEPS | above[i] << (64 - STEPS))
}
