//! Control flow, and threads that meet.

mod common;

use common::{run_words, status_of};

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
                    assert_eq!(
                        found,
                        7 * source as u32 + if inside { 1000 } else { 0 },
                        "{mode} {amount} {clamp:#x}"
                    );
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
    let ballot =
        run_words(&format!("{set} vote.sync.ballot.b32 %r0, %p0, -1; st.global.u32 [%at], %r0;"), 64);
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
    let found =
        run_words("and.b32 %r0, %tid, 3; match.any.sync.b32 %r1, %r0, -1; st.global.u32 [%at], %r1;", 32);
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
