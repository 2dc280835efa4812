//! The carry flag: every instruction that writes it before every one that reads it.

use super::{check, word};

/// A 32-bit operation on `(a, b, c, carry)`: result and carry.
type Model = fn(u32, u32, u32, u32) -> (u32, u32);

fn split(sum: u64) -> (u32, u32) {
    (sum as u32, (sum >> 32) as u32)
}

fn add(a: u32, b: u32, _: u32, carry: u32) -> (u32, u32) {
    split(u64::from(a) + u64::from(b) + u64::from(carry))
}

/// The flag is the borrow.
fn sub(a: u32, b: u32, _: u32, borrow: u32) -> (u32, u32) {
    let difference = i64::from(a) - i64::from(b) - i64::from(borrow);
    (difference as u32, u32::from(difference < 0))
}

fn mad_lo(a: u32, b: u32, c: u32, carry: u32) -> (u32, u32) {
    split(u64::from(a.wrapping_mul(b)) + u64::from(c) + u64::from(carry))
}

fn mad_hi(a: u32, b: u32, c: u32, carry: u32) -> (u32, u32) {
    split(((u64::from(a) * u64::from(b)) >> 32) + u64::from(c) + u64::from(carry))
}

fn mad_hi_signed(a: u32, b: u32, c: u32, carry: u32) -> (u32, u32) {
    let high = ((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32;
    split(u64::from(high) + u64::from(c) + u64::from(carry))
}

/// Names without and with carry-in, operands after the destination, model.
const FORMS: [(&str, &str, &str, &str, Model); 6] = [
    ("add", "addc", "u32", "%a, %b", add),
    ("sub", "subc", "s32", "%a, %b", sub),
    ("mad.lo", "madc.lo", "u32", "%a, %b, %c", mad_lo),
    ("mad.lo", "madc.lo", "s32", "%a, %b, %c", mad_lo),
    ("mad.hi", "madc.hi", "u32", "%a, %b, %c", mad_hi),
    ("mad.hi", "madc.hi", "s32", "%a, %b, %c", mad_hi_signed),
];

#[test]
fn carry_out() {
    for (name, _, ty, operands, model) in FORMS {
        let body = format!("{name}.cc.{ty} %x, {operands}; addc.u32 %y, 0, 0; mov.b64 %X, {{%x, %y}};");
        check(&body, |a, b, c| {
            let (value, carry) = model(a as u32, b as u32, c as u32, 0);
            [u64::from(value) | u64::from(carry) << 32, 0]
        });
    }
}

#[test]
fn carry_in_and_out() {
    // The flag comes in as the parity of C's high word.
    for (_, name, ty, operands, model) in FORMS {
        let set = "and.b32 %t1, %i, 1; add.cc.u32 %t1, %t1, 0xffffffff;";
        let body = format!("{set} {name}.cc.{ty} %x, {operands}; addc.u32 %y, 0, 0; mov.b64 %X, {{%x, %y}};");
        check(&body, |a, b, c| {
            let (value, carry) = model(a as u32, b as u32, c as u32, (c >> 32) as u32 & 1);
            [u64::from(value) | u64::from(carry) << 32, 0]
        });
    }
}

#[test]
fn instructions_without_cc_leave_the_flag() {
    for (_, name, ty, operands, model) in FORMS {
        let set = "and.b32 %t1, %i, 1; add.cc.u32 %t1, %t1, 0xffffffff;";
        let body = format!("{set} {name}.{ty} %x, {operands}; addc.u32 %y, 0, 0; mov.b64 %X, {{%x, %y}};");
        check(&body, |a, b, c| {
            let flag = (c >> 32) as u32 & 1;
            let (value, _) = model(a as u32, b as u32, c as u32, flag);
            [u64::from(value) | u64::from(flag) << 32, 0]
        });
    }
    word(
        "add.cc.u32 %x, %a, %b; add.u32 %t1, %a, %a; mul.lo.u32 %t2, %t1, 3; addc.u32 %x, 0, 0;",
        |a, b, _| u32::from(a.checked_add(b).is_none()),
    );
}

#[test]
fn guarded_instructions_leave_the_flag_of_others() {
    // Odd C: the guarded instruction runs and clears the flag.
    word("add.cc.u32 %x, %a, %b; @%q add.cc.u32 %t1, 0, 0; addc.u32 %x, 0, 0;", |a, b, c| {
        if c & 1 == 1 { 0 } else { u32::from(a.checked_add(b).is_none()) }
    });
}

fn split64(sum: u128) -> [u64; 2] {
    [sum as u64, (sum >> 64) as u64]
}

/// Forms on 64 bits; the flag comes in as the parity of B.
#[test]
fn carries_of_64_bits() {
    let set = "cvt.u32.u64 %t1, %B; and.b32 %t1, %t1, 1; add.cc.u32 %t1, %t1, 0xffffffff;";
    let flag = |b: u64| u128::from(b & 1);
    let out = "addc.u64 %Y, 0, 0;";
    check(&format!("add.cc.u64 %X, %A, %B; {out}"), |a, b, _| split64(u128::from(a) + u128::from(b)));
    check(&format!("{set} addc.cc.u64 %X, %A, %B; {out}"), |a, b, _| {
        split64(u128::from(a) + u128::from(b) + flag(b))
    });
    check(&format!("sub.cc.s64 %X, %A, %B; {out}"), |a, b, _| [a.wrapping_sub(b), u64::from(a < b)]);
    check(&format!("{set} subc.cc.u64 %X, %A, %B; {out}"), |a, b, _| {
        let difference = i128::from(a) - i128::from(b) - (b & 1) as i128;
        [difference as u64, u64::from(difference < 0)]
    });
    check(&format!("mad.lo.cc.u64 %X, %A, %B, %C; {out}"), |a, b, c| {
        split64(u128::from(a.wrapping_mul(b)) + u128::from(c))
    });
    check(&format!("{set} madc.lo.cc.s64 %X, %A, %B, %C; {out}"), |a, b, c| {
        split64(u128::from(a.wrapping_mul(b)) + u128::from(c) + flag(b))
    });
    check(&format!("mad.hi.cc.u64 %X, %A, %B, %C; {out}"), |a, b, c| {
        split64(((u128::from(a) * u128::from(b)) >> 64) + u128::from(c))
    });
    check(&format!("{set} madc.hi.cc.u64 %X, %A, %B, %C; {out}"), |a, b, c| {
        split64(((u128::from(a) * u128::from(b)) >> 64) + u128::from(c) + flag(b))
    });
    check(&format!("{set} madc.hi.cc.s64 %X, %A, %B, %C; {out}"), |a, b, c| {
        let high = ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64;
        split64(u128::from(high) + u128::from(c) + flag(b))
    });
    check(&format!("{set} madc.hi.u64 %X, %A, %B, %C; {out}"), |a, b, c| {
        let sum = ((u128::from(a) * u128::from(b)) >> 64) + u128::from(c) + flag(b);
        [sum as u64, b & 1]
    });
}

#[test]
fn flags_go_from_one_width_to_the_other() {
    check("add.cc.u64 %X, %A, %B; addc.cc.u32 %x, %a, %b; addc.u64 %Y, 0, 0;", |a, b, _| {
        let first = u128::from(a) + u128::from(b);
        let second = u64::from(a as u32) + u64::from(b as u32) + (first >> 64) as u64;
        [first as u64, second >> 32]
    });
}

#[test]
fn a_chain_adds_256_bits() {
    let body = "
        mov.b64 {%t0, %t1}, %A; mov.b64 {%t2, %t3}, %B;
        add.cc.u32 %t4, %t0, %t2; addc.cc.u32 %t5, %t1, %t3; addc.cc.u32 %t6, %t0, %t3; addc.u32 %t7, %t1, %t2;
        mov.b64 %X, {%t4, %t5}; mov.b64 %Y, {%t6, %t7};";
    check(body, |a, b, _| {
        let (x, y) =
            (u128::from(a) | u128::from(a) << 64, u128::from(b) | u128::from(b.rotate_left(32)) << 64);
        split64(x.wrapping_add(y))
    });
}
