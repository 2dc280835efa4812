//! Every instruction on registers against the PTX specification, written again in plain Rust.

#[path = "../common/mod.rs"]
mod common;

mod arithmetic;
mod bits;
mod carry;
mod compare;
mod convert;
mod wide;

use common::{Session, Shape, module, report};

/// Values at which instructions go wrong.
pub const EDGES: [u64; 18] = [
    0,
    1,
    2,
    31,
    32,
    0x7f,
    0x80,
    0xff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x0123_4567_89ab_cdef,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// All triples of edges, and random ones.
pub fn triples() -> Vec<[u64; 3]> {
    let mut found = Vec::new();
    for a in EDGES {
        for b in EDGES {
            for c in EDGES {
                found.push([a, b, c]);
            }
        }
    }
    let mut state = 0x1234_5678_9abc_def1_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..2000).for_each(|_| found.push([random(), random(), random()]));
    found
}

/// Runs `body` once per triple: `%A %B %C` are the values, `%a %b %c` their low words, `%ha %hb %hc` the low halves
/// of those, `%i` the high word of C, `%q` whether C is odd. `%X` and `%Y` are the results, from zero.
pub fn evaluate(body: &str, inputs: &[[u64; 3]]) -> Vec<[u64; 2]> {
    let text = module(&format!(
        ".visible .entry t(.param .u64 in, .param .u64 out, .param .u32 n)
{{
.reg .pred %q, %p<8>;
.reg .b16 %ha, %hb, %hc, %hx, %hy;
.reg .b32 %a, %b, %c, %i, %x, %y, %t<8>;
.reg .b64 %A, %B, %C, %X, %Y, %T<8>, %at;
.reg .b32 %index, %size, %block, %count;
.reg .pred %out;
mov.u32 %index, %tid.x;
mov.u32 %size, %ntid.x;
mov.u32 %block, %ctaid.x;
mad.lo.u32 %index, %block, %size, %index;
ld.param.u32 %count, [n];
setp.ge.u32 %out, %index, %count;
@%out exit;
ld.param.u64 %at, [in];
mad.wide.u32 %at, %index, 24, %at;
ld.global.u64 %A, [%at];
ld.global.u64 %B, [%at+8];
ld.global.u64 %C, [%at+16];
cvt.u32.u64 %a, %A;
cvt.u32.u64 %b, %B;
cvt.u32.u64 %c, %C;
cvt.u16.u64 %ha, %A;
cvt.u16.u64 %hb, %B;
cvt.u16.u64 %hc, %C;
shr.u64 %T0, %C, 32;
cvt.u32.u64 %i, %T0;
and.b32 %t0, %c, 1;
setp.eq.u32 %q, %t0, 1;
mov.u64 %X, 0;
mov.u64 %Y, 0;
mov.u32 %x, 0;
mov.u32 %y, 0;
{body}
ld.param.u64 %at, [out];
mad.wide.u32 %at, %index, 16, %at;
st.global.v2.u64 [%at], {{%X, %Y}};
ret;
}}"
    ));
    let session = Session::new();
    let function = session.function(&text, "t");
    let bytes: Vec<u8> = inputs.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let (from, to) = (session.upload(&bytes), session.allocate(16 * inputs.len()));
    let count = inputs.len() as u32;
    let status =
        session.launch(function, Shape::new(count.div_ceil(64), 64), &[from.into(), to.into(), count.into()]);
    assert_eq!(status, 0, "{body}: {}", report());
    let found = session.download(to, 16 * inputs.len());
    let value = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    found.chunks(16).map(|pair| [value(&pair[..8]), value(&pair[8..])]).collect()
}

/// Compares what `body` leaves in `%X` and `%Y` with `expected`.
pub fn check(body: &str, expected: impl Fn(u64, u64, u64) -> [u64; 2]) {
    check_on(body, &triples(), expected);
}

/// As [`check`], on given inputs.
pub fn check_on(body: &str, inputs: &[[u64; 3]], expected: impl Fn(u64, u64, u64) -> [u64; 2]) {
    for (&[a, b, c], found) in inputs.iter().zip(evaluate(body, inputs)) {
        assert_eq!(found, expected(a, b, c), "{body} with a = {a:#x}, b = {b:#x}, c = {c:#x}");
    }
}

/// `body` leaves a 32-bit result in `%x`.
pub fn word(body: &str, expected: impl Fn(u32, u32, u32) -> u32) {
    let body = format!("{body}\ncvt.u64.u32 %X, %x;");
    check(&body, |a, b, c| [u64::from(expected(a as u32, b as u32, c as u32)), 0]);
}

/// `body` leaves a 64-bit result in `%X`.
pub fn double(body: &str, expected: impl Fn(u64, u64, u64) -> u64) {
    check(body, |a, b, c| [expected(a, b, c), 0]);
}

/// `body` leaves a 16-bit result in `%hx`.
pub fn half(body: &str, expected: impl Fn(u16, u16, u16) -> u16) {
    let body = format!("{body}\ncvt.u64.u16 %X, %hx;");
    check(&body, |a, b, c| [u64::from(expected(a as u16, b as u16, c as u16)), 0]);
}

/// `body` leaves a predicate in `%p0`.
pub fn predicate(body: &str, expected: impl Fn(u64, u64, u64) -> bool) {
    let body = format!("{body}\nselp.u64 %X, 1, 0, %p0;");
    check(&body, |a, b, c| [u64::from(expected(a, b, c)), 0]);
}
