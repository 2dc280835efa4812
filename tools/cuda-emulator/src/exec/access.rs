//! Loads, stores and atomics, with their checks.

use super::atomics;
use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::rows::{LANES, lanes};
use super::shared::{How, Moment};
use super::warp::Warp;
use crate::memory::{is_written, mark_written, read, write};
use crate::program::{Class, Detail, LOCAL_WINDOW, PARAM_WINDOW, Reg, SHARED_WINDOW, Space};
use std::ops::Range;

/// An access by one thread, without its address.
#[derive(Clone, Copy)]
struct Access {
    how: How,
    bytes: u32,
    strong: bool,
    atomic: bool,
    line: u32,
    /// Index of the detail: accesses of the same instruction tend to hit the same allocation.
    hint: usize,
}

impl Access {
    fn verb(&self) -> &'static str {
        match (self.atomic, self.how) {
            (true, _) => "atomic access",
            (_, How::Read) => "read",
            (_, How::Write) => "write",
        }
    }
}

/// Where an address leads: data and shadow.
#[derive(Clone, Copy)]
struct Place {
    data: *mut u8,
    shadow: *mut u8,
}

/// Space and offset in it of an address.
#[inline(always)]
fn resolve(space: Space, address: u64) -> (Space, u64) {
    match space {
        Space::Generic => match address & 0xff << 56 {
            SHARED_WINDOW => (Space::Shared, address - SHARED_WINDOW),
            LOCAL_WINDOW => (Space::Local, address - LOCAL_WINDOW),
            PARAM_WINDOW => (Space::Param, address - PARAM_WINDOW),
            _ => (Space::Global, address),
        },
        space => (space, address),
    }
}

/// Finds and checks the bytes of an access.
#[inline(always)]
fn place(
    warp: &Warp,
    block: &mut BlockState<'_>,
    space: Space,
    address: u64,
    lane: usize,
    access: Access,
) -> Checked<Place> {
    if address & u64::from(access.bytes - 1) != 0 {
        return Err(misaligned(warp, address, lane, access));
    }
    match resolve(space, address) {
        (Space::Global, address) => global(warp, block, address, lane, access),
        (Space::Shared, offset) => shared(warp, block, offset, lane, access),
        (space, offset) => private(warp, block, space, offset, lane, access),
    }
}

#[inline(always)]
fn global(warp: &Warp, block: &mut BlockState<'_>, address: u64, lane: usize, access: Access) -> Checked<Place> {
    let job = block.job;
    let found = &job.snapshot.allocations;
    let bytes = u64::from(access.bytes);
    let inside = |index: usize| {
        let allocation = found.get(index)?;
        let offset = address.wrapping_sub(allocation.base);
        let constant = allocation.constant && access.how == How::Write;
        if offset >= allocation.len || constant { None } else { allocation.range(offset, bytes) }
    };
    let hit = inside(block.hints[access.hint] as usize).or_else(|| {
        let index = job.snapshot.find(address)?;
        block.hints[access.hint] = index as u32;
        inside(index)
    });
    match hit {
        Some((data, shadow)) => {
            if job.global_races {
                let thread = warp.thread(lane as u32);
                super::races::touch(block, address, access.bytes, access.how, access.strong, thread, access.line)?;
            }
            Ok(Place { data, shadow })
        }
        None => Err(out_of_bounds(warp, block, address, lane, access)),
    }
}

fn shared(warp: &Warp, block: &mut BlockState<'_>, offset: u64, lane: usize, access: Access) -> Checked<Place> {
    let bytes = u64::from(access.bytes);
    if offset >= block.shared.len || bytes > block.shared.len - offset {
        let what = format!(
            "out-of-bounds {} of {bytes} bytes at {offset:#x} in shared memory, of {} bytes",
            access.verb(),
            block.shared.len
        );
        return Err(fault(Kind::IllegalAddress, warp, lane, access, what));
    }
    if block.job.checks {
        let moment = Moment { epoch: block.epoch, clock: warp.clock[lane], thread: warp.thread(lane as u32) };
        let (how, strong) = (access.how, access.strong || access.atomic);
        block.shared.touch(offset, access.bytes, how, strong, moment, &warp.seen[lane], access.line)?;
    }
    // SAFETY: the offset is inside of both storages.
    Ok(unsafe {
        Place {
            data: block.shared.data.pointer().add(offset as usize),
            shadow: block.shared.shadow.pointer().add(offset as usize),
        }
    })
}

/// Local memory and kernel parameters.
fn private(
    warp: &Warp,
    block: &BlockState<'_>,
    space: Space,
    offset: u64,
    lane: usize,
    access: Access,
) -> Checked<Place> {
    let bytes = u64::from(access.bytes);
    let (len, name) = match space {
        Space::Param => (u64::from(block.kernel.param_bytes), "the kernel's parameters"),
        _ => (u64::from(block.kernel.local_bytes), "local memory"),
    };
    let forbidden = space == Space::Param && access.how == How::Write;
    if offset >= len || bytes > len - offset || forbidden {
        let what = format!("out-of-bounds {} of {bytes} bytes at {offset:#x} in {name}, of {len} bytes", access.verb());
        return Err(fault(Kind::IllegalAddress, warp, lane, access, what));
    }
    if space == Space::Param {
        let (data, shadow) = block.job.params.range(offset, bytes).expect("the length was compared");
        return Ok(Place { data, shadow });
    }
    let begin = lane * len as usize + offset as usize;
    // SAFETY: lanes follow each other in storages of 32 times the length.
    Ok(unsafe { Place { data: warp.local.pointer().add(begin), shadow: warp.local_shadow.pointer().add(begin) } })
}

#[cold]
fn fault(kind: Kind, warp: &Warp, lane: usize, access: Access, what: String) -> Box<Fault> {
    Fault::new(kind, access.line, Some(warp.thread(lane as u32)), what)
}

#[cold]
fn misaligned(warp: &Warp, address: u64, lane: usize, access: Access) -> Box<Fault> {
    let what = format!("misaligned {} of {} bytes at {address:#x}", access.verb(), access.bytes);
    fault(Kind::Misaligned, warp, lane, access, what)
}

#[cold]
fn out_of_bounds(warp: &Warp, block: &BlockState<'_>, address: u64, lane: usize, access: Access) -> Box<Fault> {
    let place = block.job.snapshot.describe(address);
    let what = format!("out-of-bounds {} of {} bytes at {address:#x}, {place}", access.verb(), access.bytes);
    fault(Kind::IllegalAddress, warp, lane, access, what)
}

#[cold]
fn uninitialised(warp: &Warp, block: &BlockState<'_>, address: u64, lane: usize, access: Access) -> Box<Fault> {
    let (space, offset) = resolve(Space::Generic, address);
    let place = match space {
        Space::Global => format!("at {offset:#x}, {}", block.job.snapshot.describe(offset)),
        _ => format!("at {address:#x}"),
    };
    let what = format!("{} of {} uninitialised bytes {place}", access.verb(), access.bytes);
    fault(Kind::LaunchFailure, warp, lane, access, what)
}

fn addresses(warp: &Warp, address: Reg, offset: i64) -> [u64; LANES] {
    warp.rows.wide(address).map(|base| base.wrapping_add(offset as u64))
}

/// Address for reports: of its window if the space is known.
fn generic(space: Space, address: u64) -> u64 {
    match space {
        Space::Shared => address | SHARED_WINDOW,
        Space::Local => address | LOCAL_WINDOW,
        Space::Param => address | PARAM_WINDOW,
        Space::Global | Space::Generic => address,
    }
}

pub fn load(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Access { space, width, signed, strong, address, offset, regs } =
        &block.kernel.details[index as usize]
    else {
        unreachable!("loads have an access")
    };
    let bytes = width * regs.len() as u32;
    let access = Access { how: How::Read, bytes, strong: *strong, atomic: false, line, hint: index as usize };
    let addresses = addresses(warp, *address, *offset);
    let words = *width == 4 && regs.iter().all(|reg| reg.class == Class::W);
    for lane in lanes(mask) {
        let at = place(warp, block, *space, addresses[lane], lane, access)?;
        // SAFETY: `place` has checked the bounds and the alignment.
        if block.job.checks && !unsafe { is_written(at.shadow, bytes) } {
            return Err(uninitialised(warp, block, generic(*space, addresses[lane]), lane, access));
        }
        for (element, reg) in regs.iter().enumerate() {
            // SAFETY: as above.
            let value = unsafe { read(at.data.add(element * *width as usize), *width) };
            if words {
                warp.rows.w[reg.row as usize].0[lane] = value as u32;
            } else {
                warp.rows.set_lane(*reg, lane, extended(value, *width, *signed));
            }
        }
    }
    Ok(())
}

fn extended(value: u64, width: u32, signed: bool) -> u64 {
    let unused = 64 - 8 * width;
    if signed { ((value << unused) as i64 >> unused) as u64 } else { value }
}

pub fn store(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Access { space, width, strong, address, offset, regs, .. } = &block.kernel.details[index as usize]
    else {
        unreachable!("stores have an access")
    };
    let bytes = width * regs.len() as u32;
    let access = Access { how: How::Write, bytes, strong: *strong, atomic: false, line, hint: index as usize };
    let addresses = addresses(warp, *address, *offset);
    for lane in lanes(mask) {
        let at = place(warp, block, *space, addresses[lane], lane, access)?;
        for (element, reg) in regs.iter().enumerate() {
            let value = warp.rows.lane(*reg, lane);
            // SAFETY: `place` has checked the bounds and the alignment.
            unsafe { write(at.data.add(element * *width as usize), *width, value) };
        }
        // SAFETY: as above.
        unsafe { mark_written(at.shadow, bytes) };
    }
    Ok(())
}

pub fn atomic(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Atom { space, op, width, address, offset, d, a, b } = &block.kernel.details[index as usize] else {
        unreachable!("atomics have theirs")
    };
    let access =
        Access { how: How::Write, bytes: *width, strong: true, atomic: true, line, hint: index as usize };
    let addresses = addresses(warp, *address, *offset);
    for lane in lanes(mask) {
        let at = place(warp, block, *space, addresses[lane], lane, access)?;
        // SAFETY: `place` has checked the bounds and the alignment.
        if block.job.checks && !unsafe { is_written(at.shadow, *width) } {
            return Err(uninitialised(warp, block, generic(*space, addresses[lane]), lane, access));
        }
        let (a, b) = (warp.rows.lane(*a, lane), b.map_or(0, |b| warp.rows.lane(b, lane)));
        // SAFETY: as above.
        let old = unsafe { atomics::update(at.data, *width, *op, a, b) };
        // SAFETY: as above; an exchange may be the first write.
        unsafe { mark_written(at.shadow, *width) };
        if let Some(d) = d {
            warp.rows.set_lane(*d, lane, old);
        }
    }
    Ok(())
}

/// Local variables of a function are undefined when it begins.
pub fn begin_frame(warp: &mut Warp, block: &BlockState<'_>, range: Range<u32>, mask: u32) {
    let len = block.kernel.local_bytes as usize;
    for lane in lanes(mask) {
        let begin = lane * len + range.start as usize;
        // SAFETY: frames are inside of local memory, whose lanes follow each other.
        unsafe { warp.local_shadow.pointer().add(begin).write_bytes(0, range.len()) };
    }
}
