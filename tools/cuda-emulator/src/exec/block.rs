//! A block of threads: its warps by turns, its barriers, its shared memory.

use super::Job;
use super::fault::{Checked, Fault, Kind};
use super::random::Random;
use super::rows::{LANES, Rows, lanes};
use super::shared::Shared;
use super::warp::{AtBarrier, State, Warp};
use crate::program::{Detail, Kernel, Reduction, special};

/// What the warps of a block share.
pub struct BlockState<'k> {
    pub job: &'k Job<'k>,
    pub kernel: &'k Kernel,
    pub shared: Shared,
    /// Barriers passed, over all blocks of this host thread.
    pub epoch: u32,
    /// Allocation that each access hit last.
    pub hints: Vec<u32>,
    /// How often each basic block ran.
    pub counts: Vec<u64>,
    /// Threads that have arrived at each barrier without waiting.
    pub arrived: [u32; 16],
    /// Number of the block in the grid.
    pub number: u64,
}

/// Runs blocks, one after another.
pub struct Worker<'k> {
    pub state: BlockState<'k>,
    warps: Vec<Warp>,
}

impl<'k> Worker<'k> {
    pub fn new(job: &'k Job<'k>) -> Self {
        let kernel = job.kernel;
        let shared = Shared::new(u64::from(kernel.shared_bytes + job.dynamic_shared), job.checks);
        let state = BlockState {
            job,
            kernel,
            shared,
            epoch: 0,
            hints: vec![0; kernel.details.len()],
            counts: vec![0; kernel.blocks.len()],
            arrived: [0; 16],
            number: 0,
        };
        let params = job.param_bytes();
        let warps = (0..job.threads().div_ceil(LANES as u32)).map(|index| {
            let mut rows = Rows::new(kernel, &params, &|variable| job.addresses[variable as usize]);
            job.identify(&mut rows, index);
            Warp::new(rows, index, kernel.local_bytes)
        });
        Self { warps: warps.collect(), state }
    }

    /// Runs block `number` of the grid.
    pub fn run(&mut self, number: u64) -> Checked<()> {
        self.begin(number);
        let job = self.state.job;
        let mut random = Random::new(job.seed ^ number.wrapping_mul(0x9e37_79b9));
        let mut order: Vec<usize> = (0..self.warps.len()).collect();
        loop {
            if job.seed != 0 {
                random.shuffle(&mut order);
            }
            let (mut done, mut running) = (true, false);
            for &index in &order {
                let found = self.warps[index].run(&mut self.state)?;
                done &= found == State::Done;
                running |= found == State::Running;
            }
            if done {
                return Ok(());
            }
            if !self.pass_barriers() && !running {
                return Err(self.deadlock());
            }
            job.watch()?;
        }
    }

    fn begin(&mut self, number: u64) {
        let state = &mut self.state;
        state.number = number;
        state.epoch += 1;
        state.arrived = [0; 16];
        state.shared.reset(state.job.poison);
        let threads = state.job.threads();
        for warp in &mut self.warps {
            let present = (threads - warp.index * LANES as u32).min(LANES as u32);
            warp.start(u32::MAX >> (LANES as u32 - present));
            warp.rows.p[..].fill(0);
            place_block(&mut warp.rows, state.job.coordinates(number));
            refill_constants(&mut warp.rows, state.kernel);
        }
    }

    /// Opens the barriers that all have come to. True if there were any.
    fn pass_barriers(&mut self) -> bool {
        let mut ids: Vec<u32> = self.warps.iter().flat_map(|warp| &warp.at_barrier).map(|at| at.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter(|&id| self.pass(id)).count() > 0
    }

    fn pass(&mut self, id: u32) -> bool {
        let waiting = || self.warps.iter().flat_map(|warp| warp.at_barrier.iter().map(move |at| (warp, at)));
        let here = || waiting().filter(|(_, at)| at.id == id);
        let arrived = self.state.arrived[id as usize];
        let complete = match here().find_map(|(_, at)| at.count) {
            Some(count) => {
                let whole = here().filter(|(warp, at)| at.waiting.mask == warp.live);
                whole.count() as u32 * LANES as u32 + arrived >= count
            }
            None => {
                let live: u32 = self.warps.iter().map(|warp| warp.live.count_ones()).sum();
                let come: u32 = here().map(|(_, at)| at.waiting.mask.count_ones()).sum();
                come + arrived >= live
            }
        };
        if complete {
            self.open(id);
        }
        complete
    }

    fn open(&mut self, id: u32) {
        let (mut present, mut votes) = (0, 0);
        let here = self.warps.iter().flat_map(|warp| &warp.at_barrier).filter(|at| at.id == id);
        here.for_each(|at| {
            present += at.waiting.mask.count_ones();
            votes += at.votes.count_ones();
        });
        self.state.epoch += 1;
        self.state.arrived[id as usize] = 0;
        let kernel = self.state.kernel;
        for warp in &mut self.warps {
            let (leaving, staying): (Vec<AtBarrier>, _) = warp.at_barrier.iter().partition(|at| at.id == id);
            warp.at_barrier = staying;
            for AtBarrier { waiting, .. } in leaving {
                if let Detail::Barrier { reduction, d: Some(d), .. } =
                    &kernel.details[waiting.detail as usize]
                {
                    let value = match reduction {
                        Reduction::None => 0,
                        Reduction::Popc => votes,
                        Reduction::And => u32::from(votes == present),
                        Reduction::Or => u32::from(votes > 0),
                    };
                    lanes(waiting.mask).for_each(|lane| warp.rows.set_lane(*d, lane, u64::from(value)));
                }
                warp.place(waiting.next, waiting.mask);
            }
        }
    }

    /// Nobody can go on.
    fn deadlock(&self) -> Box<Fault> {
        let blocks = &self.state.kernel.blocks;
        let live: u32 = self.warps.iter().map(|warp| warp.live.count_ones()).sum();
        let at_barrier =
            self.warps.iter().flat_map(|warp| warp.at_barrier.iter().map(move |at| (warp, at.waiting)));
        let in_warp = self.warps.iter().flat_map(|warp| warp.waiting.iter().map(move |at| (warp, *at)));
        let standing: Vec<_> = at_barrier.chain(in_warp).collect();
        let Some(&(warp, first)) = standing.first() else {
            return Fault::new(Kind::LaunchFailure, 1, None, "deadlock of a block without waiting threads");
        };
        let here: u32 =
            standing.iter().filter(|(_, at)| at.at == first.at).map(|(_, at)| at.mask.count_ones()).sum();
        let what = format!("barrier not reached by all threads: {here} of {live} wait");
        let thread = Some(warp.thread(first.mask.trailing_zeros()));
        let mut fault = Fault::new(Kind::LaunchFailure, blocks[first.at as usize].line, thread, what);
        let elsewhere = standing.iter().find(|(_, at)| at.at != first.at);
        fault.other = elsewhere.map(|(warp, at)| {
            let thread = warp.thread(at.mask.trailing_zeros());
            (blocks[at.at as usize].line, format!("thread {thread} waits"))
        });
        fault
    }
}

fn place_block(rows: &mut Rows, [x, y, z]: [u32; 3]) {
    for (name, value) in [("ctaid.x", x), ("ctaid.y", y), ("ctaid.z", z)] {
        rows.uniform[special::number(name).expect("a name of the table") as usize] = value;
    }
}

/// Constant predicates, which [`Worker::run`] has cleared with the others.
fn refill_constants(rows: &mut Rows, kernel: &Kernel) {
    use crate::program::{Class, Constant};
    for (reg, value) in &kernel.constants {
        if let (Class::P, Constant::Bits(bits)) = (reg.class, value) {
            rows.p[reg.row as usize] = if *bits != 0 { u32::MAX } else { 0 };
        }
    }
}
