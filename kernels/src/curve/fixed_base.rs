//! Many multiples of one point, for trusted setups.

use super::{Affine, Coordinate, CurveField, Xyzz, normalise};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Field, Fr, cast, cast_slice, cast_slice_mut};
use crate::parallel;

/// Scalars that share one inversion; also the grain of parallel work.
const CHUNK: usize = 256;

/// Bits of a canonical scalar.
const SCALAR_BITS: u32 = 254;

/// Widest window: a G1 table of 5 MB. Wider ones save additions but not time, since the table leaves the cache.
const MAX_WINDOW_BITS: u32 = 13;

/// Multiples d·2^(cw)·P of one point P for every window w and digit 1 ≤ d ≤ 2^(c−1).
#[derive(Clone, Debug)]
pub struct FixedBase<F> {
    window_bits: u32,
    table: Vec<Affine<F>>,
}

/// Window width c that needs the fewest additions for `n` scalars, table included: (⌊254/c⌋ + 1)·(n + 2^(c−1)).
pub const fn window_bits(n: usize) -> u32 {
    let (mut best, mut best_cost) = (2, u128::MAX);
    let mut bits = 2;
    while bits <= MAX_WINDOW_BITS {
        let cost = num_windows(bits) as u128 * (n as u128 + (1 << (bits - 1)));
        if cost < best_cost {
            (best, best_cost) = (bits, cost);
        }
        bits += 1;
    }
    best
}

/// One more than ⌊254/c⌋, so that the last carry of the signed digits has room.
const fn num_windows(bits: u32) -> usize {
    (SCALAR_BITS / bits) as usize + 1
}

/// Digits in −2^(c−1)+1 ..= 2^(c−1) with k = Σ d_w·2^(cw).
fn signed_digits(k: [u64; 4], bits: u32) -> impl Iterator<Item = i32> {
    let mut carry = 0;
    (0..num_windows(bits) as u32).map(move |w| {
        let (limb, shift) = ((w * bits / 64) as usize, w * bits % 64);
        let low = if limb < 4 { k[limb] >> shift } else { 0 };
        let high = if shift != 0 && limb < 3 { k[limb + 1] << (64 - shift) } else { 0 };
        let digit = ((low | high) & ((1 << bits) - 1)) as i32 + carry;
        carry = i32::from(digit > 1 << (bits - 1));
        digit - (carry << bits)
    })
}

/// Σ of the table's entries for each scalar, in affine form. Cost: 254/c mixed additions a scalar.
fn mul_chunk<F: Field>(table: &[Affine<F>], bits: u32, scalars: &[Fr], out: &mut [Affine<F>]) {
    let half = 1usize << (bits - 1);
    let sums: Vec<Xyzz<F>> = scalars
        .iter()
        .map(|k| {
            let mut acc = Xyzz::IDENTITY;
            if !k.is_zero() {
                for (digit, window) in signed_digits(k.to_canonical(), bits).zip(table.chunks_exact(half)) {
                    if digit != 0 {
                        acc += window[digit.unsigned_abs() as usize - 1].negate_if(digit < 0);
                    }
                }
            }
            acc
        })
        .collect();
    normalise(&sums, out);
}

/// The table of [`FixedBase`]. Cost: one mixed addition an entry.
fn build_table<F: CurveField>(base: Affine<F>, bits: u32, table: &mut [Affine<F>]) {
    let half = 1usize << (bits - 1);
    let mut starts = Vec::with_capacity(num_windows(bits));
    let mut start = Xyzz::from(base);
    for _ in 0..num_windows(bits) {
        starts.push(start.to_affine());
        for _ in 0..bits {
            start = start.double();
        }
    }
    parallel::for_each_chunk_mut(table, half, |first, window| {
        let start = starts[first / half];
        let mut multiples = Vec::with_capacity(half);
        let mut acc = Xyzz::IDENTITY;
        for _ in 0..half {
            acc += start;
            multiples.push(acc);
        }
        normalise(&multiples, window);
    });
}

impl<F: Coordinate> FixedBase<F> {
    /// A table for about `n` multiples of `base`; see [`window_bits`].
    pub fn new(path: CpuPath, base: Affine<F>, n: usize) -> Self {
        let window_bits = window_bits(n);
        let mut table = vec![Affine::IDENTITY; num_windows(window_bits) << (window_bits - 1)];
        with_arith!(path, A => build_table(
            cast::<Affine<F>, A>(base),
            window_bits,
            cast_slice_mut::<Affine<F>, A>(&mut table),
        ));
        Self { window_bits, table }
    }

    /// \[k\]P for every scalar k, in affine form. A zero scalar costs nothing. Time depends on the scalars.
    pub fn mul_batch_vartime(&self, path: CpuPath, scalars: &[Fr]) -> Vec<Affine<F>> {
        let mut out = vec![Affine::IDENTITY; scalars.len()];
        with_arith!(path, A => {
            let table = cast_slice::<Affine<F>, A>(&self.table);
            parallel::for_each_chunk_mut(cast_slice_mut::<Affine<F>, A>(&mut out), CHUNK, |first, out| {
                mul_chunk(table, self.window_bits, &scalars[first..first + out.len()], out);
            });
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::{G1Affine, G2Affine};
    use crate::field::{Fq, Fq2};

    /// 0, 1, −1, digits that carry through all windows, single bits, and powers of an arbitrary element.
    fn scalars() -> Vec<Fr> {
        let mut scalars = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, -Fr::from(2u64)];
        scalars.extend((0..254).step_by(11).map(|i| Fr::from(2u64).pow_vartime(&[i])));
        scalars.extend([Fr::from_u256_reduced([u64::MAX; 4]), Fr::from_u256_reduced([1 << 63; 4])]);
        let mut x = Fr::from(0x1234_5678_9abc_def1u64);
        for _ in 0..CHUNK {
            x = x.square() + Fr::ONE;
            scalars.push(x);
        }
        scalars
    }

    #[test]
    fn agrees_with_double_and_add() {
        let scalars = scalars();
        for path in CpuPath::available() {
            for n in [1, 40, 5000, 1 << 20] {
                let base = Xyzz::from(G1Affine::generator()).mul_vartime(&[77]).to_affine();
                let got = FixedBase::<Fq>::new(path, base, n).mul_batch_vartime(path, &scalars);
                for (k, got) in scalars.iter().zip(got) {
                    assert_eq!(
                        got,
                        Xyzz::from(base).mul_vartime(&k.to_canonical()).to_affine(),
                        "{k:?}, {n}"
                    );
                }
            }
            let got = FixedBase::<Fq2>::new(path, G2Affine::generator(), 40)
                .mul_batch_vartime(path, &scalars[..40]);
            for (k, got) in scalars.iter().zip(got) {
                let want = Xyzz::from(G2Affine::generator()).mul_vartime(&k.to_canonical());
                assert_eq!(got, want.to_affine(), "{k:?}");
            }
            assert!(
                FixedBase::<Fq>::new(path, G1Affine::generator(), 0).mul_batch_vartime(path, &[]).is_empty()
            );
        }
    }

    #[test]
    fn windows_grow_with_the_number_of_scalars() {
        assert_eq!([0, 1, 100, 10_000, 1 << 30].map(window_bits), [2, 2, 6, 11, MAX_WINDOW_BITS]);
    }
}
