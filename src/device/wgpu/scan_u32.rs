//! Exclusive prefix sums of 32-bit numbers on the device.

use super::WgpuDevice;
use super::buffer::Raw;
use super::stage::{Access::ReadWrite, Source, Stage};
use super::work::Work;
use crate::error::Result;

const WORKGROUP: u32 = 256;

/// Numbers that one workgroup sums; as in the shader.
const TILE: usize = 4 * WORKGROUP as usize;

const TILES: Stage =
    Stage::new("scan_u32_tiles", Source::ScanU32).bind(&[ReadWrite, ReadWrite]).workgroup(WORKGROUP);
const ADD: Stage =
    Stage::new("scan_u32_add", Source::ScanU32).bind(&[ReadWrite, ReadWrite]).workgroup(WORKGROUP);

const SLOT: u64 = size_of::<u32>() as u64;

/// The slots of one binding.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
struct Piece {
    first: usize,
    slots: usize,
}

/// `slots` slots in pieces of whole tiles of which each fits `max_bytes`.
fn pieces(slots: usize, max_bytes: u64) -> impl Iterator<Item = Piece> {
    let tiles = (max_bytes / SLOT) as usize / TILE;
    let most = tiles.max(1) * TILE;
    (0..slots).step_by(most).map(move |first| Piece { first, slots: most.min(slots - first) })
}

impl WgpuDevice {
    /// data_i ← Σ_{j < i} data_j mod 2^32 for i in 0..=n: the total is left in slot n, so `data` has n + 1 slots.
    ///
    /// Cost: 4 u32 accesses a number; 2 log₁₀₂₄ n dispatches.
    pub(super) fn scan_u32(&self, work: &mut Work<'_>, data: &Raw, n: usize) -> Result<()> {
        let slots = n + 1;
        let tiles = slots.div_ceil(TILE);
        let totals = self.scratch((tiles as u64 + 1) * SLOT)?;
        for piece in pieces(slots, self.limits().max_binding_bytes) {
            let binding = data.range(piece.first as u64 * SLOT, piece.slots as u64 * SLOT);
            let threads = piece.slots.div_ceil(TILE) as u64 * u64::from(WORKGROUP);
            let values = piece.slots.min(n - piece.first);
            let params = [threads as u32, values as u32, piece.slots as u32, (piece.first / TILE) as u32];
            work.dispatch(&TILES, &[binding, totals.whole()], &params, threads)?;
        }
        if tiles == 1 {
            return Ok(());
        }
        self.scan_u32(work, &totals, tiles)?;
        for piece in pieces(slots, self.limits().max_binding_bytes) {
            let binding = data.range(piece.first as u64 * SLOT, piece.slots as u64 * SLOT);
            let params = [piece.slots as u32, (piece.first / TILE) as u32];
            work.dispatch(&ADD, &[binding, totals.whole()], &params, piece.slots as u64)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_slots() {
        for (slots, max_bytes) in [(1, 4096), (1024, 4096), (1025, 4096), (5000, 8191), (5000, 8192), (7, 0)] {
            let mut next = 0;
            for piece in pieces(slots, max_bytes) {
                assert_eq!((piece.first, piece.first % TILE), (next, 0));
                assert!(piece.slots <= TILE || piece.slots as u64 * SLOT <= max_bytes);
                next += piece.slots;
            }
            assert_eq!(next, slots);
        }
    }
}
