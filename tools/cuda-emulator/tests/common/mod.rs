//! A context of the emulator, for tests.
#![allow(dead_code, reason = "each test uses some")]

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};
use zkwatt_cuda_emulator::api::*;

/// A context of its own; destroyed when dropped.
pub struct Session {
    pub context: usize,
}

/// A parameter of a kernel.
#[derive(Clone)]
pub struct Arg(pub Vec<u8>);

impl From<u64> for Arg {
    fn from(value: u64) -> Self {
        Self(value.to_le_bytes().to_vec())
    }
}

impl From<u32> for Arg {
    fn from(value: u32) -> Self {
        Self(value.to_le_bytes().to_vec())
    }
}

/// Shape of a launch.
#[derive(Clone, Copy)]
pub struct Shape {
    pub grid: u32,
    pub block: u32,
    pub dynamic_shared: u32,
}

impl Shape {
    pub fn new(grid: u32, block: u32) -> Self {
        Self { grid, block, dynamic_shared: 0 }
    }
}

pub fn set(name: &str, value: &str) {
    let (name, value) = (CString::new(name).unwrap(), CString::new(value).unwrap());
    // SAFETY: both are C strings.
    assert_eq!(unsafe { cudaEmulatorSet(name.as_ptr(), value.as_ptr()) }, 0);
}

pub fn report() -> String {
    let text = cudaEmulatorLastReport();
    assert!(!text.is_null(), "no report");
    // SAFETY: reports are C strings that stay.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
}

impl Session {
    pub fn new() -> Self {
        let mut context = 0;
        // SAFETY: the pointer is valid.
        unsafe {
            assert_eq!(cuInit(0), 0);
            assert_eq!(cuCtxCreate_v2(&mut context, 0, 0), 0);
        }
        Self { context }
    }

    pub fn allocate(&self, bytes: usize) -> u64 {
        let mut address = 0;
        // SAFETY: the pointer is valid.
        assert_eq!(unsafe { cuMemAlloc_v2(&mut address, bytes) }, 0);
        address
    }

    pub fn upload(&self, bytes: &[u8]) -> u64 {
        let address = self.allocate(bytes.len());
        // SAFETY: the slice has these bytes.
        assert_eq!(unsafe { cuMemcpyHtoD_v2(address, bytes.as_ptr().cast(), bytes.len()) }, 0);
        address
    }

    pub fn upload_words(&self, words: &[u32]) -> u64 {
        self.upload(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())
    }

    pub fn download(&self, address: u64, bytes: usize) -> Vec<u8> {
        let mut found = vec![0; bytes];
        // SAFETY: the vector has these bytes.
        assert_eq!(unsafe { cuMemcpyDtoH_v2(found.as_mut_ptr().cast(), address, bytes) }, 0);
        found
    }

    pub fn download_words(&self, address: u64, count: usize) -> Vec<u32> {
        let bytes = self.download(address, 4 * count);
        bytes.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect()
    }

    /// Loads a module: its handle or the status.
    pub fn try_load(&self, ptx: &str) -> Result<usize, i32> {
        let text = CString::new(ptx).unwrap();
        let mut module = 0;
        // SAFETY: the text is a C string.
        match unsafe { cuModuleLoadData(&mut module, text.as_ptr().cast()) } {
            0 => Ok(module),
            status => Err(status),
        }
    }

    pub fn function(&self, ptx: &str, name: &str) -> usize {
        let module = self.try_load(ptx).unwrap_or_else(|status| panic!("status {status}: {}", report()));
        let name = CString::new(name).unwrap();
        let mut function = 0;
        // SAFETY: the name is a C string.
        assert_eq!(unsafe { cuModuleGetFunction(&mut function, module, name.as_ptr()) }, 0);
        function
    }

    /// Launches, waits, and returns the status.
    pub fn launch(&self, function: usize, shape: Shape, args: &[Arg]) -> i32 {
        match self.launch_in(0, function, shape, args) {
            // SAFETY: nothing is passed.
            0 => unsafe { cuCtxSynchronize() },
            status => status,
        }
    }

    /// Launches in a stream and returns the status of that.
    pub fn launch_in(&self, stream: usize, function: usize, shape: Shape, args: &[Arg]) -> i32 {
        let mut pointers: Vec<*mut c_void> =
            args.iter().map(|arg| arg.0.as_ptr().cast_mut().cast()).collect();
        let Shape { grid, block, dynamic_shared } = shape;
        // SAFETY: there is a pointer to each parameter.
        unsafe {
            cuLaunchKernel(
                function,
                grid,
                1,
                1,
                block,
                1,
                1,
                dynamic_shared,
                stream,
                pointers.as_mut_ptr(),
                null_mut(),
            )
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: a handle is looked up.
        unsafe { cuCtxDestroy_v2(self.context) };
    }
}

/// A module around kernels.
pub fn module(kernels: &str) -> String {
    format!(".version 8.0\n.target sm_70\n.address_size 64\n{kernels}")
}

/// A kernel `t` of one pointer, `%out`, with `%tid` and the usual registers.
pub fn kernel(body: &str) -> String {
    module(&format!(
        ".visible .entry t(.param .u64 p0)
{{
.reg .pred %p<16>;
.reg .b16 %h<16>;
.reg .b32 %r<64>;
.reg .b64 %d<64>;
.reg .b32 %tid;
.reg .b64 %out, %at;
mov.u32 %tid, %tid.x;
ld.param.u64 %out, [p0];
mul.wide.u32 %at, %tid, 4;
add.u64 %at, %out, %at;
{body}
ret;
}}"
    ))
}

/// Runs `body` in one block and returns the words that the threads wrote to `[%at]`.
pub fn run_words(body: &str, threads: u32) -> Vec<u32> {
    let session = Session::new();
    let function = session.function(&kernel(body), "t");
    let out = session.upload_words(&vec![0; threads as usize]);
    let status = session.launch(function, Shape::new(1, threads), &[out.into()]);
    assert_eq!(status, 0, "{}", report());
    session.download_words(out, threads as usize)
}

/// Runs `body` in one block of `threads` over 4 KiB of zeros; the status and, if it failed, the report.
pub fn status_of(body: &str, threads: u32) -> (i32, String) {
    let session = Session::new();
    let function = session.function(&kernel(body), "t");
    let out = session.upload_words(&[0; 1024]);
    match session.launch(function, Shape::new(1, threads), &[out.into()]) {
        0 => (0, String::new()),
        status => (status, report()),
    }
}

pub const NULL: *const c_void = null();
