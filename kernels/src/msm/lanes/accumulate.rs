//! Stage `msm_bucket_accumulate` for lanes.

use super::adder::{Addend, Addends, Adder, PointVec, set_batch};
use super::sort::{NO_ENTRY, Sorted, Vector};
use crate::curve::Affine;
use crate::field::ifma::{Coordinate8, Ifma, low_bits_and_ones};
use crate::prefetch::{prefetch, prefetch_far};

/// How many vectors ahead bases are asked for. Those of a step come to the second-level cache during the step before.
const AHEAD: usize = 4;

/// Row `row` of each vector: the bases that its entries name, with their signs.
struct Row<'a, F: Coordinate8> {
    points: &'a [Affine<F::Single>],
    rows: &'a [[u32; 8]],
    vectors: &'a [Vector],
    row: u32,
}

impl<F: Coordinate8> Addends<F> for Row<'_, F> {
    #[inline(always)]
    fn to(&self, i: usize) -> usize {
        self.vectors[i].sum as usize
    }

    #[inline(always)]
    fn get(&self, ifma: Ifma, _: &PointVec<F>, i: usize) -> Addend<F> {
        let entries = &self.rows[(self.vectors[i].start + self.row) as usize];
        let (negative, missing) = low_bits_and_ones(ifma, entries);
        // Lanes without an entry read some base.
        let last = self.points.len() - 1;
        let [a, b, c, d, e, f, g, h] = entries;
        macro_rules! base {
            ($($entry:ident)*) => { [$(&self.points[((*$entry >> 1) as usize).min(last)]),*] };
        }
        let [x, y] = F::gather(ifma, base!(a b c d e f g h));
        Addend { x, y: y.negate_lanes(negative), identities: missing }
    }

    #[inline(always)]
    fn prefetch(&self, i: usize) {
        if let Some(later) = self.vectors.get(i + AHEAD) {
            self.ask_for(later.start + self.row, prefetch);
        }
    }

    #[inline(always)]
    fn prefetch_next(&self, i: usize) {
        let vector = self.vectors[i];
        if self.row + 1 < vector.rows {
            self.ask_for(vector.start + self.row + 1, prefetch_far);
        }
    }
}

impl<F: Coordinate8> Row<'_, F> {
    /// Asks for the bases of a row.
    #[inline(always)]
    fn ask_for(&self, row: u32, hint: impl Fn(*const Affine<F::Single>)) {
        if let Some(entries) = self.rows.get(row as usize) {
            for entry in entries {
                if let Some(point) = self.points.get((entry >> 1) as usize) {
                    hint(point);
                }
            }
        }
    }
}

/// The sum of each lane of each vector, in the order of [`Vector::sum`].
pub(super) fn msm_bucket_accumulate<F: Coordinate8>(
    ifma: Ifma,
    points: &[Affine<F::Single>],
    sorted: &Sorted,
    adder: &mut Adder<F>,
) -> PointVec<F> {
    const { assert!(NO_ENTRY == u32::MAX, "what `low_bits_and_ones` finds") };
    let mut sums = PointVec::identities(sorted.vectors.len());
    for vectors in sorted.vectors.chunks(F::BATCH) {
        sum_vectors(ifma, points, &sorted.rows, vectors, &mut sums, adder);
    }
    sums
}

/// All rows of some vectors, at most [`Coordinate8::BATCH`] of them, by falling number of rows.
fn sum_vectors<F: Coordinate8>(
    ifma: Ifma,
    points: &[Affine<F::Single>],
    rows: &[[u32; 8]],
    vectors: &[Vector],
    sums: &mut PointVec<F>,
    adder: &mut Adder<F>,
) {
    let mut active = vectors.len();
    for row in 0..vectors[0].rows {
        while vectors[active - 1].rows <= row {
            active -= 1;
        }
        let addends = Row { points, rows, vectors: &vectors[..active], row };
        if row == 0 {
            set_batch(ifma, sums, active, &addends);
        } else {
            adder.add(ifma, sums, active, &addends);
        }
    }
}
