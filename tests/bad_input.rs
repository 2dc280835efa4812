//! Bad input to the library's operations: each is an error that names the argument and the way out. No panic.
//!
//! | input | tested in |
//! |---|---|
//! | scalars and bases, vectors, columns of different lengths | here |
//! | transforms too large, of odd sizes, of hostile numbers of columns | here; circuits beyond the largest domain: `groth16::domain` |
//! | memory budget too small | here; for provers: `groth16.rs` |
//! | threads, CPU paths and devices that do not exist | here |
//! | nothing at all | here |
//! | lookups of what is not in the table | here |
//! | truncated and hostile ONNX | `mlp_onnx_hostile.rs` |
//! | unsupported operators, shape mismatches, NaN weights | `mlp_onnx.rs`, `mlp_model.rs` |
//! | damaged quantised models and data sets | `mlp_quantised.rs`, `mlp_dataset.rs` |
//! | inputs out of range, assignments that break one constraint | `mlp_r1cs` |
//! | keys of another circuit, proofs and inputs that do not belong together | `groth16.rs` |
//! | keys and proofs truncated, bit-flipped, of another kind | `groth16_files.rs` |
//! | files that cannot be written: nothing half-written stays | `files` |
//! | command lines | `bin/tests/command_line.rs` |

use std::process::Command;
use zkwatt::device::{Backend, CpuDevice, CpuOptions, Device, DeviceKind, G1, G2, MsmOps, MsmScalars};
use zkwatt::kernels::curve::{Affine, Xyzz};
use zkwatt::kernels::msm::{BitHistogram, MsmPlan};
use zkwatt::kernels::{CpuPath, Field, Fr, G1Affine, G2Affine, reference};
use zkwatt::ops::lookup::{self, RangeTable, TableIndex};
use zkwatt::ops::msm::{self, Scalars};
use zkwatt::ops::ntt::{self, Direction, NttOptions, NttPlan};
use zkwatt::ops::vector;
use zkwatt::{Error, ErrorKind, Result};

fn cpu() -> Device {
    Device::cpu(CpuOptions::default()).unwrap()
}

fn with_budget(bytes: u64) -> Device {
    // One form of the kernels on every machine, as they need different amounts.
    let path = Some(CpuPath::PLAIN);
    Device::cpu(CpuOptions { memory_budget: Some(bytes), path, ..Default::default() }).unwrap()
}

fn integers(n: u64) -> Vec<Fr> {
    (0..n).map(Fr::from).collect()
}

/// An error of this class, whose text has all of `parts`.
#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let Err(error) = result else { panic!("accepted; expected an error with {parts:?}") };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "`{text}` lacks `{part}`");
    }
    assert_eq!(error.kind(), kind, "{text}");
}

#[test]
fn more_scalars_than_bases() {
    let device = cpu();
    let g1 = msm::prepare::<G1>(&device, &[G1Affine::generator(); 3]).unwrap();
    let g2 = msm::prepare::<G2>(&device, &[G2Affine::generator(); 3]).unwrap();
    let field = integers(4);
    for scalars in [
        Scalars::Field(&field),
        Scalars::I8(&[0; 4]),
        Scalars::I16(&[0; 4]),
        Scalars::I32(&[0; 4]),
        Scalars::I64(&[0; 4]),
        Scalars::I128(&[0; 4]),
    ] {
        let parts = ["bases has 3", "scalars has 4", "equally long"];
        refused(msm::msm(&device, &g1, scalars), ErrorKind::Usage, &parts);
        refused(msm::msm(&device, &g2, scalars), ErrorKind::Usage, &parts);
        refused(msm::msm_batch(&device, &g1, &[Scalars::I8(&[1]), scalars]), ErrorKind::Usage, &parts);
    }
}

#[test]
fn vectors_of_different_lengths() {
    let device = cpu();
    let (mut out, long, short) = (integers(4), integers(4), integers(3));
    let before = out.clone();
    let of_a = ["`a` has 3 elements", "4 are expected"];
    let of_b = ["`b` has 3 elements", "4 are expected"];
    refused(vector::add(&device, &mut out, &short, &long), ErrorKind::Usage, &of_a);
    refused(vector::add(&device, &mut out, &long, &short), ErrorKind::Usage, &of_b);
    refused(vector::mul(&device, &mut out, &short, &long), ErrorKind::Usage, &of_a);
    refused(vector::mul(&device, &mut out, &long, &short), ErrorKind::Usage, &of_b);
    refused(
        vector::axpy(&device, &mut out, Fr::ONE, &short),
        ErrorKind::Usage,
        &["`x` has 3", "4 are expected"],
    );
    assert_eq!(out, before, "refused operations change nothing");
}

#[test]
fn transforms_that_do_not_exist() {
    let device = cpu();
    for log_n in [29, 30, 63, 64, u32::MAX] {
        let plan = NttPlan::new(log_n, Direction::Forward).map_err(Error::from);
        refused(plan, ErrorKind::Usage, &[&format!("2^{log_n}"), "none beyond 2^28"]);
    }
    let columns = |columns| NttOptions { columns, ..Default::default() };
    for (len, number) in
        [(8, 0), (8, 3), (8, 16), (8, usize::MAX), (0, 1), (0, 0), (0, usize::MAX), (12, 1), (12, 2)]
    {
        let mut data = integers(len);
        let result = ntt::ntt(&device, &mut data, &columns(number));
        refused(result, ErrorKind::Usage, &["data", &format!("{len} elements"), &format!("{number} column")]);
        assert_eq!(data, integers(len), "refused transforms change nothing");
    }
    let zero = NttOptions { coset: Some(Fr::ZERO), ..Default::default() };
    refused(
        ntt::ntt(&device, &mut integers(8), &zero),
        ErrorKind::Usage,
        &["coset shift is zero", "invertible"],
    );
}

#[test]
fn too_little_memory_is_named_with_numbers() {
    let device = with_budget(1000);
    let oom = |result: Result<()>, what: &str, bytes: u64| {
        let requested = format!("{bytes} bytes");
        refused(
            result,
            ErrorKind::OutOfMemory,
            &[what, &requested, "1000 are available", "raise the memory budget"],
        );
    };
    let points = [G1Affine::generator(); 16];
    oom(msm::prepare::<G1>(&device, &points).map(drop), "prepared bases", 16 * 64);
    oom(ntt::ntt(&device, &mut integers(64), &NttOptions::default()), "twiddles", 32 * 32);
    let values = integers(40);
    oom(
        lookup::multiplicities_range(&device, &values, RangeTable { start: 0, len: 251 }).map(drop),
        "range",
        1004,
    );
    let rows = integers(251);
    let table = TableIndex::new(&rows).unwrap();
    oom(lookup::multiplicities_table(&device, &values, &table).map(drop), "table", 1004);
    oom(lookup::logup_terms(&device, &values, &values, &[0; 40], Fr::ONE).map(drop), "logUp terms", 80 * 32);
    oom(lookup::grand_sum(&device, &[], &values).map(drop), "grand sum", 40 * 32);
    refused(lookup::permuted_pair(&device, &values, &values), ErrorKind::OutOfMemory, &["permuted pair"]);
    let bases = msm::prepare::<G1>(&device, &points[..3]).unwrap();
    let sum = msm::msm(&device, &bases, Scalars::I8(&[1, 2, 3]));
    refused(sum, ErrorKind::OutOfMemory, &["multi-scalar multiplication", "1000 are available"]);

    let Device::Cpu(device) = &device else { unreachable!() };
    oom(device.upload(&integers(32)).map(drop), "buffer", 1024);
    oom(device.alloc::<Fr>(32).map(drop), "buffer", 1024);
    assert!(device.alloc::<Fr>(31).is_ok());
    refused(device.alloc::<Fr>(usize::MAX), ErrorKind::OutOfMemory, &["buffer"]);
}

/// A budget that promises more than there is does not help.
#[test]
fn more_memory_than_the_address_space_has() {
    let device = CpuDevice::new(CpuOptions { memory_budget: Some(u64::MAX), ..Default::default() }).unwrap();
    refused(device.alloc::<Fr>(usize::MAX), ErrorKind::OutOfMemory, &["buffer"]);
    refused(device.alloc::<u8>(usize::MAX), ErrorKind::OutOfMemory, &["buffer"]);
    let device = Device::cpu(CpuOptions { memory_budget: Some(u64::MAX), ..Default::default() }).unwrap();
    let endless = RangeTable { start: 0, len: usize::MAX };
    refused(
        lookup::multiplicities_range(&device, &integers(5), endless),
        ErrorKind::Usage,
        &["`table` has", "lookups hold at most"],
    );
}

/// A sum whose scratch memory does not fit is cut into pieces; what is left of the budget decides whether that helps.
#[test]
fn a_small_budget_cuts_sums_into_pieces() {
    let n = 5000;
    let step = Affine::generator();
    let mut at = Xyzz::from(step);
    let mut points: Vec<G1Affine> = (0..n)
        .map(|_| {
            at = at.add_affine(step);
            at.to_affine()
        })
        .collect();
    // Infinity at the seams of the pieces.
    for i in [0, 1249, 1250, 2499, 2500, n - 1] {
        points[i] = Affine::IDENTITY;
    }
    let mut power = Fr::ONE;
    let field: Vec<Fr> = (0..n)
        .map(|_| {
            power = power * Fr::from(0xdead_beef_cafe_f00du64) + Fr::ONE;
            power
        })
        .collect();
    let small: Vec<i16> = (0..n).map(|i| (i as i16).wrapping_mul(7919)).collect();
    let scratch = |n| MsmPlan::new(&BitHistogram::uniform(n, 253), size_of::<G1Affine>()).scratch_bytes;
    let whole = CpuDevice::new(CpuOptions::default()).unwrap();
    let bases = MsmOps::<G1>::prepare(&whole, &points).unwrap();
    let run = |device: &CpuDevice, scalars| MsmOps::<G1>::msm(device, &bases, MsmScalars::Host(scalars));
    let expected = [run(&whole, Scalars::Field(&field)).unwrap(), run(&whole, Scalars::I16(&small)).unwrap()];
    assert_eq!(expected[0], reference::msm(&points, &field));
    let least = scratch(n.div_ceil(8));
    assert!(least < scratch(n), "there is something to cut");
    for budget in [least, scratch(n.div_ceil(4)), scratch(n.div_ceil(2)), scratch(n) - 1, scratch(n)] {
        let options = CpuOptions { memory_budget: Some(budget), threads: Some(1), ..Default::default() };
        let device = CpuDevice::new(options).unwrap();
        assert_eq!(run(&device, Scalars::Field(&field)).unwrap(), expected[0], "{budget} bytes");
        assert_eq!(run(&device, Scalars::I16(&small)).unwrap(), expected[1], "{budget} bytes");
    }
    let device = CpuDevice::new(CpuOptions { memory_budget: Some(least / 2), ..Default::default() }).unwrap();
    let available = format!("{} are available", least / 2);
    refused(run(&device, Scalars::Field(&field)), ErrorKind::OutOfMemory, &["multi-scalar", &available]);
}

#[test]
fn threads_that_cannot_be() {
    let threads = |n| CpuDevice::new(CpuOptions { threads: Some(n), ..Default::default() }).map(drop);
    refused(threads(0), ErrorKind::Usage, &["threads", "is 0", "at least one"]);
    if cfg!(feature = "parallel") {
        refused(threads(usize::MAX), ErrorKind::Usage, &["threads", "too many", "at most"]);
    }
}

/// The variable is read in a process of its own: this test calls itself.
#[test]
fn cpu_paths_that_do_not_exist() {
    const CHILD: &str = "ZKWATT_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let parts = ["no device `cpu`", "is not available here", "set ZKWATT_CPU to `portable` or `plain`"];
        refused(CpuDevice::new(CpuOptions::default()), ErrorKind::NoSuchDevice, &parts);
        refused(Device::only(DeviceKind::Cpu), ErrorKind::NoSuchDevice, &parts);
        refused(Device::auto(), ErrorKind::NoSuchDevice, &parts);
        return;
    }
    for name in ["fastest", "", "PLAIN", "plain ", "cuda"] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "cpu_paths_that_do_not_exist", "--nocapture"])
            .envs([(CHILD, "1"), ("ZKWATT_CPU", name)])
            .output()
            .unwrap();
        assert!(child.status.success(), "`{name}`: {}", String::from_utf8_lossy(&child.stderr));
    }
}

#[test]
fn devices_that_are_not_here() {
    for (kind, name) in
        [(DeviceKind::Cuda, "cuda"), (DeviceKind::Wgpu, "wgpu"), (DeviceKind::Icicle, "icicle")]
    {
        if let Err(error) = Device::only(kind) {
            let text = error.to_string();
            assert!(
                text.starts_with(&format!("no device `{name}`: ")) && text.contains("use `cpu`"),
                "{text}"
            );
            assert_eq!(error.kind(), ErrorKind::NoSuchDevice);
        }
    }
    let (device, report) = Device::auto().unwrap();
    assert_eq!(device.info().kind, report.chosen);
    let text = report.to_string();
    for kind in DeviceKind::ALL {
        assert!(text.contains(kind.name()), "{text}");
    }
}

/// Empty input is no error where the result of nothing is defined.
#[test]
fn nothing_at_all() {
    let device = cpu();
    let bases = msm::prepare::<G1>(&device, &[]).unwrap();
    assert!(msm::msm(&device, &bases, Scalars::Field(&[])).unwrap().is_identity());
    assert!(msm::msm(&device, &bases, Scalars::I8(&[])).unwrap().is_identity());
    assert!(msm::msm_batch(&device, &bases, &[]).unwrap().is_empty());
    let nothing: &mut [Fr] = &mut [];
    vector::add(&device, nothing, &[], &[]).unwrap();
    vector::batch_inverse(&device, nothing).unwrap();
    assert_eq!(vector::prefix_sum(&device, nothing, vector::Scan::Inclusive).unwrap(), Fr::ZERO);
    assert_eq!(vector::prefix_product(&device, nothing, vector::Scan::Exclusive).unwrap(), Fr::ONE);
    assert_eq!(vector::evaluate(&device, &[], Fr::ONE).unwrap(), Fr::ZERO);
    let range = RangeTable { start: 0, len: 0 };
    assert!(lookup::multiplicities_range(&device, &[], range).unwrap().is_empty());
    assert!(lookup::multiplicities_table(&device, &[], &TableIndex::new(&[]).unwrap()).unwrap().is_empty());
    assert!(lookup::logup_terms(&device, &[], &[], &[], Fr::ZERO).unwrap().inputs.is_empty());
    assert_eq!(lookup::grand_sum(&device, &[], &[]).unwrap().last, Fr::ZERO);
    assert!(lookup::permuted_pair(&device, &[], &[]).unwrap().table.is_empty());
}

#[test]
fn lookups_that_fail() {
    let device = cpu();
    let (values, rows) = (integers(10), integers(9));
    let table = TableIndex::new(&rows).unwrap();
    let missing = ["at index 9", "is not in the table"];
    let range = |start, len| lookup::multiplicities_range(&device, &values, RangeTable { start, len });
    refused(range(0, 9), ErrorKind::Usage, &missing);
    refused(range(1, 9), ErrorKind::Usage, &["at index 0"]);
    refused(range(0, 0), ErrorKind::Usage, &["at index 0"]);
    refused(range(i64::MIN, 10), ErrorKind::Usage, &["at index 0"]);
    refused(lookup::multiplicities_table(&device, &values, &table), ErrorKind::Usage, &missing);
    let mut outside = integers(9);
    outside[4] = -Fr::ONE;
    refused(lookup::permuted_pair(&device, &outside, &rows), ErrorKind::Usage, &["at index 4"]);
    refused(
        lookup::permuted_pair(&device, &values, &rows),
        ErrorKind::Usage,
        &["`table` has 9", "10 are expected"],
    );
    let terms = |beta, counts: &[u32]| lookup::logup_terms(&device, &values, &rows, counts, beta);
    refused(
        terms(-Fr::from(9u64), &[0; 9]),
        ErrorKind::Usage,
        &["input value at index 9", "another challenge"],
    );
    let pole = lookup::logup_terms(&device, &values[..1], &rows, &[0; 9], -Fr::from(8u64));
    refused(pole, ErrorKind::Usage, &["table value at index 8", "another challenge"]);
    refused(terms(Fr::from(77u64), &[0; 8]), ErrorKind::Usage, &["`multiplicities` has 8", "9 are expected"]);
    let sums = lookup::grand_sum(&device, &[&values], &rows);
    refused(sums, ErrorKind::Usage, &["`inputs` has 10", "9 are expected"]);
}
