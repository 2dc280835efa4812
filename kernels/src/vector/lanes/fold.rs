//! Sums of products, reduced once for many, and rows of powers.

use super::{FrLanes, factor};
use crate::field::ifma::{Columns, Group, kernel, padded, store_first, strided_words};
use crate::field::{Field, Fr, FrParams};

type FrColumns = Columns<FrParams>;

/// Vectors whose products share a reduction.
const BLOCK: usize = FrColumns::MAX_PRODUCTS;

/// Chains of [`Powers`].
const CHAINS: usize = 4;

/// Sum of the lanes.
fn sum(lanes: FrLanes) -> Fr {
    let values = lanes.reduce().lanes_to_words();
    values.into_iter().map(Fr::from_montgomery_unchecked).sum()
}

/// What a value at x needs: x^(step·k).
pub(crate) struct Evaluation {
    /// As factors, for 0 ≤ k < `BLOCK` as far as they are needed.
    powers: Vec<[u64; 5]>,
    /// Of k = `BLOCK`.
    block: [u64; 5],
    /// 16·x^l for lane l; only for `step` 8.
    lanes: Group,
}

impl Evaluation {
    fn new(x: Fr, step: u64, terms: usize) -> Self {
        let ratio = x.pow_vartime(&[step]);
        let mut power = Fr::ONE;
        let powers = (0..terms.min(BLOCK)).map(|_| {
            let factor = factor(power);
            power *= ratio;
            factor
        });
        Self {
            powers: powers.collect(),
            block: factor(ratio.pow_vartime(&[BLOCK as u64])),
            lanes: lane_powers(x),
        }
    }

    /// For polynomials of at most n coefficients.
    pub(crate) fn of_polynomials(x: Fr, n: usize) -> Self {
        Self::new(x, 8, n.div_ceil(8))
    }

    /// For segments of at most n coefficients, one a lane.
    pub(crate) fn of_segments(x: Fr, n: usize) -> Self {
        Self::new(x, 1, n)
    }
}

/// x^l·2^260 for lane l.
fn lane_powers(x: Fr) -> Group {
    let mut power = Fr::from(16u64);
    let mut out = [[0; 4]; 8];
    for word in &mut out {
        *word = power.to_montgomery();
        power *= x;
    }
    out
}

/// A row of powers.
pub(crate) struct Powers {
    lanes: Group,
    /// x^8, x^16, x^24, x^32.
    steps: [[u64; 5]; CHAINS],
}

impl Powers {
    pub(crate) fn new(x: Fr) -> Self {
        let step = x.pow_vartime(&[8]);
        let mut power = Fr::ONE;
        let steps = [(); CHAINS].map(|()| {
            power *= step;
            factor(power)
        });
        Self { lanes: lane_powers(x), steps }
    }
}

kernel! {
    /// Σ a_i·b_i. Equally long.
    pub(crate) fn inner_product(ifma: Ifma, a: &[[u64; 4]], b: &[[u64; 4]]) -> Fr {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        let (a_end, b_end) = (padded(a_rest), padded(b_rest));
        let mut columns =
            FrColumns::zero(ifma).madd(&FrLanes::load_raw_times_16(ifma, &a_end), &FrLanes::load_raw(ifma, &b_end));
        let mut total = FrLanes::zero(ifma);
        let mut i = 0;
        while i < a.len() {
            let end = (i + BLOCK - 1).min(a.len());
            while i < end {
                columns = columns.madd(&FrLanes::load_raw_times_16(ifma, &a[i]), &FrLanes::load_raw(ifma, &b[i]));
                i += 1;
            }
            // 64 products of 16·p and p: < 13.3p.
            total = columns.reduce_lazy().add(total.wide()).reduce();
            columns = FrColumns::zero(ifma);
        }
        sum(columns.reduce_lazy().add(total.wide()).reduce())
    }

    /// Σ c_i·x^i of coefficients that `at` is good for.
    pub(crate) fn evaluate(ifma: Ifma, coefficients: &[[u64; 4]], at: &Evaluation) -> Fr {
        let (groups, rest) = coefficients.as_chunks::<8>();
        let end = padded(rest);
        let n = coefficients.len().div_ceil(8);
        let block = FrLanes::splat(ifma, at.block);
        let mut total = FrLanes::zero(ifma);
        let mut start = n.next_multiple_of(BLOCK);
        while start > 0 {
            start -= BLOCK;
            let len = BLOCK.min(n - start);
            let mut columns = FrColumns::zero(ifma);
            for k in 0..len {
                let group = if start + k < groups.len() { &groups[start + k] } else { &end };
                columns = columns.madd(&FrLanes::load_raw(ifma, group), &FrLanes::splat(ifma, at.powers[k]));
            }
            // < 1.9p and < 1.2p.
            total = columns.reduce_lazy().add(total.mul_lazy(block)).carry();
        }
        sum(total.mul(FrLanes::load_raw(ifma, &at.lanes)))
    }

    /// Of each of 16 consecutive segments of `len` coefficients, Σ c_k·x^k.
    pub(crate) fn evaluate_segments(ifma: Ifma, c: &[[u64; 4]], len: usize, at: &Evaluation) -> [Fr; 16] {
        let block = FrLanes::splat(ifma, at.block);
        let mut out = [Fr::ZERO; 16];
        for half in 0..2 {
            let c = &c[8 * half * len..8 * (half + 1) * len];
            let mut total = FrLanes::zero(ifma);
            let mut start = len.next_multiple_of(BLOCK);
            while start > 0 {
                start -= BLOCK;
                let mut columns = FrColumns::zero(ifma);
                for k in 0..BLOCK.min(len - start) {
                    let v = FrLanes::from_words(strided_words(ifma, c, start + k, len));
                    columns = columns.madd(&v, &FrLanes::splat(ifma, at.powers[k]));
                }
                total = columns.reduce_lazy().add(total.mul_lazy(block)).carry();
            }
            let words = total.reduce().lanes_to_words();
            for i in 0..8 {
                out[8 * half + i] = Fr::from_montgomery_unchecked(words[i]);
            }
        }
        out
    }

    /// out_i ← first·x^i.
    pub(crate) fn powers(ifma: Ifma, out: &mut [[u64; 4]], first: Fr, of: &Powers) {
        let first = FrLanes::splat_words(ifma, first.to_montgomery());
        let mut chains = [first.mul_lazy(FrLanes::load_raw(ifma, &of.lanes)).reduce(); CHAINS];
        for i in 1..CHAINS {
            chains[i] = chains[i].mul_lazy(FrLanes::splat(ifma, of.steps[i - 1])).reduce();
        }
        let step = FrLanes::splat(ifma, of.steps[CHAINS - 1]);
        let (groups, rest) = out.as_chunks_mut::<8>();
        for i in 0..groups.len() {
            let chain = &mut chains[i % CHAINS];
            chain.store_raw(&mut groups[i]);
            *chain = chain.mul_lazy(step).reduce();
        }
        store_first(chains[groups.len() % CHAINS], rest);
    }
}
