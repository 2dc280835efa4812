//! Linear combinations, reduced once for all terms.

use super::{FrLanes, factor};
use crate::field::ifma::{Columns, Ifma, Wide, kernel, padded, store_first, to_limbs};
use crate::field::{Field, FieldParams, Fr, FrParams};

type FrColumns = Columns<FrParams>;

/// Vectors of `out` whose columns are kept, in 10 KiB of the L1 cache: the terms are read in runs of 4 KiB.
const BLOCK: usize = 16;

/// A coefficient that is not zero.
pub(crate) enum Factor {
    One,
    MinusOne,
    Other([u64; 5]),
}

impl Factor {
    pub(crate) fn of(a: Fr) -> Self {
        match a {
            _ if a == Fr::ONE => Self::One,
            _ if a == -Fr::ONE => Self::MinusOne,
            _ => Self::Other(factor(a)),
        }
    }

    /// What a term adds to the columns at most, where 64 fit.
    fn weight(&self) -> usize {
        if let Self::MinusOne = self { 2 } else { 1 }
    }
}

/// 2p in limbs of which those of an element below p can be subtracted.
pub(crate) const TWICE_P: [u64; 5] = {
    let [a, b, c, d, e] = to_limbs(FrParams::MODULUS_2);
    let carry = 1 << 52;
    [a + carry, b + carry - 1, c + carry - 1, d + carry - 1, e - 1]
};

#[inline(always)]
fn add_term(ifma: Ifma, columns: FrColumns, factor: &Factor, v: FrLanes) -> FrColumns {
    match factor {
        Factor::One => columns.add_high(v.wide()),
        Factor::MinusOne => {
            let twice_p: Wide<FrParams> = FrLanes::splat(ifma, TWICE_P).wide();
            columns.add_high(twice_p.sub(v.wide()))
        }
        Factor::Other(a) => columns.madd(&v, &FrLanes::splat(ifma, *a)),
    }
}

kernel! {
    /// out_i ← Σ_j a_j·v_j\[start + i\].
    pub(crate) fn combine(ifma: Ifma, out: &mut [[u64; 4]], start: usize, terms: &[(Factor, &[[u64; 4]])]) {
        let mut columns = [FrColumns::zero(ifma); BLOCK];
        let mut first = 0;
        while first < out.len() {
            let block = &mut out[first..];
            let len = block.len().min(8 * BLOCK);
            let block = &mut block[..len];
            let vectors = len.div_ceil(8);
            for i in 0..vectors {
                columns[i] = FrColumns::zero(ifma);
            }
            let mut weight = 0;
            for (factor, v) in terms {
                if weight + factor.weight() > FrColumns::MAX_PRODUCTS {
                    for i in 0..vectors {
                        // At most 64·p and 1.13·p.
                        let sum = columns[i].reduce_lazy().reduce();
                        columns[i] = FrColumns::zero(ifma).add_high(sum.wide());
                    }
                    weight = 1;
                }
                weight += factor.weight();
                let v = v.get(start + first..).unwrap_or_default();
                let v = &v[..v.len().min(len)];
                let (groups, rest) = v.as_chunks::<8>();
                // The match outside of the loop, or it is taken for each vector.
                match factor {
                    Factor::Other(a) => {
                        let a = FrLanes::splat(ifma, *a);
                        for i in 0..groups.len() {
                            columns[i] = columns[i].madd(&FrLanes::load_raw(ifma, &groups[i]), &a);
                        }
                    }
                    _ => {
                        for i in 0..groups.len() {
                            columns[i] = add_term(ifma, columns[i], factor, FrLanes::load_raw(ifma, &groups[i]));
                        }
                    }
                }
                if !rest.is_empty() {
                    let i = groups.len();
                    columns[i] = add_term(ifma, columns[i], factor, FrLanes::load_raw(ifma, &padded(rest)));
                }
            }
            let (groups, rest) = block.as_chunks_mut::<8>();
            for i in 0..groups.len() {
                columns[i].reduce_lazy().reduce().store_raw(&mut groups[i]);
            }
            if !rest.is_empty() {
                store_first(columns[groups.len()].reduce_lazy().reduce(), rest);
            }
            first += len;
        }
    }
}
