//! The shaders on a second implementation of WebGPU: what wgpu's device is told, Dawn is told again (`tools/dawn`), and
//! every download must be the same. The other tests hold wgpu's results against the CPU's.
#![cfg(all(feature = "wgpu", not(target_family = "wasm")))]

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use zkwatt::Error;
use zkwatt::device::wgpu::{LimbForm, WgpuDevice, WgpuOptions};
use zkwatt::device::{Backend, G1, G2, Group, LookupOps, MsmOps, MsmScalars, NttOps, QuotientOps, VectorOps};
use zkwatt::kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt::kernels::field::{FieldParams, FrParams};
use zkwatt::kernels::lookup::RangeTable;
use zkwatt::kernels::msm::Scalars;
use zkwatt::kernels::ntt::{Direction, Generator, NttPlan, Order};
use zkwatt::kernels::quotient::Graph;
use zkwatt::kernels::vector::Scan;
use zkwatt::kernels::{Field, Fr};

const DAWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tools/dawn");

#[test]
fn element_wise_operations_on_edge_values() {
    replay("field", |device| {
        let edges = edges();
        let n = edges.len();
        let left: Vec<_> = (0..n * n).map(|i| edges[i / n]).collect();
        let right: Vec<_> = (0..n * n).map(|i| edges[i % n]).collect();
        let b = device.upload(&right).unwrap();
        type InPlace = fn(&WgpuDevice, &mut Vector, &Vector) -> zkwatt::Result<()>;
        let operations: [InPlace; 5] = [
            VectorOps::add_assign,
            VectorOps::sub_assign,
            VectorOps::mul_assign,
            |device, a, b| device.axpy(a, -Fr::from(7u64), b),
            |device, a, _| device.batch_inverse(a),
        ];
        for operation in operations {
            let mut a = device.upload(&left).unwrap();
            operation(device, &mut a, &b).unwrap();
            device.download_blocking(&a).unwrap();
        }
        for c in edges {
            let mut a = device.upload(&right[..n]).unwrap();
            device.scale(&mut a, c).unwrap();
            device.download_blocking(&a).unwrap();
        }
    });
}

#[test]
fn vector_stages_at_their_seams() {
    replay("vector", |device| {
        for n in [1, 2, 31, 33, 255, 257, 1025] {
            let values = mixed(n, n as u64);
            let x = values[n / 2] + Fr::ONE;
            type InPlace = fn(&WgpuDevice, &mut Vector, Fr);
            let operations: [InPlace; 6] = [
                |device, v, _| device.batch_inverse(v).unwrap(),
                |device, v, _| _ = device.prefix_sum(v, Scan::Inclusive).unwrap(),
                |device, v, _| _ = device.prefix_sum(v, Scan::Exclusive).unwrap(),
                |device, v, _| _ = device.prefix_product(v, Scan::Inclusive).unwrap(),
                |device, v, _| _ = device.prefix_product(v, Scan::Exclusive).unwrap(),
                |device, v, x| _ = device.divide_by_linear(v, x).unwrap(),
            ];
            for operation in operations {
                let mut v = device.upload(&values).unwrap();
                operation(device, &mut v, x);
                device.download_blocking(&v).unwrap();
            }
            let v = device.upload(&values).unwrap();
            device.evaluate(&v, x).unwrap();
            let sum = device.linear_combination(&[(x, &v), (-Fr::ONE, &v), (Fr::ONE, &v)], n + 3).unwrap();
            device.download_blocking(&sum).unwrap();
        }
    });
}

#[test]
fn transforms_of_1024_elements() {
    replay("ntt", |device| {
        for order in [Order::NN, Order::NR, Order::RN, Order::RR] {
            for direction in [Direction::Forward, Direction::Inverse] {
                for coset in [None, Some(Fr::from(7u64))] {
                    let plan = NttPlan { log_n: 10, direction, order, coset, generator: Generator::Five };
                    let mut column = device.upload(&mixed(1 << 10, 1)).unwrap();
                    device.ntt(&mut column, &plan).unwrap();
                    device.download_blocking(&column).unwrap();
                }
            }
        }
    });
}

#[test]
fn sums_of_256_points() {
    replay("msm", |device| {
        sums::<G1>(device);
        sums::<G2>(device);
    });
}

fn sums<G: Group>(device: &WgpuDevice)
where
    WgpuDevice: MsmOps<G>,
{
    let mut bases = points::<G::Coordinate>(256);
    // A doubling, an opposite and an identity.
    bases[1] = bases[0];
    bases[3] = bases[2].negate_if(true);
    bases[5] = Affine::default();
    let bases = MsmOps::<G>::prepare(device, &bases).unwrap();
    let mut scalars = mixed(256, 2);
    scalars[..4].fill(Fr::from(9u64));
    let small: Vec<i16> = (0..256).map(|i| if i % 3 == 0 { 300 - 7 * i } else { 0 }).collect();
    for scalars in [Scalars::Field(&scalars), Scalars::I16(&small)] {
        MsmOps::<G>::msm(device, &bases, MsmScalars::Host(scalars)).unwrap();
    }
}

#[test]
fn lookups() {
    replay("lookup", |device| {
        let down = |buffer: &Vector| drop(device.download_blocking(buffer).unwrap());
        let table: Vec<_> = mixed(300, 3);
        let values: Vec<_> = (0..700).map(|i| table[i * i % 300]).collect();
        let [table, values] = [table, values].map(|v| device.upload(&v).unwrap());
        let counts = device.multiplicities_table(&values, &table).unwrap();
        device.download_blocking(&counts).unwrap();
        let [inputs, terms] = device.logup_terms(&values, &table, &counts, Fr::from(1u64 << 40)).unwrap();
        [&inputs, &terms].into_iter().for_each(down);

        let small: Vec<_> = (0..700i64).map(|i| Fr::from(i * i % 256 - 128)).collect();
        let small = device.upload(&small).unwrap();
        let counts = device.multiplicities_range(&small, RangeTable { start: -128, len: 256 }).unwrap();
        device.download_blocking(&counts).unwrap();

        let column = device.upload(&(0..300i64).map(|i| Fr::from(i * i % 250)).collect::<Vec<_>>()).unwrap();
        let rows = device.upload(&(0..300i64).map(Fr::from).collect::<Vec<_>>()).unwrap();
        let (phi, _) = device.grand_sum(&[&column, &rows], &column).unwrap();
        down(&phi);
        device.permuted_pair(&column, &rows).unwrap().iter().for_each(down);
    });
}

/// s·(a·b + a(ω·X) − c²) + y·(c − u·a(X/ω)).
#[test]
fn expression_programs() {
    replay("quotient", |device| {
        let mut graph = Graph::new();
        let [a, b, c, s] = [0, 1, 2, 3].map(|column| graph.column(column, 0));
        let (next, before) = (graph.column(0, 1), graph.column(0, -1));
        let (y, u) = (graph.uniform(0), graph.uniform(1));
        let (product, square) = (graph.mul(a, b), graph.square(c));
        let sum = graph.add(product, next);
        let difference = graph.sub(sum, square);
        let selected = graph.mul(s, difference);
        let scaled = graph.mul(u, before);
        let second = graph.sub(c, scaled);
        let outputs = [graph.horner(&[second, selected], y), graph.horner(&[second, difference], y)];
        let program = graph.compile(&outputs);
        for n in [1, 100, 1000] {
            let columns: Vec<_> = (4..8).map(|seed| device.upload(&mixed(n, seed)).unwrap()).collect();
            let columns: Vec<_> = columns.iter().collect();
            let mut outputs = [(); 2].map(|()| device.alloc::<Fr>(n).unwrap());
            device.run_program(&program, &columns, &mixed(2, 9), &mut outputs.each_mut()).unwrap();
            for output in &outputs {
                device.download_blocking(output).unwrap();
            }
        }
    });
}

type Vector = <WgpuDevice as Backend>::Buf<Fr>;

/// Records `work` in the form that every WebGPU device runs, and has Dawn do it again.
fn replay(name: &'static str, work: impl FnOnce(&WgpuDevice)) {
    if !Path::new(DAWN).join("node_modules/webgpu").exists() {
        return skip("Dawn is not installed; `tools/dawn/install` does it");
    }
    let options = WgpuOptions { form: Some(LimbForm::Int32), ..Default::default() };
    let device = match WgpuDevice::new(options) {
        Ok(device) => device,
        Err(Error::NoSuchDevice { reason, .. }) => return skip(&reason),
        Err(error) => panic!("{error}"),
    };
    device.start_recording();
    work(&device);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("webgpu-{name}.json"));
    let commands =
        device.take_recording().iter().map(|command| serde_json::to_value(command).unwrap()).collect();
    std::fs::write(&file, with_shaders_apart(commands).to_string()).unwrap();
    let output = match Command::new("node").arg("replay.mjs").arg(&file).current_dir(DAWN).output() {
        Ok(output) => output,
        Err(error) => return skip(&format!("node cannot be run: {error}")),
    };
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    print!("{}", said[0]);
    assert!(output.status.success(), "{}: {}", output.status, said[1]);
}

/// Texts are long and serve many dispatches: each is kept once, and its index where it was.
fn with_shaders_apart(mut commands: Vec<Value>) -> Value {
    let mut texts = Vec::new();
    let mut indices = HashMap::new();
    for shader in commands.iter_mut().filter_map(|command| command.get_mut("shader")) {
        let text = shader.as_str().expect("a text").to_string();
        let index = *indices.entry(text.clone()).or_insert_with(|| {
            texts.push(text);
            texts.len() - 1
        });
        *shader = index.into();
    }
    json!({ "shaders": texts, "commands": commands })
}

fn skip(reason: &str) {
    let required = std::env::var("ZKWATT_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == "dawn"), "ZKWATT_REQUIRE names dawn: {reason}");
    // To the real stderr: what is printed by macros is hidden for tests that pass. If it is closed, nobody reads it.
    let _ = writeln!(std::io::stderr(), "SKIPPED on Dawn: {reason}");
}

/// Elements of which every few are 0, 1 or −1.
fn mixed(n: usize, seed: u64) -> Vec<Fr> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let special = [Fr::ZERO, Fr::ONE, -Fr::ONE];
    let mut random = || Fr::from_u256_reduced(core::array::from_fn(|_| rng.next_u64()));
    (0..n).map(|i| special.get(i % 7).copied().unwrap_or_else(&mut random)).collect()
}

/// Elements with saturated and empty limbs of 32 bits, and neighbours of 0 and p.
fn edges() -> Vec<Fr> {
    let p = FrParams::MODULUS;
    let mut edges = vec![Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(2u64), -Fr::from(2u64)];
    let halves = [0, u64::MAX, 0xffff_ffff, 0xffff_ffff << 32];
    let limbs = (0..64).map(|i| [halves[i & 3], halves[i >> 2 & 3], halves[i >> 4 & 3], p[3] - 1]);
    let ends = [[1, 0, 0, 0], [p[0] - 1, p[1], p[2], p[3]], [p[0] - 2, p[1], p[2], p[3]]];
    edges.extend(limbs.chain(ends).filter_map(Fr::from_montgomery));
    edges
}

/// Distinct points.
fn points<F: Coordinate>(n: usize) -> Vec<Affine<F>> {
    let step = Affine::<F>::generator();
    let mut at = Xyzz::from(step).mul_vartime(&[77, 3]);
    let next = |_| {
        at = at.add_affine(step);
        at.to_affine()
    };
    (0..n).map(next).collect()
}
