//! Measuring what operations cost, and keeping it.

use super::backend::{AllOps, DeviceInfo, G1, G2, Group, MsmOps, MsmScalars};
use super::costs::{Costs, Line, Operation};
use super::cpu::CpuDevice;
use crate::error::{Error, Result};
use crate::files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use zkwatt_kernels::curve::{Affine, CurveField, Xyzz};
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::ntt::{Direction, NttPlan};
use zkwatt_kernels::quotient::{Graph, Program};
use zkwatt_kernels::vector::Scan;
use zkwatt_kernels::{Field, Fr};

/// Sizes to measure: 2^small and 2^large items.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct TuneSizes {
    /// Base-two logarithm of the smaller size.
    pub small: u32,
    /// Base-two logarithm of the larger size, 20 at most.
    pub large: u32,
}

/// Runs behind each median.
const RUNS: usize = 3;

/// Measures every operation on the CPU and on `device` at two sizes, results compared, and the way between them.
///
/// # Errors
/// [`Error::InvalidArgument`] for sizes out of order; [`Error::SelfCheck`] if the devices disagree; what the device
/// reports.
pub fn tune<B: AllOps>(
    cpu: &CpuDevice,
    device: &B,
    sizes: TuneSizes,
    mut progress: impl FnMut(Operation),
) -> Result<Costs> {
    if sizes.small >= sizes.large || sizes.large > 20 {
        let reason = format!(
            "2^{} and 2^{}: expected a small one, a larger one, at most 2^20",
            sizes.small, sizes.large
        );
        return Err(Error::invalid("sizes", reason));
    }
    let inputs = [sizes.small, sizes.large].map(Inputs::new);
    let mut costs =
        Costs { cpu: BTreeMap::new(), device: BTreeMap::new(), transfer: transfer(device, &inputs)? };
    for operation in Operation::ALL {
        progress(operation);
        let mut points = [[(0.0, 0.0); 2]; 2];
        for (i, input) in inputs.iter().enumerate() {
            let (on_cpu, cpu_s) = input.run(cpu, operation)?;
            let (on_device, device_s) = input.run(device, operation)?;
            if on_cpu != on_device {
                return Err(Error::SelfCheck(format!(
                    "{} of 2^{}: the devices disagree",
                    operation.name(),
                    input.log_n
                )));
            }
            points[0][i] = (input.items(operation), cpu_s);
            points[1][i] = (input.items(operation), device_s);
        }
        let [on_cpu, on_device] = points.map(|[small, large]| Line::through(small, large));
        costs.cpu.insert(operation, on_cpu);
        costs.device.insert(operation, on_device);
    }
    Ok(costs)
}

/// Seconds to bring bytes to the device and back, halved.
fn transfer<B: AllOps>(device: &B, inputs: &[Inputs; 2]) -> Result<Line> {
    let mut points = [(0.0, 0.0); 2];
    for (point, input) in points.iter_mut().zip(inputs) {
        let seconds = median(|| {
            let start = Instant::now();
            let buffer = device.upload(&input.values)?;
            device.download_blocking(&buffer)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        *point = (size_of_val(input.values.as_slice()) as f64, seconds / 2.0);
    }
    Ok(Line::through(points[0], points[1]))
}

/// What a run gives, for comparison.
#[derive(PartialEq)]
enum Outcome {
    G1(Affine<<G1 as Group>::Coordinate>),
    G2(Affine<<G2 as Group>::Coordinate>),
    Values(Vec<Fr>),
    Counts(Vec<u32>),
}

struct Inputs {
    log_n: u32,
    values: Vec<Fr>,
    small: Vec<Fr>,
    g1: Vec<Affine<<G1 as Group>::Coordinate>>,
    g2: Vec<Affine<<G2 as Group>::Coordinate>>,
    program: Program,
}

impl Inputs {
    fn new(log_n: u32) -> Self {
        let n = 1usize << log_n;
        // Powers of one element: full width, no two equal, the same everywhere.
        let step = Fr::from(7u64).pow_vartime(&[1 << 20]);
        let values = std::iter::successors(Some(step), |x| Some(*x * step)).take(n);
        let small = (0..n as u64).map(|i| Fr::from(i.wrapping_mul(0x9e37_79b9) % 251));
        let (g1, g2) = (multiples(n), multiples(n));
        Self { log_n, values: values.collect(), small: small.collect(), g1, g2, program: program() }
    }

    /// The size of an operation, as [`Operation`] counts it.
    fn items(&self, operation: Operation) -> f64 {
        let n = self.values.len() as f64;
        match operation {
            Operation::Ntt => n * f64::from(self.log_n),
            Operation::Program => n * self.program.instructions().len() as f64,
            _ => n,
        }
    }

    /// The outcome, and the median of seconds, data on the device before and after.
    fn run<B: AllOps>(&self, device: &B, operation: Operation) -> Result<(Outcome, f64)> {
        match operation {
            Operation::MsmG1 => self.sum::<G1, B>(device, &self.g1, Outcome::G1),
            Operation::MsmG2 => self.sum::<G2, B>(device, &self.g2, Outcome::G2),
            Operation::Ntt => {
                let plan = NttPlan::new(self.log_n, Direction::Forward)?;
                self.changed(device, |device, buffer| device.ntt(buffer, &plan))
            }
            Operation::Elementwise => {
                let other = device.upload(&self.values)?;
                self.changed(device, |device, buffer| device.mul_assign(buffer, &other))
            }
            Operation::Inverse => self.changed(device, |device, buffer| device.batch_inverse(buffer)),
            Operation::Scan => self
                .changed(device, |device, buffer| device.prefix_product(buffer, Scan::Inclusive).map(drop)),
            Operation::Lookup => {
                let values = device.upload(&self.small)?;
                let table = RangeTable { start: 0, len: 256 };
                let counts = device.multiplicities_range(&values, table)?;
                let seconds = timed(device, || device.multiplicities_range(&values, table))?;
                Ok((Outcome::Counts(device.download_blocking(&counts)?), seconds))
            }
            Operation::Program => {
                let column = device.upload(&self.values)?;
                let mut output = device.alloc::<Fr>(self.values.len())?;
                let seconds = median(|| {
                    let start = Instant::now();
                    device.run_program(&self.program, &[&column], &[], &mut [&mut output])?;
                    finish(device, &output)?;
                    Ok(start.elapsed().as_secs_f64())
                })?;
                Ok((Outcome::Values(device.download_blocking(&output)?), seconds))
            }
        }
    }

    fn sum<G: Group, B: MsmOps<G>>(
        &self,
        device: &B,
        points: &[Affine<G::Coordinate>],
        outcome: impl Fn(Affine<G::Coordinate>) -> Outcome,
    ) -> Result<(Outcome, f64)> {
        let bases = device.prepare(points)?;
        let run = || device.msm(&bases, MsmScalars::Host(Scalars::Field(&self.values)));
        let sum = run()?;
        let seconds = median(|| {
            let start = Instant::now();
            run()?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        Ok((outcome(sum), seconds))
    }

    fn changed<B: AllOps>(
        &self,
        device: &B,
        change: impl Fn(&B, &mut B::Buf<Fr>) -> Result<()>,
    ) -> Result<(Outcome, f64)> {
        let mut first = device.upload(&self.values)?;
        change(device, &mut first)?;
        let seconds = median(|| {
            let mut buffer = device.upload(&self.values)?;
            finish(device, &buffer)?;
            let start = Instant::now();
            change(device, &mut buffer)?;
            finish(device, &buffer)?;
            Ok(start.elapsed().as_secs_f64())
        })?;
        Ok((Outcome::Values(device.download_blocking(&first)?), seconds))
    }
}

/// Waits until work on a buffer is done: its evaluation at 0 needs one element.
fn finish<B: AllOps>(device: &B, buffer: &B::Buf<Fr>) -> Result<()> {
    let first = device.resized(buffer, 1)?;
    device.download_blocking(&first).map(drop)
}

fn timed<B: AllOps>(device: &B, run: impl Fn() -> Result<B::Buf<u32>>) -> Result<f64> {
    median(|| {
        let start = Instant::now();
        device.download_blocking(&run()?)?;
        Ok(start.elapsed().as_secs_f64())
    })
}

fn median(mut run: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut seconds = (0..RUNS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}

/// G, 2G, 3G, …
fn multiples<F: CurveField>(n: usize) -> Vec<Affine<F>> {
    let generator = Affine::<F>::generator();
    let next = |at: &Xyzz<F>| Some(at.add_affine(generator));
    std::iter::successors(Some(Xyzz::from(generator)), next).take(n).map(|p| p.to_affine()).collect()
}

/// A gate of middling size: (x·x′ + 3)·(x − x′)² + x.
fn program() -> Program {
    let mut graph = Graph::new();
    let (here, next, three) = (graph.column(0, 0), graph.column(0, 1), graph.constant(Fr::from(3u64)));
    let product = graph.mul(here, next);
    let sum = graph.add(product, three);
    let difference = graph.sub(here, next);
    let square = graph.square(difference);
    let gate = graph.mul(sum, square);
    let gate = graph.add(gate, here);
    graph.compile(&[gate])
}

/// What is known of one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    /// The library that measured.
    version: String,
    costs: Costs,
}

/// Where costs are kept: the file that `ZKWATT_TUNING` names, or `zkwatt/tuning.json` where the user's configuration is.
pub fn file() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    named("ZKWATT_TUNING").or_else(|| {
        let home = || named("HOME").map(|home| home.join(".config"));
        let base = named("XDG_CONFIG_HOME").or_else(|| named("APPDATA")).or_else(home)?;
        Some(base.join("zkwatt").join("tuning.json"))
    })
}

/// The costs that were measured for a device by this version, if any are kept.
pub fn stored(device: &DeviceInfo) -> Option<Costs> {
    let entry = read(&file()?).ok()?.remove(&device.name)?;
    (entry.version == env!("CARGO_PKG_VERSION")).then_some(entry.costs)
}

/// Keeps costs for a device, beside those of others; returns the file.
///
/// # Errors
/// [`Error::Io`]; [`Error::InvalidArgument`] where there is no place for it; [`Error::Format`] if the file there is none of
/// ours, which is left as it is.
pub fn store(device: &DeviceInfo, costs: &Costs) -> Result<PathBuf> {
    let path = file().ok_or_else(|| {
        Error::invalid(
            "ZKWATT_TUNING",
            "neither it nor HOME is set; name a file for the measured costs in it",
        )
    })?;
    let mut entries = if path.exists() { read(&path)? } else { BTreeMap::new() };
    let entry = Entry { version: env!("CARGO_PKG_VERSION").into(), costs: costs.clone() };
    entries.insert(device.name.clone(), entry);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let text = serde_json::to_vec_pretty(&entries).map_err(|e| Error::format("costs", e.to_string()))?;
    files::write_atomic(&path, &text)?;
    Ok(path)
}

/// Far more than the costs of any number of devices.
const MAX_FILE_BYTES: u64 = 1 << 20;

fn read(path: &std::path::Path) -> Result<BTreeMap<String, Entry>> {
    let bytes = files::read_at_most(path, MAX_FILE_BYTES)?;
    let reason =
        |e: serde_json::Error| Error::format(path.display().to_string(), format!("{e}; move it away"));
    serde_json::from_slice(&bytes).map_err(reason)
}
