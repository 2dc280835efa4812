//! Devices.

use super::current;
use super::entry::put;
use super::registry;
use super::status::{ERROR_INVALID_DEVICE, ERROR_INVALID_VALUE, ERROR_NO_DEVICE, Outcome, describe};
use crate::config;
use std::ffi::{c_char, c_int, c_uint};
use std::sync::atomic::Ordering::SeqCst;

/// A valid device.
pub(super) fn checked(device: c_int) -> Outcome<c_int> {
    current::ready()?;
    if (0..config::get().devices).contains(&device) { Ok(device) } else { Err(ERROR_INVALID_DEVICE) }
}

/// Opt-in limit of shared memory per block.
pub(super) fn shared_limit() -> u32 {
    let kilobytes = match config::get().compute_capability {
        (7, 0) => 96,
        (7, _) => 64,
        (8, 0 | 7) => 163,
        (8, _) | (12, _) => 99,
        _ => 227,
    };
    kilobytes << 10
}

fn attribute(number: c_uint) -> c_int {
    let (major, minor) = config::get().compute_capability;
    match number {
        1 => 1024,                     // MAX_THREADS_PER_BLOCK
        2 | 3 => 1024,                 // MAX_BLOCK_DIM_X, Y
        4 => 64,                       // MAX_BLOCK_DIM_Z
        5 => i32::MAX,                 // MAX_GRID_DIM_X
        6 | 7 => 65535,                // MAX_GRID_DIM_Y, Z
        8 => 48 << 10,                 // MAX_SHARED_MEMORY_PER_BLOCK
        9 => 64 << 10,                 // TOTAL_CONSTANT_MEMORY
        10 => 32,                      // WARP_SIZE
        11 => i32::MAX,                // MAX_PITCH
        12 | 82 => 65536,              // MAX_REGISTERS_PER_BLOCK, PER_MULTIPROCESSOR
        13 => 1_000_000,               // CLOCK_RATE, kHz
        14 => 512,                     // TEXTURE_ALIGNMENT
        15 | 31 | 40 | 41 => 1, // GPU_OVERLAP, CONCURRENT_KERNELS, ASYNC_ENGINE_COUNT, UNIFIED_ADDRESSING
        16 => 4,                // MULTIPROCESSOR_COUNT
        19 => 0,                // CAN_MAP_HOST_MEMORY
        36 => 1_000_000,        // MEMORY_CLOCK_RATE, kHz
        37 => 128,              // GLOBAL_MEMORY_BUS_WIDTH
        38 => 4 << 20,          // L2_CACHE_SIZE
        39 => 2048,             // MAX_THREADS_PER_MULTIPROCESSOR
        75 => major,            // COMPUTE_CAPABILITY_MAJOR
        76 => minor,            // COMPUTE_CAPABILITY_MINOR
        81 => 100 << 10,        // MAX_SHARED_MEMORY_PER_MULTIPROCESSOR
        97 => shared_limit() as c_int, // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
        106 => 32,              // MAX_BLOCKS_PER_MULTIPROCESSOR
        111 => 1 << 10,         // RESERVED_SHARED_MEMORY_PER_BLOCK
        _ => 0,
    }
}

fn uuid(device: c_int) -> [u8; 16] {
    let mut bytes = *b"zkwatt-emulator\0";
    bytes[15] = device as u8;
    bytes
}

api! {
    fn cuInit(flags: c_uint) {
        if flags != 0 {
            return Err(ERROR_INVALID_VALUE);
        }
        if config::get().devices == 0 {
            return Err(ERROR_NO_DEVICE);
        }
        current::INITIALISED.store(true, SeqCst);
        Ok(())
    }

    fn cuDriverGetVersion(version: *mut c_int) {
        put(version, config::get().driver_version)
    }

    fn cuDeviceGetCount(count: *mut c_int) {
        current::ready()?;
        put(count, config::get().devices)
    }

    fn cuDeviceGet(device: *mut c_int, ordinal: c_int) {
        let ordinal = checked(ordinal)?;
        put(device, ordinal)
    }

    fn cuDeviceGetName(name: *mut c_char, len: c_int, device: c_int) {
        let device = checked(device)?;
        if name.is_null() || len <= 0 {
            return Err(ERROR_INVALID_VALUE);
        }
        let text = format!("PTX emulator {device}");
        let kept = text.len().min(len as usize - 1);
        // SAFETY: the caller gives `len` bytes.
        unsafe {
            name.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), kept);
            name.add(kept).write(0);
        }
        Ok(())
    }

    fn cuDeviceGetUuid(id: *mut [u8; 16], device: c_int) {
        put(id, uuid(checked(device)?))
    }

    fn cuDeviceGetUuid_v2(id: *mut [u8; 16], device: c_int) {
        put(id, uuid(checked(device)?))
    }

    fn cuDeviceGetPCIBusId(id: *mut c_char, len: c_int, device: c_int) {
        let text = format!("0000:{:02x}:00.0\0", checked(device)?);
        if id.is_null() || (len as usize) < text.len() {
            return Err(ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller gives `len` bytes.
        unsafe { id.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        Ok(())
    }

    fn cuDeviceTotalMem_v2(bytes: *mut usize, device: c_int) {
        checked(device)?;
        put(bytes, config::get().memory as usize)
    }

    fn cuDeviceGetAttribute(value: *mut c_int, number: c_uint, device: c_int) {
        checked(device)?;
        if number == 0 {
            return Err(ERROR_INVALID_VALUE);
        }
        put(value, attribute(number))
    }

    fn cuDeviceComputeCapability(major: *mut c_int, minor: *mut c_int, device: c_int) {
        checked(device)?;
        let (a, b) = config::get().compute_capability;
        put(major, a)?;
        put(minor, b)
    }

    fn cuDeviceCanAccessPeer(can: *mut c_int, device: c_int, peer: c_int) {
        checked(device)?;
        checked(peer)?;
        put(can, 0)
    }

    fn cuMemGetInfo_v2(free: *mut usize, total: *mut usize) {
        let context = current::context()?;
        let memory = config::get().memory;
        put(free, memory.saturating_sub(registry::used(context.device)) as usize)?;
        put(total, memory as usize)
    }

    fn cuGetErrorName(code: c_int, text: *mut *const c_char) {
        let found = describe(code);
        put(text, found.map_or(std::ptr::null(), |(name, _)| name.as_ptr()))?;
        found.map(drop).ok_or(ERROR_INVALID_VALUE)
    }

    fn cuGetErrorString(code: c_int, text: *mut *const c_char) {
        let found = describe(code);
        put(text, found.map_or(std::ptr::null(), |(_, text)| text.as_ptr()))?;
        found.map(drop).ok_or(ERROR_INVALID_VALUE)
    }
}
