//! Devices for unit tests, and tests that run on all of them.

use zkwatt_kernels::{Field, Fr};

/// Tests of any [`Gpu`](super::Gpu), each on every GPU here, with each of these bounds on bindings; a module for each
/// interface.
macro_rules! on_every_gpu {
    ($($test:ident with $bounds:expr;)*) => {
        #[cfg(feature = "wgpu")]
        mod on_wgpu {
            $(#[test]
            fn $test() {
                for bound in $bounds {
                    $crate::device::gpu::testing::wgpu(bound).iter().for_each(super::$test);
                }
            })*
        }

        #[cfg(feature = "cuda")]
        mod on_cuda {
            $(#[test]
            fn $test() {
                for bound in $bounds {
                    $crate::device::gpu::testing::cuda(bound).iter().for_each(super::$test);
                }
            })*
        }
    };
}
pub(crate) use on_every_gpu;

/// A device for each form of products, with poisoned scratch memory; none where there is no adapter.
#[cfg(feature = "wgpu")]
pub(crate) fn wgpu(max_binding_bytes: Option<u64>) -> Vec<crate::device::wgpu::WgpuDevice> {
    use crate::device::wgpu::{WgpuOptions, tests::devices_with};
    devices_with(&WgpuOptions { max_binding_bytes, ..WgpuOptions::default() })
}

/// A GPU or the emulator, with poisoned scratch memory; `None` where there is neither.
#[cfg(feature = "cuda")]
pub(crate) fn cuda(max_binding_bytes: Option<u64>) -> Option<crate::device::cuda::CudaDevice> {
    use crate::device::cuda::{CudaDevice, CudaOptions};
    match CudaDevice::new(CudaOptions { max_binding_bytes, poison: true, ..CudaOptions::default() }) {
        Ok(device) => Some(device),
        Err(crate::Error::NoSuchDevice { reason, .. }) => {
            eprintln!("SKIPPED on cuda: {reason}");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// 32-bit numbers that look random: enough for tests, without a dependency.
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    }
}

/// A scalar of full width.
pub(crate) fn random(numbers: &mut impl FnMut() -> u32) -> Fr {
    (0..9).fold(Fr::ZERO, |x, _| x * Fr::from(1u64 << 32) + Fr::from(u64::from(numbers())))
}
