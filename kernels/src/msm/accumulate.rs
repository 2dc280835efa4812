//! Stage `msm_bucket_accumulate`: the sum of each bucket, by pair trees of batched-affine additions.

use super::batch::BatchAdder;
use super::digits::SortedWindow;
use super::plan::BLOCK_ENTRIES;
use crate::curve::{Affine, Xyzz};
use crate::field::Field;
use crate::parallel;
use crate::prefetch::prefetch;
use core::ops::Range;

/// A part of a window that one block sums: whole buckets, or a piece of one large bucket.
struct Block {
    buckets: Range<usize>,
    entries: Range<usize>,
}

/// The sums of a window's buckets; the identity where a bucket is empty.
pub(super) fn msm_bucket_accumulate<F: Field>(bases: &[Affine<F>], window: &SortedWindow) -> Vec<Affine<F>> {
    let blocks = cut_into_blocks(window);
    let sums = parallel::map_range_with(blocks.len(), BlockScratch::default, |scratch, i| {
        scratch.sum_buckets(bases, window, &blocks[i])
    });
    let mut buckets = vec![Affine::IDENTITY; window.ends.len()];
    let mut i = 0;
    while i < blocks.len() {
        let first = blocks[i].buckets.start;
        let pieces = blocks[i..].iter().take_while(|b| b.buckets == (first..first + 1)).count();
        if pieces > 1 {
            let total =
                sums[i..i + pieces].iter().fold(Xyzz::IDENTITY, |sum, piece| sum.add_affine(piece[0]));
            buckets[first] = total.to_affine();
            i += pieces;
        } else {
            buckets[blocks[i].buckets.clone()].copy_from_slice(&sums[i]);
            i += 1;
        }
    }
    buckets
}

/// Cuts at bucket boundaries into blocks of at most `BLOCK_ENTRIES`; only a bucket that is larger is cut itself.
fn cut_into_blocks(window: &SortedWindow) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut bucket, mut entry) = (0, 0);
    for (b, &end) in window.ends.iter().enumerate() {
        let end = end as usize;
        if end - entry <= BLOCK_ENTRIES {
            continue;
        }
        let start_of_b = if b == 0 { 0 } else { window.ends[b - 1] as usize };
        if b > bucket {
            blocks.push(Block { buckets: bucket..b, entries: entry..start_of_b });
        }
        (bucket, entry) = (b, start_of_b);
        if end - start_of_b > BLOCK_ENTRIES {
            for piece in (start_of_b..end).step_by(BLOCK_ENTRIES) {
                blocks.push(Block { buckets: b..b + 1, entries: piece..end.min(piece + BLOCK_ENTRIES) });
            }
            (bucket, entry) = (b + 1, end);
        }
    }
    if bucket < window.ends.len() {
        blocks.push(Block { buckets: bucket..window.ends.len(), entries: entry..window.entries.len() });
    }
    blocks
}

/// Space for one block, reused by consecutive blocks of a thread.
struct BlockScratch<F> {
    points: Vec<Affine<F>>,
    counts: Vec<u32>,
    adder: BatchAdder<F>,
}

impl<F: Field> Default for BlockScratch<F> {
    fn default() -> Self {
        Self { points: Vec::new(), counts: Vec::new(), adder: BatchAdder::default() }
    }
}

impl<F: Field> BlockScratch<F> {
    fn sum_buckets(&mut self, bases: &[Affine<F>], window: &SortedWindow, block: &Block) -> Vec<Affine<F>> {
        let entries = &window.entries[block.entries.clone()];
        self.gather(bases, entries);
        self.counts.clear();
        let mut at = block.entries.start;
        self.counts.extend(block.buckets.clone().map(|b| {
            let end = (window.ends[b] as usize).min(block.entries.end);
            let count = end - at;
            at = end;
            count as u32
        }));
        while self.adder.halve_runs(&mut self.points, &mut self.counts) {}
        let mut next = 0;
        self.counts
            .iter()
            .map(|count| {
                let sum = if *count == 0 { Affine::IDENTITY } else { self.points[next] };
                next += *count as usize;
                sum
            })
            .collect()
    }

    /// Collects the block's bases with their signs applied.
    fn gather(&mut self, bases: &[Affine<F>], entries: &[u32]) {
        // Bases lie all over memory: ask for them early enough to hide a miss to DRAM.
        const AHEAD: usize = 16;
        self.points.clear();
        self.points.extend(entries.iter().enumerate().map(|(i, entry)| {
            if let Some(later) = entries.get(i + AHEAD) {
                prefetch(&bases[(later >> 1) as usize]);
            }
            bases[(entry >> 1) as usize].negate_if(entry & 1 == 1)
        }));
    }
}
