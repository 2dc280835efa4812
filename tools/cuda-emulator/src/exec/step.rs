//! Bodies of basic blocks.

use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::rows::{LANES, lanes};
use super::warp::Warp;
use super::{access, alu};
use crate::program::{Inst, LOCAL_WINDOW, NONE, Op, PARAM_WINDOW, SHARED_WINDOW, special};
use std::ops::Range;

/// Executes instructions for the threads of `mask`.
#[inline]
pub fn body(warp: &mut Warp, block: &mut BlockState<'_>, range: Range<u32>, mask: u32) -> Checked<()> {
    #[cfg(target_arch = "x86_64")]
    if block.job.avx2 {
        let full = mask == warp.live;
        // SAFETY: `avx2` is set where the processor has it.
        return unsafe {
            if full { avx2::full(warp, block, range, mask) } else { avx2::masked(warp, block, range, mask) }
        };
    }
    run::<false>(warp, block, range, mask)
}

/// Whether the processor has the instructions of [`avx2`].
pub fn has_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{BlockState, Checked, Range, Warp, run};

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn full(warp: &mut Warp, block: &mut BlockState<'_>, range: Range<u32>, mask: u32) -> Checked<()> {
        run::<true>(warp, block, range, mask)
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub fn masked(warp: &mut Warp, block: &mut BlockState<'_>, range: Range<u32>, mask: u32) -> Checked<()> {
        run::<false>(warp, block, range, mask)
    }
}

/// One instruction under a guard.
fn single(warp: &mut Warp, inst: &Inst, mask: u32) -> bool {
    alu::execute::<false>(&mut warp.rows, inst, mask)
}

#[inline(always)]
fn run<const FULL: bool>(
    warp: &mut Warp,
    block: &mut BlockState<'_>,
    range: Range<u32>,
    mask: u32,
) -> Checked<()> {
    let kernel = block.kernel;
    let begin = range.start as usize;
    for (index, inst) in kernel.insts[begin..range.end as usize].iter().enumerate() {
        if inst.guard != NONE {
            let p = warp.rows.p[inst.guard as usize / 2];
            let mask = mask & if inst.guard & 1 != 0 { !p } else { p };
            if mask != 0 && !single(warp, inst, mask) {
                other(warp, block, inst, begin + index, mask)?;
            }
        } else if !alu::execute::<FULL>(&mut warp.rows, inst, mask) {
            other(warp, block, inst, begin + index, mask)?;
        }
    }
    Ok(())
}

/// Instructions that are no arithmetic on registers.
#[inline(never)]
fn other(warp: &mut Warp, block: &mut BlockState<'_>, inst: &Inst, index: usize, mask: u32) -> Checked<()> {
    let line = block.kernel.lines[index];
    match inst.op {
        Op::Load => access::load(warp, block, inst.e, line, mask),
        Op::Store => access::store(warp, block, inst.e, line, mask),
        Op::Atom => access::atomic(warp, block, inst.e, line, mask),
        Op::Frame => {
            access::begin_frame(warp, block, inst.a..inst.b, mask);
            Ok(())
        }
        Op::Special | Op::Special64 => {
            special_register(warp, block, inst, mask);
            Ok(())
        }
        Op::IsGlobal | Op::IsShared | Op::IsLocal | Op::IsParam => {
            is_space(warp, inst, mask);
            Ok(())
        }
        Op::NoCarry => {
            let thread = Some(warp.thread(mask.trailing_zeros()));
            Err(Fault::new(Kind::LaunchFailure, line, thread, "carry flag read without being written"))
        }
        Op::Written => written(warp, block, inst, line, mask),
        op => unreachable!("{op:?} is arithmetic"),
    }
}

fn written(warp: &Warp, block: &BlockState<'_>, inst: &Inst, line: u32, mask: u32) -> Checked<()> {
    let missing = mask & !warp.rows.p[inst.a as usize];
    if missing == 0 || !block.job.checks {
        return Ok(());
    }
    let name = &block.kernel.doubtful[inst.e as usize];
    let thread = Some(warp.thread(missing.trailing_zeros()));
    Err(Fault::new(Kind::LaunchFailure, line, thread, format!("{name} read without being written")))
}

fn is_space(warp: &mut Warp, inst: &Inst, mask: u32) {
    let window = match inst.op {
        Op::IsShared => SHARED_WINDOW,
        Op::IsLocal => LOCAL_WINDOW,
        Op::IsParam => PARAM_WINDOW,
        _ => 0,
    };
    let addresses = warp.rows.d[inst.a as usize].0;
    let found =
        (0..LANES).fold(0, |found, lane| found | u32::from(addresses[lane] >> 56 == window >> 56) << lane);
    let row = &mut warp.rows.p[inst.d as usize];
    *row = *row & !mask | found & mask;
}

fn special_register(warp: &mut Warp, block: &BlockState<'_>, inst: &Inst, mask: u32) {
    let name = special::NAMES[inst.e as usize];
    let ticks = || block.job.begun.elapsed().as_nanos() as u64;
    if inst.op == Op::Special64 {
        let value = if name == "gridid" { block.job.id } else { ticks() };
        return alu::broadcast64(&mut warp.rows, inst.d, value, mask);
    }
    let each = |value: fn(u32) -> u32| std::array::from_fn(|lane| value(lane as u32));
    let row = match name {
        "tid.x" => warp.rows.thread[0].0,
        "tid.y" => warp.rows.thread[1].0,
        "tid.z" => warp.rows.thread[2].0,
        "laneid" => each(|lane| lane),
        "lanemask_eq" => each(|lane| 1 << lane),
        "lanemask_lt" => each(|lane| (1 << lane) - 1),
        "lanemask_le" => each(|lane| u32::MAX >> (31 - lane)),
        "lanemask_ge" => each(|lane| u32::MAX << lane),
        "lanemask_gt" => each(|lane| (u32::MAX << lane) << 1 & !(1 << lane)),
        "warpid" => [warp.index; LANES],
        "clock" | "globaltimer_lo" => [ticks() as u32; LANES],
        "clock_hi" | "globaltimer_hi" => [(ticks() >> 32) as u32; LANES],
        "active mask" => [mask; LANES],
        _ => [warp.rows.uniform[inst.e as usize]; LANES],
    };
    alu::broadcast(&mut warp.rows, inst.d, row, mask);
}

/// Whether all lanes of `mask` hold the same value, and which.
pub fn uniform(row: &[u64; LANES], mask: u32) -> Option<u64> {
    let first = row[mask.trailing_zeros() as usize % LANES];
    lanes(mask).all(|lane| row[lane] == first).then_some(first)
}
