//! An ICICLE that is absent, incomplete, of another version, or fails.

use crate::stub;
use zkwatt::device::icicle::{IcicleDevice, IcicleOptions, probe};
use zkwatt::device::{
    Backend, CpuOptions, Device, DeviceKind, G1, Group, MsmOps, MsmScalars, NttOps, VectorOps,
};
use zkwatt::kernels::Fr;
use zkwatt::kernels::curve::Affine;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, NttPlan};
use zkwatt::{Error, Result};

/// The message of an error that is `NoSuchDevice`.
fn absence<T>(result: Result<T>) -> String {
    let error = result.err().expect("there should be no device");
    assert!(matches!(&error, Error::NoSuchDevice { device, .. } if device == "icicle"), "{error}");
    error.to_string()
}

fn contains(text: &str, parts: &[&str]) {
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn nothing_is_installed() {
    let root = tempfile::tempdir().unwrap();
    let options = stub::options(root.path(), None);
    let place = root.path().display().to_string();
    let parts = [
        "no device `icicle`",
        "there is no libicicle_device",
        &place,
        "install ICICLE v4",
        "ICICLE_INSTALL_DIR",
        "use `cpu`",
    ];
    contains(&absence(IcicleDevice::new(options.clone())), &parts);
    contains(&absence(probe(&options)), &parts);
    contains(&absence(Device::icicle(options, CpuOptions::default())), &parts);
}

#[test]
fn a_library_is_missing_or_none() {
    let Some(root) = stub::install(&[]) else { return };
    let field = root.path().join("lib").join(stub::file(stub::LIBRARIES[1]));
    std::fs::remove_file(&field).unwrap();
    let options = stub::options(root.path(), None);
    contains(&absence(IcicleDevice::new(options.clone())), &["libicicle_field_bn254", "install"]);
    std::fs::write(&field, "no library").unwrap();
    contains(&absence(IcicleDevice::new(options)), &["libicicle_field_bn254", "install"]);
}

#[test]
fn a_function_is_missing() {
    let Some((_root, opened)) = stub::open(&["STUB_WITHOUT_G2"]) else { return };
    contains(&absence(opened), &["libicicle_curve_bn254", "has no function `bn254_g2_msm`", "whole release"]);
}

#[test]
fn other_versions() {
    for (version, name) in [(3, "version 3"), (5, "an unknown version")] {
        let Some((_root, opened)) = stub::open(&[&format!("STUB_VERSION={version}")]) else { return };
        contains(
            &absence(opened),
            &["the interface of", name, "uses that of version 4", "install ICICLE v4"],
        );
    }
}

#[test]
fn wrong_results_are_noticed_when_it_is_opened() {
    let Some((_root, opened)) = stub::open(&["STUB_WRONG"]) else { return };
    let error = opened.err().unwrap();
    assert!(matches!(error, Error::SelfCheck(_)), "{error}");
    contains(&error.to_string(), &["ICICLE and the CPU disagree in a sum over g1"]);
}

#[test]
fn a_device_that_is_refused() {
    for (status, part) in
        [(1, "invalid device"), (13, "ICICLE_LICENSE"), (99, "unknown error (ICICLE's error 99)")]
    {
        let Some((_root, opened)) = stub::open(&[&format!("STUB_OPEN={status}")]) else { return };
        contains(&absence(opened), &["ICICLE refuses device CUDA:0", part]);
    }
}

#[test]
fn devices_that_it_has_not() {
    let Some(root) = stub::install(&[]) else { return };
    let open = |device: &str| IcicleDevice::new(stub::options(root.path(), Some(device)));
    contains(&absence(open("METAL")), &["no device `METAL`, only CPU, CUDA", "ICICLE_BACKEND_INSTALL_DIR"]);
    contains(&absence(open("CUDA:3")), &["refuses device CUDA:3", "invalid device"]);
    let error = open("CUDA:three").err().unwrap();
    assert!(matches!(error, Error::InvalidArgument { .. }), "{error}");
    assert!(open("cuda").is_ok());
}

/// A GPU is preferred; ICICLE's CPU is called software.
#[test]
fn what_is_said_of_devices() {
    for (macros, name, is_software) in [(&[][..], "CUDA:0", false), (&["STUB_WITHOUT_GPU"], "CPU:0", true)] {
        let Some(root) = stub::install(macros) else { return };
        let folder = Some(root.path().join("lib"));
        let info = probe(&IcicleOptions { folder: folder.clone(), device: None }).unwrap();
        assert!(info.kind == DeviceKind::Icicle && info.name.contains("ICICLE 4 in"), "{info:?}");
        if std::env::var_os("ZKWATT_ICICLE_DEVICE").is_some() {
            continue;
        }
        let device = IcicleDevice::new(IcicleOptions { folder, device: None }).unwrap();
        let info = device.info();
        assert_eq!((info.name.as_str(), info.software), (&*format!("ICICLE 4 on {name}"), is_software));
        assert_eq!(info.memory_bytes == u64::MAX, is_software);
    }
}

/// Work of the sizes at which the stand-in fails, with this status.
fn failing(status: i32, test: impl FnOnce(&IcicleDevice, &dyn Fn(Result<()>) -> Error)) {
    let Some((_root, opened)) = stub::open(&[&format!("STUB_WORK={status}")]) else { return };
    test(&opened.unwrap(), &|result| result.expect_err("the stand-in should fail"));
}

fn all_work(device: &IcicleDevice) -> [Result<()>; 3] {
    let point = Affine::<<G1 as Group>::Coordinate>::generator();
    let scalars = vec![Fr::from(3u64); 128];
    let bases = MsmOps::<G1>::prepare(device, &vec![point; 16]).unwrap();
    let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Host(Scalars::Field(&scalars[..13])));
    let preparation = MsmOps::<G1>::prepare(device, &vec![point; 44]);
    let mut data = device.upload(&scalars).unwrap();
    let transform = device.ntt(&mut data, &NttPlan::new(7, Direction::Forward).unwrap());
    [sum.map(drop), preparation.map(drop), transform]
}

#[test]
fn failures_of_work() {
    failing(6, |device, failure| {
        for result in all_work(device) {
            let error = failure(result);
            assert!(matches!(error, Error::DeviceFailed { .. }), "{error}");
            contains(
                &error.to_string(),
                &["device `icicle (CUDA:0)` failed", "copy failed", "the result is withheld"],
            );
        }
        // Other work goes on.
        let bases = MsmOps::<G1>::prepare(device, &[Affine::generator()]).unwrap();
        let sum = MsmOps::<G1>::msm(device, &bases, MsmScalars::Host(Scalars::I8(&[1]))).unwrap();
        assert_eq!(sum, Affine::generator());
    });
    for status in [2, 4] {
        failing(status, |device, failure| {
            for result in all_work(device) {
                let error = failure(result);
                assert!(
                    matches!(error, Error::OutOfMemory { requested, available, .. } if requested > 0 && available > 1 << 29),
                    "{error}"
                );
            }
        });
    }
    failing(10, |device, failure| {
        for result in all_work(device) {
            let error = failure(result);
            assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        }
    });
}

/// Somebody else's roots of unity in the same process.
#[test]
fn roots_of_somebody_else() {
    let Some((_root, opened)) = stub::open(&["STUB_FOREIGN_DOMAIN"]) else { return };
    let error = opened.err().unwrap();
    assert!(matches!(error, Error::DeviceFailed { .. }), "{error}");
    contains(&error.to_string(), &["holds other roots of unity"]);
}

#[test]
fn what_it_refuses() {
    let Some((_root, opened)) = stub::open(&[]) else { return };
    let device = opened.unwrap();
    let bases = MsmOps::<G1>::prepare(&device, &[Affine::generator(); 2]).unwrap();
    let scalars = MsmScalars::Host(Scalars::I8(&[1; 3]));
    let error = MsmOps::<G1>::msm(&device, &bases, scalars).unwrap_err();
    assert!(matches!(error, Error::LengthMismatch { left_len: 2, right_len: 3, .. }), "{error}");

    let mut data = device.upload(&[Fr::from(2u64); 6]).unwrap();
    let plan = NttPlan::new(2, Direction::Forward).unwrap();
    assert!(matches!(device.ntt(&mut data, &plan), Err(Error::InvalidArgument { .. })));
    assert!(matches!(device.ntt_batch(vec![&mut data], &plan), Err(Error::InvalidArgument { .. })));
    let zero = NttPlan { coset: Some(Fr::from(0u64)), ..NttPlan::new(1, Direction::Forward).unwrap() };
    assert!(matches!(device.ntt(&mut data, &zero), Err(Error::InvalidArgument { .. })));
    assert_eq!(data.as_slice(), [Fr::from(2u64); 6]);

    let other = device.copy(&data).unwrap();
    let error = device.add_assign(&mut data, &other).unwrap_err();
    contains(&error.to_string(), &["is not supported", "DeviceKind::Icicle", "the CPU does the rest"]);
}
