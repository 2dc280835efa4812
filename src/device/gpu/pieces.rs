//! Long buffers as several bindings.

use super::{Binding, GpuMemory};

/// Elements at whose multiples pieces begin: bindings are aligned for every type, tiles of scans are whole.
pub(super) const PIECE_UNIT: usize = 1 << 10;

/// Elements `first`..`first` + `len`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) first: usize,
    pub(super) len: usize,
}

/// Elements of a piece at most: a dispatch over them ends in time on slow devices.
const MAX_PIECE: usize = 1 << 22;

/// `n` elements in pieces of at most `max_bytes`, or of [`PIECE_UNIT`] elements if that is more.
pub(super) fn pieces(n: usize, element_bytes: usize, max_bytes: u64) -> impl Iterator<Item = Piece> {
    let units = max_bytes / (element_bytes * PIECE_UNIT) as u64;
    let most = usize::try_from(units.max(1)).unwrap_or(usize::MAX).saturating_mul(PIECE_UNIT).min(MAX_PIECE);
    (0..n).step_by(most).map(move |first| Piece { first, len: most.min(n - first) })
}

impl Piece {
    /// These elements of a buffer of `T`.
    pub(super) fn of<T, M: GpuMemory>(self, memory: &M) -> Binding<'_, M> {
        elements::<T, M>(memory, self.first, self.len)
    }
}

/// Elements `first`..`first` + `len` of a buffer of `T`; `first` is a multiple of 256 bytes.
pub(super) fn elements<T, M: GpuMemory>(memory: &M, first: usize, len: usize) -> Binding<'_, M> {
    let size = size_of::<T>() as u64;
    memory.range(first as u64 * size, len as u64 * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_all_elements() {
        for (n, max_bytes) in
            [(0, 9), (1, 4096), (1024, 4096), (1025, 4096), (5000, 8191), (5000, 8192), (7, 0)]
        {
            let mut next = 0;
            for piece in pieces(n, 4, max_bytes) {
                assert_eq!((piece.first, piece.first % PIECE_UNIT), (next, 0));
                assert!(piece.len <= PIECE_UNIT || piece.len as u64 * 4 <= max_bytes);
                next += piece.len;
            }
            assert_eq!(next, n);
        }
    }
}
