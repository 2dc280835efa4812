//! A warp: 32 threads, each at a basic block of its own; those at the same one run together.

use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::rows::{LANES, Rows, lanes};
use super::{step, sync};
use crate::memory::Bytes;
use crate::program::{Detail, Term};

/// Basic blocks that a group may run before others get their turn: threads may wait for each other in loops.
const SLICE: u32 = 1 << 14;

/// Threads at the same basic block.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub at: u32,
    pub mask: u32,
}

/// Threads that wait at a synchronising instruction of the warp.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// The block that the instruction ends.
    pub at: u32,
    pub mask: u32,
    pub next: u32,
    pub detail: u32,
}

/// Threads that wait at a barrier of the block.
#[derive(Clone, Copy, Debug)]
pub struct AtBarrier {
    pub waiting: Waiting,
    pub id: u32,
    pub count: Option<u32>,
    /// Predicates brought along.
    pub votes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All threads have exited.
    Done,
    /// Waits for other warps.
    Blocked,
    /// Has used up its slice.
    Running,
}

pub struct Warp {
    pub rows: Rows,
    pub index: u32,
    /// Threads that have not exited.
    pub live: u32,
    pub groups: Vec<Group>,
    pub waiting: Vec<Waiting>,
    pub at_barrier: Vec<AtBarrier>,
    /// Local memory, lane after lane, and its shadow.
    pub local: Bytes,
    pub local_shadow: Bytes,
    /// Step of each lane, advanced by `bar.warp.sync`, and how far each lane knows the others'.
    pub clock: [u32; LANES],
    pub seen: Box<[[u32; LANES]; LANES]>,
    /// Groups take turns after a slice: whose is next.
    turn: usize,
}

impl Warp {
    pub fn new(rows: Rows, index: u32, local_bytes: u32) -> Self {
        let bytes = u64::from(local_bytes) * LANES as u64;
        Self {
            rows,
            index,
            live: 0,
            groups: Vec::new(),
            waiting: Vec::new(),
            at_barrier: Vec::new(),
            local: Bytes::new(bytes),
            local_shadow: Bytes::new(bytes),
            clock: [1; LANES],
            seen: Box::new([[0; LANES]; LANES]),
            turn: 0,
        }
    }

    /// All of `mask` stands at the entry.
    pub fn start(&mut self, mask: u32) {
        self.live = mask;
        self.groups.clear();
        self.groups.push(Group { at: 0, mask });
        self.waiting.clear();
        self.at_barrier.clear();
    }

    /// Runs until all threads wait or have exited, or a slice is over.
    pub fn run(&mut self, block: &mut BlockState<'_>) -> Checked<State> {
        let mut slice = SLICE;
        loop {
            if self.groups.is_empty() && !sync::release(self, block)? {
                return Ok(if self.live == 0 { State::Done } else { State::Blocked });
            }
            if slice == 0 {
                return Ok(State::Running);
            }
            let group = self.pick(slice);
            slice = self.run_group(block, group, slice)?;
        }
    }

    /// Takes the group at the least block; after a slice without an end, groups by turns.
    fn pick(&mut self, slice: u32) -> Group {
        let count = self.groups.len();
        let least = || (0..count).min_by_key(|&index| self.groups[index].at).unwrap_or(0);
        let chosen = if slice == SLICE && self.turn > 0 { self.turn % count } else { least() };
        self.groups.swap_remove(chosen)
    }

    /// Puts threads at a block, with those that are there.
    pub fn place(&mut self, at: u32, mask: u32) {
        match self.groups.iter_mut().find(|group| group.at == at) {
            Some(group) => group.mask |= mask,
            None => self.groups.push(Group { at, mask }),
        }
    }

    /// As [`Self::place`], of threads that may be none.
    pub fn place_some(&mut self, at: u32, mask: u32) {
        if mask != 0 {
            self.place(at, mask);
        }
    }

    /// Runs a group until it meets another one, ends, or waits. Returns what is left of the slice.
    fn run_group(&mut self, block: &mut BlockState<'_>, group: Group, mut slice: u32) -> Checked<u32> {
        let kernel = block.kernel;
        let Group { mut at, mask } = group;
        loop {
            let code = &kernel.blocks[at as usize];
            block.counts[at as usize] += 1;
            step::body(self, block, code.begin..code.end, mask)?;
            let next = match &code.term {
                Term::Jump(next) => Some(*next),
                Term::Branch { p, negated, then, other } => {
                    let p = self.rows.p[*p as usize] ^ if *negated { u32::MAX } else { 0 };
                    match mask & p {
                        0 => Some(*other),
                        taken if taken == mask => Some(*then),
                        taken => {
                            self.place(*then, taken);
                            self.place(*other, mask & !taken);
                            None
                        }
                    }
                }
                Term::Table { index, targets } => {
                    self.branch_table(*index, targets, mask, code.line)?;
                    None
                }
                Term::Sync { detail, next } => {
                    let waiting = Waiting { at, mask, next: *next, detail: *detail };
                    sync::arrive(self, block, waiting, code.line)?.then_some(*next)
                }
                Term::Exit => {
                    self.live &= !mask;
                    None
                }
                Term::Trap => {
                    let thread = Some(self.thread(mask.trailing_zeros()));
                    return Err(Fault::new(Kind::LaunchFailure, code.line, thread, "trap instruction"));
                }
            };
            let Some(next) = next else { return Ok(slice) };
            at = next;
            slice -= 1;
            let met = self.groups.iter().any(|other| other.at <= at);
            if met || slice == 0 {
                self.turn = if slice == 0 { self.turn + 1 } else { self.turn };
                self.place(at, mask);
                return Ok(slice);
            }
        }
    }

    fn branch_table(&mut self, index: u32, targets: &[u32], mask: u32, line: u32) -> Checked<()> {
        for lane in lanes(mask) {
            let chosen = self.rows.w[index as usize].0[lane];
            let Some(&target) = targets.get(chosen as usize) else {
                let what = format!("branch to entry {chosen} of a table of {}", targets.len());
                return Err(Fault::new(Kind::LaunchFailure, line, Some(self.thread(lane as u32)), what));
            };
            self.place(target, 1 << lane);
        }
        Ok(())
    }

    /// Number of a lane's thread in the block.
    pub fn thread(&self, lane: u32) -> u32 {
        self.index * LANES as u32 + lane
    }

    /// Detail of a waiting instruction.
    pub fn detail<'k>(block: &BlockState<'k>, waiting: &Waiting) -> &'k Detail {
        &block.kernel.details[waiting.detail as usize]
    }
}
