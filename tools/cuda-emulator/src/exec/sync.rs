//! Where threads of a warp meet: barriers, shuffles, votes.

use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::rows::{LANES, Rows, lanes};
use super::step::uniform;
use super::warp::{AtBarrier, Waiting, Warp};
use crate::program::{Detail, Reg, ShuffleMode, VoteMode};

/// A group comes to a synchronising instruction. True if it goes on at once.
pub fn arrive(warp: &mut Warp, block: &mut BlockState<'_>, waiting: Waiting, line: u32) -> Checked<bool> {
    let detail = Warp::detail(block, &waiting);
    let mask = match detail {
        Detail::Barrier { .. } => return arrive_at_barrier(warp, block, waiting, line),
        Detail::WarpSync { mask }
        | Detail::Shuffle { mask, .. }
        | Detail::Vote { mask, .. }
        | Detail::Match { mask, .. } => *mask,
        Detail::Access { .. } | Detail::Atom { .. } => unreachable!("accesses do not synchronise"),
    };
    let members = warp.rows.wide(mask);
    for lane in lanes(waiting.mask) {
        if members[lane] >> lane & 1 == 0 {
            let what = format!("member mask {:#010x} without the thread itself", members[lane]);
            return Err(Fault::new(Kind::LaunchFailure, line, Some(warp.thread(lane as u32)), what));
        }
    }
    let together = uniform(&members, waiting.mask).is_some_and(|all| all as u32 & warp.live == waiting.mask);
    if together && warp.waiting.is_empty() {
        perform(warp, detail, waiting.mask, line, block.job.checks)?;
        return Ok(true);
    }
    match warp.waiting.iter_mut().find(|other| other.at == waiting.at) {
        Some(other) => other.mask |= waiting.mask,
        None => warp.waiting.push(waiting),
    }
    release(warp, block)?;
    Ok(false)
}

/// Lets threads go on whose partners have all come. True if there were any.
pub fn release(warp: &mut Warp, block: &mut BlockState<'_>) -> Checked<bool> {
    let mut released = false;
    let mut index = 0;
    while index < warp.waiting.len() {
        let waiting = warp.waiting[index];
        let ready = ready(warp, block, &waiting);
        if ready == 0 {
            index += 1;
            continue;
        }
        released = true;
        let line = block.kernel.blocks[waiting.at as usize].line;
        let detail = Warp::detail(block, &waiting);
        if matches!(detail, Detail::WarpSync { .. }) {
            // Partners may stand at other instructions.
            synchronise(warp, ready);
            for other in warp.waiting.clone() {
                if matches!(Warp::detail(block, &other), Detail::WarpSync { .. }) {
                    warp.place_some(other.next, other.mask & ready);
                }
            }
            warp.waiting.iter_mut().for_each(|other| {
                if matches!(Warp::detail(block, other), Detail::WarpSync { .. }) {
                    other.mask &= !ready;
                }
            });
        } else {
            perform(warp, detail, ready, line, block.job.checks)?;
            warp.place_some(waiting.next, ready);
            warp.waiting[index].mask &= !ready;
        }
        warp.waiting.retain(|other| other.mask != 0);
        index = 0;
    }
    Ok(released)
}

/// Threads of `waiting`, and of barriers like it, that form a complete set.
fn ready(warp: &Warp, block: &BlockState<'_>, waiting: &Waiting) -> u32 {
    let (candidates, mask) = match Warp::detail(block, waiting) {
        Detail::WarpSync { mask } => {
            let alike = warp
                .waiting
                .iter()
                .filter(|other| matches!(Warp::detail(block, other), Detail::WarpSync { .. }));
            (alike.fold(0, |all, other| all | other.mask), *mask)
        }
        Detail::Shuffle { mask, .. } | Detail::Vote { mask, .. } | Detail::Match { mask, .. } => {
            (waiting.mask, *mask)
        }
        _ => return 0,
    };
    let members = |lane: usize| match warp.waiting.iter().find(|other| other.mask >> lane & 1 != 0) {
        Some(other) => match Warp::detail(block, other) {
            Detail::WarpSync { mask } => warp.rows.lane(*mask, lane) as u32,
            _ => warp.rows.lane(mask, lane) as u32,
        },
        None => 0,
    };
    lanes(waiting.mask)
        .map(&members)
        .find_map(|wanted| {
            let come = lanes(candidates)
                .filter(|&lane| members(lane) == wanted)
                .fold(0, |all, lane| all | 1 << lane);
            (come == wanted & warp.live).then_some(come)
        })
        .unwrap_or(0)
}

fn arrive_at_barrier(
    warp: &mut Warp,
    block: &mut BlockState<'_>,
    waiting: Waiting,
    line: u32,
) -> Checked<bool> {
    let Detail::Barrier { id, count, wait, aligned, p, .. } = Warp::detail(block, &waiting) else {
        unreachable!("the caller has matched")
    };
    let thread = Some(warp.thread(waiting.mask.trailing_zeros()));
    let failed = |what: String| Fault::new(Kind::LaunchFailure, line, thread, what);
    let same = |reg: Reg| uniform(&warp.rows.wide(reg), waiting.mask);
    let id = same(*id).ok_or_else(|| failed("threads of a warp name different barriers".to_owned()))?;
    if id > 15 {
        return Err(failed(format!("barrier {id}: there are 16")));
    }
    let count = match count {
        None => None,
        Some(count) => match same(*count) {
            Some(count) if count > 0 && count % 32 == 0 => Some(count as u32),
            _ => return Err(failed("a number of threads at a barrier that is no multiple of 32".to_owned())),
        },
    };
    if !wait {
        block.arrived[id as usize] += 32;
        return Ok(true);
    }
    let votes = p.map_or(0, |p| warp.rows.p[p.row as usize]) & waiting.mask;
    let arrival = AtBarrier { waiting, id: id as u32, count, votes };
    for other in &mut warp.at_barrier {
        if other.waiting.at == waiting.at && other.id == arrival.id {
            other.waiting.mask |= waiting.mask;
            other.votes |= votes;
            return Ok(false);
        }
        if *aligned {
            let mut fault = failed("a barrier that other threads of the warp do not come to".to_owned());
            fault.other = Some((block.kernel.blocks[other.waiting.at as usize].line, "they wait".to_owned()));
            return Err(fault);
        }
    }
    warp.at_barrier.push(arrival);
    Ok(false)
}

/// Executes a synchronising instruction for threads that have all come.
fn perform(warp: &mut Warp, detail: &Detail, mask: u32, line: u32, checks: bool) -> Checked<()> {
    match detail {
        Detail::WarpSync { .. } => synchronise(warp, mask),
        Detail::Shuffle { mode, d, p, a, b, c, .. } => {
            let bad = shuffle(&mut warp.rows, *mode, [*d, *p], [*a, *b, *c], mask);
            if let Some((lane, source)) = bad.filter(|_| checks) {
                let what = format!("shuffle from lane {source}, which takes no part");
                return Err(Fault::new(Kind::LaunchFailure, line, Some(warp.thread(lane as u32)), what));
            }
        }
        Detail::Vote { mode, d, a, .. } => vote(&mut warp.rows, *mode, *d, *a, mask),
        Detail::Match { all, d, p, a, .. } => matching(&mut warp.rows, *all, [*d, *p], *a, mask),
        _ => unreachable!("barriers of the block are handled there"),
    }
    Ok(())
}

/// Memory accesses before are ordered before those after, among the threads of `mask`.
fn synchronise(warp: &mut Warp, mask: u32) {
    let mut known = [0; LANES];
    for lane in lanes(mask) {
        known.iter_mut().zip(&warp.seen[lane]).for_each(|(known, seen)| *known = (*known).max(*seen));
    }
    for lane in lanes(mask) {
        known[lane] = warp.clock[lane];
        warp.clock[lane] += 1;
    }
    lanes(mask).for_each(|lane| warp.seen[lane] = known);
}

/// Returns a lane that reads one outside of `mask`, and which.
fn shuffle(
    rows: &mut Rows,
    mode: ShuffleMode,
    [d, p]: [Option<Reg>; 2],
    [a, b, c]: [Reg; 3],
    mask: u32,
) -> Option<(usize, usize)> {
    let (a, b, c) = (rows.wide(a), rows.wide(b), rows.wide(c));
    let mut bad = None;
    for lane in lanes(mask) {
        let (amount, clamp, segment) = (b[lane] as i32 & 31, c[lane] as i32 & 31, (c[lane] >> 8) as i32 & 31);
        let this = lane as i32;
        let (least, bound) = (this & segment, (this & segment) | (clamp & !segment));
        let (source, inside) = match mode {
            ShuffleMode::Up => (this - amount, this - amount >= bound),
            ShuffleMode::Down => (this + amount, this + amount <= bound),
            ShuffleMode::Butterfly => (this ^ amount, (this ^ amount) <= bound),
            ShuffleMode::Index => (least | (amount & !segment), (least | (amount & !segment)) <= bound),
        };
        let source = if inside { source as usize & 31 } else { lane };
        if mask >> source & 1 == 0 {
            bad = bad.or(Some((lane, source)));
        }
        if let Some(d) = d {
            rows.set_lane(d, lane, a[source]);
        }
        if let Some(p) = p {
            rows.set_lane(p, lane, u64::from(inside));
        }
    }
    bad
}

fn vote(rows: &mut Rows, mode: VoteMode, d: Option<Reg>, a: Reg, mask: u32) {
    let ballot = rows.p[a.row as usize] & mask;
    let result = match mode {
        VoteMode::All => u32::from(ballot == mask),
        VoteMode::Any => u32::from(ballot != 0),
        VoteMode::Uniform => u32::from(ballot == mask || ballot == 0),
        VoteMode::Ballot => ballot,
    };
    if let Some(d) = d {
        lanes(mask).for_each(|lane| rows.set_lane(d, lane, u64::from(result)));
    }
}

fn matching(rows: &mut Rows, all: bool, [d, p]: [Option<Reg>; 2], a: Reg, mask: u32) {
    let values = rows.wide(a);
    let same = uniform(&values, mask).is_some();
    for lane in lanes(mask) {
        let equal = || lanes(mask).filter(|&other| values[other] == values[lane]);
        let found = match (all, same) {
            (true, true) => mask,
            (true, false) => 0,
            (false, _) => equal().fold(0, |found, other| found | 1 << other),
        };
        if let Some(d) = d {
            rows.set_lane(d, lane, u64::from(found));
        }
        if let Some(p) = p {
            rows.set_lane(p, lane, u64::from(same));
        }
    }
}
