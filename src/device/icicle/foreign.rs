//! ICICLE's C interface, version 4: every foreign call of this backend, with a safe face.
//!
//! Functions are declared as ones that may unwind: ICICLE throws C++ exceptions where an operation has no
//! implementation for a device or a domain is too small. No Rust can catch those, and the process ends; what makes
//! ICICLE throw is checked before it is called.

use super::search::LIBRARIES;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use zkwatt_kernels::Fr;

/// 0 for success.
pub(super) type Status = c_int;

/// `icicle::Device`.
#[repr(C)]
pub(super) struct DeviceId {
    kind: [c_char; 64],
    index: c_int,
}

impl DeviceId {
    /// A type of less than 64 bytes, and which of it.
    pub(super) fn new(kind: &str, index: u32) -> Self {
        let mut id = Self { kind: [0; 64], index: c_int::try_from(index).unwrap_or(c_int::MAX) };
        for (to, from) in id.kind.iter_mut().take(63).zip(kind.bytes()) {
            *to = from as c_char;
        }
        id
    }
}

/// `icicle::MSMConfig`.
#[repr(C)]
struct MsmConfig {
    stream: *mut c_void,
    precompute_factor: c_int,
    window_bits: c_int,
    scalar_bits: c_int,
    batch_size: c_int,
    are_points_shared_in_batch: bool,
    are_scalars_on_device: bool,
    are_scalars_montgomery_form: bool,
    are_points_on_device: bool,
    are_points_montgomery_form: bool,
    are_results_on_device: bool,
    is_async: bool,
    extension: *mut c_void,
}

/// `icicle::NTTConfig<scalar_t>`.
#[repr(C)]
struct NttConfig {
    stream: *mut c_void,
    /// Canonical.
    coset_generator: [u64; 4],
    batch_size: c_int,
    columns_batch: bool,
    ordering: c_int,
    are_inputs_on_device: bool,
    are_outputs_on_device: bool,
    is_async: bool,
    extension: *mut c_void,
}

/// `icicle::NTTInitDomainConfig`.
#[repr(C)]
struct InitDomainConfig {
    stream: *mut c_void,
    is_async: bool,
    extension: *mut c_void,
}

macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident($($argument:ty),*) = $library:literal: $symbol:literal;)*) => {
        /// The functions that this backend calls.
        #[derive(Copy, Clone)]
        pub(super) struct Functions {
            $($(#[$doc])* $name: unsafe extern "C-unwind" fn($($argument),*) -> Status,)*
        }

        impl Functions {
            /// The functions of these libraries, or the index of one and what it lacks.
            pub(super) fn load(libraries: &[Library; LIBRARIES.len()]) -> Result<Self, (usize, &'static str)> {
                Ok(Self {$(
                    // SAFETY: the symbol is a function of version 4 of ICICLE with this signature.
                    $name: unsafe { libraries[$library].function($symbol) }.ok_or(($library, $symbol))?,
                )*})
            }
        }
    };
}

// Libraries are indices into `LIBRARIES`.
functions! {
    /// Path, whether folders below count too.
    load_backend(*const c_char, bool) = 0: "icicle_load_backend";
    /// Types with commas between, room.
    registered_devices(*mut c_char, usize) = 0: "icicle_get_registered_devices";
    /// For the calling thread.
    set_device(*const DeviceId) = 0: "icicle_set_device";
    /// Of the calling thread.
    active_device(*mut DeviceId) = 0: "icicle_get_active_device";
    /// Total, free.
    available_memory(*mut usize, *mut usize) = 0: "icicle_get_available_memory";
    /// Address, bytes.
    malloc(*mut *mut c_void, usize) = 0: "icicle_malloc";
    free(*mut c_void) = 0: "icicle_free";
    /// To, from, bytes.
    copy_to_device(*mut c_void, *const c_void, usize) = 0: "icicle_copy_to_device";
    /// Input, size, direction, configuration, output.
    ntt(*const u64, c_int, c_int, *const NttConfig, *mut u64) = 1: "bn254_ntt";
    /// Canonical root of unity, configuration.
    ntt_init_domain(*const [u64; 4], *const InitDomainConfig) = 1: "bn254_ntt_init_domain";
    ntt_release_domain() = 1: "bn254_ntt_release_domain";
    /// Logarithm of the order, canonical root.
    domain_root(u64, *mut [u64; 4]) = 1: "bn254_get_root_of_unity_from_domain";
    /// Scalars, bases, number, configuration, sums.
    msm_g1(*const u64, *const c_void, c_int, *const MsmConfig, *mut u64) = 2: "bn254_msm";
    msm_g2(*const u64, *const c_void, c_int, *const MsmConfig, *mut u64) = 2: "bn254_g2_msm";
}

/// A library of ICICLE.
pub(super) struct Library {
    #[cfg(unix)]
    handle: libloading::os::unix::Library,
}

#[cfg(unix)]
impl Library {
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};
        // Backends resolve the frontend's symbols as they would in a program that is linked to it: hence global.
        // SAFETY: initialisers of a library that the user installed run; ICICLE's register its devices.
        let handle = unsafe { Library::open(Some(path), RTLD_LAZY | RTLD_GLOBAL) };
        // The loader's own words are the error's source.
        let words =
            |e: libloading::Error| std::error::Error::source(&e).map_or(e.to_string(), |s| s.to_string());
        Ok(Self { handle: handle.map_err(words)? })
    }

    pub(super) fn has(&self, symbol: &str) -> bool {
        // SAFETY: the address is only compared.
        unsafe { self.handle.get::<*const c_void>(symbol.as_bytes()) }.is_ok_and(|symbol| !symbol.is_null())
    }

    /// # Safety
    /// `symbol`, if it exists, is a function of type `F`.
    unsafe fn function<F: Copy>(&self, symbol: &str) -> Option<F> {
        // SAFETY: the caller's promise.
        unsafe { self.handle.get::<F>(symbol.as_bytes()) }.ok().map(|function| *function)
    }
}

#[cfg(not(unix))]
impl Library {
    pub(super) fn open(_: &Path) -> Result<Self, String> {
        Err("ICICLE runs on Linux and macOS".into())
    }

    pub(super) fn has(&self, _: &str) -> bool {
        false
    }

    /// # Safety
    /// None is asked for: there is no function.
    unsafe fn function<F: Copy>(&self, _: &str) -> Option<F> {
        None
    }
}

/// Memory of a device.
pub(super) struct Address(*mut c_void);

// SAFETY: the address is only handed back to ICICLE, which takes it from any thread.
unsafe impl Send for Address {}
// SAFETY: as above; behind a shared reference it is only read from.
unsafe impl Sync for Address {}

/// What the configurations of the calls below leave to them.
struct Lengths {
    n: c_int,
    batch: c_int,
}

impl Lengths {
    /// `INVALID_ARGUMENT` for what is not whole vectors of n.
    fn of(len: usize, n: usize) -> Result<Self, Status> {
        let batch = len.checked_div(n).filter(|batch| batch * n == len);
        let as_int = |length: usize| c_int::try_from(length).ok();
        let lengths = as_int(n).zip(batch.and_then(as_int));
        lengths.map(|(n, batch)| Self { n, batch }).ok_or(INVALID_ARGUMENT)
    }
}

const INVALID_ARGUMENT: Status = 11;

fn done(status: Status) -> Result<(), Status> {
    if status == 0 { Ok(()) } else { Err(status) }
}

/// The functions with lengths checked; all but `load_backend`, `device_types` and `active_device` need a device to be set.
impl Functions {
    /// Loads every library below a folder that serves a device.
    pub(super) fn load_backend(&self, folder: &CStr) -> Result<(), Status> {
        // SAFETY: a C string; initialisers of libraries that the user installed run.
        done(unsafe { (self.load_backend)(folder.as_ptr(), true) })
    }

    /// Types of devices, with commas between.
    pub(super) fn device_types(&self) -> Result<String, Status> {
        let mut text = [0u8; 1024];
        // SAFETY: room for as many bytes as are promised.
        done(unsafe { (self.registered_devices)(text.as_mut_ptr().cast(), text.len()) })?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        Ok(String::from_utf8_lossy(&text[..end]).into_owned())
    }

    /// Chooses a device, which must be of a type that there is, for the calling thread.
    pub(super) fn set_device(&self, device: &DeviceId) -> Result<(), Status> {
        // SAFETY: the description outlives the call.
        done(unsafe { (self.set_device)(device) })
    }

    /// The device of the calling thread; `None` where it has none.
    pub(super) fn active_device(&self) -> Option<DeviceId> {
        let mut device = DeviceId { kind: [0; 64], index: 0 };
        // SAFETY: the place of the description outlives the call, and every bit pattern is a description.
        done(unsafe { (self.active_device)(&mut device) }).ok().map(|()| device)
    }

    pub(super) fn free_bytes(&self) -> Result<u64, Status> {
        let (mut total, mut free) = (0usize, 0usize);
        // SAFETY: both places outlive the call.
        done(unsafe { (self.available_memory)(&mut total, &mut free) })?;
        Ok(free as u64)
    }

    /// Words, at least one, in memory of the device.
    pub(super) fn upload(&self, words: &[u64]) -> Result<Address, Status> {
        let mut address = null_mut();
        // SAFETY: the place of the address outlives the call.
        done(unsafe { (self.malloc)(&mut address, size_of_val(words)) })?;
        // SAFETY: both ends have this many bytes.
        let copied = unsafe { (self.copy_to_device)(address, words.as_ptr().cast(), size_of_val(words)) };
        done(copied).map(|()| Address(address)).inspect_err(|_| {
            // SAFETY: allocated above, and in no other hands.
            unsafe { (self.free)(address) };
        })
    }

    /// Gives memory back.
    pub(super) fn free(&self, address: &mut Address) -> Result<(), Status> {
        let address = std::mem::replace(&mut address.0, null_mut());
        // SAFETY: from `upload`, and freed once.
        if address.is_null() { Ok(()) } else { done(unsafe { (self.free)(address) }) }
    }

    /// X, Y, Z, canonical, of sums over the first n of `bases`, which has as many canonical points at least over a field of
    /// this degree; n Montgomery-form scalars for each sum.
    pub(super) fn msm(
        &self,
        degree: usize,
        scalars: &[Fr],
        bases: &Address,
        n: usize,
    ) -> Result<Vec<u64>, Status> {
        let Lengths { n, batch } = Lengths::of(scalars.len(), n)?;
        let config = MsmConfig {
            stream: null_mut(),
            precompute_factor: 1,
            window_bits: 0,
            scalar_bits: 0,
            batch_size: batch,
            are_points_shared_in_batch: true,
            are_scalars_on_device: false,
            are_scalars_montgomery_form: true,
            are_points_on_device: true,
            // ICICLE's CPU backend takes no notice of this: points are converted before.
            are_points_montgomery_form: false,
            are_results_on_device: false,
            is_async: false,
            extension: null_mut(),
        };
        let mut sums = vec![0u64; batch as usize * 12 * degree];
        let (from, to) = (scalars.as_ptr().cast(), sums.as_mut_ptr());
        let call = if degree == 1 { self.msm_g1 } else { self.msm_g2 };
        // SAFETY: `Fr` is four words; scalars and sums have room for the whole batch, bases for n; nothing is kept, since
        // the call is not asynchronous.
        done(unsafe { call(from, bases.0, n, &config, to) })?;
        Ok(sums)
    }

    /// Transforms columns of n elements in place; the domain must reach n.
    pub(super) fn ntt(
        &self,
        data: &mut [Fr],
        n: usize,
        direction: c_int,
        ordering: c_int,
    ) -> Result<(), Status> {
        let Lengths { n, batch } = Lengths::of(data.len(), n)?;
        let config = NttConfig {
            stream: null_mut(),
            coset_generator: [1, 0, 0, 0],
            batch_size: batch,
            columns_batch: false,
            ordering,
            are_inputs_on_device: false,
            are_outputs_on_device: false,
            is_async: false,
            extension: null_mut(),
        };
        let place = data.as_mut_ptr().cast();
        // SAFETY: `Fr` is four words, of which every pattern is sound; input and output may be the same and have room for
        // all columns; nothing is kept, since the call is not asynchronous.
        done(unsafe { (self.ntt)(place, n, direction, &config, place) })
    }

    /// Makes the domain of a canonical root of unity, whatever domain there was. No transform may be running.
    pub(super) fn renew_domain(&self, root: &[u64; 4]) -> Result<(), Status> {
        let config = InitDomainConfig { stream: null_mut(), is_async: false, extension: null_mut() };
        // ICICLE keeps a domain, whoever made it, until it is released. That there was none is no failure.
        // SAFETY: the caller's promise: nobody reads the domain.
        unsafe { (self.ntt_release_domain)() };
        // SAFETY: root and configuration outlive the call, which is not asynchronous.
        done(unsafe { (self.ntt_init_domain)(root, &config) })
    }

    /// The canonical root of unity of order 2^`log_n` of a domain that reaches it.
    pub(super) fn domain_root(&self, log_n: u32) -> Result<[u64; 4], Status> {
        let mut root = [0; 4];
        // SAFETY: the place of the root outlives the call.
        done(unsafe { (self.domain_root)(u64::from(log_n), &mut root) })?;
        Ok(root)
    }
}
