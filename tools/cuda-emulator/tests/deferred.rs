//! Deferred streams: each hazard gives wrong bytes or a report, and what is ordered right passes.

mod common;

use common::{Arg, Session, Shape, kernel, report, set};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zkwatt_cuda_emulator::api::*;

static TURN: Mutex<()> = Mutex::new(());

const BYTES: usize = 128;
const NON_BLOCKING: u32 = 1;

/// Waits for other tests; work is deferred.
fn turn() -> MutexGuard<'static, ()> {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    [("DEFER", "on"), ("TIMEOUT", "300"), ("FAULT", "")].iter().for_each(|(name, value)| set(name, value));
    guard
}

/// Page-locked words.
struct Pinned(*mut u32);

impl Pinned {
    fn new(value: u32) -> Self {
        let mut memory = null_mut::<c_void>();
        // SAFETY: the pointer is valid.
        assert_eq!(unsafe { cuMemHostAlloc(&mut memory, BYTES, 0) }, 0);
        let found = Self(memory.cast());
        found.fill(value);
        found
    }

    fn fill(&self, value: u32) {
        // SAFETY: there are this many words.
        (0..BYTES / 4).for_each(|index| unsafe { self.0.add(index).write(value) });
    }

    /// The words, which are all equal.
    fn value(&self) -> u32 {
        // SAFETY: as above.
        let words = unsafe { std::slice::from_raw_parts(self.0, BYTES / 4) };
        assert!(words.iter().all(|&word| word == words[0]), "{words:x?}");
        words[0]
    }

    fn upload(&self, to: u64, stream: usize) {
        // SAFETY: there are this many bytes.
        assert_eq!(unsafe { cuMemcpyHtoDAsync_v2(to, self.0.cast(), BYTES, stream) }, 0);
    }

    fn download(&self, from: u64, stream: usize) {
        // SAFETY: there are this many bytes.
        assert_eq!(unsafe { cuMemcpyDtoHAsync_v2(self.0.cast(), from, BYTES, stream) }, 0);
    }
}

const SPOILT: u32 = 0xa5a5_a5a5;

fn stream(flags: u32) -> usize {
    let mut found = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuStreamCreate(&mut found, flags) }, 0);
    found
}

fn event() -> usize {
    let mut found = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuEventCreate(&mut found, 0) }, 0);
    found
}

fn record(event: usize, stream: usize) {
    // SAFETY: handles are looked up.
    assert_eq!(unsafe { cuEventRecord(event, stream) }, 0);
}

fn wait_event(stream: usize, event: usize) {
    // SAFETY: handles are looked up.
    assert_eq!(unsafe { cuStreamWaitEvent(stream, event, 0) }, 0);
}

fn synchronise(stream: usize) -> i32 {
    // SAFETY: handles are looked up.
    unsafe { cuStreamSynchronize(stream) }
}

/// Memory of ones, which nothing is pending on.
fn ones(session: &Session) -> u64 {
    let memory = session.upload_words(&[1; BYTES / 4]);
    // SAFETY: nothing is passed.
    assert_eq!(unsafe { cuCtxSynchronize() }, 0);
    memory
}

/// Doubles each word.
fn doubler(session: &Session) -> usize {
    session
        .function(&kernel("ld.global.u32 %r0, [%at]; add.u32 %r0, %r0, %r0; st.global.u32 [%at], %r0;"), "t")
}

fn double(session: &Session, function: usize, memory: u64, stream: usize) {
    let shape = Shape::new(1, BYTES as u32 / 4);
    assert_eq!(session.launch_in(stream, function, shape, &[Arg::from(memory)]), 0);
}

#[test]
fn streams_are_joined_by_events() {
    let _turn = turn();
    for joined in [false, true] {
        let session = Session::new();
        let (memory, function, result) = (ones(&session), doubler(&session), Pinned::new(0));
        let (first, second, event) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event());
        double(&session, function, memory, first);
        record(event, first);
        if joined {
            wait_event(second, event);
        }
        // Beyond the event: nobody waits for it.
        double(&session, function, memory, first);
        result.download(memory, second);
        assert_eq!(synchronise(second), 0);
        assert_eq!(result.value(), if joined { 2 } else { 1 });
        assert_eq!(synchronise(first), 0);
        assert_eq!(session.download_words(memory, 1), [4]);
    }
}

#[test]
fn waits_take_the_record_at_their_call() {
    let _turn = turn();
    let session = Session::new();
    let (memory, function, result) = (ones(&session), doubler(&session), Pinned::new(0));
    let (first, second, event) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event());
    // An event without a record holds nobody up.
    wait_event(second, event);
    double(&session, function, memory, first);
    record(event, first);
    wait_event(second, event);
    double(&session, function, memory, first);
    record(event, first);
    result.download(memory, second);
    assert_eq!(synchronise(second), 0);
    assert_eq!(result.value(), 2);
    // SAFETY: handles are looked up.
    assert_eq!(unsafe { cuEventSynchronize(event) }, 0);
    result.download(memory, second);
    assert_eq!(synchronise(second), 0);
    assert_eq!(result.value(), 4);
}

#[test]
fn staging_memory_is_read_late() {
    let _turn = turn();
    for (waits, expected) in [(false, [8, 8]), (true, [7, 8])] {
        let session = Session::new();
        let memories = [ones(&session), ones(&session)];
        let (staging, stream) = (Pinned::new(7), stream(NON_BLOCKING));
        staging.upload(memories[0], stream);
        if waits {
            assert_eq!(synchronise(stream), 0);
        }
        staging.fill(8);
        staging.upload(memories[1], stream);
        assert_eq!(synchronise(stream), 0);
        assert_eq!(memories.map(|memory| session.download_words(memory, 1)[0]), expected);
    }
}

#[test]
fn pageable_memory_is_read_at_the_call() {
    let _turn = turn();
    let session = Session::new();
    let (memory, stream) = (ones(&session), stream(NON_BLOCKING));
    let mut words = vec![7_u32; BYTES / 4];
    let copy = |words: &[u32]| {
        // SAFETY: there are this many bytes.
        assert_eq!(unsafe { cuMemcpyHtoDAsync_v2(memory, words.as_ptr().cast(), BYTES, stream) }, 0);
    };
    copy(&words);
    words.fill(8);
    assert_eq!(session.download_words(memory, 1), [1]);
    assert_eq!(synchronise(stream), 0);
    assert_eq!(session.download_words(memory, 1), [7]);
    // SAFETY: there are this many bytes until they are unregistered.
    unsafe {
        assert_eq!(cuMemHostRegister_v2(words.as_mut_ptr().cast(), BYTES, 0), 0);
        assert_eq!(cuMemHostRegister_v2(words.as_mut_ptr().cast(), 4, 0), 712);
        copy(&words);
        words.fill(9);
        assert_eq!(cuMemHostUnregister(words.as_mut_ptr().cast()), 0);
        assert_eq!(cuMemHostUnregister(words.as_mut_ptr().cast()), 713);
    }
    assert_eq!(session.download_words(memory, 1), [9]);
}

#[test]
fn results_come_with_the_wait() {
    let _turn = turn();
    let session = Session::new();
    let (memory, result, stream) = (ones(&session), Pinned::new(0), stream(NON_BLOCKING));
    result.download(memory, stream);
    assert_eq!(result.value(), SPOILT);
    assert_eq!(synchronise(stream), 0);
    assert_eq!(result.value(), 1);
    // Copies to pageable memory are done when they return.
    let mut words = [0_u32; BYTES / 4];
    // SAFETY: there are this many bytes.
    assert_eq!(unsafe { cuMemcpyDtoHAsync_v2(words.as_mut_ptr().cast(), memory, BYTES, stream) }, 0);
    assert_eq!(words, [1; BYTES / 4]);
}

#[test]
fn memory_that_is_read_first_keeps_its_bytes() {
    let _turn = turn();
    let session = Session::new();
    let (memory, other, stream) = (ones(&session), ones(&session), stream(NON_BLOCKING));
    let buffer = Pinned::new(7);
    buffer.upload(memory, stream);
    buffer.download(other, stream);
    assert_eq!(synchronise(stream), 0);
    assert_eq!((session.download_words(memory, 1)[0], buffer.value()), (7, 1));
}

#[test]
fn frees_wait() {
    let _turn = turn();
    let session = Session::new();
    let (memory, result, stream) = (ones(&session), Pinned::new(0), stream(NON_BLOCKING));
    let function = doubler(&session);
    double(&session, function, memory, stream);
    result.download(memory, stream);
    assert_eq!(result.value(), SPOILT);
    // SAFETY: addresses are looked up.
    unsafe {
        assert_eq!(cuMemFree_v2(ones(&session)), 0);
        assert_eq!(result.value(), 2);
        let staging = Pinned::new(9);
        staging.upload(memory, stream);
        assert_eq!(cuMemFreeHost(staging.0.cast()), 0);
    }
    assert_eq!(session.download_words(memory, 1), [9]);
}

#[test]
fn memory_of_streams_is_there_in_their_order() {
    let _turn = turn();
    let run = |joins: bool, frees_early: bool| {
        let session = Session::new();
        let (first, second, made, used) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event(), event());
        let (function, mut memory) = (doubler(&session), 0);
        // SAFETY: pointers are valid, handles and addresses are looked up.
        unsafe {
            assert_eq!(cuMemAllocAsync(&mut memory, BYTES, first), 0);
            record(made, first);
            if joins {
                wait_event(second, made);
            }
            assert_eq!(cuMemsetD8Async(memory, 1, BYTES, second), 0);
            double(&session, function, memory, second);
            record(used, second);
            if !frees_early {
                wait_event(first, used);
            }
            assert_eq!(cuMemFreeAsync(memory, first), 0);
            assert_eq!(cuMemFreeAsync(memory, first), 1);
            let order = if joins { [first, second] } else { [second, first] };
            order.map(synchronise)
        }
    };
    assert_eq!(run(true, false), [0, 0]);
    assert_eq!(run(true, true), [0, 700]);
    assert!(report().contains("freed or not yet allocated"), "{}", report());
    assert_eq!(run(false, false), [700, 700]);
}

#[test]
fn pending_frees_give_their_memory() {
    let _turn = turn();
    let session = Session::new();
    let mut memory = 0;
    set("MEMORY", "65536");
    // SAFETY: pointers are valid, addresses are looked up.
    unsafe {
        assert_eq!(cuMemAlloc_v2(&mut memory, 40_000), 0);
        assert_eq!(cuMemFreeAsync(memory, 0), 0);
        assert_eq!(cuMemAlloc_v2(&mut memory, 40_000), 0);
        assert_eq!(cuMemAlloc_v2(&mut memory, 40_000), 2);
    }
    set("MEMORY", "4294967296");
    drop(session);
}

#[test]
fn the_null_stream_waits_for_blocking_streams() {
    let _turn = turn();
    for (flags, expected) in [(0, [2, 4]), (NON_BLOCKING, [1, 2])] {
        let session = Session::new();
        let (memory, function, stream) = (ones(&session), doubler(&session), stream(flags));
        double(&session, function, memory, stream);
        let early = session.download_words(memory, 1)[0];
        // The other way round.
        double(&session, function, memory, 0);
        let result = Pinned::new(0);
        result.download(memory, stream);
        assert_eq!(synchronise(stream), 0);
        assert_eq!([early, result.value()], expected);
    }
}

#[test]
fn queries_turn_ready() {
    let _turn = turn();
    let session = Session::new();
    let (memory, function) = (ones(&session), doubler(&session));
    let (stream, other, done) = (stream(NON_BLOCKING), stream(NON_BLOCKING), event());
    let result = Pinned::new(0);
    // SAFETY: handles are looked up.
    unsafe {
        assert_eq!(cuStreamQuery(stream), 0);
        assert_eq!(cuEventQuery(done), 0);
        double(&session, function, memory, stream);
        record(done, stream);
        assert_eq!([(); 5].map(|()| cuEventQuery(done)), [600, 600, 600, 0, 0]);
        result.download(memory, stream);
        assert_eq!([(); 5].map(|()| cuStreamQuery(stream)), [600, 600, 600, 0, 0]);
        assert_eq!(result.value(), 2);
        // Times are those of execution.
        let (from, to, mut milliseconds) = (event(), event(), -1.0);
        record(from, stream);
        wait_event(other, from);
        record(to, other);
        assert_eq!(cuEventElapsedTime(&mut milliseconds, from, to), 600);
        assert_eq!(synchronise(other), 0);
        assert_eq!(cuEventElapsedTime(&mut milliseconds, from, to), 0);
        assert!((0.0..1000.0).contains(&milliseconds));
    }
}

#[test]
fn faults_come_with_the_wait() {
    let _turn = turn();
    let session = Session::new();
    let memory = ones(&session);
    let function = session.function(&kernel("st.global.u32 [%out+4096], 1;"), "t");
    let (stream, result) = (stream(NON_BLOCKING), Pinned::new(0));
    double(&session, function, memory, stream);
    result.download(memory, stream);
    // Another stream knows nothing of it.
    assert_eq!(synchronise(0), 0);
    assert_eq!(synchronise(stream), 700);
    assert_eq!(result.value(), SPOILT);
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { cuMemAlloc_v2(&mut 0, 8) }, 700);
    drop(session);
    for (fault, status) in [("memcpy:1", 214), ("illegal:1", 700), ("sync:1", 719)] {
        let session = Session::new();
        let (memory, function, result) = (ones(&session), doubler(&session), Pinned::new(0));
        set("FAULT", fault);
        double(&session, function, memory, 0);
        result.download(memory, 0);
        assert_eq!(synchronise(0), status, "{fault}");
        assert_eq!(result.value(), SPOILT, "{fault}");
    }
}

static CALLS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn call_back(data: *mut c_void) {
    // SAFETY: nothing is passed.
    let status = unsafe { cuCtxSynchronize() };
    // SAFETY: the caller passes page-locked words, which the copy before has written.
    let word = unsafe { *data.cast::<u32>() };
    CALLS.store(1000 * status as u32 + word, SeqCst);
}

#[test]
fn host_functions_run_in_order() {
    let _turn = turn();
    let session = Session::new();
    let (memory, stream, result) = (ones(&session), stream(NON_BLOCKING), Pinned::new(0));
    result.download(memory, stream);
    // SAFETY: the function takes this argument.
    assert_eq!(unsafe { cuLaunchHostFunc(stream, Some(call_back), result.0.cast()) }, 0);
    assert_eq!(CALLS.load(SeqCst), 0);
    assert_eq!(synchronise(stream), 0);
    // Calls of the driver are not permitted in it.
    assert_eq!(CALLS.load(SeqCst), 800_001);
}

#[test]
fn destroyed_streams_finish() {
    let _turn = turn();
    let session = Session::new();
    let (memory, function, stream) = (ones(&session), doubler(&session), stream(NON_BLOCKING));
    double(&session, function, memory, stream);
    // SAFETY: handles are looked up.
    unsafe {
        assert_eq!(cuStreamDestroy_v2(stream), 0);
        assert_eq!(session.download_words(memory, 1), [1]);
        assert_eq!(cuCtxSynchronize(), 0);
    }
    assert_eq!(session.download_words(memory, 1), [2]);
}

#[test]
fn contexts_are_joined_by_events() {
    let _turn = turn();
    let first = Session::new();
    let (memory, function, event) = (ones(&first), doubler(&first), event());
    double(&first, function, memory, 0);
    record(event, 0);
    let second = Session::new();
    let target = ones(&second);
    // SAFETY: handles and addresses are looked up.
    unsafe {
        wait_event(0, event);
        assert_eq!(cuMemcpyPeerAsync(target, second.context, memory, first.context, BYTES, 0), 0);
    }
    assert_eq!(second.download_words(target, 1), [2]);
}

#[test]
fn threads_share_streams() {
    let _turn = turn();
    let session = Session::new();
    let (function, context) = (doubler(&session), session.context);
    let streams = [0, 0, 0].map(|_| stream(0));
    std::thread::scope(|scope| {
        for turn in 0..4 {
            let session = &session;
            scope.spawn(move || {
                // SAFETY: handles are looked up.
                assert_eq!(unsafe { cuCtxSetCurrent(context) }, 0);
                let (memory, result, event) = (session.allocate(BYTES), Pinned::new(1), event());
                for round in 0..20_u32 {
                    let [one, other] = [turn, turn + round as usize % 3].map(|index| streams[index % 3]);
                    result.fill(round);
                    result.upload(memory, one);
                    record(event, one);
                    wait_event(other, event);
                    double(session, function, memory, other);
                    result.download(memory, other);
                    // The null stream is in the way of all.
                    // SAFETY: addresses are looked up.
                    assert_eq!(unsafe { cuMemsetD8_v2(memory + 64, 0, 0) }, 0);
                    assert_eq!(synchronise(other), 0);
                    assert_eq!(result.value(), 2 * round);
                }
            });
        }
    });
}

#[test]
fn faults_reach_all_threads() {
    let _turn = turn();
    for _ in 0..20 {
        let session = Session::new();
        let (memory, function, context) = (ones(&session), doubler(&session), session.context);
        let bad = session.function(&kernel("st.global.u32 [%out+4096], 1;"), "t");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let session = &session;
                scope.spawn(move || {
                    // SAFETY: handles are looked up.
                    assert_eq!(unsafe { cuCtxSetCurrent(context) }, 0);
                    let mut words = [0_u32; BYTES / 4];
                    let ended = (0..1_000_000).any(|round| {
                        let function = if (thread, round) == (0, 20) { bad } else { function };
                        let launched =
                            session.launch_in(0, function, Shape::new(1, 32), &[Arg::from(memory)]);
                        // SAFETY: there are this many bytes.
                        let copied = unsafe { cuMemcpyDtoH_v2(words.as_mut_ptr().cast(), memory, BYTES) };
                        launched == 700 || copied == 700
                    });
                    assert!(ended);
                });
            }
        });
    }
}

#[test]
fn hung_launches_never_end() {
    let _turn = turn();
    for defer in ["on", "off"] {
        set("DEFER", defer);
        let session = Session::new();
        let (memory, function) = (ones(&session), doubler(&session));
        let (stream, before, after) = (stream(NON_BLOCKING), event(), event());
        set("FAULT", "hang:2");
        double(&session, function, memory, stream);
        record(before, stream);
        double(&session, function, memory, stream);
        record(after, stream);
        set("TIMEOUT", "1");
        // SAFETY: handles are looked up.
        unsafe {
            assert!((0..20).all(|_| cuEventQuery(after) == 600 && cuStreamQuery(stream) == 600));
            assert_eq!(cuEventSynchronize(before), 0);
            let begun = Instant::now();
            assert_eq!(cuEventSynchronize(after), 702);
            assert!(begun.elapsed() >= Duration::from_secs(1));
            assert_eq!(cuEventQuery(after), 702);
            assert_eq!(cuCtxSynchronize(), 702);
        }
    }
}

#[test]
fn faults_strike_programs_that_poll() {
    let _turn = turn();
    for polls_event in [false, true] {
        let session = Session::new();
        let (memory, function, event) = (ones(&session), doubler(&session), event());
        set("FAULT", "sync:1");
        double(&session, function, memory, 0);
        record(event, 0);
        // SAFETY: handles are looked up.
        let poll = || unsafe { if polls_event { cuEventQuery(event) } else { cuStreamQuery(0) } };
        assert_eq!([(); 5].map(|()| poll()), [600, 600, 600, 719, 719]);
    }
}
