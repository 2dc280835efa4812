//! Launches.

use super::registry::{self, Context, Function};
use super::status::{
    ERROR_ILLEGAL_ADDRESS, ERROR_INVALID_HANDLE, ERROR_INVALID_VALUE, ERROR_LAUNCH_FAILED,
    ERROR_LAUNCH_OUT_OF_RESOURCES, ERROR_LAUNCH_TIMEOUT, ERROR_MISALIGNED_ADDRESS, Outcome,
};
use super::{current, emulator};
use crate::config::{self, Occasion, strikes};
use crate::exec::{Kind, Launch};
use crate::program::{DEFAULT_SHARED, Kernel};
use std::ffi::{c_uint, c_void};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

const BUFFER_POINTER: usize = 1;
const BUFFER_SIZE: usize = 2;

/// Bytes of the parameters, from pointers to each or from a buffer of all.
fn parameters(kernel: &Kernel, each: *mut *mut c_void, extra: *mut *mut c_void) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0_u8; kernel.param_bytes as usize];
    if !extra.is_null() {
        let (mut buffer, mut size, mut at) = (std::ptr::null::<u8>(), 0, 0);
        // SAFETY: the caller ends the list with a null pointer.
        unsafe {
            while !(*extra.add(at)).is_null() {
                match *extra.add(at) as usize {
                    BUFFER_POINTER => buffer = (*extra.add(at + 1)).cast(),
                    BUFFER_SIZE => size = *(*extra.add(at + 1)).cast::<usize>(),
                    _ => return Err(ERROR_INVALID_VALUE),
                }
                at += 2;
            }
        }
        if buffer.is_null() || size < bytes.len() {
            return Err(ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller gives `size` bytes.
        unsafe { bytes.as_mut_ptr().copy_from_nonoverlapping(buffer, bytes.len()) };
        return Ok(bytes);
    }
    if each.is_null() && !kernel.params.is_empty() {
        return Err(ERROR_INVALID_VALUE);
    }
    for (index, param) in kernel.params.iter().enumerate() {
        // SAFETY: the caller gives a pointer to each parameter.
        let from = unsafe { *each.add(index) }.cast::<u8>();
        if from.is_null() {
            return Err(ERROR_INVALID_VALUE);
        }
        let to = &mut bytes[param.offset as usize..(param.offset + param.size) as usize];
        // SAFETY: as above.
        unsafe { to.as_mut_ptr().copy_from_nonoverlapping(from, to.len()) };
    }
    Ok(bytes)
}

/// Whether the device takes a launch of this shape.
fn check_shape(function: &Function, grid: [c_uint; 3], block: [c_uint; 3], dynamic: c_uint) -> Outcome<()> {
    let kernel = function.kernel();
    let threads: u64 = block.iter().map(|&side| u64::from(side)).product();
    let sides = grid[0] > 0 && grid[1] > 0 && grid[2] > 0 && threads > 0;
    let grid_fits = grid[0] <= i32::MAX as u32 && grid[1] <= 65535 && grid[2] <= 65535;
    if !sides || !grid_fits || threads > 1024 || block[2] > 64 {
        return Err(ERROR_INVALID_VALUE);
    }
    if kernel.max_threads.is_some_and(|most| threads > u64::from(most)) {
        return Err(ERROR_INVALID_VALUE);
    }
    let allowed = function.dynamic_shared.load(SeqCst).max(kernel.default_dynamic_shared());
    if dynamic > allowed || kernel.shared_bytes > DEFAULT_SHARED {
        return Err(ERROR_INVALID_VALUE);
    }
    Ok(())
}

/// A launch with what it captures at the call.
struct Pending {
    function: Arc<Function>,
    grid: [c_uint; 3],
    block: [c_uint; 3],
    dynamic_shared: c_uint,
    params: Vec<u8>,
}

impl Pending {
    fn run(self, context: &Context) {
        let Self { function, grid, block, dynamic_shared, params } = self;
        let kernel = function.kernel();
        let launch = Launch {
            kernel,
            source: &function.module.program.source,
            snapshot: &context.snapshot(),
            addresses: &function.module.addresses,
            grid,
            block,
            dynamic_shared,
            params,
            id: emulator::next_launch(),
        };
        match launch.run(&config::get()) {
            Ok(counts) => emulator::count(kernel, &counts),
            Err(report) => {
                emulator::complain(&report.text);
                context.stick(match report.kind {
                    Kind::IllegalAddress => ERROR_ILLEGAL_ADDRESS,
                    Kind::Misaligned => ERROR_MISALIGNED_ADDRESS,
                    Kind::LaunchFailure => ERROR_LAUNCH_FAILED,
                    Kind::Timeout => ERROR_LAUNCH_TIMEOUT,
                });
            }
        }
    }
}

api! {
    fn cuLaunchKernel(
        function: usize,
        grid_x: c_uint,
        grid_y: c_uint,
        grid_z: c_uint,
        block_x: c_uint,
        block_y: c_uint,
        block_z: c_uint,
        dynamic_shared: c_uint,
        stream: usize,
        params: *mut *mut c_void,
        extra: *mut *mut c_void,
    ) {
        let (context, stream) = current::with_stream(stream)?;
        let function = registry::function(function)?;
        if !Arc::ptr_eq(&function.module.context, &context) {
            return Err(ERROR_INVALID_HANDLE);
        }
        let (grid, block) = ([grid_x, grid_y, grid_z], [block_x, block_y, block_z]);
        check_shape(&function, grid, block, dynamic_shared)?;
        let params = parameters(function.kernel(), params, extra)?;
        emulator::log(&function.kernel().name);
        if strikes(Occasion::Launch) {
            return Err(ERROR_LAUNCH_OUT_OF_RESOURCES);
        }
        if strikes(Occasion::Hang) {
            context.hang();
        }
        let struck = strikes(Occasion::Illegal);
        let pending = Pending { function, grid, block, dynamic_shared, params };
        let work = move |context: &Context| {
            if struck {
                context.stick(ERROR_ILLEGAL_ADDRESS);
            } else {
                pending.run(context);
            }
        };
        context.submit(stream, work).map(drop)
    }
}
