//! Recurrences: a chunk is cut in 16 segments, one a lane of two vectors.

use super::{FrLanes, factor};
use crate::field::ifma::{Group, Ifma, kernel, strided_words, to_limbs};
use crate::field::{FieldParams, Fr, FrParams};
use crate::vector::Scan;

/// Segments of a chunk: two chains of vectors, which hide most of the latency of a product.
pub(crate) const SEGMENTS: usize = 16;

/// Elements of a chunk. Its segments start 256 bytes apart modulo 4096, or they would share a set of the L1 cache.
pub(crate) const CHUNK: usize = SEGMENTS * 264;

/// Eight segments' values.
#[inline(always)]
fn load(ifma: Ifma, values: &[Fr; SEGMENTS], half: usize) -> FrLanes {
    let mut group: Group = [[0; 4]; 8];
    for i in 0..8 {
        group[i] = values[8 * half + i].to_montgomery();
    }
    FrLanes::load_raw(ifma, &group)
}

#[inline(always)]
fn store(lanes: [FrLanes; 2]) -> [Fr; SEGMENTS] {
    let mut out = [Fr::default(); SEGMENTS];
    for half in 0..2 {
        let words = lanes[half].reduce().lanes_to_words();
        for i in 0..8 {
            out[8 * half + i] = Fr::from_montgomery_unchecked(words[i]);
        }
    }
    out
}

kernel! {
    /// The product of each of 16 consecutive segments of `len` elements.
    pub(crate) fn products(ifma: Ifma, values: &[[u64; 4]], len: usize) -> [Fr; SEGMENTS] {
        // Factors of 16·p and 1.4p give less than 1.4p.
        let one = FrLanes::splat(ifma, to_limbs(FrParams::R));
        let mut products = [one; 2];
        for i in 0..len {
            for half in 0..2 {
                let v = FrLanes::from_words_times_16(strided_words(ifma, values, i + 8 * half * len, len));
                products[half] = products[half].mul(v);
            }
        }
        store(products)
    }

    /// Running products of each of 16 consecutive segments of `len` elements, from `carries`.
    pub(crate) fn scan_products(
        ifma: Ifma,
        values: &mut [[u64; 4]],
        len: usize,
        carries: &[Fr; SEGMENTS],
        scan: Scan,
    ) {
        let mut products = [load(ifma, carries, 0), load(ifma, carries, 1)];
        for i in 0..len {
            for half in 0..2 {
                let at = i + 8 * half * len;
                let v = FrLanes::from_words_times_16(strided_words(ifma, values, at, len));
                let next = products[half].mul_lazy(v).reduce();
                let out = match scan {
                    Scan::Inclusive => next,
                    Scan::Exclusive => products[half],
                };
                out.store_strided(values, at, len);
                products[half] = next;
            }
        }
    }

    /// b ← c + z·b from the end of each of 16 consecutive segments of `len` elements; each c becomes the earlier b.
    pub(crate) fn divide(ifma: Ifma, c: &mut [[u64; 4]], len: usize, z: Fr, carries: &[Fr; SEGMENTS]) {
        let z = FrLanes::splat(ifma, factor(z));
        let mut b = [load(ifma, carries, 0), load(ifma, carries, 1)];
        for i in (0..len).rev() {
            for half in 0..2 {
                let at = i + 8 * half * len;
                let v = FrLanes::from_words(strided_words(ifma, c, at, len));
                b[half].store_strided(c, at, len);
                b[half] = b[half].mul_lazy(z).add(v.wide()).reduce();
            }
        }
    }
}
