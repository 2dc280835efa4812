//! Field arithmetic of the kernels against the host's, in every limb form.

use super::testing::on_every_gpu;
use super::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use zkwatt_kernels::field::{FieldParams, Fp, FqParams, FrParams};
use zkwatt_kernels::{Field, Fq, Fq2, Fr};

on_every_gpu! {
    operations_of_fr_equal_the_hosts with [None];
    operations_of_fq_equal_the_hosts with [None];
    operations_of_fq2_equal_the_hosts with [None];
    representations_equal_the_hosts_in_both_fields with [None];
    long_chains_of_products_equal_the_hosts with [None];
}

pub(crate) const BINDINGS: &[Access] = &[Access::Read, Access::Read, Access::ReadWrite];
const OPERATION: Stage = Stage::new("field_operation", source!("field")).bind(BINDINGS).products(8);
const REPRESENTATION: Stage =
    Stage::new("field_representation", source!("field_representation")).bind(BINDINGS);

pub(crate) type Words = [u32; 8];

/// An element as the prime field's elements that it consists of.
pub(crate) trait Element: Field {
    const ARITHMETIC: Arithmetic;
    const PARTS: usize;
    fn from_parts(parts: &[Words]) -> Self;
    fn to_parts(self) -> Vec<Words>;
}

impl Element for Fr {
    const ARITHMETIC: Arithmetic = Arithmetic::CoordFr;
    const PARTS: usize = 1;
    fn from_parts(parts: &[Words]) -> Self {
        from_words(parts[0])
    }
    fn to_parts(self) -> Vec<Words> {
        vec![to_words(self)]
    }
}

impl Element for Fq {
    const ARITHMETIC: Arithmetic = Arithmetic::G1;
    const PARTS: usize = 1;
    fn from_parts(parts: &[Words]) -> Self {
        from_words(parts[0])
    }
    fn to_parts(self) -> Vec<Words> {
        vec![to_words(self)]
    }
}

impl Element for Fq2 {
    const ARITHMETIC: Arithmetic = Arithmetic::G2;
    const PARTS: usize = 2;
    fn from_parts(parts: &[Words]) -> Self {
        Self::new(from_words(parts[0]), from_words(parts[1]))
    }
    fn to_parts(self) -> Vec<Words> {
        vec![to_words(self.c0), to_words(self.c1)]
    }
}

fn to_words<P: FieldParams>(a: Fp<P>) -> Words {
    words_of(a.to_montgomery())
}

fn words_of(limbs: [u64; 4]) -> Words {
    core::array::from_fn(|k| (limbs[k / 2] >> (32 * (k % 2))) as u32)
}

fn from_words<P: FieldParams>(words: Words) -> Fp<P> {
    let limb = |k: usize| u64::from(words[2 * k]) | u64::from(words[2 * k + 1]) << 32;
    Fp::from_montgomery(core::array::from_fn(limb)).expect("results of kernels are reduced")
}

/// Montgomery forms at the edges: around 0, p, R and p / 2, single words, saturated limbs of every width in use, and
/// those that saturate a product of the reduction.
fn edges<P: FieldParams>() -> Vec<Fp<P>> {
    let mut values = vec![Fp::ZERO, Fp::ONE, Fp::from(2u64), Fp::from_montgomery_unchecked(P::R2)];
    values.extend([1, 2, 3].map(|k| Fp::from_montgomery_unchecked([k, 0, 0, 0])));
    values.extend(values.clone().into_iter().map(|a| -a));
    for width in [13, 15, 16, 29, 32, 64] {
        for k in 0..253 / width {
            let limb = bits_set(width * k, width * (k + 1));
            let below = bits_set(0, width * (k + 1));
            values.extend([limb, below].map(Fp::from_montgomery_unchecked));
        }
    }
    values.extend((0..8).map(|k| Fp::from_montgomery_unchecked(bits_set(32 * k, 32 * k + 1))));
    // Small out of Montgomery form: where a reduction by itself ends at p or above.
    values.extend((1..8).map(|k| Fp::from_canonical(bits_set(0, 31 * k)).expect("below p")));
    values.extend(saturating_factors::<P>().into_iter().map(Fp::from_montgomery_unchecked));
    values.push(Fp::from_montgomery_unchecked(bits_set(0, 253)));
    values.push(Fp::from_montgomery_unchecked([u64::MAX, u64::MAX, u64::MAX, P::MODULUS[3] - 1]));
    values
}

/// Elements whose lowest word makes a factor m of the reduction such that the low half of m·w is all ones, for an odd
/// word w of p or of (p·INV + 1) / 2^32: a carry into it is a carry out of it. Words above are saturated.
///
/// Times 2^(32k), such an element gets to step k of the reduction as it is.
fn saturating_factors<P: FieldParams>() -> Vec<[u64; 4]> {
    let inv = P::INV as u32;
    let modulus = words_of(P::MODULUS);
    let mut carry = (u64::from(modulus[0]) * u64::from(inv) + 1) >> 32;
    let mut folded = modulus.map(|_| 0);
    for (k, word) in folded.iter_mut().enumerate() {
        let next = modulus.get(k + 1).copied().unwrap_or(0);
        let sum = carry + u64::from(next) * u64::from(inv);
        (*word, carry) = (sum as u32, sum >> 32);
    }
    let odd = modulus.into_iter().chain(folded).filter(|word| word % 2 == 1);
    let factors =
        odd.map(|word| (0..5).fold(word, |x, _| x.wrapping_mul(2u32.wrapping_sub(word.wrapping_mul(x)))));
    // A folded step's factor is the lowest word, a plain one's the lowest word times INV = −1/p.
    let lowest = factors.flat_map(|inverse| [inverse.wrapping_neg(), inverse.wrapping_mul(modulus[0])]);
    lowest.map(|word| [u64::from(word) | !0 << 32, !0, !0, P::MODULUS[3] - 1]).collect()
}

/// 2^`to` − 2^`from`.
fn bits_set(from: usize, to: usize) -> [u64; 4] {
    let mut number = [0; 4];
    for bit in from..to {
        number[bit / 64] |= 1 << (bit % 64);
    }
    number
}

/// Every pair of edges, then random pairs.
pub(crate) fn operands<P: FieldParams>() -> (Vec<Words>, Vec<Words>) {
    let edges = edges::<P>();
    let mut pairs: Vec<_> = edges.iter().flat_map(|a| edges.iter().map(|b| (*a, *b))).collect();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut random = || Fp::<P>::from_u256_reduced(core::array::from_fn(|_| rng.next_u64()));
    pairs.extend((0..10_000).map(|_| (random(), random())));
    // The last block of threads is not full, also where two parts are an element.
    pairs.truncate(pairs.len() / 128 * 128 - 62);
    pairs.into_iter().map(|(a, b)| (to_words(a), to_words(b))).unzip()
}

/// Runs `stage` on every pair; element `i` of the result is for element `i` of both.
pub(crate) fn run<D: Gpu>(
    device: &D,
    stage: &Stage,
    operation: u32,
    (a, b): (&[Words], &[Words]),
    threads: usize,
    params: &[u32],
) -> Vec<Words> {
    let (left, right) = (device.upload(a.as_flattened()).unwrap(), device.upload(b.as_flattened()).unwrap());
    let results = device.alloc::<u32>(8 * a.len()).unwrap();
    let params = [&[threads as u32], params].concat();
    let mut work = device.work().unwrap();
    let bindings = [D::raw(&left).whole(), D::raw(&right).whole(), D::raw(&results).whole()];
    work.dispatch_with(stage, &[("OPERATION", operation)], &bindings, &params, threads as u64).unwrap();
    work.submit().unwrap();
    device.download_blocking(&results).unwrap().as_chunks().0.to_vec()
}

fn truth<F: Field>(c: bool) -> F {
    if c { F::ONE } else { F::ZERO }
}

fn operations_equal_the_hosts<F: Element, P: FieldParams, D: Gpu>(device: &D) {
    type Host<F> = fn(F, F) -> F;
    let hosts: [(&str, Host<F>); 9] = [
        ("add", |a, b| a + b),
        ("sub", |a, b| a - b),
        ("neg", |a, _| -a),
        ("double", |a, _| a + a),
        ("mul", |a, b| a * b),
        ("square", |a, _| a * a),
        ("inverse", |a, _| a.inverse_vartime().unwrap_or(F::ZERO)),
        ("is_zero", |a, _| truth(a.is_zero())),
        ("eq", |a, b| truth(a == b)),
    ];
    let (a, b) = operands::<P>();
    for (operation, (name, host)) in (0..).zip(hosts) {
        let stage = OPERATION.over(F::ARITHMETIC);
        let results = run(device, &stage, operation, (&a, &b), a.len() / F::PARTS, &[1]);
        for ((result, a), b) in results.chunks(F::PARTS).zip(a.chunks(F::PARTS)).zip(b.chunks(F::PARTS)) {
            let expected = host(F::from_parts(a), F::from_parts(b)).to_parts();
            assert_eq!(result, expected, "{name} of {a:x?} and {b:x?} on {:?}", device.info());
        }
    }
}

fn operations_of_fr_equal_the_hosts<D: Gpu>(device: &D) {
    operations_equal_the_hosts::<Fr, FrParams, D>(device);
}

fn operations_of_fq_equal_the_hosts<D: Gpu>(device: &D) {
    operations_equal_the_hosts::<Fq, FqParams, D>(device);
}

fn operations_of_fq2_equal_the_hosts<D: Gpu>(device: &D) {
    operations_equal_the_hosts::<Fq2, FqParams, D>(device);
}

fn representations_equal_the_hosts<P: FieldParams, D: Gpu>(device: &D, arithmetic: Arithmetic) {
    let (a, b) = operands::<P>();
    let limbs = |words: Words| from_words::<P>(words).to_montgomery();
    let hosts: [&dyn Fn(Words, Words) -> Fp<P>; 3] = [
        &|a, _| Fp::from_montgomery_unchecked(from_words::<P>(a).to_canonical()),
        &|a, _| Fp::from_canonical(limbs(a)).expect("reduced"),
        &|a, b| truth(limbs(a).iter().rev().lt(limbs(b).iter().rev())),
    ];
    let stage = REPRESENTATION.over(arithmetic);
    let params = |x: Words, y: Words| [&[0; 3], &x[..], &y[..]].concat();
    for (operation, host) in (0..).zip(hosts) {
        let results = run(device, &stage, operation, (&a, &b), a.len(), &params([0; 8], [0; 8]));
        for ((&result, &a), &b) in results.iter().zip(&a).zip(&b) {
            assert_eq!(result, to_words(host(a, b)), "{operation} of {a:x?} and {b:x?}");
        }
    }
    // Elements among the parameters, whose sums are reduced or not.
    for (x, y) in a.iter().zip(&b).skip(1).step_by(a.len() / 40) {
        let results = run(device, &stage, 3, (&a[..1], &b[..1]), 1, &params(*x, *y));
        assert_eq!(results, [to_words(from_words::<P>(*x) + from_words::<P>(*y))], "{x:x?} + {y:x?}");
    }
}

fn representations_equal_the_hosts_in_both_fields<D: Gpu>(device: &D) {
    representations_equal_the_hosts::<FrParams, D>(device, Arithmetic::Fr);
    representations_equal_the_hosts::<FqParams, D>(device, Arithmetic::G1);
}

fn chains_of_products_equal_the_hosts<F: Element, P: FieldParams, D: Gpu>(device: &D, rounds: u32) {
    let (a, b) = operands::<P>();
    let stage = OPERATION.over(F::ARITHMETIC);
    let results = run(device, &stage, 4, (&a, &b), a.len() / F::PARTS, &[rounds]);
    for ((result, a), b) in results.chunks(F::PARTS).zip(a.chunks(F::PARTS)).zip(b.chunks(F::PARTS)) {
        let (x, y) = (F::from_parts(a), F::from_parts(b));
        let expected = (0..rounds).fold(x, |product, _| product * y).to_parts();
        assert_eq!(result, expected, "{a:x?}·({b:x?})^{rounds}");
    }
}

fn long_chains_of_products_equal_the_hosts<D: Gpu>(device: &D) {
    for (fq, fr, fq2) in [(50, 9, 3), (0, 0, 0)] {
        chains_of_products_equal_the_hosts::<Fq, FqParams, D>(device, fq);
        chains_of_products_equal_the_hosts::<Fr, FrParams, D>(device, fr);
        chains_of_products_equal_the_hosts::<Fq2, FqParams, D>(device, fq2);
    }
}
