//! What a processor's multiplier gives: the bound of kernels whose products were counted.

use crate::statistics::median;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Mul;
use std::sync::Mutex;
use std::time::Instant;
use zkwatt::device::{Backend, Device};
#[cfg(target_arch = "x86_64")]
use zkwatt::kernels::field::{Adx, probe};
use zkwatt::kernels::field::{Arith, Fp, FrParams, Plain};
use zkwatt::kernels::{CpuPath, Fr};

/// Chains that hide the latency of one product.
pub const STREAMS: usize = 32;

/// Products of each chain in one sample: some milliseconds, which waking a thread is little beside.
const ROUNDS: usize = 1 << 15;

/// Samples, of which the median counts; the first ones wake the processor and are left out.
const SAMPLES: usize = 9;
const WARM_UP: usize = 3;

/// Multiplies each of `chains` by `y`, `rounds` times.
#[inline(always)]
pub fn products<T: Copy + Mul<Output = T>, const N: usize>(chains: [T; N], y: T, rounds: usize) -> [T; N] {
    let (mut chains, y) = black_box((chains, y));
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = *chain * y;
        }
    }
    chains
}

/// Products in F_r per second, in independent streams on all threads of a device at once, as `bench-field` measures them; `None`
/// where no CPU of ours computes. Measured in some tens of milliseconds at the first call for a path and number of threads.
pub fn products_per_second(device: &Device) -> Option<f64> {
    static KNOWN: Mutex<Option<HashMap<(CpuPath, usize), f64>>> = Mutex::new(None);
    let Device::Cpu(cpu) = device else { return None };
    let key = (cpu.path(), cpu.info().threads);
    // A poisoned map is as good as any: values are inserted whole.
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let known = known.get_or_insert_default();
    Some(*known.entry(key).or_insert_with(|| measure(cpu.path(), device)))
}

fn measure(path: CpuPath, device: &Device) -> f64 {
    // Of each thread its own time, while all are at it.
    let one = || {
        let start = Instant::now();
        run(path);
        (STREAMS * ROUNDS) as f64 / start.elapsed().as_secs_f64()
    };
    let speeds = || device.on_host(|| rayon::broadcast(|_| one()).into_iter().sum::<f64>());
    let samples: Vec<f64> = (0..WARM_UP + SAMPLES).map(|_| speeds()).skip(WARM_UP).collect();
    median(&samples).unwrap_or(f64::NAN)
}

fn run(path: CpuPath) {
    let chains: [Fr; STREAMS] = std::array::from_fn(|i| Fr::from(i as u64 + 3));
    let y = Fr::from(0x1234_5678_9abc_def1u64);
    #[cfg(target_arch = "x86_64")]
    {
        if Some(path) == CpuPath::ifma() {
            let (mut chains, y) = black_box((chains, y));
            probe::mul_chains(path, &mut chains, y, ROUNDS);
            black_box(chains);
            return;
        }
        if Some(path) == CpuPath::adx() {
            return of::<Adx>(&chains, y);
        }
    }
    let _ = path;
    of::<Plain>(&chains, y);
}

fn of<A: Arith>(chains: &[Fr; STREAMS], y: Fr) {
    let to = |v: &Fr| -> Fp<FrParams, A> { v.with_arith() };
    black_box(products(chains.each_ref().map(to), to(&y), ROUNDS));
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt::device::CpuOptions;

    #[test]
    fn every_path_has_a_speed_that_is_measured_once() {
        for path in CpuPath::available() {
            let options = CpuOptions { path: Some(path), threads: Some(1), ..CpuOptions::default() };
            let device = Device::cpu(options).unwrap();
            let speed = products_per_second(&device).unwrap();
            // From an emulated processor's to some years ahead.
            assert!((1e4..1e10).contains(&speed), "{}: {speed}", path.name());
            assert_eq!(products_per_second(&device), Some(speed));
        }
    }
}
