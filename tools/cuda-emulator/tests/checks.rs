//! Each check where it finds something, and where it must not.

mod common;

use common::{Session, Shape, kernel, module, report, run_words, status_of};
use std::sync::{Mutex, MutexGuard, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Waits for other tests: the latest report is that of the process.
fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `body` in one block and expects a report with these words.
fn fails(body: &str, threads: u32, status: i32, words: &[&str]) {
    // Reports quote a line: one instruction on each.
    let (found, text) = status_of(&body.replace("; ", ";\n"), threads);
    assert_eq!(found, status, "{body}: {text}");
    for word in words {
        assert!(text.contains(word), "{word} is not in: {text}");
    }
}

fn passes(body: &str, threads: u32) {
    let (found, text) = status_of(body, threads);
    assert_eq!(found, 0, "{body}: {text}");
}

#[test]
fn bounds_of_global_memory() {
    let _turn = turn();
    passes("st.global.u32 [%out+4092], %tid;", 1);
    fails(
        "st.global.u32 [%out+4096], %tid;",
        1,
        700,
        &[
            "out-of-bounds write of 4 bytes",
            "0 bytes past the end of the allocation",
            "of 4096 bytes",
            "kernel t, block (0, 0, 0), thread (0, 0, 0)",
            "st.global.u32 [%out+4096], %tid;",
        ],
    );
    fails("ld.global.u32 %r0, [%out+-4];", 1, 700, &["out-of-bounds read", "4 bytes before the allocation"]);
    fails("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%out+4096];", 1, 700, &["read of 16 bytes"]);
    fails("mov.u64 %d0, 0; ld.global.u32 %r0, [%d0];", 1, 700, &["far from any allocation"]);
    fails("atom.global.add.u32 %r0, [%out+5000], 1;", 1, 700, &["out-of-bounds atomic access"]);
    // One thread of many.
    fails(
        "mul.wide.u32 %d0, %tid, 66; add.u64 %d0, %out, %d0; shr.u64 %d0, %d0, 2; shl.b64 %d0, %d0, 2; st.global.u32 [%d0], 1;",
        64,
        700,
        &["thread (63, 0, 0)"],
    );
}

#[test]
fn bounds_of_other_spaces() {
    let _turn = turn();
    let shared = ".shared .u32 s[32]; mov.u32 %r0, s;";
    passes(&format!("{shared} st.shared.u32 [%r0+124], 1;"), 1);
    fails(&format!("{shared} st.shared.u32 [%r0+128], 1;"), 1, 700, &["in shared memory, of 128 bytes"]);
    let local = ".local .align 4 .b8 l[8]; mov.u64 %d0, l;";
    passes(&format!("{local} st.local.u32 [%d0+4], 1;"), 1);
    fails(&format!("{local} st.local.u32 [%d0+16], 1;"), 33, 700, &["in local memory"]);
    fails("mov.b64 %d0, p0; ld.param.u32 %r0, [%d0+8];", 1, 700, &["the kernel's parameters, of 8 bytes"]);
    let constant = module(
        ".const .u32 c = 5; .visible .entry t(.param .u64 p0) { .reg .b64 %d<2>; mov.u64 %d0, c; st.u32 [%d0], 1; ret; }",
    );
    let session = Session::new();
    let function = session.function(&constant, "t");
    assert_eq!(session.launch(function, Shape::new(1, 1), &[0_u64.into()]), 700);
    assert!(report().contains("the variable c"), "{}", report());
}

#[test]
fn freed_memory() {
    let _turn = turn();
    let session = Session::new();
    let function = session.function(&kernel("ld.global.u32 %r0, [%out+8];"), "t");
    let gone = session.upload_words(&[1; 16]);
    let _other = session.upload_words(&[1; 16]);
    // SAFETY: handles and addresses are looked up.
    assert_eq!(unsafe { zkwatt_cuda_emulator::api::cuMemFree_v2(gone) }, 0);
    assert_eq!(session.launch(function, Shape::new(1, 1), &[gone.into()]), 700);
    assert!(report().contains("8 bytes into 64 bytes that have been freed"), "{}", report());
}

#[test]
fn alignment() {
    let _turn = turn();
    fails("st.global.u32 [%out+2], 1;", 1, 716, &["misaligned write of 4 bytes"]);
    fails("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%out+8];", 1, 716, &["misaligned read of 16 bytes"]);
    fails("ld.global.u64 %d0, [%out+4];", 1, 716, &["misaligned"]);
    passes("ld.global.u8 %r0, [%out+3]; ld.global.u16 %r1, [%out+2];", 1);
    fails("atom.global.add.u64 %d0, [%out+4], 1;", 1, 716, &["misaligned"]);
}

#[test]
fn uninitialised_memory() {
    let _turn = turn();
    let run = |body: &str, prepare: &dyn Fn(&Session, u64)| {
        let session = Session::new();
        let function = session.function(&kernel(body), "t");
        let out = session.allocate(256);
        prepare(&session, out);
        let status = session.launch(function, Shape::new(1, 1), &[out.into()]);
        if status == 0 { String::new() } else { report() }
    };
    let nothing = |_: &Session, _: u64| {};
    let set = |bytes: usize| {
        move |_: &Session, out: u64| {
            // SAFETY: addresses are looked up.
            assert_eq!(unsafe { zkwatt_cuda_emulator::api::cuMemsetD8_v2(out, 1, bytes) }, 0);
        }
    };
    let text = run("ld.global.u32 %r0, [%out+4];", &nothing);
    assert!(text.contains("read of 4 uninitialised bytes"), "{text}");
    assert_eq!(run("st.global.u32 [%out+4], 1; ld.global.u32 %r0, [%out+4];", &nothing), "");
    // One byte of a word is missing.
    assert!(run("ld.global.u32 %r0, [%out+4];", &set(7)).contains("uninitialised"));
    assert_eq!(run("ld.global.u32 %r0, [%out+4];", &set(8)), "");
    assert!(run("ld.global.v4.u32 {%r0, %r1, %r2, %r3}, [%out+16];", &set(31)).contains("16 uninitialised"));
    assert!(run("atom.global.add.u32 %r0, [%out+4], 1;", &nothing).contains("uninitialised"));
    // Copies carry along what is not known, and are no reads.
    let copied = |session: &Session, out: u64| {
        let source = session.allocate(256);
        // SAFETY: addresses are looked up.
        unsafe {
            assert_eq!(zkwatt_cuda_emulator::api::cuMemsetD8_v2(source, 1, 8), 0);
            assert_eq!(zkwatt_cuda_emulator::api::cuMemsetD8_v2(out, 1, 256), 0);
            assert_eq!(zkwatt_cuda_emulator::api::cuMemcpyDtoD_v2(out, source, 256), 0);
        }
        session.download(source, 256);
    };
    assert_eq!(run("ld.global.u32 %r0, [%out+4];", &copied), "");
    assert!(run("ld.global.u32 %r0, [%out+8];", &copied).contains("uninitialised"));
    fails(".shared .u32 s[4]; ld.shared.u32 %r0, [s+4];", 1, 719, &["uninitialised"]);
    fails(".local .u32 l[4]; ld.local.u32 %r0, [l+4];", 1, 719, &["uninitialised"]);
}

#[test]
fn locals_die_with_their_function() {
    let _turn = turn();
    let text = |keep: &str| {
        module(&format!(
            ".func f(.param .b32 x) {{ .local .align 4 .b8 l[4]; .reg .b32 %r<4>; .reg .pred %p<2>;
ld.param.u32 %r0, [x]; setp.eq.u32 %p0, %r0, 0; {keep} st.local.u32 [l], 1; ld.local.u32 %r1, [l]; ret; }}
.visible .entry t(.param .u64 p0) {{ .reg .b32 %r<4>; .reg .pred %p<2>;
mov.u32 %r0, 0;
AGAIN: {{ .param .b32 a; st.param.b32 [a], %r0; call f, (a); }}
add.u32 %r0, %r0, 1; setp.lt.u32 %p0, %r0, 2; @%p0 bra AGAIN; ret; }}"
        ))
    };
    let session = Session::new();
    let function = session.function(&text(""), "t");
    assert_eq!(session.launch(function, Shape::new(1, 1), &[0_u64.into()]), 0, "{}", report());
    let function = session.function(&text("@%p0"), "t");
    assert_eq!(session.launch(function, Shape::new(1, 1), &[0_u64.into()]), 719);
    assert!(report().contains("uninitialised"), "{}", report());
}

#[test]
fn registers_read_before_they_are_written() {
    let _turn = turn();
    fails("add.u32 %r1, %r0, 1;", 1, 719, &["%r0 read without being written"]);
    fails(
        "setp.eq.u32 %p0, %tid, 5; @%p0 mov.u32 %r0, 1; add.u32 %r1, %r0, 1;",
        32,
        719,
        &["%r0 read", "thread (0, 0, 0)"],
    );
    passes("setp.eq.u32 %p0, %tid, 5; @%p0 mov.u32 %r0, 1; @%p0 add.u32 %r1, %r0, 1;", 32);
    passes("setp.ge.u32 %p0, %tid, 0; @%p0 mov.u32 %r0, 1; add.u32 %r1, %r0, 1;", 32);
    // A copy of what nobody looks at is no use of it.
    passes("mov.u32 %r1, %r0; mov.u32 %r2, %r1;", 1);
    fails("mov.u32 %r1, %r0; mov.u32 %r2, %r1; st.global.u32 [%out], %r2;", 1, 719, &["%r2 read"]);
    fails("@%p3 bra PAST; PAST: mov.u32 %r0, 1;", 1, 719, &["%p3 read"]);
}

#[test]
fn carry_flags() {
    let _turn = turn();
    let lost = "carry flag read without being written";
    fails("addc.u32 %r0, %tid, 1;", 1, 719, &[lost, "addc.u32 %r0, %tid, 1;"]);
    fails("add.u32 %r0, %tid, 1; madc.lo.u32 %r1, %tid, %tid, 0;", 1, 719, &[lost]);
    passes("add.cc.u32 %r0, %tid, 1; addc.u32 %r1, %tid, 1;", 1);
    // The flag does not outlive a branch.
    fails(
        "add.cc.u32 %r0, %tid, 1; setp.eq.u32 %p0, %tid, 99; @%p0 bra A; A: addc.u32 %r1, %tid, 1;",
        1,
        719,
        &[lost],
    );
    // Threads whose guard is off neither write nor read it.
    let some = "setp.lt.u32 %p0, %tid, 5; setp.lt.u32 %p1, %tid, 9; add.u32 %r0, %tid, 1;";
    let write = format!("{some} @%p0 add.cc.u32 %r0, %tid, 1;");
    passes(&format!("{write} @%p0 addc.u32 %r1, %tid, 1;"), 32);
    passes(&format!("{write} @!%p0 add.cc.u32 %r0, %tid, 1; addc.u32 %r1, %tid, 1;"), 32);
    passes(&format!("{write} add.cc.u32 %r0, %tid, 1; addc.u32 %r1, %tid, 1;"), 32);
    fails(&format!("{write} addc.u32 %r1, %tid, 1;"), 32, 719, &[lost, "thread (5, 0, 0)"]);
    fails(&format!("{write} @%p1 addc.u32 %r1, %tid, 1;"), 32, 719, &[lost, "thread (5, 0, 0)"]);
    fails(&format!("{write} @!%p0 addc.u32 %r1, %tid, 1;"), 32, 719, &[lost]);
    fails(&format!("{some} @%p0 addc.u32 %r1, %tid, 1;"), 32, 719, &[lost, "thread (0, 0, 0)"]);
    // A reader that no thread runs is no write either.
    fails(
        &format!("{some} setp.eq.u32 %p2, %tid, 99; @%p2 addc.u32 %r1, %tid, 1; addc.u32 %r2, %tid, 1;"),
        32,
        719,
        &[lost, "addc.u32 %r2, %tid, 1;"],
    );
    // A shuffle is no branch.
    passes(&format!("{write} shfl.sync.idx.b32 %r1, %tid, 0, 31, -1; @%p0 addc.u32 %r1, %tid, 1;"), 32);
    passes("add.cc.u32 %r0, %tid, 1; shfl.sync.idx.b32 %r1, %tid, 0, 31, -1; addc.u32 %r1, %tid, 1;", 32);
}

const WORD: &str = ".shared .align 4 .b8 s[512]; mov.u32 %r0, s; shl.b32 %r1, %tid, 2; add.u32 %r1, %r0, %r1;
    xor.b32 %r2, %tid, 32; shl.b32 %r2, %r2, 2; add.u32 %r2, %r0, %r2; xor.b32 %r3, %tid, 1; shl.b32 %r3, %r3, 2;
    add.u32 %r3, %r0, %r3; st.shared.u32 [%r1], 0;
    bar.sync 0;
    st.shared.u32 [%r1], %tid;";

#[test]
fn races_between_warps() {
    let _turn = turn();
    passes(&format!("{WORD} bar.sync 0; ld.shared.u32 %r4, [%r2];"), 64);
    fails(
        &format!("{WORD} ld.shared.u32 %r4, [%r2];"),
        64,
        719,
        &[
            "race on the shared word",
            "without a barrier since thread",
            "ld.shared.u32 %r4, [%r2];",
            "st.shared.u32 [%r1], %tid;",
        ],
    );
    // A write after reads by others.
    let read = format!("{WORD} bar.sync 0; ld.shared.u32 %r4, [%r2];");
    passes(&format!("{read} bar.sync 0; st.shared.u32 [%r1], 1;"), 64);
    fails(&format!("{read} st.shared.u32 [%r1], 1;"), 64, 719, &["race on the shared word"]);
    fails(".shared .u32 s; st.shared.u32 [s], 1;", 64, 719, &["written by thread"]);
    // A synchronised warp orders its own threads only.
    fails(&format!("{WORD} bar.warp.sync -1; ld.shared.u32 %r4, [%r2];"), 64, 719, &["race"]);
}

#[test]
fn races_within_a_warp() {
    let _turn = turn();
    passes(&format!("{WORD} bar.warp.sync -1; ld.shared.u32 %r4, [%r3];"), 64);
    fails(&format!("{WORD} ld.shared.u32 %r4, [%r3];"), 64, 719, &["race"]);
    let read = format!("{WORD} bar.sync 0; ld.shared.u32 %r4, [%r3];");
    passes(&format!("{read} bar.warp.sync -1; st.shared.u32 [%r1], 1;"), 64);
    fails(
        &format!("{read} st.shared.u32 [%r1], 1;"),
        64,
        719,
        &[": written without a barrier", "read by thread"],
    );
    // A shuffle orders no memory.
    fails(
        &format!("{WORD} shfl.sync.idx.b32 %r5, %tid, 0, 31, -1; ld.shared.u32 %r4, [%r3];"),
        64,
        719,
        &["race"],
    );
    // Threads that synchronise in pairs are ordered in pairs.
    let pair = "and.b32 %r5, %tid, 30; shl.b32 %r6, 3, %r5;";
    passes(&format!("{WORD} {pair} bar.warp.sync %r6; ld.shared.u32 %r4, [%r3];"), 32);
    let far = "xor.b32 %r7, %tid, 2; shl.b32 %r7, %r7, 2; add.u32 %r7, %r0, %r7;";
    fails(&format!("{WORD} {pair} {far} bar.warp.sync %r6; ld.shared.u32 %r4, [%r7];"), 32, 719, &["race"]);
}

#[test]
fn atomics_do_not_race_with_atomics() {
    let _turn = turn();
    let zero = ".shared .u32 s; setp.eq.u32 %p0, %tid, 0; @%p0 st.shared.u32 [s], 0; bar.sync 0;";
    passes(&format!("{zero} red.shared.add.u32 [s], 1;"), 64);
    fails(&format!("{zero} red.shared.add.u32 [s], 1; ld.shared.u32 %r0, [s];"), 64, 719, &["race"]);
    passes(&format!("{zero} red.shared.add.u32 [s], 1; ld.volatile.shared.u32 %r0, [s];"), 64);
    fails(
        ".shared .u32 s; setp.eq.u32 %p0, %tid, 0; @%p0 st.shared.u32 [s], 0; red.shared.add.u32 [s], 1;",
        64,
        719,
        &["race"],
    );
}

#[test]
fn barriers_that_some_do_not_reach() {
    let _turn = turn();
    // Others wait at another barrier.
    fails(
        "setp.lt.u32 %p0, %tid, 32; @%p0 bra A; bar.sync 1; ret; A: bar.sync 0;",
        64,
        719,
        &["barrier not reached by all threads: 32 of 64 wait", "waits at ptx line"],
    );
    fails(
        "setp.lt.u32 %p0, %tid, 16; @%p0 bra A; bar.sync 0; ret; A: bar.sync 0;",
        32,
        719,
        &["a barrier that other threads of the warp do not come to"],
    );
    fails("bar.sync 0, 96;", 64, 719, &["barrier not reached by all threads"]);
    passes("setp.lt.u32 %p0, %tid, 32; @%p0 bra A; bar.sync 0; ret; A: bar.sync 0;", 64);
    fails("mov.u32 %r0, 17; bar.sync %r0;", 32, 719, &["there are 16"]);
    fails("bar.sync 0, 33;", 64, 719, &["no multiple of 32"]);
}

#[test]
fn warps_that_some_do_not_synchronise_with() {
    let _turn = turn();
    fails(
        "setp.lt.u32 %p0, %tid, 16; @%p0 bra A; ret; A: bar.warp.sync 0xff;",
        32,
        719,
        &["without the thread itself"],
    );
    passes("setp.ge.u32 %p0, %tid, 16; @%p0 exit; bar.warp.sync -1;", 32);
    fails(
        "setp.lt.u32 %p0, %tid, 16; @%p0 bra A; bar.warp.sync -1; ret; A: shfl.sync.idx.b32 %r0, %tid, 0, 31, -1;",
        32,
        719,
        &["16 of 32 wait"],
    );
    fails(
        "setp.ge.u32 %p0, %tid, 16; @%p0 exit; shfl.sync.down.b32 %r0, %tid, 8, 31, -1;",
        32,
        719,
        &["shuffle from lane 16, which takes no part", "thread (8, 0, 0)"],
    );
}

#[test]
fn traps() {
    let _turn = turn();
    fails("setp.eq.u32 %p0, %tid, 9; @%p0 trap;", 32, 719, &["trap instruction", "thread (9, 0, 0)"]);
}

#[test]
fn unknown_constructs_are_named() {
    let _turn = turn();
    let session = Session::new();
    for (body, name) in [
        ("frobnicate.u32 %r0, %r1;", "`frobnicate.u32`"),
        ("add.f32 %r0, %r1, %r2;", "`add.f32`"),
        ("ld.global.mystery.u32 %r0, [%out];", "`ld.global.mystery.u32`"),
        ("add.u32 %r0, %d1, 1;", "32 bits"),
        ("bra NOWHERE;", "NOWHERE"),
        ("mov.u32 %r0, %nothing;", "%nothing"),
        ("setp.lo.s32 %p0, %r0, %r1;", "`setp.lo.s32`"),
    ] {
        let text = kernel(body);
        assert_eq!(session.try_load(&text), Err(218), "{body}");
        let line = 1 + text.lines().position(|line| line.contains(body)).unwrap();
        assert!(report().contains(name) && report().contains(&format!("line {line}:")), "{}", report());
    }
    let recursive = module(".func f() { call f; ret; } .visible .entry t() { call f; ret; }");
    assert_eq!(session.try_load(&recursive), Err(218));
    assert!(report().contains("recursive"), "{}", report());
    assert_eq!(session.try_load("hello"), Err(218));
    assert_eq!(session.try_load(&module(".tex .u64 t;")), Err(218));
}

#[test]
fn reports_name_the_thread_of_the_grid() {
    let _turn = turn();
    let session = Session::new();
    let body =
        "mov.u32 %r0, %ctaid.x; setp.eq.u32 %p0, %r0, 6; setp.eq.and.u32 %p0, %tid, 37, %p0; @%p0 trap;";
    let function = session.function(&kernel(body), "t");
    assert_eq!(session.launch(function, Shape::new(9, 64), &[0_u64.into()]), 719);
    assert!(report().contains("kernel t, block (6, 0, 0), thread (37, 0, 0)"), "{}", report());
}

#[test]
fn what_threads_leave_is_theirs() {
    let _turn = turn();
    // Blocks reuse shared memory: nothing of the last one is left.
    let session = Session::new();
    let body = ".shared .u32 s[32]; mov.u32 %r0, %ctaid.x; setp.gt.u32 %p0, %r0, 0; @%p0 ld.shared.u32 %r1, [s]; st.shared.u32 [s], 1;";
    let function = session.function(&kernel(body), "t");
    assert_eq!(session.launch(function, Shape::new(40, 1), &[0_u64.into()]), 719);
    assert!(report().contains("uninitialised"), "{}", report());
    assert_eq!(run_words("st.global.u32 [%at], 3;", 4), [3; 4]);
}
