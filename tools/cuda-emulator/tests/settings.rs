//! Settings, which hold for the process: these tests run one after another.

mod common;

use common::{Session, Shape, kernel, module, report, set};
use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zkwatt_cuda_emulator::api::*;

static TURN: Mutex<()> = Mutex::new(());

/// Waits for other tests, with settings as they begin.
fn turn() -> MutexGuard<'static, ()> {
    let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let defaults = [
        ("SEED", "1"),
        ("THREADS", "2"),
        ("DEVICES", "1"),
        ("MEMORY", "1073741824"),
        ("DRIVER_VERSION", "12000"),
        ("COMPUTE_CAPABILITY", "8.9"),
        ("POISON", "off"),
        ("CHECKS", "on"),
        ("GLOBAL_RACES", "off"),
        ("DEFER", "off"),
        ("TIMEOUT", "300"),
        ("FAULT", ""),
        ("REPLACE", ""),
        ("LOG", ""),
    ];
    defaults.iter().for_each(|(name, value)| set(name, value));
    guard
}

/// Order in which blocks of one thread come.
fn block_order() -> Vec<u32> {
    let body = "atom.global.add.u32 %r0, [%out], 1; mov.u32 %r1, %ctaid.x; mad.wide.u32 %d0, %r0, 4, %out; st.global.u32 [%d0+4], %r1;";
    let session = Session::new();
    let function = session.function(&kernel(body), "t");
    let out = session.upload_words(&[0; 101]);
    assert_eq!(session.launch(function, Shape::new(100, 1), &[out.into()]), 0, "{}", report());
    session.download_words(out, 101)[1..].to_vec()
}

#[test]
fn seeds_order_blocks() {
    let _turn = turn();
    set("THREADS", "1");
    set("SEED", "0");
    assert_eq!(block_order(), (0..100).collect::<Vec<_>>());
    let mut orders = HashSet::new();
    for seed in ["1", "2", "3"] {
        set("SEED", seed);
        let order = block_order();
        assert_eq!(order, block_order());
        assert_eq!(order.iter().collect::<HashSet<_>>().len(), 100);
        orders.insert(order);
    }
    assert_eq!(orders.len(), 3);
    set("THREADS", "4");
    assert_eq!(block_order().iter().collect::<HashSet<_>>().len(), 100);
}

#[test]
fn large_grids_visit_every_block() {
    let _turn = turn();
    let session = Session::new();
    let body = "mov.u32 %r1, %ctaid.x; mad.wide.u32 %d0, %r1, 1, %out; st.global.u8 [%d0], 1; red.global.add.u32 [%out+1200000], 1;";
    let function = session.function(&kernel(body), "t");
    let count = 1_100_000;
    let out = session.upload(&vec![0; 1_200_004]);
    for seed in ["0", "5"] {
        set("SEED", seed);
        assert_eq!(session.launch(function, Shape::new(count, 1), &[out.into()]), 0, "{}", report());
    }
    let found = session.download(out, 1_200_004);
    assert!(found[..count as usize].iter().all(|&byte| byte == 1));
    assert_eq!(u32::from_le_bytes(found[1_200_000..].try_into().unwrap()), 2 * count);
}

#[test]
fn poison_fills_fresh_memory() {
    let _turn = turn();
    let session = Session::new();
    assert_eq!(session.download(session.allocate(8), 8), [0; 8]);
    set("POISON", "0xa5");
    assert_eq!(session.download(session.allocate(8), 8), [0xa5; 8]);
    set("CHECKS", "off");
    let function = session
        .function(&kernel(".shared .u32 s[4]; ld.shared.u32 %r0, [s+4]; st.global.u32 [%out], %r0;"), "t");
    let out = session.allocate(8);
    assert_eq!(session.launch(function, Shape::new(1, 1), &[out.into()]), 0, "{}", report());
    assert_eq!(session.download_words(out, 2), [0xa5a5_a5a5; 2]);
}

#[test]
fn checks_can_be_switched_off() {
    let _turn = turn();
    let session = Session::new();
    let body = ".shared .u32 s; st.shared.u32 [s], %tid; ld.shared.u32 %r0, [s]; ld.global.u32 %r1, [%at];";
    let function = session.function(&kernel(body), "t");
    let out = session.allocate(1024);
    set("CHECKS", "off");
    assert_eq!(session.launch(function, Shape::new(1, 64), &[out.into()]), 0);
    // Bounds are always compared.
    assert_eq!(session.launch(function, Shape::new(1, 512), &[out.into()]), 700);
}

#[test]
fn races_between_blocks() {
    let _turn = turn();
    let run = |body: &str| {
        let session = Session::new();
        let function = session.function(&kernel(body), "t");
        let out = session.upload_words(&[0; 64]);
        session.launch(function, Shape::new(4, 32), &[out.into()])
    };
    assert_eq!(run("st.global.u32 [%at], 1;"), 0);
    set("GLOBAL_RACES", "on");
    assert_eq!(run("st.global.u32 [%at], 1;"), 719);
    assert!(
        report().contains("race on the global word") && report().contains("written by block"),
        "{}",
        report()
    );
    let own = "mov.u32 %r0, %ctaid.x; mad.wide.u32 %d0, %r0, 32, %out; and.b32 %r1, %tid, 7; mad.wide.u32 %d0, %r1, 4, %d0;";
    assert_eq!(run(&format!("{own} st.global.u32 [%d0], 1; ld.global.u32 %r2, [%d0];")), 0);
    assert_eq!(run(&format!("{own} st.global.u32 [%d0], 1; ld.global.u32 %r2, [%at];")), 719);
    assert_eq!(run("ld.global.u32 %r2, [%at];"), 0);
    assert_eq!(run("red.global.add.u32 [%out], 1;"), 0);
    assert_eq!(run("red.global.add.u32 [%out], 1; ld.global.u32 %r2, [%out];"), 719);
}

#[test]
fn endless_kernels_end() {
    let _turn = turn();
    set("TIMEOUT", "1");
    let session = Session::new();
    let function = session.function(&kernel("AGAIN: add.u32 %r0, %tid, 1; bra AGAIN;"), "t");
    assert_eq!(session.launch(function, Shape::new(4, 32), &[0_u64.into()]), 702);
    assert!(report().contains("still running after 1 s"), "{}", report());
}

#[test]
fn memory_is_limited() {
    let _turn = turn();
    set("MEMORY", "65536");
    let session = Session::new();
    let (mut address, mut free, mut total) = (0, 0, 0);
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuMemAlloc_v2(&mut address, 65536), 0);
        assert_eq!(cuMemAlloc_v2(&mut 0, 1), 2);
        assert_eq!(cuMemGetInfo_v2(&mut free, &mut total), 0);
        assert_eq!((free, total), (0, 65536));
        assert_eq!(cuMemFree_v2(address), 0);
        assert_eq!(cuMemAlloc_v2(&mut 0, 65536), 0);
    }
    drop(session);
    let _session = Session::new();
    // SAFETY: pointers are valid.
    assert_eq!(unsafe { cuMemAlloc_v2(&mut 0, 65536) }, 0);
}

#[test]
fn faults_are_injected_once() {
    let _turn = turn();
    let session = Session::new();
    let function = session.function(&kernel("st.global.u32 [%at], %tid;"), "t");
    let out = session.upload_words(&[0; 32]);
    set("FAULT", "alloc:2,launch:2");
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!([0, 1, 2, 3].map(|_| cuMemAlloc_v2(&mut 0, 8)), [0, 2, 0, 0]);
        let launches = [0, 1, 2].map(|_| session.launch(function, Shape::new(1, 32), &[out.into()]));
        assert_eq!(launches, [0, 701, 0]);
    }
    drop(session);
    for (fault, status) in [("memcpy:1", 214), ("sync:1", 719), ("illegal:1", 700)] {
        let session = Session::new();
        let function = session.function(&kernel("st.global.u32 [%at], %tid;"), "t");
        let out = session.upload_words(&[0; 32]);
        set("FAULT", fault);
        // SAFETY: pointers are valid for their sizes.
        let found = unsafe {
            match status {
                214 => cuMemcpyDtoH_v2([0_u8; 4].as_mut_ptr().cast(), out, 4),
                719 => cuCtxSynchronize(),
                _ => session.launch(function, Shape::new(1, 1), &[out.into()]),
            }
        };
        assert_eq!(found, status, "{fault}");
        // SAFETY: nothing is passed.
        assert_eq!(unsafe { cuCtxSynchronize() }, status, "{fault} sticks");
    }
}

#[test]
fn drivers_may_be_too_old() {
    let _turn = turn();
    set("DRIVER_VERSION", "11080");
    let session = Session::new();
    assert_eq!(session.try_load(&kernel("")), Err(222));
    assert!(report().contains("PTX 8.0 needs a driver of version 12000, this is 11080"), "{}", report());
    set("DRIVER_VERSION", "12000");
    assert!(session.try_load(&kernel("")).is_ok());
    set("COMPUTE_CAPABILITY", "6.1");
    assert_eq!(session.try_load(&kernel("")), Err(209));
}

#[test]
fn devices_are_counted() {
    let _turn = turn();
    let (mut count, mut device, mut id) = (0, 0, [[0; 16]; 2]);
    set("DEVICES", "2");
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuInit(0), 0);
        assert_eq!(cuDeviceGetCount(&mut count), 0);
        assert_eq!(count, 2);
        assert_eq!(cuDeviceGet(&mut device, 1), 0);
        assert_eq!(cuDeviceGetUuid_v2(&mut id[0], 0), 0);
        assert_eq!(cuDeviceGetUuid_v2(&mut id[1], 1), 0);
        assert_ne!(id[0], id[1]);
        set("DEVICES", "0");
        assert_eq!(cuInit(0), 100);
    }
}

#[test]
fn modules_are_replaced_and_launches_logged() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let [one, other, log] = ["one.ptx", "other.ptx", "log"].map(|name| folder.path().join(name));
    let texts = [kernel("st.global.u32 [%at], 1;"), kernel("st.global.u32 [%at], 2;")];
    std::fs::write(&one, &texts[0]).unwrap();
    std::fs::write(&other, &texts[1]).unwrap();
    set("LOG", log.to_str().unwrap());
    let run = |text: &str| {
        let session = Session::new();
        let out = session.upload_words(&[0; 32]);
        assert_eq!(session.launch(session.function(text, "t"), Shape::new(1, 32), &[out.into()]), 0);
        session.download_words(out, 32)[31]
    };
    let logged = || std::fs::read_to_string(&log).unwrap();
    assert_eq!(run(&texts[0]), 1);
    assert_eq!(run(&texts[0]), 1);
    assert_eq!(logged(), "t\n");
    set("REPLACE", &format!("{}:{}", one.display(), other.display()));
    assert_eq!(run(&kernel("st.global.u32 [%at], 3;")), 3);
    assert_eq!(logged(), "t\n");
    assert_eq!(run(&texts[0]), 2);
    assert_eq!(logged(), "t\nreplaced a module\n");
}

#[test]
fn statistics_count() {
    let _turn = turn();
    let session = Session::new();
    let text =
        module(".visible .entry counted() { .reg .b32 %r<4>; mov.u32 %r0, 1; add.cc.u32 %r1, %r0, 1; ret; }");
    let function = session.function(&text, "counted");
    assert_eq!(session.launch(function, Shape::new(3, 64), &[]), 0, "{}", report());
    let text = cudaEmulatorStatistics();
    // SAFETY: the string is ours until it is given back.
    let found = unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
    // SAFETY: as above.
    unsafe { cudaEmulatorFree(text) };
    // Six warps; the move, the sum, the end.
    assert!(found.contains("\"counted\":{\"launches\":1,\"warp_instructions\":18}"), "{found}");
}

#[test]
fn settings_are_checked() {
    let wrong = [
        ("SEED", "x"),
        ("THREADS", "0"),
        ("FAULT", "alloc"),
        ("FAULT", "alloc:0"),
        ("NOTHING", "1"),
        ("CHECKS", "maybe"),
        ("DEFER", "late"),
        ("REPLACE", "one.ptx"),
        ("REPLACE", "/nowhere/one.ptx:/nowhere/other.ptx"),
    ];
    for (name, value) in wrong {
        let (name, value) = (std::ffi::CString::new(name).unwrap(), std::ffi::CString::new(value).unwrap());
        // SAFETY: both are C strings.
        assert_eq!(unsafe { cudaEmulatorSet(name.as_ptr(), value.as_ptr()) }, 1);
    }
}
