//! The transforms of a buffer: Cooley–Tukey butterflies, natural to bit-reversed order, two layers at a time.
//!
//! Products are ±5.5·p whatever their factor, sums grow: a bound per pair of layers is kept, and where it would leave what
//! the lanes hold, those operands are shrunk that are not multiplied anyway. Block 0 of each layer has the constant one: its
//! products are left out, its sums double, and thus all of its operands are shrunk.

use crate::field::ifma::{Balanced, Ifma, Multiplier, Stored, kernel};
use crate::field::{Fr, FrParams};

type Value = Balanced<FrParams>;

/// Roots of unity in bit-reversed order, to multiply with.
pub(in crate::ntt) fn constants(roots: &[Fr]) -> Vec<Multiplier> {
    roots.iter().map(|w| Multiplier::new(*w)).collect()
}

/// What goes in: < 2.2·p.
const INPUT: f64 = 2.2;
/// What a layer adds.
const GROWTH: f64 = 5.5;
/// What comes out: ±36·p, so that 72·p times a factor is below 2·p.
const OUTPUT: f64 = 36.0;
/// Of block 0 after two layers, from operands of 0 to 2·p.
const ONES: f64 = 8.0;

/// Whether the pair of layers `pair` of a transform of 2^`log_n` elements shrinks its operands.
fn shrinks(log_n: u32, pair: u32) -> bool {
    let mut bound = (4.0 * INPUT).max(2.0 * INPUT + GROWTH);
    let mut shrink = false;
    for i in 1..=pair {
        let single = if log_n % 2 == 1 && i == log_n / 2 - 1 { GROWTH } else { 0.0 };
        let next = bound + 2.0 * GROWTH;
        shrink = next + single > OUTPUT;
        bound = if shrink { 2.0 + 2.0 * GROWTH } else { next }.max(ONES);
    }
    shrink
}

/// Vectors of a block that stays in an L1 cache of 48 KiB for its remaining layers.
const BLOCK_LOG: u32 = 6;

kernel! {
    /// All layers. In: < 2.2·p, natural order. Out: ±36·p, bit-reversed order. Block i of a layer has the constant i.
    pub(super) fn transform(ifma: Ifma, buffer: &mut [Stored], constants: &[Multiplier]) {
        let log_n = buffer.len().ilog2();
        let mut layer = 0;
        while log_n - layer > BLOCK_LOG {
            pair_of_layers(ifma, buffer, constants, log_n, layer, 0);
            layer += 2;
        }
        for (i, block) in buffer.chunks_exact_mut(1 << (log_n - layer)).enumerate() {
            let mut at = layer;
            while at + 1 < log_n {
                pair_of_layers(ifma, block, constants, log_n, at, i << (at - layer));
                at += 2;
            }
            if at < log_n {
                last_layer(ifma, block, &constants[i << (at - layer)..]);
            }
        }
    }

    /// Layers `layer` and `layer` + 1 of the blocks in `piece`, from block `first` on.
    fn pair_of_layers(ifma: Ifma, piece: &mut [Stored], constants: &[Multiplier], log_n: u32, layer: u32, first: usize) {
        let shrink = shrinks(log_n, layer / 2);
        for (i, block) in piece.chunks_exact_mut(1 << (log_n - layer)).enumerate() {
            let at = first + i;
            let w = [&constants[at], &constants[2 * at], &constants[2 * at + 1]];
            match (at, shrink) {
                (0, _) if layer == 0 => ones::<false>(ifma, block, w[2]),
                (0, _) => ones::<true>(ifma, block, w[2]),
                (_, true) => butterflies::<true>(ifma, block, w),
                (_, false) => butterflies::<false>(ifma, block, w),
            }
        }
    }

    fn last_layer(ifma: Ifma, piece: &mut [Stored], constants: &[Multiplier]) {
        for (pair, w) in piece.as_chunks_mut::<2>().0.iter_mut().zip(constants) {
            let x = Value::load(ifma, &pair[0]);
            let y = Value::load(ifma, &pair[1]).mul(w);
            x.add(y).store(&mut pair[0]);
            x.sub(y).store(&mut pair[1]);
        }
    }
}

#[inline(always)]
fn butterflies<const SHRINK: bool>(ifma: Ifma, block: &mut [Stored], w: [&Multiplier; 3]) {
    let [q0, q1, q2, q3] = quarters(block);
    for i in 0..q0.len() {
        let y2 = Value::load(ifma, &q2[i]).mul(w[0]);
        let y3 = Value::load(ifma, &q3[i]).mul(w[0]);
        let mut x0 = Value::load(ifma, &q0[i]);
        let mut x1 = Value::load(ifma, &q1[i]);
        if SHRINK {
            x0 = x0.shrink();
            x1 = x1.shrink();
        }
        let [z0, z2] = [x0.add(y2), x0.sub(y2)];
        let z1 = x1.add(y3).mul(w[1]);
        z0.add(z1).store(&mut q0[i]);
        z0.sub(z1).store(&mut q1[i]);
        let z3 = x1.sub(y3).mul(w[2]);
        z2.add(z3).store(&mut q2[i]);
        z2.sub(z3).store(&mut q3[i]);
    }
}

/// Block 0, in which all constants but one are one.
#[inline(always)]
fn ones<const SHRINK: bool>(ifma: Ifma, block: &mut [Stored], w: &Multiplier) {
    let [q0, q1, q2, q3] = quarters(block);
    for i in 0..q0.len() {
        let mut x = [
            Value::load(ifma, &q0[i]),
            Value::load(ifma, &q1[i]),
            Value::load(ifma, &q2[i]),
            Value::load(ifma, &q3[i]),
        ];
        if SHRINK {
            for x in &mut x {
                *x = x.shrink();
            }
        }
        let z3 = x[1].sub(x[3]).mul(w);
        let [z0, z1] = [x[0].add(x[2]), x[1].add(x[3])];
        z0.add(z1).store(&mut q0[i]);
        z0.sub(z1).store(&mut q1[i]);
        let z2 = x[0].sub(x[2]);
        z2.add(z3).store(&mut q2[i]);
        z2.sub(z3).store(&mut q3[i]);
    }
}

/// Four slices of the same length.
#[inline(always)]
fn quarters(block: &mut [Stored]) -> [&mut [Stored]; 4] {
    let quarter = block.len() / 4;
    let (q0, rest) = block.split_at_mut(quarter);
    let (q1, rest) = rest.split_at_mut(quarter);
    let (q2, rest) = rest.split_at_mut(quarter);
    [q0, q1, q2, &mut rest[..quarter]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_leaves_the_lanes() {
        for log_n in 3..=14 {
            let mut bound = (4.0 * INPUT).max(2.0 * INPUT + GROWTH);
            for pair in 1..log_n / 2 {
                // A factor of the second layer.
                assert!(bound < 42.0);
                let x = if shrinks(log_n, pair) { 2.0 } else { bound };
                assert!(x + GROWTH < 42.0);
                bound = ONES.max(x + 2.0 * GROWTH);
                assert!(bound < 42.0, "2^{log_n}, pair {pair}: {bound}");
            }
            let last = if log_n % 2 == 1 { GROWTH } else { 0.0 };
            assert!(bound + last <= OUTPUT);
        }
    }
}
