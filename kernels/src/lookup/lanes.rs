//! Lookup kernels on eight lanes.
#![allow(clippy::needless_range_loop)] // iterators over vectors are not inlined

use super::RangeTable;
use crate::field::ifma::{Group, Ifma, Lanes, V, kernel, padded, store_first, to_limbs};
use crate::field::{Fr, FrParams};
use crate::vector::lanes::TWICE_P;

/// Where values are in a table of consecutive integers.
pub(super) struct Rows {
    /// 16·(−start), below p: to be added to 16·v.
    offset: [u64; 5],
    len: u64,
}

impl Rows {
    pub(super) fn new(table: RangeTable) -> Self {
        let offset = -Fr::from(table.start) * Fr::from(16u64);
        Self { offset: to_limbs(offset.to_montgomery()), len: table.len as u64 }
    }
}

/// Canonical integers of v − start, their low 52 bits, and the lanes of those below `len`.
///
/// Half of a product: 16·v·2^256/2^260, where v·2^256 is what lies in memory.
#[inline(always)]
fn rows(ifma: Ifma, x: &Group, table: &Rows) -> (V, u8) {
    let v = Lanes::<FrParams>::load_raw_times_16(ifma, x).wide();
    let offset = Lanes::<FrParams>::splat(ifma, table.offset).wide();
    let [low, b, c, d, e] = Lanes::<FrParams>::divide_by_r_lazy(v.add(offset).0).reduce().0;
    let small = b.or(c).or(d.or(e)).zero_lanes();
    (low, ifma.splat(table.len).greater_lanes(low) & small)
}

/// Columns whose sum, with 2p, stays below 2^260.
const SUMMED: usize = 64;

/// Σ of element `at` to `at` + 8 of the columns − t.
#[inline(always)]
fn difference(ifma: Ifma, inputs: &[&[[u64; 4]]], at: usize, t: &Group) -> Lanes<FrParams> {
    let mut sum = Lanes::<FrParams>::splat(ifma, TWICE_P).wide().sub(Lanes::load_raw(ifma, t).wide());
    for i in 0..inputs.len() {
        if i % SUMMED == SUMMED - 1 {
            sum = sum.reduce().wide();
        }
        let (groups, _) = inputs[i][at..].as_chunks::<8>();
        let h = match groups.first() {
            Some(group) => Lanes::load_raw(ifma, group),
            None => Lanes::load_raw(ifma, &padded(&inputs[i][at..])),
        };
        sum = sum.add(h.wide());
    }
    sum.reduce()
}

kernel! {
    /// out_i ← Σ_c inputs_c,i − table_i. Equally long.
    pub(super) fn differences(ifma: Ifma, out: &mut [[u64; 4]], inputs: &[&[[u64; 4]]], table: &[[u64; 4]]) {
        let (groups, rest) = out.as_chunks_mut::<8>();
        let (table, table_rest) = table.as_chunks::<8>();
        for i in 0..groups.len() {
            difference(ifma, inputs, 8 * i, &table[i]).store_raw(&mut groups[i]);
        }
        store_first(difference(ifma, inputs, 8 * groups.len(), &padded(table_rest)), rest);
    }

    /// Adds the rows of the values to `counts`, one a row of the table. The first value without a row is the result, and
    /// ends it.
    pub(super) fn count(ifma: Ifma, values: &[[u64; 4]], table: &Rows, counts: &mut [u32]) -> Option<usize> {
        let mut places = [0; 8];
        let (groups, rest) = values.as_chunks::<8>();
        for i in 0..groups.len() {
            let (row, present) = rows(ifma, &groups[i], table);
            if present != 0xff {
                return Some(8 * i + present.trailing_ones() as usize);
            }
            row.store_u32(&mut places);
            for place in places {
                counts[place as usize] += 1;
            }
        }
        let (row, present) = rows(ifma, &padded(rest), table);
        row.store_u32(&mut places);
        for i in 0..rest.len() {
            if present >> i & 1 == 0 {
                return Some(8 * groups.len() + i);
            }
            counts[places[i] as usize] += 1;
        }
        None
    }
}
