//! Stages `ntt_pass` and `ntt_leaf`.
//!
//! A block is a contiguous piece of a column on which all earlier layers have been done; block i of 2^l uses
//! twiddles i in its first layer, 2i and 2i + 1 in the next, and so on.

use super::butterfly::{cooley_tukey_4p, gentleman_sande_2p};
use crate::field::{Arith, Fp, FrParams};
use crate::parallel;

type Fx<A> = Fp<FrParams, A>;

/// Blocks of up to 2^12 elements (128 KiB) run all of their layers in cache.
const LEAF_LOG_N: u32 = 12;

/// Layers that one pass over memory does.
const PASS_LAYERS: u32 = 4;

/// Neighbouring columns of a pass that are copied into the tile buffer together: 4 cache lines a row.
const TILE_COLUMNS: usize = 8;

/// Columns of a pass that one task handles.
const TASK_COLUMNS: usize = 512;

/// Natural to bit-reversed order, fully reduced. In: < p.
pub(super) fn natural_to_reversed<A: Arith>(data: &mut [Fx<A>], block: usize, roots: &[Fx<A>]) {
    let log_n = data.len().ilog2();
    if log_n <= LEAF_LOG_N {
        leaf_to_reversed(data, block, roots);
        for value in data {
            *value = value.reduce_to_2p().reduce_once();
        }
        return;
    }
    let layers = PASS_LAYERS.min(log_n - LEAF_LOG_N);
    pass(data, layers, |tile, width| {
        for layer in 0..layers {
            let half = width << (layers - layer - 1);
            for (b, rows) in tile.chunks_exact_mut(2 * half).enumerate() {
                let w = &roots[(block << layer) + b];
                let (xs, ys) = rows.split_at_mut(half);
                for (x, y) in xs.iter_mut().zip(ys) {
                    cooley_tukey_4p(x, y, w);
                }
            }
        }
    });
    let sub = data.len() >> layers;
    parallel::for_each_chunk_mut(data, sub, |start, piece| {
        natural_to_reversed(piece, (block << layers) + start / sub, roots);
    });
}

/// Bit-reversed to natural order, fully reduced. In: < p.
pub(super) fn reversed_to_natural<A: Arith>(data: &mut [Fx<A>], block: usize, roots: &[Fx<A>]) {
    to_natural_2p(data, block, roots);
    parallel::for_each_chunk_mut(data, 1 << LEAF_LOG_N, |_, chunk| {
        for value in chunk {
            *value = value.reduce_once();
        }
    });
}

/// As [`reversed_to_natural`]; out: < 2p.
fn to_natural_2p<A: Arith>(data: &mut [Fx<A>], block: usize, roots: &[Fx<A>]) {
    let log_n = data.len().ilog2();
    if log_n <= LEAF_LOG_N {
        leaf_to_natural(data, block, roots);
        return;
    }
    let layers = PASS_LAYERS.min(log_n - LEAF_LOG_N);
    let sub = data.len() >> layers;
    parallel::for_each_chunk_mut(data, sub, |start, piece| {
        to_natural_2p(piece, (block << layers) + start / sub, roots);
    });
    pass(data, layers, |tile, width| {
        for layer in (0..layers).rev() {
            let half = width << (layers - layer - 1);
            for (b, rows) in tile.chunks_exact_mut(2 * half).enumerate() {
                let w = &roots[(block << layer) + b];
                let (xs, ys) = rows.split_at_mut(half);
                for (x, y) in xs.iter_mut().zip(ys) {
                    gentleman_sande_2p(x, y, w);
                }
            }
        }
    });
}

/// Calls `f(tile, width)` on tiles of 2^layers rows by `width` columns, row after row, that together cover `data` seen
/// as 2^layers rows. Rows are a power of two apart and would fight for the same cache sets, hence the copy.
fn pass<A: Arith>(data: &mut [Fx<A>], layers: u32, f: impl Fn(&mut [Fx<A>], usize) + Sync + Send) {
    let rows = 1usize << layers;
    let columns = data.len() >> layers;
    let task_columns = TASK_COLUMNS.min(columns);
    let mut tasks: Vec<Vec<&mut [Fx<A>]>> =
        (0..columns.div_ceil(task_columns)).map(|_| Vec::with_capacity(rows)).collect();
    for row in data.chunks_exact_mut(columns) {
        for (task, piece) in tasks.iter_mut().zip(row.chunks_mut(task_columns)) {
            task.push(piece);
        }
    }
    parallel::for_each_owned(tasks, |mut pieces| {
        let mut tile = [Fx::<A>::default(); TILE_COLUMNS << PASS_LAYERS];
        let tile = &mut tile[..TILE_COLUMNS << layers];
        // Columns are a power of two, at least 2^LEAF_LOG_N >> PASS_LAYERS, hence whole tiles.
        for column in (0..task_columns).step_by(TILE_COLUMNS) {
            for (buffer, piece) in tile.chunks_exact_mut(TILE_COLUMNS).zip(&pieces) {
                buffer.copy_from_slice(&piece[column..column + TILE_COLUMNS]);
            }
            f(tile, TILE_COLUMNS);
            for (buffer, piece) in tile.chunks_exact(TILE_COLUMNS).zip(&mut pieces) {
                piece[column..column + TILE_COLUMNS].copy_from_slice(buffer);
            }
        }
    });
}

/// All layers of a block, two at a time. Out: < 4p.
fn leaf_to_reversed<A: Arith>(data: &mut [Fx<A>], block: usize, roots: &[Fx<A>]) {
    let log_n = data.len().ilog2();
    let mut layer = 0;
    if log_n % 2 == 1 {
        let (xs, ys) = data.split_at_mut(data.len() / 2);
        for (x, y) in xs.iter_mut().zip(ys) {
            cooley_tukey_4p(x, y, &roots[block]);
        }
        layer = 1;
    }
    while layer < log_n {
        let quarter = data.len() >> (layer + 2);
        for (b, piece) in data.chunks_exact_mut(4 * quarter).enumerate() {
            let at = (block << layer) + b;
            let (w, w0, w1) = (&roots[at], &roots[2 * at], &roots[2 * at + 1]);
            for [x0, x1, x2, x3] in quarters(piece) {
                cooley_tukey_4p(x0, x2, w);
                cooley_tukey_4p(x1, x3, w);
                cooley_tukey_4p(x0, x1, w0);
                cooley_tukey_4p(x2, x3, w1);
            }
        }
        layer += 2;
    }
}

/// All layers of a block, two at a time. Out: < 2p.
fn leaf_to_natural<A: Arith>(data: &mut [Fx<A>], block: usize, roots: &[Fx<A>]) {
    let log_n = data.len().ilog2();
    let mut layer = log_n;
    while layer >= 2 {
        layer -= 2;
        let quarter = data.len() >> (layer + 2);
        for (b, piece) in data.chunks_exact_mut(4 * quarter).enumerate() {
            let at = (block << layer) + b;
            let (w, w0, w1) = (&roots[at], &roots[2 * at], &roots[2 * at + 1]);
            for [x0, x1, x2, x3] in quarters(piece) {
                gentleman_sande_2p(x0, x1, w0);
                gentleman_sande_2p(x2, x3, w1);
                gentleman_sande_2p(x0, x2, w);
                gentleman_sande_2p(x1, x3, w);
            }
        }
    }
    if layer == 1 {
        let (xs, ys) = data.split_at_mut(data.len() / 2);
        for (x, y) in xs.iter_mut().zip(ys) {
            gentleman_sande_2p(x, y, &roots[block]);
        }
    }
}

/// The elements i, i + q, i + 2q, i + 3q of a piece of 4q elements, for each i.
#[inline(always)]
fn quarters<T>(piece: &mut [T]) -> impl Iterator<Item = [&mut T; 4]> {
    let (low, high) = piece.split_at_mut(piece.len() / 2);
    let (q0, q1) = low.split_at_mut(low.len() / 2);
    let (q2, q3) = high.split_at_mut(high.len() / 2);
    q0.iter_mut().zip(q1).zip(q2.iter_mut().zip(q3)).map(|((a, b), (c, d))| [a, b, c, d])
}
