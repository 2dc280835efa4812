//! Entry points of the emulator's own: reports, settings, statistics.

use super::registry::lock;
use crate::config;
use crate::exec::Counts;
use crate::program::{Kernel, Op};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::{CStr, CString, c_char, c_int};
use std::io::Write;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};

/// Latest report. Reports stay: callers hold pointers to them, and there are few.
static REPORT: AtomicPtr<c_char> = AtomicPtr::new(std::ptr::null_mut());
static LAUNCHES: AtomicU64 = AtomicU64::new(0);

#[derive(Default)]
struct Totals {
    warp_instructions: u64,
    /// How often each basic block ran, by kernel.
    kernels: HashMap<usize, (Arc<Kernel>, Vec<u64>, u64)>,
}

static TOTALS: LazyLock<Mutex<Totals>> = LazyLock::new(Mutex::default);

/// Writes a report to standard error and keeps it.
pub(super) fn complain(what: &str) {
    eprintln!("cuda-emulator: {what}");
    let text = CString::new(what.replace('\0', " ")).unwrap_or_default();
    REPORT.store(text.into_raw(), SeqCst);
}

/// Lines that the log has.
static LOGGED: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

/// Appends a line to the log that the settings name, if it is new.
pub(super) fn log(line: &str) {
    let Some(path) = config::get().log else { return };
    if !lock(&LOGGED).insert(line.to_owned()) {
        return;
    }
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    if let Err(error) = file.and_then(|mut file| writeln!(file, "{line}")) {
        complain(&format!("{}: {error}", path.display()));
    }
}

/// Numbers launches from one on.
pub(super) fn next_launch() -> u64 {
    LAUNCHES.fetch_add(1, SeqCst) + 1
}

/// Adds what a launch has done.
pub(super) fn count(kernel: &Arc<Kernel>, counts: &Counts) {
    let mut totals = lock(&TOTALS);
    totals.warp_instructions += counts.warp_instructions;
    let fresh = || (Arc::clone(kernel), vec![0; counts.blocks.len()], 0);
    let (_, blocks, launches) = totals.kernels.entry(Arc::as_ptr(kernel) as usize).or_insert_with(fresh);
    blocks.iter_mut().zip(&counts.blocks).for_each(|(total, count)| *total += count);
    *launches += 1;
}

fn statistics() -> String {
    let totals = lock(&TOTALS);
    let mut ops: BTreeMap<String, u64> = BTreeMap::new();
    let mut kernels: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (kernel, blocks, launches) in totals.kernels.values() {
        let entry = kernels.entry(&kernel.name).or_default();
        entry.0 += launches;
        for (block, &count) in kernel.blocks.iter().zip(blocks).filter(|(_, count)| **count > 0) {
            let insts = &kernel.insts[block.begin as usize..block.end as usize];
            entry.1 += count * (insts.len() as u64 + 1);
            let mut add = |op: Op| *ops.entry(format!("{op:?}")).or_default() += count;
            insts.iter().for_each(|inst| add(inst.op));
        }
    }
    let ops: Vec<_> = ops.into_iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
    let kernel = |(name, (launches, insts))| {
        format!("\"{name}\":{{\"launches\":{launches},\"warp_instructions\":{insts}}}")
    };
    let kernels: Vec<_> = kernels.into_iter().map(kernel).collect();
    format!(
        "{{\"launches\":{},\"warp_instructions\":{},\"kernels\":{{{}}},\"operations\":{{{}}}}}",
        LAUNCHES.load(SeqCst),
        totals.warp_instructions,
        kernels.join(","),
        ops.join(",")
    )
}

/// Text of the latest report, or null; valid until the process ends.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "named as the driver's interface is")]
pub extern "C" fn cudaEmulatorLastReport() -> *const c_char {
    REPORT.load(SeqCst)
}

/// Sets what the environment variable `CUDA_EMULATOR_` + `name` sets; 1 if that is not understood.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "named as the driver's interface is")]
pub unsafe extern "C" fn cudaEmulatorSet(name: *const c_char, value: *const c_char) -> c_int {
    if name.is_null() || value.is_null() {
        return 1;
    }
    // SAFETY: the caller gives C strings.
    let (name, value) = unsafe { (CStr::from_ptr(name), CStr::from_ptr(value)) };
    let set =
        name.to_str().ok().zip(value.to_str().ok()).is_some_and(|(name, value)| config::set(name, value));
    c_int::from(!set)
}

/// Counters as JSON; the string is the caller's, to be given to `cudaEmulatorFree`.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "named as the driver's interface is")]
pub extern "C" fn cudaEmulatorStatistics() -> *mut c_char {
    CString::new(statistics()).unwrap_or_default().into_raw()
}

/// Frees a string of `cudaEmulatorStatistics`.
#[unsafe(no_mangle)]
#[allow(non_snake_case, reason = "named as the driver's interface is")]
pub unsafe extern "C" fn cudaEmulatorFree(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: the caller returns what `into_raw` gave.
        drop(unsafe { CString::from_raw(text) });
    }
}
