//! Bit manipulation as the PTX specification words it.

/// High word of `b:a` shifted left; `shift` is at most 32.
#[inline(always)]
pub fn funnel_left(a: u32, b: u32, shift: u32) -> u32 {
    ((u64::from(b) << 32 | u64::from(a)) << shift >> 32) as u32
}

/// Low word of `b:a` shifted right; `shift` is at most 32.
#[inline(always)]
pub fn funnel_right(a: u32, b: u32, shift: u32) -> u32 {
    ((u64::from(b) << 32 | u64::from(a)) >> shift) as u32
}

/// Bit i of the table is the result for the operands' bits `i = 4a + 2b + c`.
#[inline(always)]
pub fn lookup3(table: u32, a: u32, b: u32, c: u32) -> u32 {
    let mut found = 0;
    for index in 0..8 {
        let chosen = if table >> index & 1 != 0 { u32::MAX } else { 0 };
        let a = if index & 4 != 0 { a } else { !a };
        let b = if index & 2 != 0 { b } else { !b };
        let c = if index & 1 != 0 { c } else { !c };
        found |= chosen & a & b & c;
    }
    found
}

/// Bytes of `b:a` selected by `c`; modes are numbered as the lowering numbers them, 0 being the general one.
pub fn permute(mode: u32, a: u32, b: u32, c: u32) -> u32 {
    let bytes = (u64::from(b) << 32 | u64::from(a)).to_le_bytes();
    let s = c & 3;
    let selectors = match mode {
        0 => [c & 15, c >> 4 & 15, c >> 8 & 15, c >> 12 & 15],
        1 => [s, s + 1, s + 2, s + 3],
        2 => [s, (s + 7) & 7, (s + 6) & 7, (s + 5) & 7],
        3 => [s; 4],
        4 => [s, s.max(1), s.max(2), 3],
        5 => [0, s.min(1), s.min(2), s],
        _ => [2 * (c & 1), 2 * (c & 1) + 1, 2 * (c & 1), 2 * (c & 1) + 1],
    };
    let byte = |selector: u32| {
        let byte = bytes[(selector & 7) as usize];
        // The top bit of a general selector replicates the sign.
        if selector & 8 != 0 { (byte as i8 >> 7) as u8 } else { byte }
    };
    u32::from_le_bytes(selectors.map(byte))
}

/// Field of `a` from bit `position`, `length` bits; both in their low eight bits.
#[inline(always)]
pub fn extract(a: u64, position: u32, length: u32, width: u32) -> u64 {
    let (position, length) = (position & 255, length & 255);
    let shifted = if position < width { a >> position } else { 0 };
    if length >= width { shifted } else { shifted & ((1 << length) - 1) }
}

/// As [`extract`], filled with the sign: the top bit of the field, or of `a` where the field reaches beyond it.
#[inline(always)]
pub fn extract_signed(a: u64, position: u32, length: u32, width: u32) -> u64 {
    let (position, length) = (position & 255, length & 255);
    let top = width - 1;
    if length == 0 {
        return 0;
    }
    let sign = a >> (position + length - 1).min(top) & 1;
    let field = extract(a, position, length, width);
    let present = if position > top { 0 } else { length.min(width - position) };
    if sign == 0 || present >= 64 { field } else { field | u64::MAX << present }
}

/// Low `length` bits of `a` put into `b` at `position`.
#[inline(always)]
pub fn insert(a: u64, b: u64, position: u32, length: u32, width: u32) -> u64 {
    let (position, length) = (position & 255, length & 255);
    if position >= width {
        return b;
    }
    let ones = if length >= 64 { u64::MAX } else { (1 << length) - 1 };
    let mask = ones << position;
    b & !mask | a << position & mask
}

/// Position of the highest one, all ones if there is none.
#[inline(always)]
pub fn leading(a: u64) -> u32 {
    63_u32.wrapping_sub(a.leading_zeros())
}

/// Quotient rounded to zero; hardware gives all ones for a division by zero.
pub fn divide_signed32(a: u32, b: u32) -> u32 {
    if b == 0 { u32::MAX } else { (a as i32).wrapping_div(b as i32) as u32 }
}

pub fn remainder_signed32(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { (a as i32).wrapping_rem(b as i32) as u32 }
}

pub fn divide_signed64(a: u64, b: u64) -> u64 {
    if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 }
}

pub fn remainder_signed64(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 }
}
