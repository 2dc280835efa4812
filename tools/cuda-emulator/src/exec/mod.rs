//! Execution of kernels.

mod access;
mod alu;
mod atomics;
mod bits;
mod block;
mod fault;
mod lanewise;
mod place;
mod races;
mod random;
mod rows;
mod shared;
mod step;
mod sync;
mod warp;

use crate::memory::{Allocation, Snapshot};
use crate::program::{Kernel, special};
use block::Worker;
use fault::{Checked, Fault, Place};
pub use fault::{Kind, Report};
use races::Races;
use random::Random;
use rows::{LANES, Rows};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A launch, as the driver's interface gives it.
pub struct Launch<'k> {
    pub kernel: &'k Kernel,
    pub source: &'k [String],
    pub snapshot: &'k Snapshot,
    /// Addresses of the module's variables.
    pub addresses: &'k [u64],
    pub grid: [u32; 3],
    pub block: [u32; 3],
    pub dynamic_shared: u32,
    pub params: Vec<u8>,
    /// Number of the launch.
    pub id: u64,
}

/// A launch under way.
pub struct Job<'k> {
    kernel: &'k Kernel,
    snapshot: &'k Snapshot,
    addresses: &'k [u64],
    grid: [u32; 3],
    size: [u32; 3],
    dynamic_shared: u32,
    params: Allocation,
    id: u64,
    checks: bool,
    global_races: bool,
    races: Races,
    poison: Option<u8>,
    seed: u64,
    avx2: bool,
    begun: Instant,
    limit: Duration,
    stop: AtomicBool,
}

/// What a launch has done.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// How often each basic block ran.
    pub blocks: Vec<u64>,
    pub warp_instructions: u64,
}

impl Launch<'_> {
    /// Runs all blocks.
    pub fn run(self, config: &crate::config::Config) -> Result<Counts, Report> {
        let params = Allocation::new(0, self.params.len() as u64, None, "parameters".to_owned());
        let (data, shadow) = params.range(0, params.len).expect("the whole of it");
        // SAFETY: nobody else has the storages yet.
        unsafe {
            data.copy_from_nonoverlapping(self.params.as_ptr(), self.params.len());
            shadow.write_bytes(1, self.params.len());
        }
        let job = Job {
            kernel: self.kernel,
            snapshot: self.snapshot,
            addresses: self.addresses,
            grid: self.grid,
            size: self.block,
            dynamic_shared: self.dynamic_shared,
            params,
            id: self.id,
            checks: config.checks,
            global_races: config.checks && config.global_races,
            races: Races::default(),
            poison: config.poison,
            seed: config.seed,
            avx2: step::has_avx2(),
            begun: Instant::now(),
            limit: Duration::from_secs(config.timeout),
            stop: AtomicBool::new(false),
        };
        job.run_all(config.threads, self.source)
    }
}

impl Job<'_> {
    fn threads(&self) -> u32 {
        self.size.iter().product()
    }

    fn block_count(&self) -> u64 {
        self.grid.iter().map(|&side| u64::from(side)).product()
    }

    fn coordinates(&self, number: u64) -> [u32; 3] {
        let [x, y, _] = self.grid.map(u64::from);
        [(number % x) as u32, (number / x % y) as u32, (number / x / y) as u32]
    }

    fn param_bytes(&self) -> Vec<u8> {
        let (data, _) = self.params.range(0, self.params.len).expect("the whole of it");
        // SAFETY: parameters are not written once the launch is under way.
        unsafe { std::slice::from_raw_parts(data, self.params.len as usize) }.to_vec()
    }

    /// Fills what special registers of warp `index` read.
    fn identify(&self, rows: &mut Rows, index: u32) {
        let [width, height, _] = self.size;
        for lane in 0..LANES {
            let thread = index * LANES as u32 + lane as u32;
            rows.thread[0].0[lane] = thread % width;
            rows.thread[1].0[lane] = thread / width % height;
            rows.thread[2].0[lane] = thread / width / height;
        }
        let mut set = |name: &str, value: u32| {
            rows.uniform[special::number(name).expect("a name of the table") as usize] = value;
        };
        for (axis, side) in ["x", "y", "z"].into_iter().enumerate() {
            set(&format!("ntid.{side}"), self.size[axis]);
            set(&format!("nctaid.{side}"), self.grid[axis]);
        }
        set("nwarpid", self.threads().div_ceil(LANES as u32));
        set("nsmid", 1);
        set("dynamic_smem_size", self.dynamic_shared);
        set("total_smem_size", self.kernel.shared_bytes + self.dynamic_shared);
    }

    /// Fails where the launch is to end early.
    fn watch(&self) -> Checked<()> {
        if self.stop.load(Relaxed) {
            return Err(Fault::new(Kind::Timeout, 1, None, "another block has failed"));
        }
        if self.begun.elapsed() > self.limit {
            let what = format!("launch still running after {} s", self.limit.as_secs());
            return Err(Fault::new(Kind::Timeout, self.kernel.blocks[0].line, None, what));
        }
        Ok(())
    }

    fn order(&self) -> Order {
        let count = self.block_count();
        let mut random = Random::new(self.seed ^ count);
        if self.seed != 0 && count <= 1 << 20 {
            let mut order: Vec<u32> = (0..count as u32).collect();
            random.shuffle(&mut order);
            return Order { table: order, stride: 1, count };
        }
        // A stride that shares no factor with the count visits every block.
        let mut stride = if self.seed == 0 { 1 } else { (random.next() % count) | 1 };
        while gcd(stride, count) != 1 {
            stride += 1;
        }
        Order { table: Vec::new(), stride, count }
    }

    fn run_all(&self, threads: usize, source: &[String]) -> Result<Counts, Report> {
        let (order, next) = (self.order(), AtomicU64::new(0));
        let failure = Mutex::new(None);
        let total = Mutex::new(vec![0; self.kernel.blocks.len()]);
        let work = || {
            let mut worker = Worker::new(self);
            loop {
                let position = next.fetch_add(1, Relaxed);
                if position >= order.count || self.stop.load(Relaxed) {
                    break;
                }
                let number = order.block(position);
                if let Err(fault) = worker.run(number) {
                    let place = Place {
                        kernel: &self.kernel.name,
                        block: self.coordinates(number),
                        size: self.size,
                        source,
                    };
                    if !self.stop.swap(true, Relaxed) {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.report(&place));
                    }
                    break;
                }
            }
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.iter_mut().zip(&worker.state.counts).for_each(|(total, count)| *total += count);
        };
        // Starting a thread costs more than a small block.
        let helpers = (threads as u64).min(order.count).saturating_sub(1);
        std::thread::scope(|scope| {
            (0..helpers).for_each(|_| {
                scope.spawn(work);
            });
            work();
        });
        if let Some(report) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(report);
        }
        let blocks = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        let lengths = self.kernel.blocks.iter().map(|block| u64::from(block.end - block.begin) + 1);
        let warp_instructions = blocks.iter().zip(lengths).map(|(count, length)| count * length).sum();
        Ok(Counts { blocks, warp_instructions })
    }
}

/// Order in which blocks begin.
struct Order {
    /// A permutation, or nothing for the stride.
    table: Vec<u32>,
    stride: u64,
    count: u64,
}

impl Order {
    fn block(&self, position: u64) -> u64 {
        match self.table.get(position as usize) {
            Some(&block) => u64::from(block),
            None => (u128::from(position) * u128::from(self.stride) % u128::from(self.count)) as u64,
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
