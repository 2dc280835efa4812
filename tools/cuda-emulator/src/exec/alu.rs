//! Arithmetic on rows.

use super::bits;
use super::lanewise::*;
use super::rows::{Doubles, LANES, Rows, Words};
use crate::program::{Inst, Op};

#[inline(always)]
fn low32(a: u32, b: u32) -> u32 {
    a.wrapping_mul(b)
}

#[inline(always)]
fn high32(a: u32, b: u32) -> u32 {
    ((u64::from(a) * u64::from(b)) >> 32) as u32
}

#[inline(always)]
fn high32_signed(a: u32, b: u32) -> u32 {
    ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32
}

#[inline(always)]
fn low64(a: u64, b: u64) -> u64 {
    a.wrapping_mul(b)
}

#[inline(always)]
fn high64(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 64) as u64
}

#[inline(always)]
fn high64_signed(a: u64, b: u64) -> u64 {
    ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
}

#[inline(always)]
fn select<const FULL: bool>(rows: &mut Rows, inst: &Inst, mask: u32) {
    let (a, b, c) = (&rows.w[inst.a as usize].0, &rows.w[inst.b as usize].0, rows.p[inst.c as usize]);
    let mut out = [0; LANES];
    for lane in 0..LANES {
        out[lane] = if c >> lane & 1 != 0 { a[lane] } else { b[lane] };
    }
    put32::<FULL>(rows, inst.d, out, mask);
}

#[inline(always)]
fn select64<const FULL: bool>(rows: &mut Rows, inst: &Inst, mask: u32) {
    let (a, b, c) = (&rows.d[inst.a as usize].0, &rows.d[inst.b as usize].0, rows.p[inst.c as usize]);
    let mut out = [0; LANES];
    for lane in 0..LANES {
        out[lane] = if c >> lane & 1 != 0 { a[lane] } else { b[lane] };
    }
    put64::<FULL>(rows, inst.d, out, mask);
}

#[inline(always)]
fn predicates<const FULL: bool>(rows: &mut Rows, inst: &Inst, mask: u32, f: impl Fn(u32, u32) -> u32) {
    let out = f(rows.p[inst.a as usize], rows.p[inst.b as usize]);
    put_p::<FULL>(rows, inst.d, out, mask);
}

#[inline(always)]
fn parameter<const WIDTH: usize>(rows: &Rows, inst: &Inst) -> u64 {
    let mut bytes = [0; 8];
    let begin = inst.e as usize;
    bytes[..WIDTH].copy_from_slice(&rows.params[begin..begin + WIDTH]);
    u64::from_le_bytes(bytes)
}

/// Executes an instruction on registers; false if it is none.
#[inline(always)]
pub fn execute<const FULL: bool>(rows: &mut Rows, inst: &Inst, mask: u32) -> bool {
    match inst.op {
        Op::Mov32 => w_w::<FULL>(rows, inst, mask, |a| a),
        Op::Add32 => w_ww::<FULL>(rows, inst, mask, u32::wrapping_add),
        Op::AddCc32 => sum32::<FULL, false, true>(rows, inst, mask),
        Op::Addc32 => sum32::<FULL, true, false>(rows, inst, mask),
        Op::AddcCc32 => sum32::<FULL, true, true>(rows, inst, mask),
        Op::Sub32 => w_ww::<FULL>(rows, inst, mask, u32::wrapping_sub),
        Op::SubCc32 => difference32::<FULL, false, true>(rows, inst, mask),
        Op::Subc32 => difference32::<FULL, true, false>(rows, inst, mask),
        Op::SubcCc32 => difference32::<FULL, true, true>(rows, inst, mask),
        Op::Mul32 => w_ww::<FULL>(rows, inst, mask, low32),
        Op::MulHiU32 => w_ww::<FULL>(rows, inst, mask, high32),
        Op::MulHiS32 => w_ww::<FULL>(rows, inst, mask, high32_signed),
        Op::Mad32 => multiply_add32::<FULL, false, false>(rows, inst, mask, low32),
        Op::MadCc32 => multiply_add32::<FULL, false, true>(rows, inst, mask, low32),
        Op::Madc32 => multiply_add32::<FULL, true, false>(rows, inst, mask, low32),
        Op::MadcCc32 => multiply_add32::<FULL, true, true>(rows, inst, mask, low32),
        Op::MadHiU32 => multiply_add32::<FULL, false, false>(rows, inst, mask, high32),
        Op::MadHiCcU32 => multiply_add32::<FULL, false, true>(rows, inst, mask, high32),
        Op::MadcHiU32 => multiply_add32::<FULL, true, false>(rows, inst, mask, high32),
        Op::MadcHiCcU32 => multiply_add32::<FULL, true, true>(rows, inst, mask, high32),
        Op::MadHiS32 => multiply_add32::<FULL, false, false>(rows, inst, mask, high32_signed),
        Op::MadHiCcS32 => multiply_add32::<FULL, false, true>(rows, inst, mask, high32_signed),
        Op::MadcHiS32 => multiply_add32::<FULL, true, false>(rows, inst, mask, high32_signed),
        Op::MadcHiCcS32 => multiply_add32::<FULL, true, true>(rows, inst, mask, high32_signed),
        Op::DivU32 => w_ww::<FULL>(rows, inst, mask, |a, b| a.checked_div(b).unwrap_or(u32::MAX)),
        Op::DivS32 => w_ww::<FULL>(rows, inst, mask, bits::divide_signed32),
        Op::RemU32 => w_ww::<FULL>(rows, inst, mask, |a, b| a.checked_rem(b).unwrap_or(a)),
        Op::RemS32 => w_ww::<FULL>(rows, inst, mask, bits::remainder_signed32),
        Op::MinU32 => w_ww::<FULL>(rows, inst, mask, u32::min),
        Op::MinS32 => w_ww::<FULL>(rows, inst, mask, |a, b| (a as i32).min(b as i32) as u32),
        Op::MaxU32 => w_ww::<FULL>(rows, inst, mask, u32::max),
        Op::MaxS32 => w_ww::<FULL>(rows, inst, mask, |a, b| (a as i32).max(b as i32) as u32),
        Op::And32 => w_ww::<FULL>(rows, inst, mask, |a, b| a & b),
        Op::Or32 => w_ww::<FULL>(rows, inst, mask, |a, b| a | b),
        Op::Xor32 => w_ww::<FULL>(rows, inst, mask, |a, b| a ^ b),
        Op::Not32 => w_w::<FULL>(rows, inst, mask, |a| !a),
        Op::Shl32 => w_ww::<FULL>(rows, inst, mask, |a, b| if b > 31 { 0 } else { a << (b & 31) }),
        Op::ShrU32 => w_ww::<FULL>(rows, inst, mask, |a, b| if b > 31 { 0 } else { a >> (b & 31) }),
        Op::ShrS32 => w_ww::<FULL>(rows, inst, mask, |a, b| (a as i32 >> b.min(31)) as u32),
        Op::ShfLWrap => w_www::<FULL>(rows, inst, mask, |a, b, c| bits::funnel_left(a, b, c & 31)),
        Op::ShfLClamp => w_www::<FULL>(rows, inst, mask, |a, b, c| bits::funnel_left(a, b, c.min(32))),
        Op::ShfRWrap => w_www::<FULL>(rows, inst, mask, |a, b, c| bits::funnel_right(a, b, c & 31)),
        Op::ShfRClamp => w_www::<FULL>(rows, inst, mask, |a, b, c| bits::funnel_right(a, b, c.min(32))),
        Op::Lop3 => {
            let table = inst.e;
            w_www::<FULL>(rows, inst, mask, |a, b, c| bits::lookup3(table, a, b, c));
        }
        Op::Prmt => {
            let mode = inst.e;
            w_www::<FULL>(rows, inst, mask, |a, b, c| bits::permute(mode, a, b, c));
        }
        Op::BfeU32 => w_www::<FULL>(rows, inst, mask, |a, b, c| bits::extract(u64::from(a), b, c, 32) as u32),
        Op::BfeS32 => {
            w_www::<FULL>(rows, inst, mask, |a, b, c| bits::extract_signed(u64::from(a), b, c, 32) as u32)
        }
        Op::Bfi32 => {
            w_wwww::<FULL>(rows, inst, mask, |a, b, c, e| bits::insert(a.into(), b.into(), c, e, 32) as u32);
        }
        Op::Brev32 => w_w::<FULL>(rows, inst, mask, u32::reverse_bits),
        Op::Clz32 => w_w::<FULL>(rows, inst, mask, u32::leading_zeros),
        Op::Popc32 => w_w::<FULL>(rows, inst, mask, u32::count_ones),
        Op::BfindU32 => w_w::<FULL>(rows, inst, mask, |a| bits::leading(a.into())),
        Op::BfindS32 => {
            w_w::<FULL>(rows, inst, mask, |a| bits::leading((a ^ (a as i32 >> 31) as u32).into()))
        }
        Op::Sext8 => w_w::<FULL>(rows, inst, mask, |a| a as i8 as u32),
        Op::Sext16 => w_w::<FULL>(rows, inst, mask, |a| a as i16 as u32),
        Op::Abs32 => w_w::<FULL>(rows, inst, mask, |a| (a as i32).wrapping_abs() as u32),
        Op::Eq32 => p_ww::<FULL>(rows, inst, mask, |a, b| a == b),
        Op::Ne32 => p_ww::<FULL>(rows, inst, mask, |a, b| a != b),
        Op::LtU32 => p_ww::<FULL>(rows, inst, mask, |a, b| a < b),
        Op::LeU32 => p_ww::<FULL>(rows, inst, mask, |a, b| a <= b),
        Op::LtS32 => p_ww::<FULL>(rows, inst, mask, |a, b| (a as i32) < b as i32),
        Op::LeS32 => p_ww::<FULL>(rows, inst, mask, |a, b| a as i32 <= b as i32),
        Op::Sel32 => select::<FULL>(rows, inst, mask),

        Op::Mov64 => d_d::<FULL>(rows, inst, mask, |a| a),
        Op::Add64 => d_dd::<FULL>(rows, inst, mask, u64::wrapping_add),
        Op::AddCc64 => sum64::<FULL, false, true>(rows, inst, mask),
        Op::Addc64 => sum64::<FULL, true, false>(rows, inst, mask),
        Op::AddcCc64 => sum64::<FULL, true, true>(rows, inst, mask),
        Op::Sub64 => d_dd::<FULL>(rows, inst, mask, u64::wrapping_sub),
        Op::SubCc64 => difference64::<FULL, false, true>(rows, inst, mask),
        Op::Subc64 => difference64::<FULL, true, false>(rows, inst, mask),
        Op::SubcCc64 => difference64::<FULL, true, true>(rows, inst, mask),
        Op::Mul64 => d_dd::<FULL>(rows, inst, mask, low64),
        Op::MulHiU64 => d_dd::<FULL>(rows, inst, mask, high64),
        Op::MulHiS64 => d_dd::<FULL>(rows, inst, mask, high64_signed),
        Op::Mad64 => multiply_add64::<FULL, false, false>(rows, inst, mask, low64),
        Op::MadCc64 => multiply_add64::<FULL, false, true>(rows, inst, mask, low64),
        Op::Madc64 => multiply_add64::<FULL, true, false>(rows, inst, mask, low64),
        Op::MadcCc64 => multiply_add64::<FULL, true, true>(rows, inst, mask, low64),
        Op::MadHiU64 => multiply_add64::<FULL, false, false>(rows, inst, mask, high64),
        Op::MadHiCcU64 => multiply_add64::<FULL, false, true>(rows, inst, mask, high64),
        Op::MadcHiU64 => multiply_add64::<FULL, true, false>(rows, inst, mask, high64),
        Op::MadcHiCcU64 => multiply_add64::<FULL, true, true>(rows, inst, mask, high64),
        Op::MadHiS64 => multiply_add64::<FULL, false, false>(rows, inst, mask, high64_signed),
        Op::MadHiCcS64 => multiply_add64::<FULL, false, true>(rows, inst, mask, high64_signed),
        Op::MadcHiS64 => multiply_add64::<FULL, true, false>(rows, inst, mask, high64_signed),
        Op::MadcHiCcS64 => multiply_add64::<FULL, true, true>(rows, inst, mask, high64_signed),
        Op::DivU64 => d_dd::<FULL>(rows, inst, mask, |a, b| a.checked_div(b).unwrap_or(u64::MAX)),
        Op::DivS64 => d_dd::<FULL>(rows, inst, mask, bits::divide_signed64),
        Op::RemU64 => d_dd::<FULL>(rows, inst, mask, |a, b| a.checked_rem(b).unwrap_or(a)),
        Op::RemS64 => d_dd::<FULL>(rows, inst, mask, bits::remainder_signed64),
        Op::MinU64 => d_dd::<FULL>(rows, inst, mask, u64::min),
        Op::MinS64 => d_dd::<FULL>(rows, inst, mask, |a, b| (a as i64).min(b as i64) as u64),
        Op::MaxU64 => d_dd::<FULL>(rows, inst, mask, u64::max),
        Op::MaxS64 => d_dd::<FULL>(rows, inst, mask, |a, b| (a as i64).max(b as i64) as u64),
        Op::And64 => d_dd::<FULL>(rows, inst, mask, |a, b| a & b),
        Op::Or64 => d_dd::<FULL>(rows, inst, mask, |a, b| a | b),
        Op::Xor64 => d_dd::<FULL>(rows, inst, mask, |a, b| a ^ b),
        Op::Not64 => d_d::<FULL>(rows, inst, mask, |a| !a),
        Op::Shl64 => d_dw::<FULL>(rows, inst, mask, |a, b| if b > 63 { 0 } else { a << (b & 63) }),
        Op::ShrU64 => d_dw::<FULL>(rows, inst, mask, |a, b| if b > 63 { 0 } else { a >> (b & 63) }),
        Op::ShrS64 => d_dw::<FULL>(rows, inst, mask, |a, b| (a as i64 >> b.min(63)) as u64),
        Op::BfeU64 => d_dww::<FULL>(rows, inst, mask, |a, b, c| bits::extract(a, b, c, 64)),
        Op::BfeS64 => d_dww::<FULL>(rows, inst, mask, |a, b, c| bits::extract_signed(a, b, c, 64)),
        Op::Bfi64 => d_ddww::<FULL>(rows, inst, mask, |a, b, c, e| bits::insert(a, b, c, e, 64)),
        Op::Brev64 => d_d::<FULL>(rows, inst, mask, u64::reverse_bits),
        Op::Clz64 => w_d::<FULL>(rows, inst, mask, u64::leading_zeros),
        Op::Popc64 => w_d::<FULL>(rows, inst, mask, u64::count_ones),
        Op::BfindU64 => w_d::<FULL>(rows, inst, mask, bits::leading),
        Op::BfindS64 => w_d::<FULL>(rows, inst, mask, |a| bits::leading(a ^ (a as i64 >> 63) as u64)),
        Op::Abs64 => d_d::<FULL>(rows, inst, mask, |a| (a as i64).wrapping_abs() as u64),
        Op::Eq64 => p_dd::<FULL>(rows, inst, mask, |a, b| a == b),
        Op::Ne64 => p_dd::<FULL>(rows, inst, mask, |a, b| a != b),
        Op::LtU64 => p_dd::<FULL>(rows, inst, mask, |a, b| a < b),
        Op::LeU64 => p_dd::<FULL>(rows, inst, mask, |a, b| a <= b),
        Op::LtS64 => p_dd::<FULL>(rows, inst, mask, |a, b| (a as i64) < b as i64),
        Op::LeS64 => p_dd::<FULL>(rows, inst, mask, |a, b| a as i64 <= b as i64),
        Op::Sel64 => select64::<FULL>(rows, inst, mask),

        Op::WideU => d_ww::<FULL>(rows, inst, mask, |a, b| u64::from(a) * u64::from(b)),
        Op::WideS => {
            d_ww::<FULL>(rows, inst, mask, |a, b| (i64::from(a as i32) * i64::from(b as i32)) as u64)
        }
        Op::MadWideU => {
            d_wwd::<FULL>(rows, inst, mask, |a, b, c| (u64::from(a) * u64::from(b)).wrapping_add(c));
        }
        Op::MadWideS => d_wwd::<FULL>(rows, inst, mask, |a, b, c| {
            ((i64::from(a as i32) * i64::from(b as i32)) as u64).wrapping_add(c)
        }),
        Op::Pack => d_ww::<FULL>(rows, inst, mask, |a, b| u64::from(a) | u64::from(b) << 32),
        Op::Low => w_d::<FULL>(rows, inst, mask, |a| a as u32),
        Op::High => w_d::<FULL>(rows, inst, mask, |a| (a >> 32) as u32),
        Op::Zext => d_w::<FULL>(rows, inst, mask, u64::from),
        Op::Sext => d_w::<FULL>(rows, inst, mask, |a| a as i32 as u64),

        Op::MovP => {
            let out = rows.p[inst.a as usize];
            put_p::<FULL>(rows, inst.d, out, mask);
        }
        Op::NotP => {
            let out = !rows.p[inst.a as usize];
            put_p::<FULL>(rows, inst.d, out, mask);
        }
        Op::AndP => predicates::<FULL>(rows, inst, mask, |a, b| a & b),
        Op::OrP => predicates::<FULL>(rows, inst, mask, |a, b| a | b),
        Op::XorP => predicates::<FULL>(rows, inst, mask, |a, b| a ^ b),
        Op::SetP => put_p::<FULL>(rows, inst.d, if inst.e != 0 { u32::MAX } else { 0 }, mask),
        Op::Param32 => {
            let out = [parameter::<4>(rows, inst) as u32; LANES];
            put32::<FULL>(rows, inst.d, out, mask);
        }
        Op::Param64 => {
            let out = [parameter::<8>(rows, inst); LANES];
            put64::<FULL>(rows, inst.d, out, mask);
        }
        _ => return false,
    }
    true
}

/// Rows whose values are all given.
pub fn broadcast(rows: &mut Rows, d: u32, out: [u32; LANES], mask: u32) {
    put32::<false>(rows, d, out, mask);
}

/// As [`broadcast`], of 64 bits.
pub fn broadcast64(rows: &mut Rows, d: u32, value: u64, mask: u32) {
    put64::<false>(rows, d, [value; LANES], mask);
}

const _: () = assert!(size_of::<Words>() == 128 && size_of::<Doubles>() == 256);
