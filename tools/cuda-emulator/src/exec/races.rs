//! Accesses of different blocks to the same word of global memory within a launch.

use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::shared::How;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

#[derive(Clone, Copy)]
struct Touch {
    block: u64,
    line: u32,
    strong: bool,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    write: Option<Touch>,
    read: Option<Touch>,
    /// A reader of another block than `read`.
    other: Option<Touch>,
}

const SHARDS: usize = 64;

/// Words touched in a launch.
pub struct Races {
    shards: Vec<Mutex<HashMap<u64, Cell>>>,
}

impl Default for Races {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }
}

pub fn touch(
    block: &BlockState<'_>,
    address: u64,
    bytes: u32,
    how: How,
    strong: bool,
    thread: u32,
    line: u32,
) -> Checked<()> {
    let touch = Touch { block: block.number, line, strong };
    for word in address / 4..=(address + u64::from(bytes) - 1) / 4 {
        let shard = &block.job.races.shards[word as usize % SHARDS];
        let mut cells = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(word).or_default();
        if let Some((old, what)) = cell.conflict(how, touch) {
            let text = format!(
                "race on the global word at {:#x}: block {} touches it, and block {} has {what} it in this launch",
                word * 4,
                touch.block,
                old.block
            );
            let mut fault = Fault::new(Kind::LaunchFailure, line, Some(thread), text);
            fault.other = Some((old.line, format!("{what} by block {}", old.block)));
            return Err(fault);
        }
        cell.record(how, touch);
    }
    Ok(())
}

impl Cell {
    fn conflict(&self, how: How, new: Touch) -> Option<(Touch, &'static str)> {
        let races = |old: &Touch| old.block != new.block && !(old.strong && new.strong);
        if let Some(old) = self.write.filter(races) {
            return Some((old, "written"));
        }
        let mut readers = self.read.into_iter().chain(self.other).filter(|_| how == How::Write);
        readers.find(races).map(|old| (old, "read"))
    }

    fn record(&mut self, how: How, new: Touch) {
        if how == How::Write {
            self.write = Some(new);
        } else {
            if self.read.is_some_and(|old| old.block != new.block) {
                self.other = self.read;
            }
            self.read = Some(new);
        }
    }
}
