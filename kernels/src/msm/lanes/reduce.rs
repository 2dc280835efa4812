//! Stage `msm_bucket_reduce` for lanes: the sum of each set of buckets by halving, all sets at once.
//!
//! Lane l of vector v of a set holds bucket b = l·V + v, V vectors a set; what is asked for is Σ (b + 1)·B_b. With h = V/2, V/4, …, 1
//! the upper half of a set's first 2h vectors is added to the lower one, and stays as the branch of bit h: the sum of all
//! buckets that have it in v. Branches are halved along, so a set costs two additions a bucket in log V rounds of equal
//! work. What is left of a set is its total and one vector a bit of v; the bits of l are sums over some lanes.

use super::adder::{Adder, PointVec};
use crate::curve::Affine;
use crate::field::ifma::{Coordinate8, Ifma, kernel};

/// The points of one set: Σ (b + 1)·B_b = total + Σ 2^t·bits_t.
pub(super) struct SetSum<S> {
    pub(super) total: Affine<S>,
    /// Bit t of b.
    pub(super) bits: Vec<Affine<S>>,
}

/// Sums sets of `vectors` vectors each, a power of two.
pub(super) fn msm_bucket_reduce<F: Coordinate8>(
    ifma: Ifma,
    buckets: &mut PointVec<F>,
    vectors: usize,
    adder: &mut Adder<F>,
) -> Vec<SetSum<F::Single>> {
    let sets = buckets.points.len() / vectors;
    let mut half = vectors / 2;
    let mut pairs = Vec::new();
    while half > 0 {
        pairs.clear();
        for set in 0..sets {
            let mut halve = |start: usize| {
                let start = set * vectors + start;
                pairs.extend((start..start + half).map(|to| (to as u32, (to + half) as u32)));
            };
            halve(0);
            let mut branch = 2 * half;
            while branch < vectors {
                halve(branch);
                branch *= 2;
            }
        }
        adder.add_pairs(ifma, buckets, &pairs);
        half /= 2;
    }
    // Of each set: the total, the bits of v, the bits of l.
    let bits_of_v = vectors.ilog2() as usize;
    let items: Vec<(usize, u8)> = (0..sets)
        .flat_map(|set| {
            let first = set * vectors;
            let of_v = (0..bits_of_v).map(move |t| (first + (1 << t), u8::MAX));
            let of_l = [0xaa, 0xcc, 0xf0].map(|lanes| (first, lanes));
            core::iter::once((first, u8::MAX)).chain(of_v).chain(of_l)
        })
        .collect();
    let sums = sum_lanes(ifma, buckets, &items, adder);
    sums.chunks_exact(bits_of_v + 4)
        .map(|points| SetSum { total: points[0], bits: points[1..].to_vec() })
        .collect()
}

/// The sum over the lanes of a mask of each vector.
fn sum_lanes<F: Coordinate8>(
    ifma: Ifma,
    from: &PointVec<F>,
    items: &[(usize, u8)],
    adder: &mut Adder<F>,
) -> Vec<Affine<F::Single>> {
    let turned = turn_and_halve(ifma, from, items, adder);
    let mut sums = vec![Affine::IDENTITY; turned.points.len()];
    for (group, out) in sums.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        leave_lanes(ifma, &turned, 8 * group, out);
    }
    sums.truncate(items.len());
    sums
}

/// As [`sum_lanes`]; the sum of item i stays in lane i mod 8 of vector ⌊i/8⌋·8.
pub(super) fn turn_and_halve<F: Coordinate8>(
    ifma: Ifma,
    from: &PointVec<F>,
    items: &[(usize, u8)],
    adder: &mut Adder<F>,
) -> PointVec<F> {
    let groups = items.len().div_ceil(8);
    // Lane l of item i becomes lane i mod 8 of vector l of its group; then vectors are halved.
    let mut turned = PointVec::<F>::identities(8 * groups);
    for (i, &(vector, lanes)) in items.iter().enumerate() {
        let lanes = lanes & !from.identities[vector];
        for lane in (0..8).filter(|lane| lanes >> lane & 1 == 1) {
            turned.copy_lane(i / 8 * 8 + lane, i % 8, from, vector, lane);
        }
    }
    let mut pairs = Vec::new();
    for half in [4, 2, 1] {
        pairs.clear();
        pairs.extend(
            (0..groups).flat_map(|g| (8 * g..8 * g + half).map(move |to| (to as u32, (to + half) as u32))),
        );
        adder.add_pairs(ifma, &mut turned, &pairs);
    }
    turned
}

kernel! {
    /// The points of one vector.
    fn leave_lanes[F: Coordinate8](ifma: Ifma, from: &PointVec<F>, vector: usize, out: &mut [Affine<F::Single>; 8]) {
        let points = &from.points[vector];
        let (x, y) = (F::load(ifma, &points.x).to_singles(), F::load(ifma, &points.y).to_singles());
        for lane in 0..8 {
            out[lane] = if from.identities[vector] >> lane & 1 == 1 {
                Affine::IDENTITY
            } else {
                Affine { x: x[lane], y: y[lane] }
            };
        }
    }
}
