//! Every operation on inputs of its own, to compare devices and to measure them.

use super::backend::{AllOps, G1, G2, Group, MsmOps, MsmScalars};
use super::costs::Operation;
use super::cpu::CpuDevice;
use crate::error::{Error, Result};
use std::time::Instant;
use zkwatt_kernels::curve::{Affine, CurveField, Xyzz};
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::Scalars;
use zkwatt_kernels::ntt::{Direction, NttPlan};
use zkwatt_kernels::quotient::{Graph, Program};
use zkwatt_kernels::vector::Scan;
use zkwatt_kernels::{Field, Fr};

/// Compares a device with the CPU in one operation of each kind ([`Operation`]), on 2^`log_n` inputs made from `seed`.
///
/// # Errors
/// [`Error::SelfCheck`] names the first operation that differs; what the device reports.
pub fn check_kernels<B: AllOps>(cpu: &CpuDevice, device: &B, log_n: u32, seed: u64) -> Result<()> {
    if log_n > 20 {
        return Err(Error::invalid("log_n", format!("is {log_n}; expected 20 at most")));
    }
    let trial = Trial::new(log_n, seed);
    Operation::ALL.into_iter().try_for_each(|operation| trial.compare(cpu, device, operation).map(drop))
}

/// Runs behind each median.
const RUNS: usize = 3;

/// What a run gives, for comparison.
#[derive(PartialEq)]
enum Outcome {
    G1(Affine<<G1 as Group>::Coordinate>),
    G2(Affine<<G2 as Group>::Coordinate>),
    Values(Vec<Fr>),
    Counts(Vec<u32>),
}

/// Inputs of one size.
pub(super) struct Trial {
    log_n: u32,
    values: Vec<Fr>,
    small: Vec<Fr>,
    g1: Vec<Affine<<G1 as Group>::Coordinate>>,
    g2: Vec<Affine<<G2 as Group>::Coordinate>>,
    program: Program,
}

impl Trial {
    pub(super) fn new(log_n: u32, seed: u64) -> Self {
        let n = 1usize << log_n;
        // Powers of one element: full width, no two equal, the same everywhere.
        let step = (Fr::from(seed >> 1) + Fr::from(7u64)).pow_vartime(&[0x1234_5678_9abc_def1, 0x1357]);
        let values = std::iter::successors(Some(step), |x| Some(*x * step)).take(n);
        let small = (0..n as u64).map(|i| Fr::from(i.wrapping_mul(0x9e37_79b9) % 251));
        let (g1, g2) = (multiples(n), multiples(n));
        Self { log_n, values: values.collect(), small: small.collect(), g1, g2, program: program() }
    }

    /// The size of an operation, as [`Operation`] counts it.
    pub(super) fn items(&self, operation: Operation) -> f64 {
        let n = self.values.len() as f64;
        match operation {
            Operation::Ntt => n * f64::from(self.log_n),
            Operation::Program => n * self.program.instructions().len() as f64,
            _ => n,
        }
    }

    pub(super) fn values(&self) -> &[Fr] {
        &self.values
    }

    /// Median seconds on the CPU and on the device, which must agree.
    pub(super) fn compare<B: AllOps>(
        &self,
        cpu: &CpuDevice,
        device: &B,
        operation: Operation,
    ) -> Result<[f64; 2]> {
        let (on_cpu, cpu_s) = self.run(cpu, operation)?;
        let (on_device, device_s) = self.run(device, operation)?;
        if on_cpu == on_device {
            return Ok([cpu_s, device_s]);
        }
        let (name, log_n, device) = (operation.name(), self.log_n, &device.info().name);
        Err(Error::SelfCheck(format!(
            "{name} of 2^{log_n}: {device} and the CPU disagree; do not use the device"
        )))
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

/// Waits until work on a buffer is done: a copy of its first element comes after that.
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

pub(super) fn median(mut run: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut seconds = (0..RUNS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[RUNS / 2])
}

/// G, 2G, 3G, …
pub(super) fn multiples<F: CurveField>(n: usize) -> Vec<Affine<F>> {
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
