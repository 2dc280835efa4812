use super::{check, double, half, word};

#[test]
fn sums_and_differences() {
    word("add.u32 %x, %a, %b;", |a, b, _| a.wrapping_add(b));
    word("add.s32 %x, %a, -7;", |a, _, _| a.wrapping_sub(7));
    word("sub.s32 %x, %a, %b;", |a, b, _| a.wrapping_sub(b));
    half("add.u16 %hx, %ha, %hb;", |a, b, _| a.wrapping_add(b));
    half("sub.s16 %hx, %ha, %hb;", |a, b, _| a.wrapping_sub(b));
    double("add.u64 %X, %A, %B;", |a, b, _| a.wrapping_add(b));
    double("sub.s64 %X, %A, %B;", |a, b, _| a.wrapping_sub(b));
    double("add.s64 %X, %A, 0xfffffffffffffff0;", |a, _, _| a.wrapping_sub(16));
    word("add.sat.s32 %x, %a, %b;", |a, b, _| (a as i32).saturating_add(b as i32) as u32);
    word("sub.sat.s32 %x, %a, %b;", |a, b, _| (a as i32).saturating_sub(b as i32) as u32);
}

#[test]
fn products() {
    word("mul.lo.u32 %x, %a, %b;", |a, b, _| (u64::from(a) * u64::from(b)) as u32);
    word("mul.hi.u32 %x, %a, %b;", |a, b, _| ((u64::from(a) * u64::from(b)) >> 32) as u32);
    word("mul.hi.s32 %x, %a, %b;", |a, b, _| ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32);
    double("mul.wide.u32 %X, %a, %b;", |a, b, _| u64::from(a as u32) * u64::from(b as u32));
    double("mul.wide.s32 %X, %a, %b;", |a, b, _| (i64::from(a as i32) * i64::from(b as i32)) as u64);
    half("mul.lo.s16 %hx, %ha, %hb;", |a, b, _| a.wrapping_mul(b));
    half("mul.hi.u16 %hx, %ha, %hb;", |a, b, _| ((u32::from(a) * u32::from(b)) >> 16) as u16);
    half("mul.hi.s16 %hx, %ha, %hb;", |a, b, _| ((i32::from(a as i16) * i32::from(b as i16)) >> 16) as u16);
    word("mul.wide.u16 %x, %ha, %hb;", |a, b, _| u32::from(a as u16) * u32::from(b as u16));
    word("mul.wide.s16 %x, %ha, %hb;", |a, b, _| (i32::from(a as i16) * i32::from(b as i16)) as u32);
    double("mul.lo.u64 %X, %A, %B;", |a, b, _| (u128::from(a) * u128::from(b)) as u64);
    double("mul.hi.u64 %X, %A, %B;", |a, b, _| ((u128::from(a) * u128::from(b)) >> 64) as u64);
    double("mul.hi.s64 %X, %A, %B;", |a, b, _| ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64);
    word("mul24.lo.u32 %x, %a, %b;", |a, b, _| (u64::from(a & 0xff_ffff) * u64::from(b & 0xff_ffff)) as u32);
    word("mul24.hi.u32 %x, %a, %b;", |a, b, _| {
        ((u64::from(a & 0xff_ffff) * u64::from(b & 0xff_ffff)) >> 16) as u32
    });
    let signed24 = |a: u32| i64::from((a << 8) as i32 >> 8);
    word("mul24.lo.s32 %x, %a, %b;", |a, b, _| (signed24(a) * signed24(b)) as u32);
    word("mul24.hi.s32 %x, %a, %b;", |a, b, _| ((signed24(a) * signed24(b)) >> 16) as u32);
}

#[test]
fn products_and_sums() {
    word("mad.lo.u32 %x, %a, %b, %c;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    word("mad.hi.u32 %x, %a, %b, %c;", |a, b, c| {
        (((u64::from(a) * u64::from(b)) >> 32) as u32).wrapping_add(c)
    });
    word("mad.hi.s32 %x, %a, %b, %c;", |a, b, c| {
        (((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32).wrapping_add(c)
    });
    double("mad.wide.u32 %X, %a, %b, %C;", |a, b, c| {
        (u64::from(a as u32) * u64::from(b as u32)).wrapping_add(c)
    });
    double("mad.wide.s32 %X, %a, %b, %C;", |a, b, c| {
        ((i64::from(a as i32) * i64::from(b as i32)) as u64).wrapping_add(c)
    });
    half("mad.lo.u16 %hx, %ha, %hb, %hc;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    word("mad.wide.u16 %x, %ha, %hb, %c;", |a, b, c| {
        (u32::from(a as u16) * u32::from(b as u16)).wrapping_add(c)
    });
    double("mad.lo.s64 %X, %A, %B, %C;", |a, b, c| a.wrapping_mul(b).wrapping_add(c));
    double("mad.hi.u64 %X, %A, %B, %C;", |a, b, c| {
        (((u128::from(a) * u128::from(b)) >> 64) as u64).wrapping_add(c)
    });
    word("mad24.lo.u32 %x, %a, %b, %c;", |a, b, c| {
        ((u64::from(a & 0xff_ffff) * u64::from(b & 0xff_ffff)) as u32).wrapping_add(c)
    });
    word("sad.u32 %x, %a, %b, %c;", |a, b, c| a.abs_diff(b).wrapping_add(c));
    word("sad.s32 %x, %a, %b, %c;", |a, b, c| (a as i32).abs_diff(b as i32).wrapping_add(c));
    double("sad.u64 %X, %A, %B, %C;", |a, b, c| a.abs_diff(b).wrapping_add(c));
}

#[test]
fn quotients() {
    // A division by zero gives an unspecified value that depends on the machine.
    word("max.u32 %t1, %b, 1; div.u32 %x, %a, %t1;", |a, b, _| a / b.max(1));
    word("max.u32 %t1, %b, 1; rem.u32 %x, %a, %t1;", |a, b, _| a % b.max(1));
    let divisor = "setp.eq.u32 %p1, %b, 0; selp.u32 %t1, 3, %b, %p1;";
    let by = |b: u32| if b == 0 { 3 } else { b as i32 };
    word(&format!("{divisor} div.s32 %x, %a, %t1;"), |a, b, _| (a as i32).wrapping_div(by(b)) as u32);
    word(&format!("{divisor} rem.s32 %x, %a, %t1;"), |a, b, _| (a as i32).wrapping_rem(by(b)) as u32);
    let divisor = "setp.eq.u64 %p1, %B, 0; selp.u64 %T1, 3, %B, %p1;";
    let by = |b: u64| if b == 0 { 3 } else { b };
    double(&format!("{divisor} div.u64 %X, %A, %T1;"), |a, b, _| a / by(b));
    double(&format!("{divisor} rem.u64 %X, %A, %T1;"), |a, b, _| a % by(b));
    double(&format!("{divisor} div.s64 %X, %A, %T1;"), |a, b, _| {
        (a as i64).wrapping_div(by(b) as i64) as u64
    });
    double(&format!("{divisor} rem.s64 %X, %A, %T1;"), |a, b, _| {
        (a as i64).wrapping_rem(by(b) as i64) as u64
    });
    half("max.u16 %hy, %hb, 1; div.u16 %hx, %ha, %hy;", |a, b, _| a / b.max(1));
}

#[test]
fn extremes_and_signs() {
    word("min.u32 %x, %a, %b;", |a, b, _| a.min(b));
    word("max.u32 %x, %a, %b;", |a, b, _| a.max(b));
    word("min.s32 %x, %a, %b;", |a, b, _| (a as i32).min(b as i32) as u32);
    word("max.s32 %x, %a, %b;", |a, b, _| (a as i32).max(b as i32) as u32);
    half("min.s16 %hx, %ha, %hb;", |a, b, _| (a as i16).min(b as i16) as u16);
    half("max.u16 %hx, %ha, %hb;", |a, b, _| a.max(b));
    double("min.u64 %X, %A, %B;", |a, b, _| a.min(b));
    double("max.u64 %X, %A, %B;", |a, b, _| a.max(b));
    double("min.s64 %X, %A, %B;", |a, b, _| (a as i64).min(b as i64) as u64);
    double("max.s64 %X, %A, %B;", |a, b, _| (a as i64).max(b as i64) as u64);
    word("neg.s32 %x, %a;", |a, _, _| a.wrapping_neg());
    word("abs.s32 %x, %a;", |a, _, _| (a as i32).wrapping_abs() as u32);
    half("neg.s16 %hx, %ha;", |a, _, _| a.wrapping_neg());
    half("abs.s16 %hx, %ha;", |a, _, _| (a as i16).wrapping_abs() as u16);
    double("neg.s64 %X, %A;", |a, _, _| a.wrapping_neg());
    double("abs.s64 %X, %A;", |a, _, _| (a as i64).wrapping_abs() as u64);
}

#[test]
fn sources_are_read_before_the_destination_is_written() {
    word("mov.u32 %x, %a; mad.lo.u32 %x, %x, %x, %x;", |a, _, _| a.wrapping_mul(a).wrapping_add(a));
    double("mov.u64 %X, %A; mad.lo.u64 %X, %X, %X, %X;", |a, _, _| a.wrapping_mul(a).wrapping_add(a));
    check("mov.b64 {%t1, %t2}, %A; mov.b64 {%t2, %t1}, %A; mov.b64 %X, {%t1, %t2};", |a, _, _| {
        [a.rotate_left(32), 0]
    });
}
