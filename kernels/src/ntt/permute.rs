//! Stage `ntt_bit_reverse`.

/// Exchanges elements i and rev(i); `data.len()` is a power of two (anything else is left as it is).
///
/// Large arrays go tile by tile, so that both sides of an exchange are whole cache lines.
pub fn ntt_bit_reverse<T: Copy + Send + Default>(data: &mut [T]) {
    if !data.len().is_power_of_two() {
        return;
    }
    let log_n = data.len().ilog2();
    if log_n < 2 * TILE_LOG {
        for i in 0..data.len() {
            let j = reverse_bits(i, log_n);
            if i < j {
                data.swap(i, j);
            }
        }
        return;
    }
    // Index = (high: TILE_LOG bits, middle, low: TILE_LOG bits). A tile has one middle and all highs and lows;
    // it goes, transposed and reversed on both axes, to the tile with the reversed middle.
    let middle_bits = log_n - 2 * TILE_LOG;
    for middle in 0..1usize << middle_bits {
        let reversed = reverse_bits(middle, middle_bits);
        if reversed < middle {
            continue;
        }
        let at =
            |high: usize, middle: usize, low: usize| high << (log_n - TILE_LOG) | middle << TILE_LOG | low;
        let mut tile = [[T::default(); TILE]; TILE];
        for (high, row) in tile.iter_mut().enumerate() {
            row.copy_from_slice(&data[at(high, middle, 0)..][..TILE]);
        }
        for low in 0..TILE {
            for (high, row) in tile.iter_mut().enumerate() {
                let (to_high, to_low) = (reverse_bits(low, TILE_LOG), reverse_bits(high, TILE_LOG));
                core::mem::swap(&mut data[at(to_high, reversed, to_low)], &mut row[low]);
            }
        }
        if reversed != middle {
            // tile[high][low] now holds what lay where (high, middle, low) went, and belongs there in exchange.
            for (high, row) in tile.iter().enumerate() {
                data[at(high, middle, 0)..][..TILE].copy_from_slice(row);
            }
        }
    }
}

/// 8x8 elements of 32 bytes: rows are two cache lines.
const TILE_LOG: u32 = 3;
const TILE: usize = 1 << TILE_LOG;

/// The lowest `bits` bits of i in reverse order.
#[inline(always)]
fn reverse_bits(i: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { i.reverse_bits() >> (usize::BITS - bits) }
}
