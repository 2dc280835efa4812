//! The driver's interface: handles, contexts, errors.

mod common;

use common::{NULL, Session, Shape, kernel, module, report, set};
use std::ffi::{CStr, c_void};
use std::ptr::null_mut;
use zkwatt_cuda_emulator::api::*;

const KERNEL: &str = "st.global.u32 [%at], %tid;";

#[test]
fn handles_are_checked() {
    let session = Session::new();
    let module = session.try_load(&kernel(KERNEL)).unwrap();
    let function = session.function(&kernel(KERNEL), "t");
    let mut value = 0;
    // SAFETY: handles are looked up, pointers are valid or null.
    unsafe {
        for wrong in [1234, module, function, session.context, usize::MAX] {
            assert_eq!(cuStreamSynchronize(wrong), 400);
            assert_eq!(cuEventQuery(wrong), 400);
            assert_eq!(cuStreamDestroy_v2(wrong), 400);
        }
        assert_eq!(cuCtxSetCurrent(module), 201);
        assert_eq!(cuModuleGetFunction(&mut value, function, c"t".as_ptr()), 400);
        assert_eq!(cuModuleGetFunction(&mut value, module, c"none".as_ptr()), 500);
        assert_eq!(cuModuleGetFunction(&mut value, module, std::ptr::null()), 1);
        assert_eq!(cuModuleGetFunction(null_mut(), module, c"t".as_ptr()), 1);
        assert_eq!(cuModuleLoadData(&mut value, NULL), 1);
        assert_eq!(cuMemFree_v2(session.allocate(64) + 4), 1);
        assert_eq!(cuMemAlloc_v2(&mut 0, 0), 1);
        assert_eq!(cuMemAlloc_v2(null_mut(), 8), 1);
        assert_eq!(session.launch(module, Shape::new(1, 1), &[0_u64.into()]), 400);
        assert_eq!(cuModuleUnload(module), 0);
        assert_eq!(cuModuleUnload(module), 400);
        let mut stream = 0;
        assert_eq!(cuStreamCreate(&mut stream, 1), 0);
        assert_eq!(cuStreamQuery(stream), 0);
        assert_eq!(cuStreamDestroy_v2(stream), 0);
        assert_eq!(cuStreamQuery(stream), 400);
        assert_eq!(cuStreamCreate(&mut stream, 9), 1);
    }
}

#[test]
fn objects_belong_to_their_context() {
    let first = Session::new();
    let function = first.function(&kernel(KERNEL), "t");
    let memory = first.upload_words(&[0; 32]);
    let (mut stream, mut event) = (0, 0);
    // SAFETY: handles are looked up, pointers are valid.
    unsafe {
        assert_eq!(cuStreamCreate(&mut stream, 0), 0);
        assert_eq!(cuEventCreate(&mut event, 0), 0);
        let second = Session::new();
        assert_eq!(second.launch(function, Shape::new(1, 1), &[memory.into()]), 400);
        assert_eq!(cuStreamSynchronize(stream), 400);
        assert_eq!(cuMemcpyDtoH_v2([0_u8; 4].as_mut_ptr().cast(), memory, 4), 1);
        assert_eq!(cuCtxSetCurrent(first.context), 0);
        assert_eq!(cuStreamSynchronize(stream), 0);
        assert_eq!(first.launch(function, Shape::new(1, 1), &[memory.into()]), 0);
        drop(second);
        let gone = first.context;
        drop(first);
        assert_eq!(cuEventQuery(event), 400);
        assert_eq!(cuCtxSetCurrent(gone), 201);
        assert_eq!(cuCtxDestroy_v2(gone), 201);
        let mut current = 1;
        // It was on the stack twice.
        assert_eq!(cuMemAlloc_v2(&mut 0, 8), 709);
        assert_eq!(cuCtxPopCurrent_v2(&mut current), 0);
        assert_eq!(current, gone);
        assert_eq!(cuMemAlloc_v2(&mut 0, 8), 201);
    }
}

#[test]
fn faults_stick_to_their_context() {
    let good = Session::new();
    let good_function = good.function(&kernel(KERNEL), "t");
    let good_memory = good.upload_words(&[0; 32]);
    let bad = Session::new();
    let function = bad.function(&kernel("st.global.u32 [%out+4096], 1;"), "t");
    let memory = bad.allocate(64);
    assert_eq!(bad.launch(function, Shape::new(1, 1), &[memory.into()]), 700);
    // SAFETY: handles are looked up, pointers are valid.
    unsafe {
        assert_eq!(cuCtxSynchronize(), 700);
        assert_eq!(cuMemAlloc_v2(&mut 0, 8), 700);
        assert_eq!(cuMemFree_v2(memory), 700);
        assert_eq!(cuMemcpyDtoH_v2([0_u8; 4].as_mut_ptr().cast(), memory, 4), 700);
        assert_eq!(cuStreamSynchronize(0), 700);
        assert_eq!(cuModuleLoadData(&mut 0, c"x".as_ptr().cast()), 700);
        assert_eq!(cuCtxSetCurrent(good.context), 0);
        assert_eq!(good.launch(good_function, Shape::new(1, 32), &[good_memory.into()]), 0);
        assert_eq!(good.download_words(good_memory, 32), (0..32).collect::<Vec<_>>());
        assert_eq!(cuCtxDestroy_v2(bad.context), 0);
    }
}

#[test]
fn primary_contexts_are_counted() {
    let (mut first, mut second, mut active) = (0, 0, 0);
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuInit(0), 0);
        assert_eq!(cuDevicePrimaryCtxRetain(&mut first, 0), 0);
        assert_eq!(cuDevicePrimaryCtxRetain(&mut second, 0), 0);
        assert_eq!(first, second);
        assert_eq!(cuCtxDestroy_v2(first), 201);
        assert_eq!(cuDevicePrimaryCtxRelease_v2(0), 0);
        assert_eq!(cuDevicePrimaryCtxGetState(0, &mut 0, &mut active), 0);
        assert_eq!(active, 1);
        assert_eq!(cuCtxSetCurrent(first), 0);
        assert_eq!(cuCtxSynchronize(), 0);
        assert_eq!(cuDevicePrimaryCtxRelease_v2(0), 0);
        assert_eq!(cuCtxSetCurrent(first), 201);
        assert_eq!(cuDevicePrimaryCtxRelease_v2(0), 201);
        assert_eq!(cuDevicePrimaryCtxRetain(&mut second, 0), 0);
        assert_ne!(first, second);
        assert_eq!(cuDevicePrimaryCtxReset_v2(0), 0);
        assert_eq!(cuDevicePrimaryCtxRetain(&mut second, 7), 101);
    }
}

#[test]
fn contexts_are_stacked() {
    let (first, second) = (Session::new(), Session::new());
    let mut current = 0;
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuCtxPushCurrent_v2(first.context), 0);
        assert_eq!(cuCtxPopCurrent_v2(&mut current), 0);
        assert_eq!(current, first.context);
        assert_eq!(cuCtxGetCurrent(&mut current), 0);
        assert_eq!(current, second.context);
        let handle = second.context;
        let elsewhere = std::thread::spawn(move || {
            let mut current = 1;
            assert_eq!(cuCtxGetCurrent(&mut current), 0);
            assert_eq!(current, 0);
            assert_eq!(cuCtxSetCurrent(handle), 0);
            assert_eq!(cuMemAlloc_v2(&mut 0, 64), 0);
        });
        elsewhere.join().unwrap();
    }
}

#[test]
fn launches_are_checked() {
    let session = Session::new();
    let text = kernel(KERNEL).replace("(.param .u64 p0)\n", "(.param .u64 p0)\n.maxntid 64, 1, 1\n");
    let function = session.function(&text, "t");
    let out = session.upload_words(&[0; 64]);
    assert_eq!(session.launch(function, Shape::new(1, 64), &[out.into()]), 0);
    for shape in [Shape::new(0, 1), Shape::new(1, 0), Shape::new(1, 65), Shape::new(1, 2000)] {
        assert_eq!(session.launch(function, shape, &[out.into()]), 1);
    }
    let mut shape = Shape::new(1, 1);
    shape.dynamic_shared = 49 << 10;
    assert_eq!(session.launch(function, shape, &[out.into()]), 1);
    let mut value = 0;
    // SAFETY: handles are looked up, pointers are valid.
    unsafe {
        assert_eq!(cuFuncSetAttribute(function, 8, 64 << 10), 0);
        assert_eq!(session.launch(function, shape, &[out.into()]), 0, "{}", report());
        assert_eq!(cuFuncSetAttribute(function, 8, 1 << 20), 1);
        assert_eq!(cuFuncGetAttribute(&mut value, 0, function), 0);
        assert_eq!(value, 64);
        assert_eq!(cuFuncGetAttribute(&mut value, 5, function), 0);
        assert_eq!(value, 80);
        assert_eq!(cuFuncGetAttribute(&mut value, 99, function), 1);
        // A buffer of all parameters.
        let mut size = 8_usize;
        let mut extra: [*mut c_void; 5] = [
            std::ptr::dangling_mut::<c_void>(),
            (&raw const out).cast_mut().cast(),
            std::ptr::without_provenance_mut(2),
            (&raw mut size).cast(),
            null_mut(),
        ];
        assert_eq!(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, 0, null_mut(), extra.as_mut_ptr()), 0);
        (&raw mut size).write(4);
        assert_eq!(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, 0, null_mut(), extra.as_mut_ptr()), 1);
        assert_eq!(cuLaunchKernel(function, 1, 1, 1, 4, 1, 1, 0, 0, null_mut(), null_mut()), 1);
    }
}

#[test]
fn shared_memory_beyond_the_default_is_asked_for() {
    let session = Session::new();
    let text = kernel(".shared .b8 s[40960]; st.shared.u8 [s], 1; st.global.u32 [%at], %tid;");
    let function = session.function(&text, "t");
    let out = session.upload_words(&[0; 32]);
    let launch =
        |dynamic_shared| session.launch(function, Shape { grid: 1, block: 1, dynamic_shared }, &[out.into()]);
    let mut value = 0;
    // SAFETY: handles are looked up, pointers are valid.
    unsafe {
        assert_eq!(cuFuncGetAttribute(&mut value, 8, function), 0);
        assert_eq!(value, 8 << 10);
        assert_eq!([launch(8 << 10), launch((8 << 10) + 1)], [0, 1]);
        assert_eq!(cuFuncSetAttribute(function, 8, 60 << 10), 1);
        assert_eq!(cuFuncSetAttribute(function, 8, 59 << 10), 0);
        assert_eq!([launch(59 << 10), launch(60 << 10)], [0, 1]);
    }
}

#[test]
fn copies_and_fills() {
    let session = Session::new();
    let memory = session.upload_words(&(0..64).collect::<Vec<_>>());
    let mut host = [0_u8; 16];
    // SAFETY: host pointers are valid for their sizes, addresses are looked up.
    unsafe {
        assert_eq!(cuMemsetD32_v2(memory + 8, 0xdead_beef, 2), 0);
        assert_eq!(cuMemsetD8Async(memory + 16, 7, 3, 0), 0);
        assert_eq!(session.download_words(memory, 5), [0, 1, 0xdead_beef, 0xdead_beef, 0x0007_0707]);
        assert_eq!(cuMemcpyDtoDAsync_v2(memory + 4, memory, 12, 0), 0);
        assert_eq!(session.download_words(memory, 4), [0, 0, 1, 0xdead_beef]);
        assert_eq!(cuMemsetD32_v2(memory + 2, 0, 1), 1);
        assert_eq!(cuMemsetD32_v2(memory, 0, 65), 1);
        assert_eq!(cuMemcpyDtoH_v2(host.as_mut_ptr().cast(), memory + 248, 16), 1);
        assert_eq!(cuMemcpyHtoD_v2(memory, NULL, 4), 1);
        assert_eq!(cuMemcpyHtoD_v2(memory + 256, host.as_ptr().cast(), 0), 0);
        assert_eq!(cuMemcpyDtoH_v2(host.as_mut_ptr().cast(), host.as_ptr() as u64, 4), 1);
        let other = Session::new();
        let target = other.allocate(64);
        assert_eq!(cuMemcpyPeer(target, other.context, memory, session.context, 16), 0);
        assert_eq!(other.download_words(target, 2), [0, 0]);
        assert_eq!(cuMemcpyPeer(target, session.context, memory, session.context, 16), 1);
    }
}

#[test]
fn host_memory() {
    let _session = Session::new();
    let mut memory = null_mut::<c_void>();
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuMemHostAlloc(&mut memory, 4096, 0), 0);
        memory.cast::<u8>().add(4095).write(1);
        assert_eq!(cuMemFreeHost(memory), 0);
        assert_eq!(cuMemFreeHost(memory), 1);
        assert_eq!(cuMemHostAlloc(&mut memory, 0, 0), 1);
    }
}

#[test]
fn events() {
    let _session = Session::new();
    let (mut from, mut to, mut untimed, mut milliseconds) = (0, 0, 0, -1.0);
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuEventCreate(&mut from, 0), 0);
        assert_eq!(cuEventCreate(&mut to, 1), 0);
        assert_eq!(cuEventCreate(&mut untimed, 2), 0);
        assert_eq!(cuEventElapsedTime(&mut milliseconds, from, to), 400);
        assert_eq!(cuEventRecord(from, 0), 0);
        assert_eq!(cuEventSynchronize(from), 0);
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert_eq!(cuEventRecord(to, 0), 0);
        assert_eq!(cuEventRecord(untimed, 0), 0);
        assert_eq!(cuEventSynchronize(to), 0);
        assert_eq!(cuStreamWaitEvent(0, to, 0), 0);
        assert_eq!(cuEventElapsedTime(&mut milliseconds, from, to), 0);
        assert!((4.0..5000.0).contains(&milliseconds));
        assert_eq!(cuEventElapsedTime(&mut milliseconds, from, untimed), 400);
        assert_eq!(cuEventDestroy_v2(from), 0);
        assert_eq!(cuEventDestroy_v2(from), 400);
    }
}

#[test]
fn global_variables() {
    let session = Session::new();
    let text = module(".global .u32 g[3] = {5, 6, 7};\n.visible .entry t() { ret; }");
    let module = session.try_load(&text).unwrap();
    let (mut address, mut bytes) = (0, 0);
    // SAFETY: pointers are valid.
    unsafe {
        assert_eq!(cuModuleGetGlobal_v2(&mut address, &mut bytes, module, c"g".as_ptr()), 0);
        assert_eq!(cuModuleGetGlobal_v2(&mut address, &mut bytes, module, c"h".as_ptr()), 500);
    }
    assert_eq!((session.download_words(address, 3), bytes), (vec![5, 6, 7], 12));
}

#[test]
fn load_errors_reach_the_log_buffer() {
    let _session = Session::new();
    let text = std::ffi::CString::new(module(".visible .entry t()\n{\nwarble.u32;\nret;\n}")).unwrap();
    let mut buffer = [0_u8; 200];
    let options = [5_u32, 6];
    let mut values: [*mut c_void; 2] = [buffer.as_mut_ptr().cast(), 200 as *mut c_void];
    let mut module = 0;
    // SAFETY: there are two options, and the buffer has the size that they say.
    let status = unsafe {
        cuModuleLoadDataEx(&mut module, text.as_ptr().cast(), 2, options.as_ptr(), values.as_mut_ptr())
    };
    assert_eq!(status, 218);
    let log = CStr::from_bytes_until_nul(&buffer).unwrap().to_str().unwrap();
    assert!(log.contains("line 6") && log.contains("`warble.u32`"), "{log}");
    assert_eq!(values[1] as usize, log.len());
}

#[test]
fn devices_and_errors_describe_themselves() {
    let mut name = [0; 64];
    let (mut value, mut text, mut function) = (0, std::ptr::null(), null_mut());
    // SAFETY: pointers are valid for their sizes.
    unsafe {
        assert_eq!(cuInit(1), 1);
        assert_eq!(cuInit(0), 0);
        assert_eq!(cuDeviceGetName(name.as_mut_ptr(), 64, 0), 0);
        assert_eq!(CStr::from_ptr(name.as_ptr()).to_str().unwrap(), "PTX emulator 0");
        assert_eq!(cuDeviceGetName(name.as_mut_ptr(), 4, 0), 0);
        assert_eq!(CStr::from_ptr(name.as_ptr()).to_str().unwrap(), "PTX");
        assert_eq!(cuDeviceGet(&mut value, 1), 101);
        assert_eq!(cuDeviceGetAttribute(&mut value, 10, 0), 0);
        assert_eq!(value, 32);
        assert_eq!(cuGetErrorName(700, &mut text), 0);
        assert_eq!(CStr::from_ptr(text).to_str().unwrap(), "CUDA_ERROR_ILLEGAL_ADDRESS");
        assert_eq!(cuGetErrorName(12345, &mut text), 1);
        assert_eq!(cuGetProcAddress_v2(c"cuMemAlloc".as_ptr(), &mut function, 12000, 0, null_mut()), 0);
        assert_eq!(function, cuMemAlloc_v2 as *mut c_void);
        assert_eq!(cuGetProcAddress_v2(c"cuNothing".as_ptr(), &mut function, 12000, 0, null_mut()), 500);
    }
    // Other tests of this process run with the same settings.
    set("TIMEOUT", "300");
}
