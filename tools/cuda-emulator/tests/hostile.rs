//! Text that is meant to exhaust the loader is refused.

mod common;

use common::{kernel, module, set};
use std::sync::{Mutex, PoisonError};
use zkwatt_cuda_emulator::check;

static TURN: Mutex<()> = Mutex::new(());

fn refused(text: &str, why: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let found = check(text).expect_err(why);
    assert!(found.contains(why), "{found}");
}

fn loads(text: &str) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(check(text), Ok(()));
}

#[test]
fn brackets_within_brackets() {
    let brackets = |open: &str, close: &str, count| format!("{}0{}", open.repeat(count), close.repeat(count));
    let why = "32 brackets within each other";
    loads(&module(&format!(".global .u32 g[4] = {};", brackets("{", "}", 20))));
    for count in [33, 1_000_000] {
        refused(&module(&format!(".global .u32 g[4] = {};", brackets("{", "}", count))), why);
        for (open, close) in [("{", "}"), ("(", ")"), ("[", "]"), ("[{(", ")}]")] {
            refused(&kernel(&format!("mov.u32 %r0, {};", brackets(open, close, count))), why);
        }
    }
}

#[test]
fn calls_within_calls() {
    let chain = |count: usize, calls: usize| {
        let mut text = ".func f0() { .reg .b32 %r<9>; mov.u32 %r0, 1; ret; }\n".to_owned();
        for number in 1..count {
            let call = format!("call f{}; ", number - 1);
            text += &format!(".func f{number}() {{ {}ret; }}\n", call.repeat(calls));
        }
        module(&format!("{text}.visible .entry t() {{ call f{}; ret; }}", count - 1))
    };
    loads(&chain(200, 1));
    refused(&chain(2000, 1), "256 calls within each other");
    loads(&chain(10, 2));
    refused(&chain(60, 2), "too long once its calls are expanded");
}

#[test]
fn branches_after_branches() {
    let labels = |count: usize| -> String {
        (0..count).map(|number| format!("@%p0 bra L{number};\nL{number}:\n")).collect()
    };
    let body = |count| kernel(&format!("setp.eq.u32 %p0, %tid, 1; {}", labels(count)));
    loads(&body(50_000));
    refused(&body(600_000), "too many branches after each other");
}

#[test]
fn sizes() {
    refused(&module(".global .b8 g[4294967297];"), "the variable g");
    refused(&module(".global .align 1152921504606846976 .b8 g[4];"), "the variable g");
    let entry = |params: &str| module(&format!(".visible .entry t({params}) {{ ret; }}"));
    refused(&entry(".param .b8 p[40000]"), "the variable p");
    refused(&entry(".param .b8 p[20000], .param .b8 q[20000]"), "40000 bytes of parameters");
    refused(&kernel(".reg .b32 %many<1000000>; .reg .b32 %more<100000>;"), "registers of one function");
    refused(&kernel("st.global.u32 [%out+99999999999], 1;"), "an offset of more than 32 bits");
    refused(&kernel(".local .b8 l[2000000]; mov.u64 %d0, l;"), "1 MiB of shared or local memory");
}

#[test]
fn variables_beyond_the_device() {
    let text = module(".global .b8 g[4000]; .const .b8 c[4000]; .global .b8 h[4000];");
    loads(&text);
    let found = {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        set("MEMORY", "10000");
        let found = check(&text);
        set("MEMORY", "4294967296");
        found
    };
    assert!(found.unwrap_err().contains("the variable h: the device has less memory"));
}
