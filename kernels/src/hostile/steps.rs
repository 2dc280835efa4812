//! Steps of lanes in the order that bytes say, on the results of earlier ones, each against integers and single elements.

use super::choices::{Choices, ToLimbs};
use crate::field::ifma::oracle::*;
use crate::field::ifma::{Ifma, LaneParams, Lanes, Stored, Wide, invert, kernel, pow2_mod, to_limbs};
use crate::field::{Field, FieldParams, Fp};
use core::cmp::Ordering;

const STEPS: usize = 128;

// As kernels have them: inlined into a function that is compiled for the lanes.
kernel! {
    fn mul[P: FieldParams](_ifma: Ifma, a: &Lanes<P>, b: &Lanes<P>) -> Lanes<P> { a.mul(*b) }
    fn mul_lazy[P: FieldParams](_ifma: Ifma, a: &Lanes<P>, b: &Lanes<P>) -> Wide<P> { a.mul_lazy(*b) }
    fn mul_add_mul_lazy[P: FieldParams](
        _ifma: Ifma, a: &Lanes<P>, b: &Lanes<P>, c: &Lanes<P>, d: &Lanes<P>,
    ) -> Wide<P> {
        a.mul_add_mul_lazy(*b, *c, *d)
    }
    fn square[P: FieldParams](_ifma: Ifma, a: &Lanes<P>) -> Lanes<P> { a.square_lazy().carry() }
    fn square_lazy[P: FieldParams](_ifma: Ifma, a: &Lanes<P>) -> Wide<P> { a.square_lazy() }
    fn reduce[P: FieldParams](_ifma: Ifma, a: &Lanes<P>) -> Lanes<P> { a.reduce() }
    fn reduce_once[P: FieldParams](_ifma: Ifma, a: &Lanes<P>) -> Lanes<P> { a.reduce_once() }
    fn zero_lanes[P: FieldParams](_ifma: Ifma, a: &Lanes<P>) -> u8 { a.zero_lanes() }
    fn select[P: FieldParams](_ifma: Ifma, a: &Lanes<P>, mask: u8, b: &Lanes<P>) -> Lanes<P> {
        a.select(mask, *b)
    }
    fn load_raw[P: FieldParams](ifma: Ifma, from: &[[u64; 4]; 8], to: &mut Lanes<P>) {
        *to = Lanes::load_raw(ifma, from);
    }
    fn store_raw[P: FieldParams](_ifma: Ifma, a: &Lanes<P>, to: &mut [[u64; 4]; 8]) { a.store_raw(to) }
    fn divide_by_r_lazy[P: FieldParams](_ifma: Ifma, a: &Wide<P>) -> Wide<P> { Lanes::divide_by_r_lazy(a.0) }
    fn add[P: FieldParams](_ifma: Ifma, a: &Wide<P>, b: &Wide<P>) -> Wide<P> { a.add(*b) }
    fn sub[P: FieldParams](_ifma: Ifma, a: &Wide<P>, b: &Wide<P>) -> Wide<P> { a.sub(*b) }
    fn double[P: FieldParams](_ifma: Ifma, a: &Wide<P>) -> Wide<P> { a.shl::<1>() }
    fn quadruple[P: FieldParams](_ifma: Ifma, a: &Wide<P>) -> Wide<P> { a.shl::<2>() }
    fn add_p[P: FieldParams](_ifma: Ifma, a: &Wide<P>, k: u64) -> Wide<P> {
        match k {
            1 => a.add_p::<1>(),
            2 => a.add_p::<2>(),
            4 => a.add_p::<4>(),
            6 => a.add_p::<6>(),
            20 => a.add_p::<20>(),
            _ => a.add_p::<84>(),
        }
    }
    fn select_sub[P: FieldParams](
        _ifma: Ifma, other: &Wide<P>, mask: u8, a: &Wide<P>, b: &Wide<P>,
    ) -> Wide<P> {
        other.select_sub(mask, *a, *b)
    }
    fn carry[P: FieldParams](_ifma: Ifma, a: &Wide<P>) -> Lanes<P> { a.carry() }
    fn to_2p33[P: FieldParams](_ifma: Ifma, a: &Wide<P>) -> Lanes<P> { a.to_2p33() }
}

/// Order of integers.
pub(super) fn compare(a: &Limbs, b: &Limbs) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

/// Four registers of lanes and four before their carries.
struct Machine<P> {
    ifma: Ifma,
    lanes: [Lanes<P>; 4],
    wide: [Wide<P>; 4],
}

/// Runs the steps that `choices` say. One whose bounds the registers do not keep is left out.
pub(super) fn run<P: FieldParams>(ifma: Ifma, choices: &mut Choices<'_>) {
    let zero = Lanes::<P>::zero(ifma);
    let mut machine = Machine { ifma, lanes: [zero; 4], wide: [zero.wide(); 4] };
    for i in 0..4 {
        machine.lanes[i] = lanes(ifma, &choices.eight(Choices::limbs::<P>));
    }
    for _ in 0..STEPS {
        if choices.is_empty() {
            break;
        }
        machine.step(choices);
    }
}

/// All limbs are below 2^`bits`, whatever their signs.
fn within(limbs: &[SignedLimbs; 8], bits: u32) -> bool {
    limbs.as_flattened().iter().all(|limb| limb.unsigned_abs() < 1 << bits)
}

/// The limbs of `v` with e_i·2^52 more in limb i and e_i less in the next: the same integer.
fn unsettled(v: Limbs, e: [i64; 4]) -> SignedLimbs {
    let mut limbs = v.map(|limb| limb as i64);
    for (i, e) in e.into_iter().enumerate() {
        limbs[i] += e << 52;
        limbs[i + 1] -= e;
    }
    limbs
}

impl<P: FieldParams> Machine<P> {
    fn step(&mut self, choices: &mut Choices<'_>) {
        let ifma = self.ifma;
        let kind = choices.byte();
        let registers = choices.byte();
        let pick = |i: u32| usize::from(registers >> (2 * i) & 3);
        let (a, b, c) = (pick(0), pick(1), pick(2));
        let to = pick(3);
        match kind % 32 {
            0..=2 => self.lanes[to] = lanes(ifma, &choices.eight(Choices::limbs::<P>)),
            3 => {
                let words = choices.eight(|choices| match choices.byte() & 3 {
                    0 => core::array::from_fn(|_| choices.word()),
                    _ => core::array::from_fn(|_| if choices.byte() & 1 == 0 { 0 } else { u64::MAX }),
                });
                load_raw(ifma, &words, &mut self.lanes[to]);
                assert_eq!(values(&self.lanes[to]), words.map(to_limbs));
                self.words(to);
            }
            4..=5 => {
                let values = choices.eight(|choices| {
                    let bound = if choices.byte() & 3 == 0 { 84 } else { 5 };
                    let v = choices.limbs_below::<P>(bound);
                    let negative = choices.byte() & 3 == 0;
                    let v =
                        unsettled(v, [(); 4].map(|()| [0, 1, -1, 511, -511, 300, -37, 2][choices.below(8)]));
                    if negative { v.map(|limb| -limb) } else { v }
                });
                self.wide[to] = wide(ifma, &values);
                assert_eq!(wide_values(&self.wide[to]), values);
            }
            6..=8 => self.mul(a, b, to),
            9 => self.square(a, to),
            10..=11 => self.sum_of_products([a, b, c, choices.below(4)], to),
            12 => {
                self.wide[to] = self.lanes[a].wide();
                assert_eq!(self.integers(to), values(&self.lanes[a]).map(|low| Integer { low, top: 0 }));
            }
            13..=14 => self.add_or_sub(a, b, to, kind & 1 == 0),
            15..=16 => self.shift(a, to, 1 + u32::from(kind & 1)),
            17..=18 => self.add_p(a, to, [1, 2, 4, 6, 20, 84][choices.below(6)]),
            19 => self.select_sub(a, b, c, to, choices.byte()),
            20..=22 => self.carry(a, to),
            23..=24 => self.fold(a, to),
            25 => self.divide(a, to),
            26 => self.reduce(a, to),
            27 => self.reduce_once(a, to),
            28 => {
                let zero = zero_lanes(ifma, &self.lanes[a]);
                for (i, v) in values(&self.lanes[a]).into_iter().enumerate() {
                    assert_eq!(zero >> i & 1 == 1, residue::<P>(v) == Fp::ZERO, "{v:x?} zero?");
                }
            }
            29 => self.words(a),
            30 => self.rearrange(a, b, to, choices),
            _ => self.invert(a, to),
        }
    }

    fn integers(&self, wide: usize) -> [Integer; 8] {
        wide_values(&self.wide[wide]).map(Integer::of)
    }

    /// `out` is Σ a·b/2^260 mod p, below (Σ A·B/84.6 + 1.1301)·p.
    fn check_products(factors: &[[Limbs; 2]], out: Integer) {
        let product = |[a, b]: &[Limbs; 2]| residue::<P>(*a) * residue::<P>(*b);
        let sum = factors.iter().map(product).fold(Fp::ZERO, |sum, product| sum + product);
        let r = residue::<P>(to_limbs(LaneParams::<P>::ONE));
        assert_eq!(out.residue::<P>() * r, sum, "{factors:x?} → {out:x?}");
        assert!(out.top >= 0, "{factors:x?} → {out:x?}");
        assert!(out.multiples_of_p::<P>() < Self::bound(factors), "{factors:x?} → {out:x?}");
    }

    fn bound(factors: &[[Limbs; 2]]) -> f64 {
        let product = |[a, b]: &[Limbs; 2]| multiples_of_p::<P>(*a) * multiples_of_p::<P>(*b);
        factors.iter().map(product).sum::<f64>() / 84.6 + 1.1301
    }

    fn mul(&mut self, a: usize, b: usize, to: usize) {
        let factors: [[Limbs; 2]; 8] = {
            let (a, b) = (values(&self.lanes[a]), values(&self.lanes[b]));
            core::array::from_fn(|i| [a[i], b[i]])
        };
        self.wide[to] = mul_lazy(self.ifma, &self.lanes[a], &self.lanes[b]);
        for (factors, out) in factors.iter().zip(self.integers(to)) {
            Self::check_products(&[*factors], out);
        }
        if factors.iter().all(|factors| Self::bound(&[*factors]) < 84.6) {
            self.lanes[to] = mul(self.ifma, &self.lanes[a], &self.lanes[b]);
            let out = values(&self.lanes[to]).map(|low| Integer { low, top: 0 });
            assert_eq!(out, self.integers(to), "{factors:x?}");
        }
    }

    fn square(&mut self, a: usize, to: usize) {
        let factors = values(&self.lanes[a]).map(|v| [v, v]);
        self.wide[to] = square_lazy(self.ifma, &self.lanes[a]);
        for (factors, out) in factors.iter().zip(self.integers(to)) {
            Self::check_products(&[*factors], out);
        }
        if factors.iter().all(|factors| Self::bound(&[*factors]) < 84.6) {
            self.lanes[to] = square(self.ifma, &self.lanes[a]);
            let out = values(&self.lanes[to]).map(|low| Integer { low, top: 0 });
            assert_eq!(out, self.integers(to), "{factors:x?}");
        }
    }

    fn sum_of_products(&mut self, from: [usize; 4], to: usize) {
        let [a, b, c, d] = from.map(|i| values(&self.lanes[i]));
        let [la, lb, lc, ld] = from.map(|i| &self.lanes[i]);
        self.wide[to] = mul_add_mul_lazy(self.ifma, la, lb, lc, ld);
        for (i, out) in self.integers(to).into_iter().enumerate() {
            Self::check_products(&[[a[i], b[i]], [c[i], d[i]]], out);
        }
    }

    fn add_or_sub(&mut self, a: usize, b: usize, to: usize, is_sub: bool) {
        if ![a, b].iter().all(|i| within(&wide_values(&self.wide[*i]), 61)) {
            return;
        }
        let (va, vb) = (self.integers(a), self.integers(b));
        let f = if is_sub { sub } else { add };
        self.wide[to] = f(self.ifma, &self.wide[a], &self.wide[b]);
        let expected: [_; 8] = core::array::from_fn(|i| va[i].combine(1, vb[i], if is_sub { -1 } else { 1 }));
        assert_eq!(self.integers(to), expected);
    }

    fn shift(&mut self, a: usize, to: usize, bits: u32) {
        if within(&wide_values(&self.wide[a]), 60) {
            let expected = self.integers(a).map(|v| v.combine(1 << bits, v, 0));
            let f = if bits == 1 { double } else { quadruple };
            self.wide[to] = f(self.ifma, &self.wide[a]);
            assert_eq!(self.integers(to), expected);
        }
    }

    fn add_p(&mut self, a: usize, to: usize, k: u64) {
        if within(&wide_values(&self.wide[a]), 61) {
            let p = Integer { low: LaneParams::<P>::P, top: 0 };
            let expected = self.integers(a).map(|v| v.combine(1, p, k as i64));
            self.wide[to] = add_p(self.ifma, &self.wide[a], k);
            assert_eq!(self.integers(to), expected);
        }
    }

    fn select_sub(&mut self, a: usize, b: usize, other: usize, to: usize, mask: u8) {
        if ![a, b].iter().all(|i| within(&wide_values(&self.wide[*i]), 61)) {
            return;
        }
        let [va, vb, vo] = [a, b, other].map(|i| self.integers(i));
        self.wide[to] = select_sub(self.ifma, &self.wide[other], mask, &self.wide[a], &self.wide[b]);
        let expected: [_; 8] =
            core::array::from_fn(|i| if mask >> i & 1 == 1 { va[i].combine(1, vb[i], -1) } else { vo[i] });
        assert_eq!(self.integers(to), expected);
    }

    fn carry(&mut self, a: usize, to: usize) {
        let integers = self.integers(a);
        if integers.iter().all(|v| v.top == 0) && within(&wide_values(&self.wide[a]), 62) {
            self.lanes[to] = carry(self.ifma, &self.wide[a]);
            assert_eq!(values(&self.lanes[to]), integers.map(|v| v.low));
        }
    }

    fn fold(&mut self, a: usize, to: usize) {
        let integers = self.integers(a);
        let fits = integers.iter().all(|v| v.multiples_of_p::<P>().abs() < 5.2);
        if fits && within(&wide_values(&self.wide[a]), 62) {
            self.lanes[to] = to_2p33(self.ifma, &self.wide[a]);
            for (v, out) in integers.iter().zip(values(&self.lanes[to])) {
                assert_eq!(residue::<P>(out), v.residue(), "{v:x?} → {out:x?}");
                assert!(multiples_of_p::<P>(out) < 2.33, "{v:x?} → {out:x?}");
            }
        }
    }

    fn divide(&mut self, a: usize, to: usize) {
        let limbs = wide_values(&self.wide[a]);
        if limbs.as_flattened().iter().any(|limb| *limb < 0) {
            return;
        }
        let integers = self.integers(a);
        self.wide[to] = divide_by_r_lazy(self.ifma, &self.wide[a]);
        let r = residue::<P>(to_limbs(LaneParams::<P>::ONE));
        for (v, out) in integers.iter().zip(self.integers(to)) {
            assert_eq!(out.residue::<P>() * r, v.residue(), "{v:x?}/2^260 → {out:x?}");
            // v/2^260/p: one p of v is 1/84.6 of 2^260.
            let bound = v.multiples_of_p::<P>() / 2f64.powi(260) + 1.1301;
            assert!(out.top >= 0 && out.multiples_of_p::<P>() < bound, "{v:x?}/2^260 → {out:x?}");
        }
    }

    fn reduce(&mut self, a: usize, to: usize) {
        let before = values(&self.lanes[a]);
        self.lanes[to] = reduce(self.ifma, &self.lanes[a]);
        assert_eq!(values(&self.lanes[to]), before.map(|v| residue::<P>(v).to_limbs()), "{before:x?}");
    }

    fn reduce_once(&mut self, a: usize, to: usize) {
        let before = values(&self.lanes[a]);
        let double = times(2, LaneParams::<P>::P);
        if before.iter().all(|v| compare(v, &double).is_lt()) {
            self.lanes[to] = reduce_once(self.ifma, &self.lanes[a]);
            assert_eq!(values(&self.lanes[to]), before.map(|v| residue::<P>(v).to_limbs()), "{before:x?}");
        }
    }

    /// To memory and back.
    fn words(&mut self, a: usize) {
        let limbs = values(&self.lanes[a]);
        if limbs.iter().all(|v| v[4] >> 48 == 0) {
            let mut words = [[0; 4]; 8];
            store_raw(self.ifma, &self.lanes[a], &mut words);
            assert_eq!(words.map(to_limbs), limbs);
            load_raw(self.ifma, &words, &mut self.lanes[a]);
            assert_eq!(values(&self.lanes[a]), limbs);
        }
    }

    /// Lanes of two registers, by a mask and one by one.
    fn rearrange(&mut self, a: usize, b: usize, to: usize, choices: &mut Choices<'_>) {
        let (va, vb) = (values(&self.lanes[a]), values(&self.lanes[b]));
        let (mask, at, from) = (choices.byte(), choices.below(8), choices.below(8));
        self.lanes[to] = select(self.ifma, &self.lanes[a], mask, &self.lanes[b]);
        let mut expected: [Limbs; 8] =
            core::array::from_fn(|i| if mask >> i & 1 == 1 { vb[i] } else { va[i] });
        assert_eq!(values(&self.lanes[to]), expected);
        let mut stored = Stored::ZERO;
        self.lanes[to].store(&mut stored);
        let source = stored;
        stored.copy_lane(at, &source, from);
        expected[at] = expected[from];
        assert_eq!(stored_values(&stored), expected);
        self.lanes[to] = stored.load(self.ifma);
    }

    fn invert(&mut self, a: usize, to: usize) {
        let before = values(&self.lanes[a]).map(residue::<P>);
        let scale = pow2_mod(264, P::MODULUS);
        let r = residue::<P>(to_limbs(LaneParams::<P>::ONE));
        match invert(self.lanes[a], scale) {
            None => assert!(before.contains(&Fp::ZERO), "no inverse of {before:?}"),
            Some(out) => {
                for (a, out) in before.iter().zip(values(&out)) {
                    assert_eq!(*a * residue::<P>(out), r.square());
                    assert!(compare(&out, &LaneParams::<P>::P).is_lt());
                }
                self.lanes[to] = out;
            }
        }
    }
}
