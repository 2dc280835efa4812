//! The lanes against single elements, on limbs that random values never have.

use super::oracle::*;
use super::*;
use crate::field::{Field, Fp, FqParams, FrParams};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

/// Saturated and empty limbs in all patterns, and the neighbours of 0, p, 2p, … 84p.
fn hostile<P: FieldParams>() -> Vec<Limbs> {
    let mut values = vec![];
    for pattern in 0..32u32 {
        for (on, off) in [(MASK, 0), (MASK, 1), (MASK - 1, 0), (1 << 51, 0), (1 << 51, MASK >> 1)] {
            values.push(core::array::from_fn(|i| if pattern >> i & 1 == 1 { on } else { off }));
        }
    }
    for k in 0..=84 {
        let multiple = times(k, LaneParams::<P>::P);
        values.extend([multiple, plus(multiple, 1)]);
        if k > 0 {
            values.push(plus(multiple, -1));
        }
    }
    values
}

fn random(rng: &mut impl RngCore) -> Limbs {
    core::array::from_fn(|_| rng.next_u64() & MASK)
}

/// Values in all lanes, among hostile ones and random ones, `f` on each vector of eight.
fn for_each_vector<P: FieldParams>(mut f: impl FnMut(&[Limbs; 8])) {
    let mut rng = ChaCha8Rng::seed_from_u64(52);
    let mut all = hostile::<P>();
    all.extend((0..64).map(|_| random(&mut rng)));
    while !all.len().is_multiple_of(8) {
        all.push(random(&mut rng));
    }
    for chunk in all.as_chunks::<8>().0 {
        f(chunk);
    }
}

fn products<P: FieldParams>(ifma: Ifma) {
    let r = inverse_r::<P>();
    let mut vectors = vec![];
    // Results of larger factors do not fit.
    let below =
        |v: Limbs| if multiples_of_p::<P>(v) < 83.9 { v } else { [v[0], v[1], v[2], v[3], v[4] >> 1] };
    for_each_vector::<P>(|v| vectors.push(v.map(below)));
    for a in &vectors {
        let square = values(&lanes::<P>(ifma, a).square_lazy().carry());
        for (a, out) in a.iter().zip(square) {
            assert_eq!(residue::<P>(out), residue::<P>(*a).square() * r, "{a:x?}²");
            assert!(multiples_of_p::<P>(out) < multiples_of_p::<P>(*a).powi(2) / 84.6 + 1.1301, "{a:x?}²");
        }
        for b in &vectors {
            for rotation in [0, 3] {
                let mut b = *b;
                b.rotate_left(rotation);
                let out = values(&lanes::<P>(ifma, a).mul(lanes(ifma, &b)));
                for ((a, b), out) in a.iter().zip(&b).zip(out) {
                    assert_eq!(residue::<P>(out), residue::<P>(*a) * residue::<P>(*b) * r, "{a:x?}·{b:x?}");
                    let bound = multiples_of_p::<P>(*a) * multiples_of_p::<P>(*b) / 84.6 + 1.1301;
                    assert!(multiples_of_p::<P>(out) < bound, "{a:x?}·{b:x?} = {out:x?}");
                }
            }
        }
    }
}

#[test]
fn products_and_squares_of_hostile_limbs() {
    let Some(ifma) = Ifma::detect() else { return };
    products::<FqParams>(ifma);
    products::<FrParams>(ifma);
}

fn reductions<P: FieldParams>(ifma: Ifma) {
    let p = LaneParams::<P>::P;
    for_each_vector::<P>(|a| {
        let reduced = values(&lanes::<P>(ifma, a).reduce());
        for (a, out) in a.iter().zip(reduced) {
            assert_eq!(residue::<P>(out), residue::<P>(*a));
            assert!(out.iter().rev().lt(p.iter().rev()), "{a:x?} → {out:x?}");
        }
        // Also with carries in the limbs: the same value as a sum.
        let low = a.map(|[a, b, c, d, _]| [a, b, c, d, 0]);
        let high = a.map(|v| [0, 0, 0, 0, v[4]]);
        let borrowed = lanes::<P>(ifma, &high.map(|v| plus(v, -((v[4] > 0) as i64))));
        let wide = lanes::<P>(ifma, &low).wide().add(borrowed.wide());
        let one = lanes::<P>(ifma, &high.map(|v| plus([0; 5], (v[4] > 0) as i64)));
        assert_eq!(values(&wide.add(one.wide()).reduce()), reduced);
        let zero = lanes::<P>(ifma, a).zero_lanes();
        for (i, a) in a.iter().enumerate() {
            assert_eq!(zero >> i & 1 == 1, residue::<P>(*a) == Fp::ZERO);
        }
    });
    // Values from −5.2p to 5.2p as differences, with and without carries left in the limbs.
    let around: Vec<Limbs> = (0..=5)
        .flat_map(|k| [-1, 0, 1].map(|d| (k, d)))
        .filter(|(k, d)| *k > 0 || *d >= 0)
        .map(|(k, d)| plus(times(k, p), d))
        .chain([1u64 << 50, 1 << 51, MASK].map(|limb| [limb, MASK, 0, MASK, p[4]]))
        .collect();
    for a in &around {
        for b in &around {
            let difference =
                |a: &Limbs, b: &Limbs| lanes::<P>(ifma, &[*a; 8]).wide().sub(lanes(ifma, &[*b; 8]).wide());
            let out = values(&difference(a, b).to_2p33())[3];
            assert_eq!(residue::<P>(out), residue::<P>(*a) - residue::<P>(*b), "{a:x?} − {b:x?}");
            assert!(multiples_of_p::<P>(out) < 2.33);
            let carried = values(&difference(a, b).add_p::<6>().carry())[5];
            assert_eq!(residue::<P>(carried), residue::<P>(*a) - residue::<P>(*b));
        }
    }
}

#[test]
fn reductions_reach_the_residue() {
    let Some(ifma) = Ifma::detect() else { return };
    reductions::<FqParams>(ifma);
    reductions::<FrParams>(ifma);
}

/// Sums of as many products as fit, of the largest factors.
#[test]
fn columns_hold_their_products() {
    let Some(ifma) = Ifma::detect() else { return };
    let p = LaneParams::<FrParams>::P;
    let r = inverse_r::<FrParams>();
    for (a, b) in [(plus(times(16, p), -16), plus(p, -1)), ([MASK, MASK, MASK, MASK, p[4]], [MASK; 5])] {
        let b = [b[0], b[1], b[2], b[3], b[4].min(p[4])];
        let mut columns = Columns::<FrParams>::zero(ifma);
        for _ in 0..Columns::<FrParams>::MAX_PRODUCTS {
            columns = columns.madd(&lanes(ifma, &[a; 8]), &lanes(ifma, &[b; 8]));
        }
        let high = lanes::<FrParams>(ifma, &[plus(p, -1); 8]).wide();
        let out = values(&columns.add_high(high).reduce_lazy().reduce())[7];
        let count = Fp::from(Columns::<FrParams>::MAX_PRODUCTS as u64);
        assert_eq!(residue::<FrParams>(out), count * residue(a) * residue(b) * r - Fp::ONE);
        assert!(out.iter().rev().lt(p.iter().rev()));
    }
}

#[test]
fn words_and_lanes() {
    let Some(ifma) = Ifma::detect() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..50 {
        let words: [[u64; 4]; 8] = core::array::from_fn(|_| core::array::from_fn(|_| rng.next_u64()));
        let lanes = Lanes::<FqParams>::load_raw(ifma, &words);
        assert_eq!(values(&lanes), words.map(to_limbs));
        assert_eq!(lanes.lanes_to_words(), words);
        let mut copy = [[0; 4]; 8];
        lanes.store_raw(&mut copy);
        assert_eq!(copy, words);

        let mut below = words;
        below.iter_mut().for_each(|w| w[3] >>= 2);
        let times_16 = values(&Lanes::<FqParams>::load_raw_times_16(ifma, &below));
        assert_eq!(times_16, below.map(|w| times(16, to_limbs(w))));
        let spread: [[u64; 4]; 27] = core::array::from_fn(|_| core::array::from_fn(|_| rng.next_u64()));
        let lanes = Lanes::<FqParams>::from_words(strided_words(ifma, &spread, 2, 3));
        assert_eq!(values(&lanes), core::array::from_fn(|i| to_limbs(spread[2 + 3 * i])));
        let mut copy = [[0; 4]; 27];
        lanes.store_strided(&mut copy, 2, 3);
        let expected = |i: usize| if i % 3 == 2 && i < 24 { spread[i] } else { [0; 4] };
        assert_eq!(copy, core::array::from_fn(expected));
    }
    let integers = [0, 1, 2, 3, 4, 5, u32::MAX, u32::MAX - 1];
    let lanes = Lanes::<FqParams>::from_u32(ifma, &integers);
    assert_eq!(values(&lanes), integers.map(|v| [v.into(), 0, 0, 0, 0]));
    let mut copy = [0; 8];
    lanes.0[0].store_u32(&mut copy);
    assert_eq!(copy, integers);
    let rows: [[u64; 8]; 8] = core::array::from_fn(|i| core::array::from_fn(|j| (10 * i + j) as u64));
    let columns = transpose_8x8(rows.map(|row| ifma.load(&row))).map(V::to_array);
    assert_eq!(columns, core::array::from_fn::<[u64; 8], 8, _>(|i| core::array::from_fn(|j| rows[j][i])));
}

#[test]
fn inverses() {
    let Some(ifma) = Ifma::detect() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let scale = pow2_mod(264, FqParams::MODULUS);
    for _ in 0..10 {
        let a = core::array::from_fn(|_| random(&mut rng));
        let lanes = lanes::<FqParams>(ifma, &a);
        let product = lanes.mul(invert(lanes, scale).unwrap()).reduce();
        assert_eq!(values(&product), [to_limbs(LaneParams::<FqParams>::ONE); 8]);
    }
    for zero in 0..8 {
        for multiple in [0, 1, 7] {
            let mut a: [Limbs; 8] = core::array::from_fn(|_| random(&mut rng));
            a[zero] = times(multiple, LaneParams::<FqParams>::P);
            assert!(invert(lanes::<FqParams>(ifma, &a), scale).is_none());
        }
    }
}

#[test]
fn chains_of_the_probe() {
    use crate::dispatch::CpuPath;
    use crate::field::{Fr, PrimeField};
    let Some(path) = CpuPath::ifma() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let mut element = || Fr::from_u256_reduced(core::array::from_fn(|_| rng.next_u64()));
    let y = element();
    for rounds in [0, 1, 2, 100] {
        let chains: [Fr; probe::CHAINS] = core::array::from_fn(|_| element());
        let mut out = chains;
        assert!(probe::mul_chains(path, &mut out, y, rounds));
        let factor = y.pow_vartime(&[rounds as u64]);
        assert_eq!(out.map(PrimeField::to_canonical), chains.map(|v| PrimeField::to_canonical(v * factor)));
    }
    assert!(probe::wait_cycles(path, 1));
}

#[test]
fn quadratic_extension() {
    use crate::field::{Fq, Fq2};
    let Some(ifma) = Ifma::detect() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let bound = |v: Limbs, k: u64| if multiples_of_p::<FqParams>(v) < k as f64 { v } else { times(0, v) };
    let hostile: Vec<Limbs> = hostile::<FqParams>();
    let mut pick = |k: u64| -> [[Limbs; 8]; 2] {
        core::array::from_fn(|_| {
            core::array::from_fn(|_| bound(hostile[rng.next_u32() as usize % hostile.len()], k))
        })
    };
    let fq2 = |v: &[[Limbs; 8]; 2], i: usize| Fq2::new(residue::<FqParams>(v[0][i]), residue(v[1][i]));
    let r = Fq2::new(inverse_r::<FqParams>(), Fq::ZERO);
    for _ in 0..2000 {
        let (a, b) = (pick(20), pick(4));
        let load = |v: &[[Limbs; 8]; 2]| {
            let stored = v.map(|v| {
                let mut stored = Stored::ZERO;
                lanes::<FqParams>(ifma, &v).store(&mut stored);
                stored
            });
            Fq2Lanes::load(ifma, &stored)
        };
        let check = |out: Fq2Lanes, expected: &dyn Fn(usize) -> Fq2, bound: f64| {
            let mut stored = Fq2Lanes::ZERO;
            out.store(&mut stored);
            let limbs = stored.map(|s| values(&s.load::<FqParams>(ifma)));
            for i in 0..8 {
                assert_eq!(fq2(&limbs, i), expected(i));
                assert!(limbs.iter().all(|c| multiples_of_p::<FqParams>(c[i]) < bound));
            }
        };
        check(load(&a).mul(load(&b)), &|i| fq2(&a, i) * fq2(&b, i) * r, 3.1);
        check(load(&b).square_lazy().carry(), &|i| fq2(&b, i).square() * r, 2.0);
    }
}

#[test]
fn products_by_constants() {
    let Some(ifma) = Ifma::detect() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(260);
    let one = Fp::<FrParams>::ONE;
    let mut constants = vec![Fp::ZERO, one, -one, one.double(), -one.double()];
    constants.extend((0..40).map(|_| residue::<FrParams>(random(&mut rng))));
    constants.extend([1u64, 2, 4, 16].map(|k| one * Fp::from(k).inverse_vartime().unwrap()));
    // Values of 2^259 and more stand for negative ones.
    let negative = |v: Limbs| v[4] >> 51 == 1;
    for w in constants {
        let multiplier = Multiplier::new(w);
        for_each_vector::<FrParams>(|a| {
            let y = Balanced::from(lanes::<FrParams>(ifma, a));
            let product = values(&y.mul(&multiplier).to_lanes::<6>());
            // The same values with carries of both signs in their limbs.
            let mut wide = Stored::ZERO;
            y.store(&mut wide);
            for (i, carry) in [3i64 << 8, -5, 1 << 7, -(1 << 8)].into_iter().enumerate() {
                for lane in 0..LANES {
                    wide.0[i][lane] = wide.0[i][lane].wrapping_add_signed(carry << 52);
                    wide.0[i + 1][lane] = wide.0[i + 1][lane].wrapping_add_signed(-carry);
                }
            }
            let wide = Balanced::<FrParams>::load(ifma, &wide);
            assert_eq!(values(&wide.mul(&multiplier).to_lanes::<6>()), product);
            assert_eq!(values(&wide.shrink().to_lanes::<0>()), values(&y.shrink().to_lanes::<0>()));
            let shrunk = values(&y.shrink().to_lanes::<0>());
            for ((a, out), shrunk) in a.iter().zip(product).zip(shrunk) {
                let borrow =
                    if negative(*a) { residue(to_limbs(LaneParams::<FrParams>::ONE)) } else { Fp::ZERO };
                let value = residue::<FrParams>(*a) - borrow;
                assert_eq!(residue::<FrParams>(out), value * w, "{a:x?}·{w:?}");
                let bound = multiples_of_p::<FrParams>(out);
                assert!((0.5..11.5).contains(&bound), "{a:x?}·{w:?}: {bound}");
                let integer = multiples_of_p::<FrParams>(*a) - if negative(*a) { 84.6 } else { 0.0 };
                if integer.abs() < 42.0 {
                    assert_eq!(residue::<FrParams>(shrunk), value, "{a:x?}");
                    assert!(multiples_of_p::<FrParams>(shrunk) < 2.0, "{a:x?}");
                }
            }
        });
    }
}
