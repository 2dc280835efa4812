use super::{check, double};

/// Bits of an integer type, by the value's sign.
fn read(a: u64, ty: &str) -> i128 {
    match ty {
        "u8" => i128::from(a as u8),
        "s8" => i128::from(a as i8),
        "u16" => i128::from(a as u16),
        "s16" => i128::from(a as i16),
        "u32" => i128::from(a as u32),
        "s32" => i128::from(a as i32),
        "u64" => i128::from(a),
        _ => i128::from(a as i64),
    }
}

fn bits(ty: &str) -> u32 {
    ty[1..].parse().unwrap()
}

/// Value of the type's bits after conversion, as an integer.
fn wrap(value: i128, ty: &str) -> i128 {
    read(value as u64, ty)
}

fn clamp(value: i128, ty: &str) -> i128 {
    let size = bits(ty);
    let (least, most) = match ty.as_bytes()[0] {
        b's' => (-(1_i128 << (size - 1)), (1_i128 << (size - 1)) - 1),
        _ => (0, (1_i128 << size) - 1),
    };
    value.clamp(least, most)
}

const TYPES: [&str; 8] = ["u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64"];

fn register(ty: &str, letter: char) -> String {
    match bits(ty) {
        64 => format!("%{}", letter.to_ascii_uppercase()),
        32 => format!("%{letter}"),
        _ => format!("%h{letter}"),
    }
}

/// Widens the destination's register into X.
fn widen(ty: &str) -> &'static str {
    match bits(ty) {
        64 => "",
        32 => "cvt.u64.u32 %X, %x;",
        _ => "cvt.u64.u16 %X, %hx;",
    }
}

#[test]
fn every_pair_of_types() {
    for to in TYPES {
        for from in TYPES {
            let (d, a) = (register(to, 'x'), register(from, 'a'));
            let size = bits(to).max(16);
            let mask = u64::MAX >> (64 - size);
            check(&format!("cvt.{to}.{from} {d}, {a}; {}", widen(to)), |a, _, _| {
                [wrap(read(a, from), to) as u64 & mask, 0]
            });
            check(&format!("cvt.sat.{to}.{from} {d}, {a}; {}", widen(to)), |a, _, _| {
                [clamp(read(a, from), to) as u64 & mask, 0]
            });
        }
    }
}

#[test]
fn registers_wider_than_their_types() {
    double("cvt.s8.s32 %x, %a; cvt.u64.u32 %X, %x;", |a, _, _| u64::from(a as i8 as u32));
    double("cvt.u8.u32 %x, %a; cvt.u64.u32 %X, %x;", |a, _, _| u64::from(a as u8));
    double("cvt.s16.s64 %X, %A;", |a, _, _| a as i16 as u64);
    double("cvt.u32.u8 %x, %a; cvt.u64.u32 %X, %x;", |a, _, _| u64::from(a as u8));
    double("cvt.s32.s8 %x, %a; cvt.u64.u32 %X, %x;", |a, _, _| u64::from(a as i8 as u32));
    double("cvt.u64.u32 %X, %A;", |a, _, _| u64::from(a as u32));
    double("cvt.s64.s16 %X, %A;", |a, _, _| a as i16 as u64);
}

#[test]
fn moves() {
    double("mov.b64 %X, %A;", |a, _, _| a);
    double("mov.u64 %X, -1;", |_, _, _| u64::MAX);
    double("mov.u32 %x, -2; cvt.u64.u32 %X, %x;", |_, _, _| 0xffff_fffe);
    double("mov.b16 %hx, %ha; cvt.u64.u16 %X, %hx;", |a, _, _| a & 0xffff);
    double("mov.b64 %X, {%a, %b};", |a, b, _| a & 0xffff_ffff | b << 32);
    double("mov.b64 {%x, %y}, %A; mov.b64 %X, {%y, %x};", |a, _, _| a.rotate_left(32));
    double("mov.b32 %x, {%ha, %hb}; cvt.u64.u32 %X, %x;", |a, b, _| a & 0xffff | (b & 0xffff) << 16);
    double("mov.b32 {%hx, %hy}, %a; cvt.u64.u16 %X, %hy;", |a, _, _| a >> 16 & 0xffff);
    double("mov.b64 %X, {%ha, %hb, %hc, %ha};", |a, b, c| {
        a & 0xffff | (b & 0xffff) << 16 | (c & 0xffff) << 32 | a << 48
    });
    double("mov.b64 {_, %y}, %A; cvt.u64.u32 %X, %y;", |a, _, _| a >> 32);
}
