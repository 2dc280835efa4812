//! Memory: atomics, widths, spaces, parameters of calls.

mod common;

use common::{Session, Shape, kernel, module, report, run_words};

#[test]
fn atomics() {
    type Model = fn(u32, u32) -> u32;
    let cases: [(&str, u32, Model); 8] = [
        ("add.u32", 5, |old, a| old.wrapping_add(a)),
        ("min.s32", 0, |old, a| (old as i32).min(a as i32 - 40) as u32),
        ("max.u32", 3, |old, a| old.max(a)),
        ("and.b32", u32::MAX, |old, a| old & (a | 0xf0)),
        ("or.b32", 0, |old, a| old | a),
        ("xor.b32", 9, |old, a| old ^ a),
        ("inc.u32", 0, |old, _| if old >= 20 { 0 } else { old + 1 }),
        ("dec.u32", 7, |old, _| if old == 0 || old > 20 { 20 } else { old - 1 }),
    ];
    for (op, start, model) in cases {
        let operand = match op {
            "min.s32" => "sub.s32 %r1, %tid, 40;",
            "and.b32" => "or.b32 %r1, %tid, 0xf0;",
            "inc.u32" | "dec.u32" => "mov.u32 %r1, 20;",
            _ => "mov.u32 %r1, %tid;",
        };
        let body = format!("{operand} atom.relaxed.gpu.global.{op} %r0, [%out], %r1;");
        let session = Session::new();
        let function = session.function(&kernel(&body), "t");
        let out = session.upload_words(&[start]);
        assert_eq!(session.launch(function, Shape::new(1, 64), &[out.into()]), 0, "{}", report());
        assert_eq!(session.download_words(out, 1)[0], (0..64).fold(start, model), "{op}");
    }
}

#[test]
fn atomics_of_all_blocks() {
    // Real atomics: blocks run on several host threads.
    let body = "
        .shared .u32 s;
        setp.ne.u32 %p0, %tid, 0; @!%p0 st.shared.u32 [s], 0; bar.sync 0;
        red.shared.add.u32 [s], 1; bar.sync 0;
        @%p0 exit;
        ld.shared.u32 %r0, [s]; red.global.add.u32 [%out], %r0;
        cvt.u64.u32 %d0, %r0; shl.b64 %d0, %d0, 30; atom.add.u64 %d1, [%out+8], %d0;";
    let session = Session::new();
    let function = session.function(&kernel(body), "t");
    let out = session.upload_words(&[0; 4]);
    assert_eq!(session.launch(function, Shape::new(500, 96), &[out.into()]), 0, "{}", report());
    let found = session.download_words(out, 4);
    assert_eq!(found[0], 48_000);
    assert_eq!(u64::from(found[2]) | u64::from(found[3]) << 32, 48_000 << 30);
}

#[test]
fn widths_of_accesses() {
    let body = "
        mov.u64 %d0, 0x8182838485868788; st.global.u64 [%out], %d0;
        ld.global.u8 %r0, [%out+1]; ld.global.s8 %r1, [%out+1]; ld.global.u16 %r2, [%out+2]; ld.global.s16 %r3, [%out+2];
        ld.global.v2.u16 {%h0, %h1}, [%out+4]; cvt.u32.u16 %r4, %h1;
        ld.global.s32 %d1, [%out+4]; shr.u64 %d1, %d1, 32; cvt.u32.u64 %r5, %d1;
        ld.global.s8 %h2, [%out]; cvt.u32.u16 %r6, %h2;
        st.global.v4.u32 [%out+16], {%r0, %r1, %r2, %r3}; st.global.v2.u32 [%out+32], {%r4, %r5};
        st.global.u32 [%out+40], %r6; st.global.u8 [%out+44], %r0; st.global.u8 [%out+45], 7; st.global.u16 [%out+46], %h1;
        ld.global.v2.u64 {%d2, %d3}, [%out+16]; xor.b64 %d2, %d2, %d3; st.global.u64 [%out+48], %d2;";
    let found = run_words(body, 32);
    assert_eq!(found[..2], [0x8586_8788, 0x8182_8384]);
    assert_eq!(found[4..8], [0x87, 0xffff_ff87, 0x8586, 0xffff_8586]);
    assert_eq!(found[8..12], [0x8182, 0xffff_ffff, 0xff88, 0x8182_0787]);
    assert_eq!(found[12..14], [0x87 ^ 0x8586, 0xffff_ff87 ^ 0xffff_8586]);
}

#[test]
fn registers_of_16_bits_are_no_wider() {
    let body = "
        st.global.u32 [%out], 0x8085fffe; ld.global.s16 %h0, [%out]; ld.global.s8 %h1, [%out+2];
        shr.u16 %h2, %h0, 1; cvt.u32.u16 %r0, %h2; st.global.u32 [%out+4], %r0;
        setp.eq.u16 %p0, %h0, 0xfffe; selp.u32 %r1, 1, 0, %p0; st.global.u32 [%out+8], %r1;
        shr.s16 %h3, %h0, 1; setp.lt.s16 %p1, %h3, 0; selp.u32 %r2, 1, 0, %p1; st.global.u32 [%out+12], %r2;
        setp.eq.u16 %p2, %h1, 0xff85; selp.u32 %r3, 1, 0, %p2; st.global.u32 [%out+16], %r3;
        ld.global.v2.s16 {%h4, %h5}, [%out]; setp.eq.u16 %p3, %h5, 0x8085; selp.u32 %r4, 1, 0, %p3; st.global.u32 [%out+20], %r4;";
    assert_eq!(run_words(body, 8)[1..6], [0x7fff, 1, 1, 1, 1]);
}

#[test]
fn spaces_and_generic_addresses() {
    let text = module(
        ".global .align 8 .u32 counter = 40;
.const .align 4 .b8 table[8] = {1, 2, 3, 4, 5, 6, 7, 8};
.extern .shared .align 16 .b8 dynamic[];
.visible .entry t(.param .u64 p0, .param .align 8 .b8 by_value[16])
{
.local .align 8 .b8 depot[16];
.reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %d<16>;
mov.u64 %d0, depot; cvta.local.u64 %d0, %d0;
st.u32 [%d0+4], 77; cvta.to.local.u64 %d1, %d0; ld.local.u32 %r0, [%d1+4];
mov.u64 %d2, dynamic; cvta.shared.u64 %d2, %d2; st.u32 [%d2], 88; ld.shared.u32 %r1, [dynamic];
ld.const.u32 %r2, [table+4];
mov.u64 %d3, counter; atom.add.u32 %r3, [%d3], 2; ld.global.u32 %r4, [counter];
ld.param.u32 %r5, [by_value+8];
mov.b64 %d4, by_value; ld.param.u64 %d5, [%d4]; cvta.param.u64 %d4, %d4; ld.u64 %d6, [%d4]; sub.u64 %d5, %d5, %d6; cvt.u32.u64 %r6, %d5;
isspacep.shared %p0, %d2; isspacep.local %p1, %d0; isspacep.global %p2, %d3; isspacep.shared %p3, %d3;
selp.u32 %r7, 1, 0, %p0; selp.u32 %r8, 2, 0, %p1; selp.u32 %r9, 4, 0, %p2; selp.u32 %r10, 8, 0, %p3;
add.u32 %r7, %r7, %r8; add.u32 %r9, %r9, %r10; add.u32 %r7, %r7, %r9;
ld.param.u64 %d7, [p0];
st.global.v4.u32 [%d7], {%r0, %r1, %r2, %r3}; st.global.v4.u32 [%d7+16], {%r4, %r5, %r6, %r7};
ret;
}",
    );
    let session = Session::new();
    let function = session.function(&text, "t");
    let out = session.upload_words(&[0; 8]);
    let by_value = common::Arg((0..16).collect());
    let shape = Shape { grid: 1, block: 1, dynamic_shared: 64 };
    assert_eq!(session.launch(function, shape, &[out.into(), by_value]), 0, "{}", report());
    let expected = [77, 88, 0x0807_0605, 40, 42, 0x0b0a_0908, 0, 7];
    assert_eq!(session.download_words(out, 8), expected);
}

#[test]
fn calls() {
    // Structures by value, a divergent call, a call within a call, flags and bytes as parameters.
    let text = module(
        ".func (.param .b32 result) twice(.param .b32 x)
{
.reg .b32 %r<4>;
ld.param.u32 %r0, [x]; shl.b32 %r1, %r0, 1; st.param.b32 [result], %r1; ret;
}
.func (.param .align 8 .b8 result[16]) swap(.param .align 8 .b8 pair[16], .param .b32 flag)
{
.reg .b64 %d<4>; .reg .b32 %r<8>; .reg .pred %p<2>;
ld.param.v2.u64 {%d0, %d1}, [pair]; ld.param.u8 %r0, [flag];
setp.eq.u32 %p0, %r0, 0; @%p0 bra SAME;
st.param.v2.b64 [result], {%d1, %d0}; ret;
SAME:
cvt.u32.u64 %r1, %d0;
{
.param .b32 a; .param .b32 b;
st.param.b32 [a], %r1;
call.uni (b), twice, (a);
ld.param.b32 %r2, [b];
}
cvt.u64.u32 %d2, %r2;
st.param.b64 [result], %d2; st.param.b64 [result+8], %d1;
ret;
}
.visible .entry t(.param .u64 p0)
{
.reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %d<8>;
mov.u32 %r0, %tid.x; and.b32 %r1, %r0, 1; cvt.u64.u32 %d0, %r0; mov.u64 %d1, 1000;
ld.param.u64 %d4, [p0]; mad.wide.u32 %d4, %r0, 16, %d4;
mov.u64 %d2, 0; mov.u64 %d3, 0;
setp.gt.u32 %p0, %r0, 20; @%p0 bra SKIP;
{
.param .align 8 .b8 a[16]; .param .b32 f; .param .align 8 .b8 r[16];
st.param.b64 [a], %d0; st.param.b64 [a+8], %d1; st.param.b32 [f], %r1;
call.uni (r), swap, (a, f);
ld.param.b64 %d2, [r]; ld.param.b64 %d3, [r+8];
}
SKIP: st.global.v2.u64 [%d4], {%d2, %d3};
ret;
}",
    );
    let session = Session::new();
    let function = session.function(&text, "t");
    let out = session.upload_words(&[0; 128]);
    assert_eq!(session.launch(function, Shape::new(1, 32), &[out.into()]), 0, "{}", report());
    for (i, found) in (0_u32..).zip(session.download_words(out, 128).chunks(4)) {
        let expected = match i {
            21.. => [0, 0],
            _ if i % 2 == 1 => [1000, i],
            _ => [2 * i, 1000],
        };
        assert_eq!([found[0], found[2]], expected, "thread {i}");
    }
}

#[test]
fn parameters_in_parts() {
    let text = module(
        ".func (.param .align 1 .b8 out[5]) f(.param .align 4 .b8 x[8])
{
.reg .b16 %h<4>; .reg .b32 %r<4>;
ld.param.u8 %h0, [x+1]; ld.param.s8 %h1, [x+2]; ld.param.u16 %h2, [x+4]; ld.param.s16 %r0, [x+6];
st.param.b8 [out+0], %h0; st.param.b8 [out+1], %h1; st.param.b8 [out+2], %h2; st.param.b8 [out+3], %r0; st.param.b8 [out+4], %h2;
ret;
}
.visible .entry t(.param .u64 p0)
{
.reg .b32 %r<8>; .reg .b64 %d<4>;
ld.param.u64 %d0, [p0];
{
.param .align 4 .b8 a[8]; .param .align 1 .b8 b[5];
st.param.b8 [a+0], 1; st.param.b8 [a+1], 2; st.param.b8 [a+2], 0x83; st.param.b8 [a+3], 4;
st.param.b16 [a+4], 0x0605; st.param.b16 [a+6], 0x8807;
call (b), f, (a);
ld.param.b8 %r0, [b+0]; ld.param.b8 %r1, [b+1]; ld.param.b8 %r2, [b+2]; ld.param.b8 %r3, [b+3]; ld.param.s8 %r4, [b+1];
}
st.global.v4.u32 [%d0], {%r0, %r1, %r2, %r3}; st.global.u32 [%d0+16], %r4;
ret;
}",
    );
    let session = Session::new();
    let function = session.function(&text, "t");
    let out = session.upload_words(&[0; 5]);
    assert_eq!(session.launch(function, Shape::new(1, 1), &[out.into()]), 0, "{}", report());
    assert_eq!(session.download_words(out, 5), [2, 0x83, 5, 7, 0xffff_ff83]);
}
