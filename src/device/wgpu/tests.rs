//! Devices for tests, and tests of memory, errors and faults.

use super::*;

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
