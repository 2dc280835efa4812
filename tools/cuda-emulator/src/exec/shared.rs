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
    epoch: u32,
    clock: u32,
    line: u32,
    thread: u16,
}

/// Last accesses to a word that the memory model orders among themselves: atomics, volatile and stronger ones.
#[derive(Clone, Copy, Default)]
struct Strong {
    write: Touch,
    read: Touch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    Read,
    Write,
}

/// An access, without its place.
#[derive(Clone, Copy)]
pub struct Touches {
    pub bytes: u32,
    pub how: How,
    pub strong: bool,
    pub moment: Moment,
    pub line: u32,
}

/// Epochs of the last write and the last read of a word: most accesses look no further.
#[derive(Clone, Copy, Default)]
struct Epochs {
    write: u32,
    read: u32,
}

/// Shared memory; one host thread runs one block at a time.
pub struct Shared {
    pub data: Bytes,
    pub shadow: Bytes,
    pub len: u64,
    /// Per word, as the following.
    epochs: Vec<Epochs>,
    writes: Vec<Touch>,
    reads: Vec<Touch>,
    /// A reader of another warp than the one in `reads`, or of another thread.
    other_reads: Vec<Touch>,
    strong: Vec<Strong>,
}

impl Shared {
    pub fn new(len: u64, checks: bool) -> Self {
        let words = if checks { len.div_ceil(4) as usize } else { 0 };
        let touches = || vec![Touch::default(); words];
        Self {
            data: Bytes::new(len),
            shadow: Bytes::new(len),
            len,
            epochs: vec![Epochs::default(); words],
            writes: touches(),
            reads: touches(),
            other_reads: touches(),
            strong: vec![Strong::default(); words],
        }
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
    #[inline(always)]
    pub fn touch(&mut self, offset: u64, by: Touches, seen: &[u32; 32]) -> Checked<()> {
        let first = (offset / 4) as usize;
        let last = ((offset + u64::from(by.bytes) - 1) / 4) as usize;
        let Moment { epoch, clock, thread } = by.moment;
        let touch = Touch { epoch, clock, line: by.line, thread: thread as u16 };
        for index in first..=last {
            let epochs = &mut self.epochs[index];
            let fresh = epochs.write != epoch && epochs.read != epoch && !by.strong;
            match by.how {
                How::Write if fresh => {
                    epochs.write = epoch;
                    self.writes[index] = touch;
                }
                How::Read if fresh => {
                    epochs.read = epoch;
                    self.reads[index] = touch;
                }
                how => self.touch_again(index, how, by.strong, touch, seen)?,
            }
        }
        Ok(())
    }

    /// As [`Self::touch`], by the lanes of `mask`; the moment is that of lane 0, without its clock.
    pub fn touch_all(
        &mut self,
        offsets: &[u64; 32],
        mask: u32,
        clock: &[u32; 32],
        seen: &[[u32; 32]; 32],
        by: Touches,
    ) -> Checked<()> {
        if by.bytes == 4 && !by.strong {
            return match by.how {
                How::Write => self.touch_words::<true>(offsets, mask, clock, seen, by),
                How::Read => self.touch_words::<false>(offsets, mask, clock, seen, by),
            };
        }
        for lane in super::rows::lanes(mask) {
            let thread = by.moment.thread + lane as u32;
            let moment = Moment { clock: clock[lane], thread, ..by.moment };
            self.touch(offsets[lane], Touches { moment, ..by }, &seen[lane])?;
        }
        Ok(())
    }

    /// The common case of [`Self::touch_all`]: one weak access to one word by each lane.
    fn touch_words<const WRITE: bool>(
        &mut self,
        offsets: &[u64; 32],
        mask: u32,
        clock: &[u32; 32],
        seen: &[[u32; 32]; 32],
        by: Touches,
    ) -> Checked<()> {
        let epoch = by.moment.epoch;
        for lane in super::rows::lanes(mask) {
            let index = (offsets[lane] / 4) as usize;
            let thread = by.moment.thread as u16 + lane as u16;
            let touch = Touch { epoch, clock: clock[lane], line: by.line, thread };
            let epochs = &mut self.epochs[index];
            if epochs.write == epoch || epochs.read == epoch {
                self.touch_again(index, by.how, false, touch, &seen[lane])?;
            } else if WRITE {
                epochs.write = epoch;
                self.writes[index] = touch;
            } else {
                epochs.read = epoch;
                self.reads[index] = touch;
            }
        }
        Ok(())
    }

    /// The word has been touched since the last barrier, or is touched by a strong access.
    fn touch_again(
        &mut self,
        index: usize,
        how: How,
        strong: bool,
        touch: Touch,
        seen: &[u32; 32],
    ) -> Checked<()> {
        if let Some((old, what)) = self.conflict(index, how, strong, touch, seen) {
            return Err(race(4 * index as u64, how, &touch, &old, what));
        }
        match how {
            How::Write if strong => self.strong[index].write = touch,
            How::Read if strong => self.strong[index].read = touch,
            How::Write => self.writes[index] = touch,
            How::Read => self.record_read(index, touch),
        }
        match how {
            How::Write => self.epochs[index].write = touch.epoch,
            How::Read => self.epochs[index].read = touch.epoch,
        }
        Ok(())
    }

    fn conflict(
        &self,
        index: usize,
        how: How,
        strong: bool,
        touch: Touch,
        seen: &[u32; 32],
    ) -> Option<(Touch, &'static str)> {
        let writes = [self.writes[index], self.strong[index].write];
        let reads = [self.reads[index], self.other_reads[index], self.strong[index].read];
        // The last of each is the strong one.
        let writes = &writes[..if strong { 1 } else { 2 }];
        let reads = &reads[..if how == How::Read {
            0
        } else if strong {
            2
        } else {
            3
        }];
        let racing = |old: &&Touch| unordered(old, &touch, seen);
        let write = writes.iter().find(racing).map(|old| (*old, "written"));
        write.or_else(|| reads.iter().find(racing).map(|old| (*old, "read")))
    }

    fn record_read(&mut self, index: usize, new: Touch) {
        let (old, other) = (self.reads[index], &mut self.other_reads[index]);
        // The other one goes when it says least: of an old epoch, or of a warp that is kept anyhow.
        let another = old.epoch == new.epoch && old.thread != new.thread;
        if another
            && (old.thread / 32 != new.thread / 32
                || other.epoch != new.epoch
                || other.thread / 32 == new.thread / 32)
        {
            *other = old;
        }
        self.reads[index] = new;
    }
}

/// Whether two accesses of which one writes race.
fn unordered(old: &Touch, new: &Touch, seen: &[u32; 32]) -> bool {
    let same_warp = old.thread / 32 == new.thread / 32;
    old.epoch == new.epoch
        && old.thread != new.thread
        && !(same_warp && seen[usize::from(old.thread) % 32] >= old.clock)
}

#[cold]
fn race(offset: u64, how: How, new: &Touch, old: &Touch, what: &str) -> Box<Fault> {
    let verb = if how == How::Read { "read" } else { "written" };
    let thread = old.thread;
    let text = format!(
        "race on the shared word at {offset:#x}: {verb} without a barrier since thread {thread} has {what} it"
    );
    let mut fault = Fault::new(Kind::LaunchFailure, new.line, Some(u32::from(new.thread)), text);
    fault.other = Some((old.line, format!("{what} by thread {thread}")));
    fault
}
