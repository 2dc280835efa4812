//! Control flow, threads that meet, memory spaces, calls.

mod common;

use common::{Session, Shape, kernel, module, report, run_words, status_of};

#[test]
fn divergent_branches_meet_again() {
    // Threads of both sides vote together afterwards.
    let body = "
        and.b32 %r0, %tid, 1; setp.eq.u32 %p0, %r0, 1;
        @%p0 bra ODD;
        add.u32 %r1, %tid, 100; bra.uni JOIN;
        ODD: mul.lo.u32 %r1, %tid, 3;
        JOIN: activemask.b32 %r2; popc.b32 %r2, %r2; mad.lo.u32 %r1, %r2, 1000, %r1;
        st.global.u32 [%at], %r1;";
    for (i, &x) in run_words(body, 64).iter().enumerate() {
        let i = i as u32;
        assert_eq!(x, 32_000 + if i % 2 == 1 { 3 * i } else { i + 100 });
    }
}

#[test]
fn loops_of_different_lengths() {
    let body = "
        mov.u32 %r0, 0; mov.u32 %r1, 0;
        AGAIN: setp.ge.u32 %p0, %r0, %tid; @%p0 bra DONE;
        add.u32 %r0, %r0, 1; add.u32 %r1, %r1, %r0; bra AGAIN;
        DONE: activemask.b32 %r2; setp.ne.u32 %p1, %r2, 0xffffffff; @%p1 trap;
        st.global.u32 [%at], %r1;";
    let found = run_words(body, 96);
    assert!(found.iter().enumerate().all(|(i, &x)| x as usize == i * (i + 1) / 2));
}

#[test]
fn nested_loops_and_early_exits() {
    let body = "
        mov.u32 %r1, 0; mov.u32 %r0, 0;
        OUTER: setp.ge.u32 %p0, %r0, 7; @%p0 bra END;
        mov.u32 %r2, 0;
        INNER: add.u32 %r3, %r0, %r2; setp.gt.u32 %p1, %r3, %tid; @%p1 bra NEXT;
        add.u32 %r1, %r1, 1; add.u32 %r2, %r2, 1; setp.lt.u32 %p2, %r2, 5; @%p2 bra INNER;
        NEXT: add.u32 %r0, %r0, 1; setp.eq.u32 %p3, %r1, 17; @%p3 bra END;
        bra OUTER;
        END: st.global.u32 [%at], %r1;
        setp.gt.u32 %p4, %tid, 40; @%p4 exit;
        add.u32 %r1, %r1, 1000; st.global.u32 [%at], %r1;";
    let model = |tid: u32| {
        let mut count = 0;
        for outer in 0..7 {
            for inner in 0..5 {
                if outer + inner > tid {
                    break;
                }
                count += 1;
            }
            if count == 17 {
                break;
            }
        }
        if tid > 40 { count } else { count + 1000 }
    };
    assert!(run_words(body, 64).iter().zip(0..).all(|(&x, tid)| x == model(tid)));
}

#[test]
fn branch_tables() {
    let body = "
        and.b32 %r0, %tid, 3;
        TABLE: .branchtargets A, B, C, A;
        brx.idx %r0, TABLE;
        A: mov.u32 %r1, 10; bra STORE;
        B: mov.u32 %r1, 20; bra STORE;
        C: mov.u32 %r1, 30;
        STORE: st.global.u32 [%at], %r1;";
    let found = run_words(body, 40);
    assert!(found.iter().enumerate().all(|(i, &x)| x == [10, 20, 30, 10][i % 4]));
    let (status, text) = status_of(&body.replace("and.b32 %r0, %tid, 3", "mov.u32 %r0, %tid"), 5);
    assert_eq!(status, 719);
    assert!(text.contains("entry 4 of a table of 4"), "{text}");
}

/// The specification's pseudo code, for one lane.
fn shuffled(mode: &str, lane: i32, b: i32, c: i32) -> (i32, bool) {
    let (amount, clamp, segment) = (b & 31, c & 31, c >> 8 & 31);
    let most = (lane & segment) | (clamp & !segment);
    let least = lane & segment;
    let (j, inside) = match mode {
        "up" => (lane - amount, lane - amount >= most),
        "down" => (lane + amount, lane + amount <= most),
        "bfly" => (lane ^ amount, (lane ^ amount) <= most),
        _ => (least | (amount & !segment), (least | (amount & !segment)) <= most),
    };
    (if inside { j } else { lane }, inside)
}

#[test]
fn shuffles() {
    for mode in ["up", "down", "bfly", "idx"] {
        for amount in [0, 1, 2, 5, 15, 16, 31, 33] {
            // Whole warps, segments of 8, of 16; clamped below the segment's end.
            for clamp in [0, 31, 0x1f1f, 0x181f, 0x1807, 0x100f, 0x1800, 13] {
                let body = format!(
                    "mul.lo.u32 %r0, %tid, 7; shfl.sync.{mode}.b32 %r1|%p0, %r0, {amount}, {clamp}, -1;
                     selp.u32 %r2, 1000, 0, %p0; add.u32 %r1, %r1, %r2; st.global.u32 [%at], %r1;"
                );
                for (lane, &found) in run_words(&body, 32).iter().enumerate() {
                    let (source, inside) = shuffled(mode, lane as i32, amount, clamp);
                    assert_eq!(found, 7 * source as u32 + if inside { 1000 } else { 0 }, "{mode} {amount} {clamp:#x}");
                }
            }
        }
    }
}

#[test]
fn shuffles_within_a_mask() {
    // Even lanes exchange among themselves while odd ones do something else.
    let body = "
        and.b32 %r0, %tid, 1; setp.eq.u32 %p0, %r0, 1; mov.u32 %r1, 5;
        @%p0 bra PAST;
        xor.b32 %r2, %tid, 2; shfl.sync.idx.b32 %r1, %tid, %r2, 31, 0x55555555;
        PAST: st.global.u32 [%at], %r1;";
    let found = run_words(body, 32);
    assert!(found.iter().enumerate().all(|(i, &x)| x as usize == if i % 2 == 1 { 5 } else { i ^ 2 }));
}

#[test]
fn shuffles_reached_on_two_ways() {
    // The same instruction, reached by halves of the warp at different times.
    let body = "
        setp.lt.u32 %p0, %tid, 16; mov.u32 %r1, %tid;
        @%p0 bra MEET;
        mov.u32 %r0, 0;
        AGAIN: add.u32 %r0, %r0, 1; setp.lt.u32 %p1, %r0, %tid; @%p1 bra AGAIN;
        add.u32 %r1, %r0, 0;
        MEET: shfl.sync.bfly.b32 %r2, %r1, 16, 31, -1; st.global.u32 [%at], %r2;";
    assert!(run_words(body, 32).iter().enumerate().all(|(i, &x)| x as usize == i ^ 16));
}

#[test]
fn votes() {
    let set = "setp.lt.u32 %p0, %tid, 5; setp.lt.u32 %p1, %tid, 99;";
    let ballot = run_words(&format!("{set} vote.sync.ballot.b32 %r0, %p0, -1; st.global.u32 [%at], %r0;"), 64);
    assert!(ballot[..32].iter().all(|&x| x == 31) && ballot[32..].iter().all(|&x| x == 0));
    let body = format!(
        "{set} vote.sync.all.pred %p2, %p0, -1; vote.sync.any.pred %p3, %p0, -1; vote.sync.uni.pred %p4, %p0, -1;
         vote.sync.all.pred %p5, %p1, -1; vote.sync.any.pred %p6, !%p1, -1; vote.sync.uni.pred %p7, !%p1, -1;
         mov.u32 %r0, 0;
         @%p2 or.b32 %r0, %r0, 1; @%p3 or.b32 %r0, %r0, 2; @%p4 or.b32 %r0, %r0, 4;
         @%p5 or.b32 %r0, %r0, 8; @%p6 or.b32 %r0, %r0, 16; @%p7 or.b32 %r0, %r0, 32;
         st.global.u32 [%at], %r0;"
    );
    let found = run_words(&body, 64);
    assert!(found[..32].iter().all(|&x| x == 2 + 8 + 32) && found[32..].iter().all(|&x| x == 4 + 8 + 32));
}

#[test]
fn matches() {
    let found = run_words("and.b32 %r0, %tid, 3; match.any.sync.b32 %r1, %r0, -1; st.global.u32 [%at], %r1;", 32);
    assert!(found.iter().enumerate().all(|(i, &x)| x == 0x1111_1111 << (i % 4)));
    let body = "cvt.u64.u32 %d0, %tid; shr.u64 %d0, %d0, 5; match.all.sync.b64 %r1|%p0, %d0, -1;
        selp.u32 %r2, 7, 9, %p0; add.u32 %r1, %r1, %r2; st.global.u32 [%at], %r1;";
    assert!(run_words(body, 64).iter().all(|&x| x == 6));
    let found = run_words("match.all.sync.b32 %r1, %tid, -1; st.global.u32 [%at], %r1;", 32);
    assert!(found.iter().all(|&x| x == 0));
}

#[test]
fn barriers() {
    let body = "
        .shared .align 4 .b8 s[1024];
        mov.u32 %r0, s; shl.b32 %r1, %tid, 2; add.u32 %r1, %r0, %r1;
        mul.lo.u32 %r2, %tid, %tid; st.shared.u32 [%r1], %r2;
        bar.sync 0;
        sub.u32 %r3, 255, %tid; shl.b32 %r3, %r3, 2; add.u32 %r3, %r0, %r3; ld.shared.u32 %r4, [%r3];
        barrier.sync.aligned 1;
        st.shared.u32 [%r1], %r4;
        bar.sync 15, 256;
        ld.shared.u32 %r5, [%r1]; st.global.u32 [%at], %r5;";
    assert!(run_words(body, 256).iter().enumerate().all(|(i, &x)| x as usize == (255 - i) * (255 - i)));
}

#[test]
fn barriers_that_reduce() {
    let body = "
        and.b32 %r0, %tid, 3; setp.eq.u32 %p0, %r0, 1; setp.lt.u32 %p1, %tid, 1000;
        bar.red.popc.u32 %r1, 0, %p0; bar.red.and.pred %p2, 0, %p1; bar.red.or.pred %p3, 0, 128, !%p1;
        selp.u32 %r2, 1000, 0, %p2; selp.u32 %r3, 5000, 0, %p3; add.u32 %r1, %r1, %r2; add.u32 %r1, %r1, %r3;
        st.global.u32 [%at], %r1;";
    assert!(run_words(body, 128).iter().all(|&x| x == 1032));
}

#[test]
fn barriers_of_some_warps() {
    // One warp produces, the other consumes; a third takes no part.
    let body = "
        .shared .u32 s[32];
        mov.u32 %r0, s; and.b32 %r1, %tid, 31; shl.b32 %r2, %r1, 2; add.u32 %r2, %r0, %r2;
        shr.u32 %r3, %tid, 5; mov.u32 %r5, 1;
        setp.eq.u32 %p0, %r3, 0; setp.eq.u32 %p1, %r3, 1;
        @%p0 bra PRODUCE; @%p1 bra CONSUME; bra END;
        PRODUCE: mul.lo.u32 %r4, %r1, 11; st.shared.u32 [%r2], %r4; bar.arrive 3, 64; bra END;
        CONSUME: bar.sync 3, 64; ld.shared.u32 %r5, [%r2];
        END: st.global.u32 [%at], %r5;";
    let found = run_words(body, 96);
    assert!(found[32..64].iter().enumerate().all(|(i, &x)| x as usize == 11 * i));
    assert!(found[..32].iter().chain(&found[64..]).all(|&x| x == 1));
}

#[test]
fn threads_that_have_exited_are_not_waited_for() {
    let body = "setp.ge.u32 %p0, %tid, 70; @%p0 exit; bar.sync 0; st.global.u32 [%at], %tid;";
    let found = run_words(body, 128);
    assert!(found.iter().enumerate().all(|(i, &x)| x as usize == if i < 70 { i } else { 0 }));
}

#[test]
fn warps_synchronise() {
    // Half of the warp stands at another instruction.
    let body = "
        .shared .u32 s[32];
        mov.u32 %r0, s; shl.b32 %r1, %tid, 2; add.u32 %r1, %r0, %r1; st.shared.u32 [%r1], %tid;
        setp.lt.u32 %p0, %tid, 16; @%p0 bra LOW;
        bar.warp.sync -1; bra READ;
        LOW: bar.warp.sync -1;
        READ: xor.b32 %r2, %tid, 31; shl.b32 %r2, %r2, 2; add.u32 %r2, %r0, %r2; ld.shared.u32 %r3, [%r2];
        st.global.u32 [%at], %r3;";
    assert!(run_words(body, 32).iter().enumerate().all(|(i, &x)| x as usize == 31 - i));
}

#[test]
fn threads_wait_for_each_other_in_loops() {
    // A lock taken by every thread of the warp in turn: needs progress of all.
    let body = "
        LOCK: atom.global.cas.b32 %r0, [%out], 0, 1; setp.ne.u32 %p0, %r0, 0; @%p0 bra LOCK;
        ld.volatile.global.u32 %r1, [%out+4]; add.u32 %r1, %r1, 1; st.volatile.global.u32 [%out+4], %r1;
        membar.gl; atom.global.exch.b32 %r0, [%out], 0;";
    assert_eq!(run_words(body, 64)[1], 64);
}

#[test]
fn atomics() {
    let cases: [(&str, u32, fn(u32, u32) -> u32); 8] = [
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
