//! Element-wise products. Slices of one call are equally long.

use super::{FrLanes, factor};
use crate::field::Fr;
use crate::field::ifma::{Group, Ifma, kernel, padded, store_first};

#[inline(always)]
fn product(ifma: Ifma, a: &Group, b: &Group) -> FrLanes {
    FrLanes::load_raw_times_16(ifma, a).mul_lazy(FrLanes::load_raw(ifma, b)).reduce()
}

#[inline(always)]
fn product_sum(ifma: Ifma, y: &Group, a: FrLanes, x: &Group) -> FrLanes {
    FrLanes::load_raw(ifma, x).mul_lazy(a).add(FrLanes::load_raw(ifma, y).wide()).reduce()
}

kernel! {
    /// out_i ← a_i·b_i.
    pub(crate) fn mul(ifma: Ifma, out: &mut [[u64; 4]], a: &[[u64; 4]], b: &[[u64; 4]]) {
        let (out, out_rest) = out.as_chunks_mut::<8>();
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        for i in 0..out.len() {
            product(ifma, &a[i], &b[i]).store_raw(&mut out[i]);
        }
        store_first(product(ifma, &padded(a_rest), &padded(b_rest)), out_rest);
    }

    /// a_i ← a_i·b_i.
    pub(crate) fn mul_assign(ifma: Ifma, a: &mut [[u64; 4]], b: &[[u64; 4]]) {
        let (a, a_rest) = a.as_chunks_mut::<8>();
        let (b, b_rest) = b.as_chunks::<8>();
        for i in 0..a.len() {
            product(ifma, &a[i], &b[i]).store_raw(&mut a[i]);
        }
        store_first(product(ifma, &padded(a_rest), &padded(b_rest)), a_rest);
    }

    /// y_i ← y_i + a·x_i.
    pub(crate) fn axpy(ifma: Ifma, y: &mut [[u64; 4]], a: Fr, x: &[[u64; 4]]) {
        let a = FrLanes::splat(ifma, factor(a));
        let (y, y_rest) = y.as_chunks_mut::<8>();
        let (x, x_rest) = x.as_chunks::<8>();
        for i in 0..y.len() {
            product_sum(ifma, &y[i], a, &x[i]).store_raw(&mut y[i]);
        }
        store_first(product_sum(ifma, &padded(y_rest), a, &padded(x_rest)), y_rest);
    }

    /// v_i ← v_i·a.
    pub(crate) fn scale(ifma: Ifma, values: &mut [[u64; 4]], a: Fr) {
        let a = FrLanes::splat(ifma, factor(a));
        let (groups, rest) = values.as_chunks_mut::<8>();
        for i in 0..groups.len() {
            FrLanes::load_raw(ifma, &groups[i]).mul_lazy(a).reduce().store_raw(&mut groups[i]);
        }
        store_first(FrLanes::load_raw(ifma, &padded(rest)).mul_lazy(a).reduce(), rest);
    }
}
