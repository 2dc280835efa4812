//! Loops over the lanes of rows, which compilers turn into vector instructions.
//!
//! With `FULL` every live lane takes part; else `mask` says which results are kept.

use super::rows::{LANES, Rows};
use crate::program::Inst;

#[inline(always)]
pub fn put32<const FULL: bool>(rows: &mut Rows, d: u32, out: [u32; LANES], mask: u32) {
    let row = &mut rows.w[d as usize].0;
    if FULL {
        *row = out;
    } else {
        for lane in 0..LANES {
            row[lane] = if mask >> lane & 1 != 0 { out[lane] } else { row[lane] };
        }
    }
}

#[inline(always)]
pub fn put64<const FULL: bool>(rows: &mut Rows, d: u32, out: [u64; LANES], mask: u32) {
    let row = &mut rows.d[d as usize].0;
    if FULL {
        *row = out;
    } else {
        for lane in 0..LANES {
            row[lane] = if mask >> lane & 1 != 0 { out[lane] } else { row[lane] };
        }
    }
}

#[inline(always)]
pub fn put_carry<const FULL: bool>(rows: &mut Rows, out: [u32; LANES], mask: u32) {
    let row = &mut rows.carry.0;
    if FULL {
        *row = out;
    } else {
        for lane in 0..LANES {
            row[lane] = if mask >> lane & 1 != 0 { out[lane] } else { row[lane] };
        }
    }
}

#[inline(always)]
pub fn put_p<const FULL: bool>(rows: &mut Rows, d: u32, out: u32, mask: u32) {
    let row = &mut rows.p[d as usize];
    *row = if FULL { out } else { *row & !mask | out & mask };
}

/// Rows of the sources, by class.
macro_rules! source {
    ($rows:ident, W, $at:expr) => {
        &$rows.w[$at as usize].0
    };
    ($rows:ident, D, $at:expr) => {
        &$rows.d[$at as usize].0
    };
}

macro_rules! put {
    ($full:ident, $rows:ident, W, $d:expr, $out:ident, $mask:ident) => {
        put32::<$full>($rows, $d, $out, $mask)
    };
    ($full:ident, $rows:ident, D, $d:expr, $out:ident, $mask:ident) => {
        put64::<$full>($rows, $d, $out, $mask)
    };
}

/// Defines a helper that maps sources of the given classes to a destination, lane by lane.
macro_rules! lanewise {
    ($name:ident, $d:tt: $out:ty = $($field:ident $class:tt: $ty:ty),*) => {
        #[inline(always)]
        pub fn $name<const FULL: bool>(rows: &mut Rows, inst: &Inst, mask: u32, f: impl Fn($($ty),*) -> $out) {
            $(let $field = source!(rows, $class, inst.$field);)*
            let mut out = [0; LANES];
            for lane in 0..LANES {
                out[lane] = f($($field[lane]),*);
            }
            put!(FULL, rows, $d, inst.d, out, mask);
        }
    };
}

lanewise!(w_w, W: u32 = a W: u32);
lanewise!(w_ww, W: u32 = a W: u32, b W: u32);
lanewise!(w_www, W: u32 = a W: u32, b W: u32, c W: u32);
lanewise!(w_wwww, W: u32 = a W: u32, b W: u32, c W: u32, e W: u32);
lanewise!(w_d, W: u32 = a D: u64);
lanewise!(d_w, D: u64 = a W: u32);
lanewise!(d_d, D: u64 = a D: u64);
lanewise!(d_dd, D: u64 = a D: u64, b D: u64);
lanewise!(d_dw, D: u64 = a D: u64, b W: u32);
lanewise!(d_dww, D: u64 = a D: u64, b W: u32, c W: u32);
lanewise!(d_ddww, D: u64 = a D: u64, b D: u64, c W: u32, e W: u32);
lanewise!(d_ww, D: u64 = a W: u32, b W: u32);
lanewise!(d_wwd, D: u64 = a W: u32, b W: u32, c D: u64);

/// Defines a helper for comparisons, whose results are bits.
macro_rules! comparing {
    ($name:ident, $class:tt: $ty:ty) => {
        #[inline(always)]
        pub fn $name<const FULL: bool>(
            rows: &mut Rows,
            inst: &Inst,
            mask: u32,
            f: impl Fn($ty, $ty) -> bool,
        ) {
            let (a, b) = (source!(rows, $class, inst.a), source!(rows, $class, inst.b));
            let mut out = 0;
            for lane in 0..LANES {
                out |= u32::from(f(a[lane], b[lane])) << lane;
            }
            put_p::<FULL>(rows, inst.d, out, mask);
        }
    };
}

comparing!(p_ww, W: u32);
comparing!(p_dd, D: u64);

/// Defines sums, differences and products with carry: `product` is applied to `a` and `b`, and `c` added.
macro_rules! carrying {
    ($sum:ident, $difference:ident, $multiply_add:ident, $class:tt: $ty:ident) => {
        #[inline(always)]
        pub fn $sum<const FULL: bool, const READS: bool, const WRITES: bool>(
            rows: &mut Rows,
            inst: &Inst,
            mask: u32,
        ) {
            let (a, b) = (source!(rows, $class, inst.a), source!(rows, $class, inst.b));
            let (mut out, mut carry) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let old = if READS { $ty::from(rows.carry.0[lane]) } else { 0 };
                let (x, y) = (a[lane], b[lane]);
                let sum = x.wrapping_add(y).wrapping_add(old);
                out[lane] = sum;
                carry[lane] = (((x & y) | ((x | y) & !sum)) >> ($ty::BITS - 1)) as u32;
            }
            put!(FULL, rows, $class, inst.d, out, mask);
            if WRITES {
                put_carry::<FULL>(rows, carry, mask);
            }
        }

        #[inline(always)]
        pub fn $difference<const FULL: bool, const READS: bool, const WRITES: bool>(
            rows: &mut Rows,
            inst: &Inst,
            mask: u32,
        ) {
            let (a, b) = (source!(rows, $class, inst.a), source!(rows, $class, inst.b));
            let (mut out, mut carry) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let old = if READS { $ty::from(rows.carry.0[lane]) } else { 0 };
                let (x, y) = (a[lane], b[lane]);
                let difference = x.wrapping_sub(y).wrapping_sub(old);
                out[lane] = difference;
                carry[lane] = (((!x & y) | ((!x | y) & difference)) >> ($ty::BITS - 1)) as u32;
            }
            put!(FULL, rows, $class, inst.d, out, mask);
            if WRITES {
                put_carry::<FULL>(rows, carry, mask);
            }
        }

        #[inline(always)]
        pub fn $multiply_add<const FULL: bool, const READS: bool, const WRITES: bool>(
            rows: &mut Rows,
            inst: &Inst,
            mask: u32,
            product: impl Fn($ty, $ty) -> $ty,
        ) {
            let (a, b, c) =
                (source!(rows, $class, inst.a), source!(rows, $class, inst.b), source!(rows, $class, inst.c));
            let (mut out, mut carry) = ([0; LANES], [0; LANES]);
            for lane in 0..LANES {
                let old = if READS { $ty::from(rows.carry.0[lane]) } else { 0 };
                let (x, y) = (product(a[lane], b[lane]), c[lane]);
                let sum = x.wrapping_add(y).wrapping_add(old);
                out[lane] = sum;
                carry[lane] = (((x & y) | ((x | y) & !sum)) >> ($ty::BITS - 1)) as u32;
            }
            put!(FULL, rows, $class, inst.d, out, mask);
            if WRITES {
                put_carry::<FULL>(rows, carry, mask);
            }
        }
    };
}

carrying!(sum32, difference32, multiply_add32, W: u32);
carrying!(sum64, difference64, multiply_add64, D: u64);
