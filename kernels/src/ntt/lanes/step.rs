//! One step: eight transforms from memory, through a buffer, to memory.

use super::layers;
use crate::field::FrParams;
use crate::field::ifma::{Balanced, Ifma, Lanes, Multiplier, Stored, kernel};

type Value = Balanced<FrParams>;
type Element8 = Lanes<FrParams>;

/// Eight vectors in memory to read.
pub(super) trait Source {
    /// Element i of each into entry i of the buffer, or rev(i), times `factors[i]` of the natural place.
    fn fill(&self, ifma: Ifma, buffer: &mut [Stored], reversed: bool, factors: Option<&[[u64; 5]]>);
}

/// Eight vectors in memory to write.
pub(super) trait Sink {
    /// Results k in order to place k or, if `reversed`, rev(k). Result k is in entry rev(k) of the buffer.
    fn drain<F: Finish>(&self, ifma: Ifma, buffer: &[Stored], reversed: bool, finish: F);
}

/// What becomes of a result.
pub(super) trait Finish {
    /// In: ±36·p. Out: < 2^256. For k in order if the finish is a [`Twist`]; k mod 4 is `J`.
    fn finish<const J: usize>(&mut self, value: Value, k: usize) -> Element8;
}

/// Multiplies result k by start·ratio^k. Out: < 2.2·p.
pub(super) struct Twist {
    /// start·ratio^k for the next k of each residue mod 4: four chains, whose latencies overlap.
    factors: [Element8; 4],
    /// ratio^4.
    ratio: Element8,
}

impl Finish for Twist {
    #[inline(always)]
    fn finish<const J: usize>(&mut self, value: Value, _: usize) -> Element8 {
        let factor = self.factors[J];
        self.factors[J] = factor.mul(self.ratio);
        value.to_lanes::<36>().mul(factor)
    }
}

/// The residue.
pub(super) struct Reduce;

impl Finish for Reduce {
    #[inline(always)]
    fn finish<const J: usize>(&mut self, value: Value, _: usize) -> Element8 {
        value.to_lanes::<36>().reduce()
    }
}

/// The residue times a factor, which are at k.
pub(super) struct Scale<'a>(pub(super) &'a [[u64; 5]]);

impl Finish for Scale<'_> {
    #[inline(always)]
    fn finish<const J: usize>(&mut self, value: Value, k: usize) -> Element8 {
        let value = value.to_lanes::<36>();
        // < (72/84 + 1.13)·p
        value.mul(Lanes::splat(value.ifma(), self.0[k])).reduce_once()
    }
}

kernel! {
    /// A column's ratios and starts, 16 times their values.
    fn twist(ifma: Ifma, ratio: &[[u64; 4]; 8], start: &[[u64; 4]; 8]) -> Twist {
        let ratio = Lanes::load_raw(ifma, ratio);
        let start = Lanes::load_raw(ifma, start);
        let square = ratio.mul(ratio);
        let next = start.mul(ratio);
        Twist { factors: [start, next, start.mul(square), next.mul(square)], ratio: square.mul(square) }
    }

    /// The first step.
    pub(super) fn twisted[In: Source, Out: Sink](
        ifma: Ifma,
        buffer: &mut [Stored],
        constants: &[Multiplier],
        from: (&In, bool),
        factors: Option<&[[u64; 5]]>,
        to: (&Out, bool),
        tables: (&[[u64; 4]; 8], &[[u64; 4]; 8]),
    ) {
        from.0.fill(ifma, buffer, from.1, factors);
        layers::transform(ifma, buffer, constants);
        to.0.drain(ifma, buffer, to.1, twist(ifma, tables.0, tables.1));
    }

    /// The second step.
    pub(super) fn last[In: Source, Out: Sink](
        ifma: Ifma,
        buffer: &mut [Stored],
        constants: &[Multiplier],
        from: (&In, bool),
        to: (&Out, bool),
        factors: Option<&[[u64; 5]]>,
    ) {
        from.0.fill(ifma, buffer, from.1, None);
        layers::transform(ifma, buffer, constants);
        match factors {
            None => to.0.drain(ifma, buffer, to.1, Reduce),
            Some(factors) => to.0.drain(ifma, buffer, to.1, Scale(factors)),
        }
    }
}
