//! Where accesses lead, and whether they may go there.

use super::block::BlockState;
use super::fault::{Checked, Fault, Kind};
use super::rows::{LANES, lanes};
use super::shared::{How, Moment, Touches};
use super::warp::Warp;
use crate::program::{Class, LOCAL_WINDOW, PARAM_WINDOW, Reg, SHARED_WINDOW, Space};

/// An access by one thread, without its address.
#[derive(Clone, Copy)]
pub struct Access {
    pub how: How,
    pub bytes: u32,
    pub strong: bool,
    pub atomic: bool,
    pub line: u32,
    /// Index of the detail: accesses of the same instruction tend to hit the same allocation.
    pub hint: usize,
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
pub struct Place {
    pub data: *mut u8,
    pub shadow: *mut u8,
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
#[inline(never)]
pub fn place(
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

fn global(
    warp: &Warp,
    block: &mut BlockState<'_>,
    address: u64,
    lane: usize,
    access: Access,
) -> Checked<Place> {
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
                super::races::touch(
                    block,
                    address,
                    access.bytes,
                    access.how,
                    access.strong,
                    thread,
                    access.line,
                )?;
            }
            Ok(Place { data, shadow })
        }
        None => Err(out_of_bounds(warp, block, address, lane, access)),
    }
}

fn shared(
    warp: &Warp,
    block: &mut BlockState<'_>,
    offset: u64,
    lane: usize,
    access: Access,
) -> Checked<Place> {
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
        let touch = Touches { bytes: access.bytes, how, strong, moment, line: access.line };
        block.shared.touch(offset, touch, &warp.seen[lane])?;
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
        let what = format!(
            "out-of-bounds {} of {bytes} bytes at {offset:#x} in {name}, of {len} bytes",
            access.verb()
        );
        return Err(fault(Kind::IllegalAddress, warp, lane, access, what));
    }
    if space == Space::Param {
        let (data, shadow) = block.job.params.range(offset, bytes).expect("the length was compared");
        return Ok(Place { data, shadow });
    }
    let begin = lane * len as usize + offset as usize;
    // SAFETY: lanes follow each other in storages of 32 times the length.
    Ok(unsafe {
        Place { data: warp.local.pointer().add(begin), shadow: warp.local_shadow.pointer().add(begin) }
    })
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
fn out_of_bounds(
    warp: &Warp,
    block: &BlockState<'_>,
    address: u64,
    lane: usize,
    access: Access,
) -> Box<Fault> {
    let place = block.job.snapshot.describe(address);
    let what = format!("out-of-bounds {} of {} bytes at {address:#x}, {place}", access.verb(), access.bytes);
    fault(Kind::IllegalAddress, warp, lane, access, what)
}

#[cold]
pub fn uninitialised(
    warp: &Warp,
    block: &BlockState<'_>,
    address: u64,
    lane: usize,
    access: Access,
) -> Box<Fault> {
    let (space, offset) = resolve(Space::Generic, address);
    let place = match space {
        Space::Global => format!("at {offset:#x}, {}", block.job.snapshot.describe(offset)),
        _ => format!("at {address:#x}"),
    };
    let what = format!("{} of {} uninitialised bytes {place}", access.verb(), access.bytes);
    fault(Kind::LaunchFailure, warp, lane, access, what)
}

/// Addresses of all lanes.
pub fn addresses(warp: &Warp, address: Reg, offset: i64) -> [u64; LANES] {
    let mut found = [0; LANES];
    let row = address.row as usize;
    if address.class == Class::D {
        for (found, base) in found.iter_mut().zip(&warp.rows.d[row].0) {
            *found = base.wrapping_add(offset as u64);
        }
    } else {
        for (found, base) in found.iter_mut().zip(&warp.rows.w[row].0) {
            *found = u64::from(*base).wrapping_add(offset as u64);
        }
    }
    found
}

/// Address for reports: of its window if the space is known.
pub fn generic(space: Space, address: u64) -> u64 {
    match space {
        Space::Shared => address | SHARED_WINDOW,
        Space::Local => address | LOCAL_WINDOW,
        Space::Param => address | PARAM_WINDOW,
        Space::Global | Space::Generic => address,
    }
}

/// Where the lanes of an access lead, once all checks are done.
pub struct Places {
    pub data: [*mut u8; LANES],
    pub shadow: [*mut u8; LANES],
}

impl Places {
    pub const NONE: Self =
        Self { data: [std::ptr::null_mut(); LANES], shadow: [std::ptr::null_mut(); LANES] };

    /// Finds and checks the bytes of all lanes of `mask`.
    pub fn find(
        &mut self,
        warp: &Warp,
        block: &mut BlockState<'_>,
        space: Space,
        addresses: &[u64; LANES],
        mask: u32,
        access: Access,
    ) -> Checked<()> {
        let window = Window::new(warp, block, space, addresses[first(mask)], access);
        let mut offsets = [0; LANES];
        if !window.holds(addresses, mask, access.bytes, &mut offsets) {
            for lane in lanes(mask) {
                let at = place(warp, block, space, addresses[lane], lane, access)?;
                (self.data[lane], self.shadow[lane]) = (at.data, at.shadow);
            }
            return Ok(());
        }
        if window.shared && block.job.checks {
            let moment = Moment { epoch: block.epoch, clock: 0, thread: warp.thread(0) };
            let touch = Touches {
                bytes: access.bytes,
                how: access.how,
                strong: access.strong,
                moment,
                line: access.line,
            };
            block.shared.touch_all(&offsets, mask, &warp.clock, &warp.seen, touch)?;
        }
        for (lane, offset) in offsets.into_iter().enumerate() {
            let offset = window.stride * lane + offset as usize;
            self.data[lane] = window.start.data.wrapping_add(offset);
            self.shadow[lane] = window.start.shadow.wrapping_add(offset);
        }
        Ok(())
    }
}

/// Where most accesses fall: an address `base + offset`, with `offset` up to `limit`, needs no more checks.
struct Window {
    base: u64,
    limit: u64,
    /// Data and shadow of `base`, in lane 0; each lane is `stride` bytes further on.
    start: Place,
    stride: usize,
    shared: bool,
}

impl Window {
    /// Holds no access: all would be misaligned.
    const NONE: Self = {
        let start = Place { data: std::ptr::null_mut(), shadow: std::ptr::null_mut() };
        Self { base: 1, limit: 0, start, stride: 0, shared: false }
    };

    /// The window of an access whose first lane goes to `address`.
    fn new(warp: &Warp, block: &mut BlockState<'_>, space: Space, address: u64, access: Access) -> Self {
        let bytes = u64::from(access.bytes);
        match resolve(space, address) {
            (Space::Global, _) => Self::global(block, address, access),
            (Space::Shared, offset) if block.shared.len >= bytes => Self {
                base: address.wrapping_sub(offset),
                limit: block.shared.len - bytes,
                start: Place { data: block.shared.data.pointer(), shadow: block.shared.shadow.pointer() },
                stride: 0,
                shared: true,
            },
            (Space::Local, offset) if u64::from(block.kernel.local_bytes) >= bytes => Self {
                base: address.wrapping_sub(offset),
                limit: u64::from(block.kernel.local_bytes) - bytes,
                start: Place { data: warp.local.pointer(), shadow: warp.local_shadow.pointer() },
                stride: block.kernel.local_bytes as usize,
                shared: false,
            },
            _ => Self::NONE,
        }
    }

    fn global(block: &mut BlockState<'_>, address: u64, access: Access) -> Self {
        let found = &block.job.snapshot.allocations;
        let mut index = block.hints[access.hint] as usize;
        if found.get(index).is_none_or(|allocation| address.wrapping_sub(allocation.base) >= allocation.len) {
            let Some(better) = block.job.snapshot.find(address) else { return Self::NONE };
            index = better;
            block.hints[access.hint] = index as u32;
        }
        let Some(allocation) = found.get(index) else { return Self::NONE };
        let forbidden = allocation.constant && access.how == How::Write;
        if forbidden || block.job.global_races || allocation.len < u64::from(access.bytes) {
            return Self::NONE;
        }
        Self {
            base: allocation.base,
            limit: allocation.len - u64::from(access.bytes),
            start: Place { data: allocation.data.pointer(), shadow: allocation.shadow.pointer() },
            stride: 0,
            shared: false,
        }
    }

    /// Whether all lanes of `mask` fall into the window, aligned; and where. Other lanes get offset 0.
    fn holds(&self, addresses: &[u64; LANES], mask: u32, bytes: u32, offsets: &mut [u64; LANES]) -> bool {
        let (mut most, mut low) = (0, 0);
        for lane in 0..LANES {
            let taken = 0_u64.wrapping_sub(u64::from(mask >> lane & 1));
            let offset = addresses[lane].wrapping_sub(self.base) & taken;
            offsets[lane] = offset;
            most = offset.max(most);
            low |= offset | (self.base & taken);
        }
        most <= self.limit && low & u64::from(bytes - 1) == 0
    }
}

fn first(mask: u32) -> usize {
    mask.trailing_zeros() as usize % LANES
}
