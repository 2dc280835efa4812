use super::{double, half, predicate, word};

/// One bit at a time, as the specification words `bfe`.
fn extract(a: u64, b: u32, c: u32, width: u32, signed: bool) -> u64 {
    let (position, length, top) = (b & 255, c & 255, width - 1);
    let sign = if !signed || length == 0 { 0 } else { a >> (position + length - 1).min(top) & 1 };
    (0..width).fold(0, |d, i| {
        d | (if i < length && position + i <= top { a >> (position + i) & 1 } else { sign }) << i
    })
}

/// One bit at a time, as the specification words `bfi`.
fn insert(a: u64, b: u64, c: u32, d: u32, width: u32) -> u64 {
    let (position, length) = (c & 255, d & 255);
    (0..length).filter(|i| position + i < width).fold(b, |f, i| {
        let at = position + i;
        f & !(1 << at) | (a >> i & 1) << at
    })
}

#[test]
fn logic() {
    word("and.b32 %x, %a, %b;", |a, b, _| a & b);
    word("or.b32 %x, %a, %b;", |a, b, _| a | b);
    word("xor.b32 %x, %a, %b;", |a, b, _| a ^ b);
    word("not.b32 %x, %a;", |a, _, _| !a);
    word("cnot.b32 %x, %a;", |a, _, _| u32::from(a == 0));
    half("and.b16 %hx, %ha, %hb;", |a, b, _| a & b);
    half("or.b16 %hx, %ha, %hb;", |a, b, _| a | b);
    half("not.b16 %hx, %ha;", |a, _, _| !a);
    double("and.b64 %X, %A, %B;", |a, b, _| a & b);
    double("or.b64 %X, %A, %B;", |a, b, _| a | b);
    double("xor.b64 %X, %A, %B;", |a, b, _| a ^ b);
    double("not.b64 %X, %A;", |a, _, _| !a);
    double("cnot.b64 %X, %A;", |a, _, _| u64::from(a == 0));
}

#[test]
fn predicates() {
    let both = "setp.lt.u32 %p1, %a, %b; setp.gt.u64 %p2, %A, %C;";
    let first = |a: u64, b: u64| (a as u32) < b as u32;
    predicate(&format!("{both} and.pred %p0, %p1, %p2;"), |a, b, c| first(a, b) && a > c);
    predicate(&format!("{both} or.pred %p0, %p1, !%p2;"), |a, b, c| first(a, b) || a <= c);
    predicate(&format!("{both} xor.pred %p0, %p1, %p2;"), |a, b, c| first(a, b) != (a > c));
    predicate(&format!("{both} not.pred %p0, %p1;"), |a, b, _| !first(a, b));
    predicate(&format!("{both} mov.pred %p0, %p2;"), |a, _, c| a > c);
}

#[test]
fn lookup_of_three_operands() {
    // One term each, and sums, choices, majorities.
    let terms = (0..8).map(|bit| 1 << bit);
    for table in terms.chain([0x00_u32, 0x96, 0xe8, 0xca, 0xfe, 0xff, 0xd2, 0x6a]) {
        word(&format!("lop3.b32 %x, %a, %b, %c, {table:#x};"), |a, b, c| {
            let bit = |i: u32| table >> ((a >> i & 1) << 2 | (b >> i & 1) << 1 | c >> i & 1) & 1;
            (0..32).fold(0, |d, i| d | bit(i) << i)
        });
    }
}

#[test]
fn shifts_clamp() {
    word("shl.b32 %x, %a, %b;", |a, b, _| a.checked_shl(b).unwrap_or(0));
    word("shr.u32 %x, %a, %b;", |a, b, _| a.checked_shr(b).unwrap_or(0));
    word("shr.b32 %x, %a, %b;", |a, b, _| a.checked_shr(b).unwrap_or(0));
    word("shr.s32 %x, %a, %b;", |a, b, _| (a as i32).checked_shr(b).unwrap_or(a as i32 >> 31) as u32);
    double("shl.b16 %hx, %ha, %b; cvt.u64.u16 %X, %hx;", |a, b, _| {
        u64::from((a as u16).checked_shl(b as u32).unwrap_or(0))
    });
    double("shr.s16 %hx, %ha, %b; cvt.u64.u16 %X, %hx;", |a, b, _| {
        u64::from((a as i16).checked_shr(b as u32).unwrap_or(a as i16 >> 15) as u16)
    });
    double("shl.b64 %X, %A, %b;", |a, b, _| a.checked_shl(b as u32).unwrap_or(0));
    double("shr.u64 %X, %A, %b;", |a, b, _| a.checked_shr(b as u32).unwrap_or(0));
    double("shr.s64 %X, %A, %b;", |a, b, _| {
        (a as i64).checked_shr(b as u32).unwrap_or(a as i64 >> 63) as u64
    });
}

#[test]
fn funnel_shifts() {
    let pair = |a: u32, b: u32| u64::from(b) << 32 | u64::from(a);
    word("shf.l.wrap.b32 %x, %a, %b, %c;", |a, b, c| (pair(a, b) << (c & 31) >> 32) as u32);
    word("shf.l.clamp.b32 %x, %a, %b, %c;", |a, b, c| (pair(a, b) << c.min(32) >> 32) as u32);
    word("shf.r.wrap.b32 %x, %a, %b, %c;", |a, b, c| (pair(a, b) >> (c & 31)) as u32);
    word("shf.r.clamp.b32 %x, %a, %b, %c;", |a, b, c| (pair(a, b) >> c.min(32)) as u32);
    word("shf.l.wrap.b32 %x, %a, %a, 13;", |a, _, _| a.rotate_left(13));
}

fn bytes_of(a: u32, b: u32) -> [u8; 8] {
    (u64::from(b) << 32 | u64::from(a)).to_le_bytes()
}

#[test]
fn permutations() {
    word("prmt.b32 %x, %a, %b, %c;", |a, b, c| {
        let chosen = |i: u32| {
            let selector = c >> (4 * i) & 15;
            let byte = bytes_of(a, b)[selector as usize & 7];
            if selector & 8 == 0 {
                byte
            } else if byte >= 0x80 {
                0xff
            } else {
                0
            }
        };
        u32::from_le_bytes([chosen(0), chosen(1), chosen(2), chosen(3)])
    });
    // Rows are c = 0, 1, 2, 3; digits are bytes 3, 2, 1, 0 of the result, as the specification's tables have them.
    let tables = [
        ("f4e", ["3210", "4321", "5432", "6543"]),
        ("b4e", ["5670", "6701", "7012", "0123"]),
        ("rc8", ["0000", "1111", "2222", "3333"]),
        ("ecl", ["3210", "3211", "3222", "3333"]),
        ("ecr", ["0000", "1110", "2210", "3210"]),
        ("rc16", ["1010", "3232", "1010", "3232"]),
    ];
    for (mode, rows) in tables {
        word(&format!("prmt.b32.{mode} %x, %a, %b, %c;"), |a, b, c| {
            let digits = rows[c as usize & 3].bytes().rev();
            digits
                .enumerate()
                .fold(0, |x, (i, digit)| x | u32::from(bytes_of(a, b)[usize::from(digit - b'0')]) << (8 * i))
        });
    }
}

#[test]
fn fields() {
    word("bfe.u32 %x, %a, %b, %c;", |a, b, c| extract(a.into(), b, c, 32, false) as u32);
    word("bfe.s32 %x, %a, %b, %c;", |a, b, c| extract(a.into(), b, c, 32, true) as u32);
    double("bfe.u64 %X, %A, %b, %c;", |a, b, c| extract(a, b as u32, c as u32, 64, false));
    double("bfe.s64 %X, %A, %b, %c;", |a, b, c| extract(a, b as u32, c as u32, 64, true));
    for position in [0, 1, 7, 31, 32, 40] {
        for length in [0, 1, 5, 31, 32, 64, 255] {
            let operands = format!("{position}, {length}");
            word(&format!("bfe.s32 %x, %a, {operands};"), |a, _, _| {
                extract(a.into(), position, length, 32, true) as u32
            });
            word(&format!("bfi.b32 %x, %a, %b, {operands};"), |a, b, _| {
                insert(a.into(), b.into(), position, length, 32) as u32
            });
        }
    }
    double("bfi.b32 %x, %a, %b, %c, %i; cvt.u64.u32 %X, %x;", |a, b, c| {
        insert(a & 0xffff_ffff, b & 0xffff_ffff, c as u32, (c >> 32) as u32, 32)
    });
    double("bfi.b64 %X, %A, %B, %c, %i;", |a, b, c| insert(a, b, c as u32, (c >> 32) as u32, 64));
}

#[test]
fn counts() {
    word("popc.b32 %x, %a;", |a, _, _| a.count_ones());
    word("clz.b32 %x, %a;", |a, _, _| a.leading_zeros());
    word("brev.b32 %x, %a;", |a, _, _| a.reverse_bits());
    double("popc.b64 %x, %A; cvt.u64.u32 %X, %x;", |a, _, _| a.count_ones().into());
    double("clz.b64 %x, %A; cvt.u64.u32 %X, %x;", |a, _, _| a.leading_zeros().into());
    double("brev.b64 %X, %A;", |a, _, _| a.reverse_bits());
    let top = |a: u64| (0..64).rev().find(|i| a >> i & 1 == 1).map_or(u32::MAX, |i| i);
    word("bfind.u32 %x, %a;", |a, _, _| top(a.into()));
    word("bfind.s32 %x, %a;", |a, _, _| top(if (a as i32) < 0 { !a } else { a }.into()));
    word("bfind.shiftamt.u32 %x, %a;", |a, _, _| if a == 0 { u32::MAX } else { 31 - top(a.into()) });
    double("bfind.u64 %x, %A; cvt.u64.u32 %X, %x;", |a, _, _| top(a).into());
    double("bfind.s64 %x, %A; cvt.u64.u32 %X, %x;", |a, _, _| {
        top(if (a as i64) < 0 { !a } else { a }).into()
    });
}

#[test]
fn masks_and_extensions() {
    word("bmsk.clamp.b32 %x, %a, %b;", |a, b, _| {
        (0..32).filter(|i| *i >= a && u64::from(*i) < u64::from(a) + u64::from(b)).fold(0, |d, i| d | 1 << i)
    });
    word("bmsk.wrap.b32 %x, %a, %b;", |a, b, _| {
        let (a, b) = (a & 31, b & 31);
        (a..a + b).filter(|i| *i < 32).fold(0, |d, i| d | 1 << i)
    });
    let extend = |a: u32, bits: u32, signed: bool| match bits {
        0 => 0,
        32.. => a,
        _ if signed => ((a << (32 - bits)) as i32 >> (32 - bits)) as u32,
        _ => a & ((1 << bits) - 1),
    };
    word("szext.wrap.u32 %x, %a, %b;", |a, b, _| extend(a, b & 31, false));
    word("szext.wrap.s32 %x, %a, %b;", |a, b, _| extend(a, b & 31, true));
    word("szext.clamp.s32 %x, %a, %b;", |a, b, _| extend(a, b, true));
}
