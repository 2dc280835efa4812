//! Modules and functions.

use super::current;
use super::device::shared_limit;
use super::emulator;
use super::entry::put;
use super::registry::{self, Context, Function, Module, Object, add, lock};
use super::status::{
    ERROR_INVALID_HANDLE, ERROR_INVALID_IMAGE, ERROR_INVALID_PTX, ERROR_INVALID_VALUE,
    ERROR_NO_BINARY_FOR_GPU, ERROR_NOT_FOUND, ERROR_UNSUPPORTED_PTX_VERSION, Outcome, Status,
};
use crate::program::Program;
use crate::{config, lower, memory};
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, LazyLock, Mutex};

/// Programs by their text: contexts come and go, and load the same ones.
static PROGRAMS: LazyLock<Mutex<HashMap<String, Arc<Program>>>> = LazyLock::new(Mutex::default);

/// Oldest driver, as the version of its CUDA, that knows a version of PTX.
fn driver_for((major, minor): (u32, u32)) -> i32 {
    let cuda = match (major, minor.min(99)) {
        (..=6, _) => 10020,
        (7, minor) => 11000 + 10 * minor,
        (8, minor @ ..=5) => 12000 + 10 * minor,
        (8, minor) => 12010 + 10 * minor,
        (9, minor) => 13000 + 10 * minor,
        _ => u32::MAX >> 1,
    };
    cuda as i32
}

fn program(text: &str) -> Result<Arc<Program>, (Status, String)> {
    if let Some(found) = lock(&PROGRAMS).get(text) {
        return fits(found).map(|()| Arc::clone(found));
    }
    let made = lower::load(text).map_err(|error| (ERROR_INVALID_PTX, error.to_string()))?;
    let made = Arc::new(made);
    lock(&PROGRAMS).insert(text.to_owned(), Arc::clone(&made));
    fits(&made).map(|()| made)
}

/// Whether the configured driver and device take the module.
fn fits(program: &Program) -> Result<(), (Status, String)> {
    let config = config::get();
    let needed = driver_for(program.version);
    if needed > config.driver_version {
        let (major, minor) = program.version;
        let what = format!(
            "PTX {major}.{minor} needs a driver of version {needed}, this is {}",
            config.driver_version
        );
        return Err((ERROR_UNSUPPORTED_PTX_VERSION, what));
    }
    let digits: String = program.target.chars().filter(char::is_ascii_digit).collect();
    let (major, minor) = config.compute_capability;
    if digits.parse::<i32>().is_ok_and(|target| target > 10 * major + minor) {
        let what = format!(
            "the target {} is newer than the device, of compute capability {major}.{minor}",
            program.target
        );
        return Err((ERROR_NO_BINARY_FOR_GPU, what));
    }
    Ok(())
}

fn text<'a>(image: *const c_void) -> Outcome<&'a str> {
    if image.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    // SAFETY: images are binaries with a magic number of four bytes, or C strings.
    let text = unsafe { CStr::from_ptr(image.cast::<c_char>()) };
    let binary =
        text.to_bytes().starts_with(b"\x7fELF") || text.to_bytes().starts_with(&[0x50, 0xed, 0x55, 0xba]);
    if binary {
        emulator::complain("the module is machine code: the emulator loads PTX only");
        return Err(ERROR_INVALID_IMAGE);
    }
    text.to_str().map_err(|_| ERROR_INVALID_IMAGE)
}

fn instantiate(context: &Arc<Context>, program: Arc<Program>) -> Outcome<Module> {
    let mut addresses = Vec::with_capacity(program.globals.len());
    for global in &program.globals {
        let len = global.init.len().max(1) as u64;
        let base = context.allocate(len, global.align, Some(&global.name), global.constant)?;
        let (allocation, _) = context.locate(base, len)?;
        let (data, shadow) = allocation.range(0, len).ok_or(ERROR_INVALID_VALUE)?;
        // SAFETY: the allocation has these bytes.
        unsafe {
            memory::copy_in(data, global.init.as_ptr(), global.init.len());
            memory::fill(shadow, &[1], global.init.len());
        }
        addresses.push(base);
    }
    Ok(Module { context: Arc::clone(context), program, addresses, functions: Mutex::default() })
}

fn load(to: *mut usize, image: *const c_void, log: &mut dyn FnMut(&str)) -> Outcome<()> {
    let context = current::context()?;
    if to.is_null() {
        return Err(ERROR_INVALID_VALUE);
    }
    let mut text = text(image)?;
    let replaced = config::get().replaced;
    if let Some(pair) = &replaced
        && pair.0 == text
    {
        emulator::log("replaced a module");
        text = &pair.1;
    }
    let program = program(text).map_err(|(status, what)| {
        emulator::complain(&what);
        log(&what);
        status
    })?;
    let module = instantiate(&context, program)?;
    put(to, add(Object::Module(Arc::new(module))))
}

const ERROR_LOG_BUFFER: c_uint = 5;
const ERROR_LOG_BUFFER_SIZE: c_uint = 6;

/// Writes to the buffer that the options name, if they do, and its size back.
///
/// # Safety
/// `options` and `values` have `count` elements.
unsafe fn write_log(message: &str, count: c_uint, options: *const c_uint, values: *mut *mut c_void) {
    if options.is_null() || values.is_null() {
        return;
    }
    let (mut buffer, mut size) = (std::ptr::null_mut::<u8>(), None);
    for index in 0..count as usize {
        // SAFETY: the caller's.
        let (option, value) = unsafe { (*options.add(index), values.add(index)) };
        match option {
            // SAFETY: the caller's.
            ERROR_LOG_BUFFER => buffer = unsafe { *value }.cast(),
            ERROR_LOG_BUFFER_SIZE => size = Some(value),
            _ => {}
        }
    }
    let Some(size) = size else { return };
    // SAFETY: the value is the buffer's size, and receives what is used of it.
    let room = unsafe { *size } as usize;
    let kept = message.len().min(room.saturating_sub(1));
    if !buffer.is_null() && room > 0 {
        // SAFETY: the buffer has `room` bytes.
        unsafe {
            buffer.copy_from_nonoverlapping(message.as_ptr(), kept);
            buffer.add(kept).write(0);
        }
    }
    // SAFETY: as above.
    unsafe { *size = kept as *mut c_void };
}

fn attribute(function: &Function, number: c_uint) -> Outcome<c_int> {
    let kernel = &function.module.program.kernels[function.kernel];
    Ok(match number {
        0 => kernel.max_threads.unwrap_or(1024).min(1024) as c_int, // MAX_THREADS_PER_BLOCK
        1 => kernel.shared_bytes as c_int,                          // SHARED_SIZE_BYTES
        2 => function.module.program.globals.iter().filter(|global| global.constant).count() as c_int,
        3 => kernel.local_bytes as c_int, // LOCAL_SIZE_BYTES
        4 => 32,                          // NUM_REGS: unknown, the emulator has no register file
        5 => {
            let (major, minor) = function.module.program.version;
            (10 * major + minor) as c_int // PTX_VERSION
        }
        6 => {
            let (major, minor) = config::get().compute_capability;
            10 * major + minor // BINARY_VERSION
        }
        7 => 0,                                             // CACHE_MODE_CA
        8 => function.dynamic_shared.load(SeqCst) as c_int, // MAX_DYNAMIC_SHARED_SIZE_BYTES
        9 => -1,                                            // PREFERRED_SHARED_MEMORY_CARVEOUT
        _ => return Err(ERROR_INVALID_VALUE),
    })
}

api! {
    fn cuModuleLoadData(module: *mut usize, image: *const c_void) {
        load(module, image, &mut |_| {})
    }

    fn cuModuleLoadDataEx(
        module: *mut usize,
        image: *const c_void,
        count: c_uint,
        options: *const c_uint,
        values: *mut *mut c_void,
    ) {
        // SAFETY: the caller gives `count` options.
        load(module, image, &mut |message| unsafe { write_log(message, count, options, values) })
    }

    fn cuModuleUnload(module: usize) {
        let context = current::any()?;
        let found = registry::module(module)?;
        // A context that a fault has struck has nothing pending.
        let _ = found.context.drain_all();
        registry::remove(module).ok_or(ERROR_INVALID_HANDLE)?;
        for &function in lock(&found.functions).values() {
            registry::remove(function);
        }
        if Arc::ptr_eq(&context, &found.context) {
            for &address in &found.addresses {
                // Freed before, if the context was reset.
                let _ = context.free(address);
            }
        }
        Ok(())
    }

    fn cuModuleGetFunction(function: *mut usize, module: usize, name: *const c_char) {
        current::context()?;
        let module = registry::module(module)?;
        if name.is_null() {
            return Err(ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller gives a C string.
        let name = unsafe { CStr::from_ptr(name) }.to_str().map_err(|_| ERROR_NOT_FOUND)?;
        let kernel = module.program.kernels.iter().position(|kernel| kernel.name == name).ok_or(ERROR_NOT_FOUND)?;
        let made = || Function {
            module: Arc::clone(&module),
            kernel,
            dynamic_shared: AtomicU32::new(module.program.kernels[kernel].default_dynamic_shared()),
        };
        let mut functions = lock(&module.functions);
        let handle = functions.entry(name.to_owned()).or_insert_with(|| add(Object::Function(Arc::new(made()))));
        put(function, *handle)
    }

    fn cuModuleGetGlobal_v2(address: *mut u64, bytes: *mut usize, module: usize, name: *const c_char) {
        current::context()?;
        let module = registry::module(module)?;
        if name.is_null() {
            return Err(ERROR_INVALID_VALUE);
        }
        // SAFETY: the caller gives a C string.
        let name = unsafe { CStr::from_ptr(name) }.to_bytes();
        let globals = &module.program.globals;
        let index = globals.iter().position(|global| global.name.as_bytes() == name).ok_or(ERROR_NOT_FOUND)?;
        if !address.is_null() {
            put(address, module.addresses[index])?;
        }
        if bytes.is_null() { Ok(()) } else { put(bytes, globals[index].init.len()) }
    }

    fn cuFuncGetAttribute(value: *mut c_int, number: c_uint, function: usize) {
        current::context()?;
        put(value, attribute(&*registry::function(function)?, number)?)
    }

    fn cuFuncSetAttribute(function: usize, number: c_uint, value: c_int) {
        current::context()?;
        let function = registry::function(function)?;
        match number {
            8 => {
                let fixed = function.module.program.kernels[function.kernel].shared_bytes;
                if value < 0 || fixed.saturating_add(value as u32) > shared_limit() {
                    return Err(ERROR_INVALID_VALUE);
                }
                function.dynamic_shared.store(value as u32, SeqCst);
                Ok(())
            }
            9 => Ok(()),
            _ => Err(ERROR_INVALID_VALUE),
        }
    }

    fn cuFuncSetCacheConfig(function: usize, _config: c_uint) {
        current::context()?;
        registry::function(function).map(drop)
    }

    fn cuFuncGetModule(module: *mut usize, function: usize) {
        let _ = (module, registry::function(function)?);
        Err(ERROR_NOT_FOUND)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        count: *mut c_int,
        function: usize,
        threads: c_int,
        _dynamic_shared: usize,
    ) {
        registry::function(function)?;
        if threads <= 0 || threads > 1024 {
            return Err(ERROR_INVALID_VALUE);
        }
        put(count, (2048 / threads).min(32))
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        count: *mut c_int,
        function: usize,
        threads: c_int,
        _dynamic_shared: usize,
        _flags: c_uint,
    ) {
        registry::function(function)?;
        if threads <= 0 || threads > 1024 {
            return Err(ERROR_INVALID_VALUE);
        }
        put(count, (2048 / threads).min(32))
    }
}
