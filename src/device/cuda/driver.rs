//! Every call of CUDA's driver.
//!
//! The driver's library is found at run time by cudarc, which also gives the types. Functions are looked up here rather than
//! called through cudarc: a driver without one of them is then an error, where cudarc panics, and results are plain numbers,
//! so that an error code newer than cudarc's list is a number too. A handle is used only with its context current, through
//! [`Context::enter`].

use cudarc::driver::sys;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::null_mut;
use std::sync::OnceLock;

pub(super) use sys::CUdeviceptr as DevicePtr;

macro_rules! functions {
    ($($name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        /// The driver's functions that we use.
        #[allow(non_snake_case, reason = "the driver's own names")]
        struct Functions { $($name: unsafe extern "C" fn($($type),*) -> c_int),* }

        impl Functions {
            /// Err: the name of the first that is missing.
            fn find(library: &libloading::Library) -> Result<Self, &'static str> {
                Ok(Self { $(
                    // SAFETY: the type is that of the function of this name in CUDA's `cuda.h`.
                    $name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }
                        .map_err(|_| stringify!($name))?,
                )* })
            }
        }
    };
}

functions! {
    cuInit(flags: c_uint);
    cuDriverGetVersion(version: *mut c_int);
    cuDeviceGetCount(count: *mut c_int);
    cuDeviceGet(device: *mut sys::CUdevice, ordinal: c_int);
    cuDeviceGetName(name: *mut c_char, len: c_int, device: sys::CUdevice);
    cuDeviceGetAttribute(value: *mut c_int, attribute: sys::CUdevice_attribute, device: sys::CUdevice);
    cuDeviceTotalMem_v2(bytes: *mut usize, device: sys::CUdevice);
    cuCtxCreate_v2(context: *mut sys::CUcontext, flags: c_uint, device: sys::CUdevice);
    cuCtxDestroy_v2(context: sys::CUcontext);
    cuCtxPushCurrent_v2(context: sys::CUcontext);
    cuCtxPopCurrent_v2(context: *mut sys::CUcontext);
    cuCtxGetDevice(device: *mut sys::CUdevice);
    cuMemGetInfo_v2(free: *mut usize, total: *mut usize);
    cuMemAlloc_v2(pointer: *mut DevicePtr, bytes: usize);
    cuMemFree_v2(pointer: DevicePtr);
    cuMemHostAlloc(pointer: *mut *mut c_void, bytes: usize, flags: c_uint);
    cuMemFreeHost(pointer: *mut c_void);
    cuMemcpyHtoDAsync_v2(to: DevicePtr, from: *const c_void, bytes: usize, stream: sys::CUstream);
    cuMemcpyDtoHAsync_v2(to: *mut c_void, from: DevicePtr, bytes: usize, stream: sys::CUstream);
    cuMemcpyDtoDAsync_v2(to: DevicePtr, from: DevicePtr, bytes: usize, stream: sys::CUstream);
    cuMemsetD8Async(to: DevicePtr, value: u8, count: usize, stream: sys::CUstream);
    cuStreamCreate(stream: *mut sys::CUstream, flags: c_uint);
    cuStreamDestroy_v2(stream: sys::CUstream);
    cuStreamWaitEvent(stream: sys::CUstream, event: sys::CUevent, flags: c_uint);
    cuEventCreate(event: *mut sys::CUevent, flags: c_uint);
    cuEventDestroy_v2(event: sys::CUevent);
    cuEventRecord(event: sys::CUevent, stream: sys::CUstream);
    cuEventQuery(event: sys::CUevent);
    cuEventElapsedTime(milliseconds: *mut f32, start: sys::CUevent, end: sys::CUevent);
    cuModuleLoadDataEx(module: *mut sys::CUmodule, image: *const c_void, count: c_uint,
        options: *mut sys::CUjit_option, values: *mut *mut c_void);
    cuModuleUnload(module: sys::CUmodule);
    cuModuleGetFunction(function: *mut sys::CUfunction, module: sys::CUmodule, name: *const c_char);
    cuLaunchKernel(function: sys::CUfunction, grid_x: c_uint, grid_y: c_uint, grid_z: c_uint, block_x: c_uint,
        block_y: c_uint, block_z: c_uint, shared: c_uint, stream: sys::CUstream, params: *mut *mut c_void,
        extra: *mut *mut c_void);
    cuGetErrorName(code: c_int, name: *mut *const c_char);
    cuGetErrorString(code: c_int, text: *mut *const c_char);
}

/// A refusal of the driver.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct DriverError(pub(super) c_int);

impl DriverError {
    pub(super) const OUT_OF_MEMORY: c_int = sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY as c_int;
    pub(super) const NO_DEVICE: c_int = sys::CUresult::CUDA_ERROR_NO_DEVICE as c_int;
    const NOT_READY: c_int = sys::CUresult::CUDA_ERROR_NOT_READY as c_int;
    const INVALID_PTX: c_int = sys::CUresult::CUDA_ERROR_INVALID_PTX as c_int;
    const UNSUPPORTED_PTX: c_int = sys::CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION as c_int;

    /// Whether the context may be used no longer: it answers every call with this.
    pub(super) fn is_sticky(self) -> bool {
        use sys::CUresult::*;
        [
            CUDA_ERROR_DEINITIALIZED,
            CUDA_ERROR_DEVICE_UNAVAILABLE,
            CUDA_ERROR_INVALID_CONTEXT,
            CUDA_ERROR_ECC_UNCORRECTABLE,
            CUDA_ERROR_NVLINK_UNCORRECTABLE,
            CUDA_ERROR_ILLEGAL_ADDRESS,
            CUDA_ERROR_LAUNCH_TIMEOUT,
            CUDA_ERROR_CONTEXT_IS_DESTROYED,
            CUDA_ERROR_ASSERT,
            CUDA_ERROR_HARDWARE_STACK_ERROR,
            CUDA_ERROR_ILLEGAL_INSTRUCTION,
            CUDA_ERROR_MISALIGNED_ADDRESS,
            CUDA_ERROR_INVALID_ADDRESS_SPACE,
            CUDA_ERROR_INVALID_PC,
            CUDA_ERROR_LAUNCH_FAILED,
            CUDA_ERROR_UNKNOWN,
        ]
        .iter()
        .any(|code| *code as c_int == self.0)
    }
}

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |of: fn(&Functions) -> unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int| {
            let functions = DRIVER.get()?.as_ref().ok()?;
            let mut text = std::ptr::null();
            // SAFETY: the driver answers with a string that lives as long as it does.
            let known = unsafe { of(&functions.functions)(self.0, &mut text) } == 0 && !text.is_null();
            // SAFETY: as above; it ends with a zero.
            known.then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy())
        };
        match (text(|f| f.cuGetErrorName), text(|f| f.cuGetErrorString)) {
            (Some(name), Some(text)) => write!(f, "{name} ({text})")?,
            _ => write!(f, "error {} of CUDA", self.0)?,
        }
        match self.0 {
            Self::UNSUPPORTED_PTX | Self::INVALID_PTX => {
                write!(
                    f,
                    "; our PTX needs a driver of CUDA 12.0 or newer and a GPU of Volta's generation or newer"
                )
            }
            _ => Ok(()),
        }
    }
}

type Answer<T> = Result<T, DriverError>;

fn ok(code: c_int) -> Answer<()> {
    if code == 0 { Ok(()) } else { Err(DriverError(code)) }
}

/// The driver, loaded and initialised once in a process.
pub(super) struct Driver {
    functions: Functions,
    version: (c_int, c_int),
    emulated: bool,
    report: Option<unsafe extern "C" fn() -> *const c_char>,
}

static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();

/// The oldest driver that takes our PTX: 8.0.
const OLDEST: c_int = 12_000;

/// The driver, or why it cannot be used and what to do.
pub(super) fn driver() -> Result<&'static Driver, String> {
    DRIVER.get_or_init(load).as_ref().map_err(Clone::clone)
}

fn load() -> Result<Driver, String> {
    // SAFETY: loading runs the library's initialisers; it is the system's driver that the user installed.
    if !unsafe { sys::is_culib_present() } {
        return Err(
            "NVIDIA's driver (libcuda.so.1, nvcuda.dll) is not here; install it, or use `cpu` or `wgpu`"
                .into(),
        );
    }
    // SAFETY: as above. It does not panic: the library is present.
    let library = unsafe { sys::culib() };
    let functions = Functions::find(library)
        .map_err(|name| format!("the driver is too old: it has no `{name}`; CUDA 12.0 or newer is needed"))?;
    let mut version = 0;
    // SAFETY: writes one number.
    ok(unsafe { (functions.cuDriverGetVersion)(&mut version) }).map_err(|e| code("cuDriverGetVersion", e))?;
    let shown = (version / 1000, version % 1000 / 10);
    if version < OLDEST {
        let (major, minor) = shown;
        return Err(format!("the driver is of CUDA {major}.{minor}; 12.0 or newer is needed: update it"));
    }
    // SAFETY: called once, with the only flags there are.
    match ok(unsafe { (functions.cuInit)(0) }) {
        Ok(()) => (),
        Err(DriverError(DriverError::NO_DEVICE)) => return Err(NO_GPU.into()),
        Err(error) => return Err(code("cuInit", error)),
    }
    // SAFETY: the type is that of our own emulator's function.
    let report = unsafe { library.get(b"cudaEmulatorLastReport\0") }.ok().map(|report| *report);
    Ok(Driver { functions, version: shown, emulated: report.is_some(), report })
}

/// Texts of errors need the driver; here there is none yet.
fn code(call: &str, error: DriverError) -> String {
    format!(
        "the driver does not start: {call} answers {}; is its kernel module loaded (nvidia-smi)?",
        error.0
    )
}

pub(super) const NO_GPU: &str = "the driver is here but no NVIDIA GPU; is it hidden by CUDA_VISIBLE_DEVICES?";

/// A GPU.
#[derive(Clone, Debug)]
pub(super) struct Gpu {
    pub(super) handle: sys::CUdevice,
    pub(super) name: String,
    pub(super) memory_bytes: u64,
    /// Major and minor.
    pub(super) capability: (i32, i32),
    pub(super) multiprocessors: u32,
    /// `domain:bus:device.0`, hexadecimal.
    pub(super) pci_address: Option<String>,
}

impl Driver {
    /// Major and minor version of CUDA that it has.
    pub(super) fn version(&self) -> (i32, i32) {
        self.version
    }

    /// Whether it is our emulator: times are not those of a GPU.
    pub(super) fn is_emulated(&self) -> bool {
        self.emulated
    }

    /// What the emulator says of the last fault.
    pub(super) fn report(&self) -> Option<String> {
        // SAFETY: the emulator answers with null or a string that stays until this thread asks again.
        let text = unsafe { (self.report?)() };
        // SAFETY: as above.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    pub(super) fn count(&self) -> Answer<i32> {
        let mut count = 0;
        // SAFETY: writes one number.
        ok(unsafe { (self.functions.cuDeviceGetCount)(&mut count) })?;
        Ok(count)
    }

    pub(super) fn gpu(&self, ordinal: i32) -> Answer<Gpu> {
        let mut handle = 0;
        // SAFETY: writes one number; a wrong ordinal is an error.
        ok(unsafe { (self.functions.cuDeviceGet)(&mut handle, ordinal) })?;
        self.describe(handle)
    }

    fn describe(&self, handle: sys::CUdevice) -> Answer<Gpu> {
        let mut name = [0 as c_char; 256];
        // SAFETY: writes at most `len` bytes, the last of them zero.
        ok(unsafe { (self.functions.cuDeviceGetName)(name.as_mut_ptr(), name.len() as c_int, handle) })?;
        let mut bytes = 0;
        // SAFETY: writes one number.
        ok(unsafe { (self.functions.cuDeviceTotalMem_v2)(&mut bytes, handle) })?;
        let attribute = |attribute| {
            let mut value = 0;
            // SAFETY: writes one number.
            ok(unsafe { (self.functions.cuDeviceGetAttribute)(&mut value, attribute, handle) })
                .map(|()| value)
        };
        use sys::CUdevice_attribute as Attribute;
        let pci = [
            Attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID,
            Attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID,
            Attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID,
        ];
        let pci_address = match pci.map(attribute) {
            [Ok(domain), Ok(bus), Ok(device)] => Some(format!("{domain:08x}:{bus:02x}:{device:02x}.0")),
            _ => None,
        };
        // SAFETY: ends with a zero, as above.
        let name = unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().into_owned();
        Ok(Gpu {
            handle,
            name,
            memory_bytes: bytes as u64,
            capability: (
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)? as u32,
            pci_address,
        })
    }
}

/// A context. Ours are private, never the primary one: what goes wrong in it is wrong nowhere else.
pub(super) struct Context {
    driver: &'static Driver,
    handle: sys::CUcontext,
    owned: bool,
}

// SAFETY: a context may be used from any thread, and from several at the same time.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Drop for Context {
    fn drop(&mut self) {
        if self.owned {
            // SAFETY: nothing of it is left: what it owns holds it.
            let _ = unsafe { (self.driver.functions.cuCtxDestroy_v2)(self.handle) };
        }
    }
}

/// A context that is current in this thread; the one before it comes back when this is dropped.
pub(super) struct Entered<'a> {
    context: &'a Context,
    /// Bound to the thread.
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut popped = null_mut();
        // SAFETY: ours is on top of this thread's stack, as no call between leaves another there.
        let _ = unsafe { (self.context.driver.functions.cuCtxPopCurrent_v2)(&mut popped) };
    }
}

/// CU_CTX_SCHED_BLOCKING_SYNC: waiting threads sleep.
const BLOCKING_SYNC: c_uint = 4;

impl Context {
    /// A context of our own on a GPU.
    pub(super) fn create(driver: &'static Driver, gpu: &Gpu) -> Answer<Self> {
        let mut handle = null_mut();
        // SAFETY: writes the handle.
        ok(unsafe { (driver.functions.cuCtxCreate_v2)(&mut handle, BLOCKING_SYNC, gpu.handle) })?;
        let context = Self { driver, handle, owned: true };
        let mut popped = null_mut();
        // SAFETY: creation left it on this thread's stack, where others do not expect it.
        ok(unsafe { (driver.functions.cuCtxPopCurrent_v2)(&mut popped) })?;
        Ok(context)
    }

    /// Somebody else's context.
    ///
    /// # Safety
    /// `handle` is a CUcontext that lives until the value is dropped.
    pub(super) unsafe fn adopt(driver: &'static Driver, handle: *mut c_void) -> Answer<(Self, Gpu)> {
        let context = Self { driver, handle: handle.cast(), owned: false };
        let gpu = {
            let _entered = context.enter()?;
            let mut device = 0;
            // SAFETY: writes one number.
            ok(unsafe { (driver.functions.cuCtxGetDevice)(&mut device) })?;
            driver.describe(device)?
        };
        Ok((context, gpu))
    }

    /// Whether it goes when this is dropped, and takes along all that is in it.
    pub(super) fn is_owned(&self) -> bool {
        self.owned
    }

    /// Makes it current until the answer is dropped.
    pub(super) fn enter(&self) -> Answer<Entered<'_>> {
        // SAFETY: the handle is that of a live context.
        ok(unsafe { (self.driver.functions.cuCtxPushCurrent_v2)(self.handle) })?;
        Ok(Entered { context: self, not_send: PhantomData })
    }
}

/// A module's kernel.
#[derive(Copy, Clone)]
pub(super) struct Kernel(sys::CUfunction);

// SAFETY: handles of functions may be used from any thread.
unsafe impl Send for Kernel {}
// SAFETY: as above.
unsafe impl Sync for Kernel {}

/// A queue of work. Freed with its context.
#[derive(Copy, Clone)]
pub(super) struct Stream(sys::CUstream);

// SAFETY: streams may be used from any thread.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

/// A mark in a stream. Freed with its context.
#[derive(Copy, Clone)]
pub(super) struct Event(sys::CUevent);

// SAFETY: events may be used from any thread.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

/// A loaded module. Unloaded with its context.
#[derive(Copy, Clone)]
pub(super) struct Module(sys::CUmodule);

// SAFETY: modules may be used from any thread.
unsafe impl Send for Module {}
// SAFETY: as above.
unsafe impl Sync for Module {}

/// CU_EVENT_DISABLE_TIMING.
const EVENT_DISABLE_TIMING: c_uint = 2;

/// Bytes of the driver's log of what it has against a module.
const LOG_BYTES: usize = 4096;

/// Calls that need the context to be current. Arguments belong to this context.
impl Entered<'_> {
    fn functions(&self) -> &Functions {
        &self.context.driver.functions
    }

    /// Free and all bytes of the GPU.
    pub(super) fn memory(&self) -> Answer<(u64, u64)> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: writes two numbers.
        ok(unsafe { (self.functions().cuMemGetInfo_v2)(&mut free, &mut total) })?;
        Ok((free as u64, total as u64))
    }

    pub(super) fn alloc(&self, bytes: u64) -> Answer<DevicePtr> {
        let mut pointer = 0;
        // SAFETY: writes the pointer.
        ok(unsafe { (self.functions().cuMemAlloc_v2)(&mut pointer, bytes as usize) })?;
        Ok(pointer)
    }

    /// # Safety
    /// `pointer` is from [`Entered::alloc`], and nothing uses it any more or will.
    pub(super) unsafe fn free(&self, pointer: DevicePtr) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemFree_v2)(pointer) })
    }

    /// Pinned memory of the host, which the GPU can copy without help.
    pub(super) fn alloc_host(&self, bytes: usize) -> Answer<*mut u8> {
        let mut pointer = null_mut();
        // CU_MEMHOSTALLOC_PORTABLE.
        // SAFETY: writes the pointer.
        ok(unsafe { (self.functions().cuMemHostAlloc)(&mut pointer, bytes, 1) })?;
        Ok(pointer.cast())
    }

    /// # Safety
    /// `pointer` is from [`Entered::alloc_host`], and nothing uses it any more or will.
    pub(super) unsafe fn free_host(&self, pointer: *mut u8) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemFreeHost)(pointer.cast()) })
    }

    /// # Safety
    /// Both ranges are valid, and stay so and unchanged by the host until the stream has passed this.
    pub(super) unsafe fn upload(
        &self,
        to: DevicePtr,
        from: *const u8,
        bytes: usize,
        stream: Stream,
    ) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemcpyHtoDAsync_v2)(to, from.cast(), bytes, stream.0) })
    }

    /// # Safety
    /// Both ranges are valid, and stay so until the stream has passed this; the host does not look before.
    pub(super) unsafe fn download(
        &self,
        to: *mut u8,
        from: DevicePtr,
        bytes: usize,
        stream: Stream,
    ) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemcpyDtoHAsync_v2)(to.cast(), from, bytes, stream.0) })
    }

    /// # Safety
    /// Both ranges are valid until the stream has passed this, and do not overlap.
    pub(super) unsafe fn copy(
        &self,
        to: DevicePtr,
        from: DevicePtr,
        bytes: u64,
        stream: Stream,
    ) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemcpyDtoDAsync_v2)(to, from, bytes as usize, stream.0) })
    }

    /// # Safety
    /// The range is valid until the stream has passed this.
    pub(super) unsafe fn fill(&self, to: DevicePtr, value: u8, bytes: u64, stream: Stream) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuMemsetD8Async)(to, value, bytes as usize, stream.0) })
    }

    /// A stream that does not wait for the default one.
    pub(super) fn stream(&self) -> Answer<Stream> {
        let mut stream = null_mut();
        // SAFETY: writes the handle. 1 is CU_STREAM_NON_BLOCKING.
        ok(unsafe { (self.functions().cuStreamCreate)(&mut stream, 1) })?;
        Ok(Stream(stream))
    }

    /// # Safety
    /// Nothing uses the stream any more.
    pub(super) unsafe fn destroy_stream(&self, stream: Stream) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuStreamDestroy_v2)(stream.0) })
    }

    /// Work given to `stream` from now on begins after `event`.
    pub(super) fn stream_wait(&self, stream: Stream, event: Event) -> Answer<()> {
        // SAFETY: both are live handles of this context.
        ok(unsafe { (self.functions().cuStreamWaitEvent)(stream.0, event.0, 0) })
    }

    /// An event that takes no time: a cheaper mark.
    pub(super) fn event(&self) -> Answer<Event> {
        self.event_with(EVENT_DISABLE_TIMING)
    }

    /// An event that takes the time.
    pub(super) fn timed_event(&self) -> Answer<Event> {
        self.event_with(0)
    }

    fn event_with(&self, flags: c_uint) -> Answer<Event> {
        let mut event = null_mut();
        // SAFETY: writes the handle.
        ok(unsafe { (self.functions().cuEventCreate)(&mut event, flags) })?;
        Ok(Event(event))
    }

    /// # Safety
    /// Nothing uses the event any more.
    pub(super) unsafe fn destroy_event(&self, event: Event) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuEventDestroy_v2)(event.0) })
    }

    pub(super) fn record(&self, event: Event, stream: Stream) -> Answer<()> {
        // SAFETY: both are live handles of this context.
        ok(unsafe { (self.functions().cuEventRecord)(event.0, stream.0) })
    }

    /// Whether all work before the event is done.
    pub(super) fn is_done(&self, event: Event) -> Answer<bool> {
        // SAFETY: a live handle of this context.
        match unsafe { (self.functions().cuEventQuery)(event.0) } {
            0 => Ok(true),
            DriverError::NOT_READY => Ok(false),
            code => Err(DriverError(code)),
        }
    }

    /// Nanoseconds between two events that are done.
    pub(super) fn elapsed_ns(&self, start: Event, end: Event) -> Answer<u64> {
        let mut milliseconds = 0.0;
        // SAFETY: live handles of this context; writes one number.
        ok(unsafe { (self.functions().cuEventElapsedTime)(&mut milliseconds, start.0, end.0) })?;
        Ok((f64::from(milliseconds) * 1e6) as u64)
    }

    /// Compiles PTX. What the driver says of a refusal is left in `text`.
    pub(super) fn load(&self, ptx: &CStr, text: &mut String) -> Answer<Module> {
        use sys::CUjit_option as Jit;
        let mut log = vec![0u8; LOG_BYTES];
        let mut options = [Jit::CU_JIT_ERROR_LOG_BUFFER, Jit::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES];
        let mut values = [log.as_mut_ptr().cast::<c_void>(), LOG_BYTES as *mut c_void];
        let mut module = null_mut();
        // SAFETY: the image ends with a zero; options and values are two each, of the types that these options have.
        let answer = ok(unsafe {
            (self.functions().cuModuleLoadDataEx)(
                &mut module,
                ptx.as_ptr().cast(),
                options.len() as c_uint,
                options.as_mut_ptr(),
                values.as_mut_ptr(),
            )
        });
        answer.map(|()| Module(module)).inspect_err(|_| {
            let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
            *text = String::from_utf8_lossy(&log[..end]).trim().to_owned();
        })
    }

    /// # Safety
    /// Nothing uses the module's kernels any more.
    pub(super) unsafe fn unload(&self, module: Module) -> Answer<()> {
        // SAFETY: by contract.
        ok(unsafe { (self.functions().cuModuleUnload)(module.0) })
    }

    pub(super) fn kernel(&self, module: Module, name: &str) -> Answer<Kernel> {
        // Names are ours and have no zero.
        let name = CString::new(name).unwrap_or_default();
        let mut function = null_mut();
        // SAFETY: a live module of this context, and a string that ends with a zero.
        ok(unsafe { (self.functions().cuModuleGetFunction)(&mut function, module.0, name.as_ptr()) })?;
        Ok(Kernel(function))
    }

    /// Launches `grid` blocks of `block` threads; each parameter is a pointer to its value.
    ///
    /// # Safety
    /// Number, order and sizes of the parameters are those of the kernel, and memory that it reaches through them is valid
    /// until the stream has passed this.
    pub(super) unsafe fn launch(
        &self,
        kernel: Kernel,
        grid: u32,
        block: u32,
        stream: Stream,
        params: &mut [*mut c_void],
    ) -> Answer<()> {
        // SAFETY: by contract; the driver copies the parameters before it returns.
        ok(unsafe {
            (self.functions().cuLaunchKernel)(
                kernel.0,
                grid,
                1,
                1,
                block,
                1,
                1,
                0,
                stream.0,
                params.as_mut_ptr(),
                null_mut(),
            )
        })
    }
}
