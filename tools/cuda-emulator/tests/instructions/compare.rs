use super::{check, double, half, predicate, word};

type Compare = fn(i128, i128) -> bool;

const SIGNED: [(&str, Compare); 6] = [
    ("eq", |a, b| a == b),
    ("ne", |a, b| a != b),
    ("lt", |a, b| a < b),
    ("le", |a, b| a <= b),
    ("gt", |a, b| a > b),
    ("ge", |a, b| a >= b),
];

const UNSIGNED: [(&str, Compare); 4] =
    [("lo", |a, b| a < b), ("ls", |a, b| a <= b), ("hi", |a, b| a > b), ("hs", |a, b| a >= b)];

/// Registers of a type, and what they hold.
fn typed(ty: &str) -> (&'static str, fn(u64) -> i128) {
    match ty {
        "u16" | "b16" => ("%ha, %hb", |a| i128::from(a as u16)),
        "s16" => ("%ha, %hb", |a| i128::from(a as i16)),
        "u32" | "b32" => ("%a, %b", |a| i128::from(a as u32)),
        "s32" => ("%a, %b", |a| i128::from(a as i32)),
        "u64" | "b64" => ("%A, %B", i128::from),
        _ => ("%A, %B", |a| i128::from(a as i64)),
    }
}

#[test]
fn comparisons() {
    for ty in ["u16", "s16", "u32", "s32", "u64", "s64"] {
        let (operands, value) = typed(ty);
        for (name, compare) in SIGNED {
            predicate(&format!("setp.{name}.{ty} %p0, {operands};"), |a, b, _| compare(value(a), value(b)));
        }
    }
    for ty in ["u16", "u32", "u64"] {
        let (operands, value) = typed(ty);
        for (name, compare) in UNSIGNED {
            predicate(&format!("setp.{name}.{ty} %p0, {operands};"), |a, b, _| compare(value(a), value(b)));
        }
    }
    for ty in ["b16", "b32", "b64"] {
        let (operands, value) = typed(ty);
        predicate(&format!("setp.eq.{ty} %p0, {operands};"), |a, b, _| value(a) == value(b));
    }
}

#[test]
fn comparisons_with_a_predicate() {
    let (less, odd) = (|a: u64, b: u64| (a as i32) < b as i32, |c: u64| c & 1 == 1);
    predicate("setp.lt.and.s32 %p0, %a, %b, %q;", |a, b, c| less(a, b) && odd(c));
    predicate("setp.lt.or.s32 %p0, %a, %b, !%q;", |a, b, c| less(a, b) || !odd(c));
    predicate("setp.lt.xor.s32 %p0, %a, %b, %q;", |a, b, c| less(a, b) != odd(c));
    let both = "selp.u64 %X, 1, 0, %p0; selp.u64 %Y, 1, 0, %p1;";
    check(&format!("setp.lt.s32 %p0|%p1, %a, %b; {both}"), |a, b, _| {
        [u64::from(less(a, b)), u64::from(!less(a, b))]
    });
    check(&format!("setp.lt.and.s32 %p0|%p1, %a, %b, %q; {both}"), |a, b, c| {
        [u64::from(less(a, b) && odd(c)), u64::from(!less(a, b) && odd(c))]
    });
    // The second destination is computed from the sources, not from the first.
    check(&format!("mov.pred %p0, %q; setp.lt.and.s32 %p0|%p1, %a, %b, %p0; {both}"), |a, b, c| {
        [u64::from(less(a, b) && odd(c)), u64::from(!less(a, b) && odd(c))]
    });
    check(
        &format!("mov.pred %p0, %q; setp.ne.u32 %p1, 0, 0; @%p0 setp.lt.s32 %p0, %a, %b; {both}"),
        |a, b, c| [u64::from(less(a, b) && odd(c)), 0],
    );
}

#[test]
fn sets() {
    word("set.lt.u32.s32 %x, %a, %b;", |a, b, _| if (a as i32) < b as i32 { u32::MAX } else { 0 });
    word("set.ge.and.s32.u32 %x, %a, %b, %q;", |a, b, c| if a >= b && c & 1 == 1 { u32::MAX } else { 0 });
    double("set.eq.u32.u64 %x, %A, %B; cvt.u64.u32 %X, %x;", |a, b, _| if a == b { 0xffff_ffff } else { 0 });
}

#[test]
fn selections() {
    word("selp.b32 %x, %a, %b, %q;", |a, b, c| if c & 1 == 1 { a } else { b });
    word("selp.u32 %x, %a, -1, !%q;", |a, _, c| if c & 1 == 1 { u32::MAX } else { a });
    half("selp.b16 %hx, %ha, %hb, %q;", |a, b, c| if c & 1 == 1 { a } else { b });
    double("selp.b64 %X, %A, %B, %q;", |a, b, c| if c & 1 == 1 { a } else { b });
    word("slct.u32.s32 %x, %a, %b, %c;", |a, b, c| if c as i32 >= 0 { a } else { b });
    double("slct.b64.s32 %X, %A, %B, %c;", |a, b, c| if c as i32 >= 0 { a } else { b });
}

#[test]
fn guards() {
    word("mov.u32 %x, %b; @%q mov.u32 %x, %a;", |a, b, c| if c & 1 == 1 { a } else { b });
    word("mov.u32 %x, %b; @!%q add.u32 %x, %a, 1;", |a, b, c| if c & 1 == 0 { a.wrapping_add(1) } else { b });
    double(
        "mov.u64 %X, %B; @%q mul.lo.u64 %X, %A, %A;",
        |a, b, c| if c & 1 == 1 { a.wrapping_mul(a) } else { b },
    );
    word("mov.u32 %x, %b; @%q mul24.lo.u32 %x, %a, 3;", |a, b, c| {
        if c & 1 == 1 { (a & 0xff_ffff).wrapping_mul(3) } else { b }
    });
}
