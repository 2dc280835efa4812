//! Coordinates of points in lanes, over F_q and F_q², against single ones.

use super::choices::Choices;
use crate::curve::Affine;
use crate::field::ifma::oracle::*;
use crate::field::ifma::{
    Coordinate8, Fq2Lanes, FqLanes, Ifma, LaneParams, Stored, WideCoordinate, kernel, pow2_mod, to_limbs,
};
use crate::field::{Field, FieldParams, Fq, Fq2, FqParams};
use core::fmt::Debug;

kernel! {
    fn mul[F: Coordinate8](_ifma: Ifma, a: &F, b: &F) -> F { a.mul(*b) }
    fn square[F: Coordinate8](_ifma: Ifma, a: &F) -> F { a.square_lazy().carry() }
    fn difference[F: Coordinate8](_ifma: Ifma, a: &F, b: &F) -> F { a.wide().sub(b.wide()).add_p::<4>().carry() }
    fn between[F: Coordinate8](_ifma: Ifma, a: &F, b: &F) -> F { a.wide().sub(b.wide()).to_2p33() }
    fn quadruple[F: Coordinate8](_ifma: Ifma, a: &F) -> F { a.wide().quadruple().carry() }
    fn mul_sub[F: Coordinate8](_ifma: Ifma, a: &F, b: &F, mask: u8) -> F {
        let product = a.mul_lazy(*b);
        product.select_sub(mask, b.wide(), a.wide()).add_p::<20>().carry()
    }
    fn gather[F: Coordinate8](ifma: Ifma, points: [&Affine<F::Single>; 8]) -> [F; 2] { F::gather(ifma, points) }
    fn zero_lanes[F: Coordinate8](_ifma: Ifma, a: &F) -> u8 { a.zero_lanes() }
    fn select[F: Coordinate8](_ifma: Ifma, a: &F, mask: u8, b: &F) -> F { a.select(mask, *b) }
}

/// Of [`multiples_of_p`].
const ROUNDING: f64 = 1e-9;

/// What the comparison needs of a field beside [`Coordinate8`]; N components.
trait Parts<const N: usize>: Coordinate8<Single: Field + Debug> {
    fn stored(parts: [Stored; N]) -> Self::Stored;
    fn parts(stored: &Self::Stored) -> [Stored; N];
    fn single(parts: [Fq; N]) -> Self::Single;
    /// Words of the Montgomery form.
    fn words(single: Self::Single) -> [[u64; 4]; N];
}

impl Parts<1> for FqLanes {
    fn stored([part]: [Stored; 1]) -> Stored {
        part
    }

    fn parts(stored: &Stored) -> [Stored; 1] {
        [*stored]
    }

    fn single([part]: [Fq; 1]) -> Fq {
        part
    }

    fn words(single: Fq) -> [[u64; 4]; 1] {
        [single.to_montgomery()]
    }
}

impl Parts<2> for Fq2Lanes {
    fn stored(parts: [Stored; 2]) -> [Stored; 2] {
        parts
    }

    fn parts(stored: &[Stored; 2]) -> [Stored; 2] {
        *stored
    }

    fn single([c0, c1]: [Fq; 2]) -> Fq2 {
        Fq2::new(c0, c1)
    }

    fn words(single: Fq2) -> [[u64; 4]; 2] {
        [single.c0.to_montgomery(), single.c1.to_montgomery()]
    }
}

pub(super) fn over_fq(ifma: Ifma, choices: &mut Choices<'_>) {
    while !choices.is_empty() {
        arithmetic::<FqLanes, 1>(ifma, choices);
    }
}

pub(super) fn over_fq2(ifma: Ifma, choices: &mut Choices<'_>) {
    while !choices.is_empty() {
        arithmetic::<Fq2Lanes, 2>(ifma, choices);
    }
}

/// Eight elements: lanes, limbs of each part, and the residues.
struct Eight<F: Coordinate8, const N: usize> {
    lanes: F,
    parts: [[Limbs; 8]; N],
    singles: [F::Single; 8],
}

impl<F: Parts<N>, const N: usize> Eight<F, N> {
    /// Each component below `bound`·p.
    fn choose(ifma: Ifma, choices: &mut Choices<'_>, bound: u64) -> Self {
        let parts = [(); N].map(|()| choices.eight(|choices| choices.limbs_below::<FqParams>(bound)));
        let stored = parts.map(|part| {
            let mut stored = Stored::ZERO;
            lanes::<FqParams>(ifma, &part).store(&mut stored);
            stored
        });
        Self::of(F::load(ifma, &F::stored(stored)))
    }

    fn of(lanes: F) -> Self {
        let mut stored = F::ZERO;
        lanes.store(&mut stored);
        let parts = F::parts(&stored).map(|part| stored_values(&part));
        let singles = core::array::from_fn(|i| F::single(parts.map(|part| residue::<FqParams>(part[i]))));
        Self { lanes, parts, singles }
    }

    /// The lanes hold what `expected` says, each component below `bound`·p.
    fn check(lanes: F, expected: impl Fn(usize) -> F::Single, bound: f64) {
        let out = Self::of(lanes);
        for i in 0..8 {
            assert_eq!(out.singles[i], expected(i), "lane {i} of {:x?}", out.parts);
            assert!(
                out.parts.iter().all(|part| multiples_of_p::<FqParams>(part[i]) < bound + ROUNDING),
                "{:x?}",
                out.parts
            );
        }
    }
}

fn arithmetic<F: Parts<N>, const N: usize>(ifma: Ifma, choices: &mut Choices<'_>) {
    let embed = |v: Fq| {
        let mut parts = [Fq::ZERO; N];
        parts[0] = v;
        F::single(parts)
    };
    let r = embed(inverse_r::<FqParams>());
    let a = Eight::<F, N>::choose(ifma, choices, 20);
    let b = Eight::<F, N>::choose(ifma, choices, 4);
    let c = Eight::<F, N>::choose(ifma, choices, 4);
    let mask = choices.byte();

    Eight::check(mul(ifma, &a.lanes, &b.lanes), |i| a.singles[i] * b.singles[i] * r, 3.1);
    Eight::check(square(ifma, &b.lanes), |i| b.singles[i].square() * r, 2.0);
    Eight::check(difference(ifma, &a.lanes, &b.lanes), |i| a.singles[i] - b.singles[i], 24.0);
    Eight::check(between(ifma, &c.lanes, &b.lanes), |i| c.singles[i] - b.singles[i], 2.33);
    Eight::check(quadruple(ifma, &a.lanes), |i| a.singles[i].double().double(), 80.0);
    let chosen = |i: usize| {
        if mask >> i & 1 == 1 { b.singles[i] - a.singles[i] } else { a.singles[i] * b.singles[i] * r }
    };
    Eight::check(mul_sub(ifma, &a.lanes, &b.lanes, mask), chosen, 24.0);
    let chosen = |i: usize| if mask >> i & 1 == 1 { b.singles[i] } else { a.singles[i] };
    Eight::check(select(ifma, &a.lanes, mask, &b.lanes), chosen, 20.0);
    Eight::check(F::one(ifma), |_| embed(residue::<FqParams>(to_limbs(LaneParams::<FqParams>::ONE))), 1.0);

    for v in [&a, &b] {
        let zero = zero_lanes(ifma, &v.lanes);
        let words = v.lanes.to_singles().map(F::words);
        for (i, words) in words.into_iter().enumerate() {
            assert_eq!(zero >> i & 1 == 1, v.singles[i].is_zero(), "{:x?}", v.parts);
            let parts = words.map(|words| residue::<FqParams>(to_limbs(words)));
            assert_eq!(F::single(parts), v.singles[i]);
            assert!(words.iter().all(|words| Fq::from_montgomery(*words).is_some()), "{words:x?}");
        }
    }
    match b.lanes.invert_quarter() {
        None => assert!(b.singles.iter().any(Field::is_zero), "{:x?}", b.parts),
        Some(inverse) => {
            assert!(!b.singles.iter().any(Field::is_zero), "{:x?}", b.parts);
            // What the lanes multiply to is a quarter of what multiplies like one.
            let quarter = embed(residue::<FqParams>(to_limbs(pow2_mod(518, FqParams::MODULUS))));
            let out = Eight::<F, N>::of(inverse);
            Eight::check(inverse, |i| out.singles[i], 3.1);
            for i in 0..8 {
                assert_eq!(out.singles[i] * b.singles[i], quarter, "{:x?}", b.parts);
            }
        }
    }
    let points: [Affine<F::Single>; 8] = core::array::from_fn(|i| {
        let canonical = |v: &Eight<F, N>| v.lanes.to_singles()[(i + usize::from(mask)) % 8];
        Affine::new_unchecked(canonical(&a), canonical(&b))
    });
    let [x, y] = gather::<F>(ifma, points.each_ref());
    for (lanes, singles) in [(x, points.map(|p| p.x)), (y, points.map(|p| p.y))] {
        let out = Eight::<F, N>::of(lanes);
        for (i, single) in singles.into_iter().enumerate() {
            assert_eq!(out.parts.map(|part| part[i]), F::words(single).map(to_limbs));
        }
    }
}
