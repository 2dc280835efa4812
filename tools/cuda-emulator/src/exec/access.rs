//! Loads, stores and atomics.

use super::atomics;
use super::block::BlockState;
use super::fault::Checked;
use super::place::{Access, Places, addresses, generic, place, uninitialised};
use super::rows::lanes;
use super::shared::How;
use super::warp::Warp;
use crate::memory::{is_written, mark_written, read, write};
use crate::program::{Class, Detail};
use std::ops::Range;

pub fn load(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Access { space, width, signed, strong, address, offset, regs } =
        &block.kernel.details[index as usize]
    else {
        unreachable!("loads have an access")
    };
    let bytes = width * regs.len() as u32;
    let access = Access { how: How::Read, bytes, strong: *strong, atomic: false, line, hint: index as usize };
    let addresses = addresses(warp, *address, *offset);
    let mut places = Places::NONE;
    places.find(warp, block, *space, &addresses, mask, access)?;
    if block.job.checks {
        // SAFETY: the bounds and the alignment have been checked.
        let unwritten = lanes(mask).find(|&lane| !unsafe { is_written(places.shadow[lane], bytes) });
        if let Some(lane) = unwritten {
            return Err(uninitialised(warp, block, generic(*space, addresses[lane]), lane, access));
        }
    }
    for (element, reg) in regs.iter().enumerate() {
        let skipped = element * *width as usize;
        if *width == 4 && reg.class == Class::W {
            let row = &mut warp.rows.w[reg.row as usize].0;
            for lane in lanes(mask) {
                // SAFETY: as above.
                row[lane] = unsafe { read(places.data[lane].add(skipped), 4) } as u32;
            }
            continue;
        }
        for lane in lanes(mask) {
            // SAFETY: as above.
            let value = unsafe { read(places.data[lane].add(skipped), *width) };
            warp.rows.set_lane(*reg, lane, extended(value, *width, *signed));
        }
    }
    Ok(())
}

pub fn store(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Access { space, width, strong, address, offset, regs, .. } =
        &block.kernel.details[index as usize]
    else {
        unreachable!("stores have an access")
    };
    let bytes = width * regs.len() as u32;
    let access =
        Access { how: How::Write, bytes, strong: *strong, atomic: false, line, hint: index as usize };
    let addresses = addresses(warp, *address, *offset);
    let mut places = Places::NONE;
    places.find(warp, block, *space, &addresses, mask, access)?;
    for lane in lanes(mask) {
        // SAFETY: the bounds and the alignment have been checked.
        unsafe { mark_written(places.shadow[lane], bytes) };
    }
    for (element, reg) in regs.iter().enumerate() {
        let skipped = element * *width as usize;
        if *width == 4 && reg.class == Class::W {
            let row = &warp.rows.w[reg.row as usize].0;
            for lane in lanes(mask) {
                // SAFETY: as above.
                unsafe { write(places.data[lane].add(skipped), 4, u64::from(row[lane])) };
            }
            continue;
        }
        for lane in lanes(mask) {
            let value = warp.rows.lane(*reg, lane);
            // SAFETY: as above.
            unsafe { write(places.data[lane].add(skipped), *width, value) };
        }
    }
    Ok(())
}

fn extended(value: u64, width: u32, signed: bool) -> u64 {
    let unused = 64 - 8 * width;
    if signed { ((value << unused) as i64 >> unused) as u64 } else { value }
}

pub fn atomic(warp: &mut Warp, block: &mut BlockState<'_>, index: u32, line: u32, mask: u32) -> Checked<()> {
    let Detail::Atom { space, op, width, address, offset, d, a, b } = &block.kernel.details[index as usize]
    else {
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
