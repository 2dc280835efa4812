//! Shared memory of a block, and who has touched it since the last barrier.

use super::fault::{Checked, Fault, Kind};
use crate::memory::Bytes;

/// When a thread did something: after which barrier of the block, at which step of its warp's synchronisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    pub epoch: u32,
    pub clock: u32,
    pub thread: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Touch {
    moment: Moment,
    line: u32,
    /// Ordered by the memory model: atomics, volatile and stronger accesses.
    strong: bool,
}

/// Last accesses to a word. Two readers, of two warps where there are two.
#[derive(Clone, Copy, Default)]
struct Cell {
    write: Touch,
    reads: [Touch; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
}

/// Shared memory; one host thread runs one block at a time.
pub struct Shared {
    pub data: Bytes,
    pub shadow: Bytes,
    pub len: u64,
    cells: Vec<Cell>,
}

impl Shared {
    pub fn new(len: u64, checks: bool) -> Self {
        let cells = if checks { len.div_ceil(4) as usize } else { 0 };
        Self { data: Bytes::new(len), shadow: Bytes::new(len), len, cells: vec![Cell::default(); cells] }
    }

    /// Another block begins: nothing is written. Epochs go on, so that old accesses count as ordered.
    pub fn reset(&mut self, poison: Option<u8>) {
        // SAFETY: storages have at least `len` bytes, and `&mut self` is their only user.
        unsafe {
            self.shadow.pointer().write_bytes(0, self.len as usize);
            if let Some(pattern) = poison {
                self.data.pointer().write_bytes(pattern, self.len as usize);
            }
        }
    }

    /// Records an access to the words of `[offset, offset + bytes)`; `seen` is, per lane of the thread's warp, how far
    /// the thread knows the lane's clock.
    #[expect(clippy::too_many_arguments, reason = "one access")]
    pub fn touch(
        &mut self,
        offset: u64,
        bytes: u32,
        how: How,
        strong: bool,
        moment: Moment,
        seen: &[u32; 32],
        line: u32,
    ) -> Checked<()> {
        let first = (offset / 4) as usize;
        let last = ((offset + u64::from(bytes) - 1) / 4) as usize;
        let touch = Touch { moment, line, strong };
        for cell in &mut self.cells[first..=last] {
            if let Some((old, what)) = cell.conflict(how, &touch, seen) {
                return Err(race(offset, how, &touch, &old, what));
            }
            cell.record(how, touch);
        }
        Ok(())
    }
}

impl Cell {
    fn conflict(&self, how: How, touch: &Touch, seen: &[u32; 32]) -> Option<(Touch, &'static str)> {
        if unordered(&self.write, touch, seen) {
            return Some((self.write, "written"));
        }
        let mut reads = self.reads.iter().filter(|_| how == How::Write);
        reads.find(|read| unordered(read, touch, seen)).map(|read| (*read, "read"))
    }

    fn record(&mut self, how: How, touch: Touch) {
        if how == How::Write {
            self.write = touch;
            return;
        }
        let [latest, other] = &mut self.reads;
        let (old, new) = (latest.moment, touch.moment);
        // The other one goes when it says least: old, or of a warp that is kept anyhow.
        if old.epoch == new.epoch
            && old.thread != new.thread
            && (old.thread / 32 != new.thread / 32
                || other.moment.epoch != new.epoch
                || other.moment.thread / 32 == new.thread / 32)
        {
            *other = *latest;
        }
        *latest = touch;
    }
}

/// Whether two accesses of which one writes race.
fn unordered(old: &Touch, new: &Touch, seen: &[u32; 32]) -> bool {
    let (then, now) = (old.moment, new.moment);
    let same_warp = then.thread / 32 == now.thread / 32;
    then.epoch == now.epoch
        && then.thread != now.thread
        && !(old.strong && new.strong)
        && !(same_warp && seen[then.thread as usize % 32] >= then.clock)
}

#[cold]
fn race(offset: u64, how: How, new: &Touch, old: &Touch, what: &str) -> Box<Fault> {
    let verb = if how == How::Read { "read" } else { "written" };
    let thread = old.moment.thread;
    let text = format!("race on the shared word at {:#x}: {verb} without a barrier since thread {thread} has {what} it", offset & !3);
    let mut fault = Fault::new(Kind::LaunchFailure, new.line, Some(new.moment.thread), text);
    fault.other = Some((old.line, format!("{what} by thread {thread}")));
    fault
}
