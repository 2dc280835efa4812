//! Devices for tests, and tests of memory, errors and faults.

use super::*;

/// A device for each form, with poisoned scratch memory; none where there is no adapter.
pub(in crate::device) fn devices() -> Vec<WgpuDevice> {
    devices_with(&WgpuOptions::default())
}

/// The same with other options.
pub(in crate::device) fn devices_with(options: &WgpuOptions) -> Vec<WgpuDevice> {
    let open = |form| {
        let options = WgpuOptions { form: Some(form), poison: true, ..options.clone() };
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

use crate::device::gpu::Gpu;
use crate::device::{Backend, Buffer};
use zkwatt_kernels::{Field, Fr};

#[test]
fn memory_holds_what_was_written() {
    for device in devices() {
        let words: Vec<u32> = (0..1000).collect();
        let mut buffer = device.upload(&words).unwrap();
        device.write(&mut buffer, 10, &[7, 8]).unwrap();
        let back = device.download_blocking(&buffer).unwrap();
        assert_eq!((&back[..10], back[10], back[11], &back[12..]), (&words[..10], 7, 8, &words[12..]));
        let mut bytes = device.upload::<u8>(&[1, 2, 3, 4, 5, 6, 7]).unwrap();
        device.write(&mut bytes, 3, &[9, 10]).unwrap();
        assert_eq!(device.download_blocking(&bytes).unwrap(), [1, 2, 3, 9, 10, 6, 7]);
        assert!(matches!(device.write(&mut bytes, 6, &[1, 2]), Err(Error::InvalidArgument { .. })));
        assert!(device.upload::<Fr>(&[]).unwrap().is_empty());
        assert_eq!(device.download_blocking(&device.alloc::<Fr>(3).unwrap()).unwrap(), [Fr::ZERO; 3]);
    }
}

#[test]
fn memory_serves_again_and_is_counted() {
    for device in devices() {
        let before = device.bytes_in_use();
        let first = device.scratch(1000).unwrap();
        assert_eq!(device.bytes_in_use() - before, 1024);
        let id = first.id();
        drop(first);
        assert_eq!(device.bytes_in_use(), before);
        assert_eq!(device.scratch(1000).unwrap().id(), id);
    }
}

#[test]
fn too_much_memory_is_an_error() {
    for device in devices() {
        let beyond = device.context.device.limits().max_buffer_size + 1;
        assert!(matches!(device.scratch(beyond), Err(Error::OutOfMemory { .. })));
        device.inject(Fault::Allocation, 1);
        let kept = device.scratch(64).unwrap();
        assert!(matches!(device.scratch(64), Err(Error::OutOfMemory { .. })));
        // Nothing else is lost.
        drop((kept, device.scratch(64).unwrap()));
    }
}

#[test]
fn a_budget_is_kept() {
    let options = WgpuOptions { memory_budget: Some(4096), ..Default::default() };
    let Ok(device) = WgpuDevice::new(options) else { return };
    let half = device.scratch(2048).unwrap();
    assert!(matches!(device.scratch(4096), Err(Error::OutOfMemory { requested: 4096, available: 2048, .. })));
    drop(half);
    device.scratch(4096).unwrap();
}

#[test]
fn a_lost_device_says_so_for_ever() {
    for device in devices() {
        let buffer = device.upload(&[1u32, 2, 3]).unwrap();
        device.inject(Fault::DeviceLost, 0);
        for _ in 0..2 {
            let error = device.download_blocking(&buffer).unwrap_err();
            assert!(matches!(&error, Error::DeviceFailed { .. }), "{error}");
        }
        assert!(device.alloc::<u32>(1).is_err());
    }
}

#[test]
fn work_that_does_not_end_is_an_error() {
    for form in LimbForm::ALL {
        let deadline = Some(Duration::from_millis(300));
        let Ok(device) = WgpuDevice::new(WgpuOptions { form: Some(form), deadline, ..Default::default() })
        else {
            return;
        };
        let buffer = device.upload(&[1u32]).unwrap();
        device.inject(Fault::Hang, 0);
        let error = device.download_blocking(&buffer).unwrap_err();
        assert!(error.to_string().contains("deadline"), "{error}");
        assert!(device.download_blocking(&buffer).is_err());
    }
}

#[test]
fn an_adapter_that_is_not_here_is_an_error_that_lists_those_that_are() {
    let options = WgpuOptions { adapter: Some("no such adapter".into()), ..Default::default() };
    let error = WgpuDevice::new(options).err().unwrap();
    assert!(matches!(error, Error::NoSuchDevice { .. }), "{error}");
}
