//! Devices for tests, and tests of memory, errors and faults.

use super::*;
use zkwatt_kernels::{Field, Fr};

/// A device for each form, with poisoned scratch memory; none where there is no adapter.
pub(super) fn devices() -> Vec<WgpuDevice> {
    let open = |form| {
        let options = WgpuOptions { form: Some(form), poison: true, ..Default::default() };
        match WgpuDevice::new(options) {
            Ok(device) => Some(device),
            Err(Error::NoSuchDevice { reason, .. }) => {
                eprintln!("SKIPPED on wgpu ({}): {reason}", form.name());
                None
            }
            Err(other) => panic!("{other}"),
        }
    };
    LimbForm::ALL.into_iter().filter_map(open).collect()
}

/// 32-bit numbers that look random: enough for tests, without a dependency.
pub(super) fn numbers(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    }
}

/// A scalar of full width.
pub(super) fn random(numbers: &mut impl FnMut() -> u32) -> Fr {
    (0..9).fold(Fr::ZERO, |x, _| x * Fr::from(1u64 << 32) + Fr::from(u64::from(numbers())))
}
