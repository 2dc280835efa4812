//! Montgomery's trick in chains of vectors.

use super::FrLanes;
use crate::field::ifma::{self, Group, Ifma, Stored, Wide, kernel, padded, pow2_mod, store_first};
use crate::field::{FieldParams, FrParams};
use crate::scratch::Scratch as Kept;

/// Interleaved chains of vectors: a product takes as long as two that do not wait for each other.
const CHAINS: usize = 4;

/// Fewest elements for which the lanes are worth it.
pub(crate) const MIN_LEN: usize = 32;

/// Memory of one chunk after another.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Of vector i: the product of the earlier ones of its chain; the products of whole chains come last.
    before: Kept<Stored>,
    /// What is inverted, zeros replaced.
    values: Kept<Stored>,
    /// Lanes that were zero.
    zeros: Kept<u8>,
}

impl Scratch {
    /// Empty, with room for `vectors`.
    #[inline(always)]
    fn start(&mut self, ifma: Ifma, vectors: usize) {
        self.before.clear();
        self.values.clear();
        self.zeros.clear();
        self.before.reserve(vectors + CHAINS);
        self.values.reserve(vectors);
        self.zeros.reserve(vectors);
        for _ in 0..CHAINS {
            self.before.push(FrLanes::one(ifma).stored());
        }
    }

    /// One vector more.
    #[inline(always)]
    fn push(&mut self, ifma: Ifma, v: FrLanes, zeros: u8) {
        let before: FrLanes = self.before[self.values.len()].load(ifma);
        self.before.push(before.mul(v).stored());
        self.values.push(v.stored());
        self.zeros.push(zeros);
    }

    /// Products of whole chains become what the last vector of each is multiplied with. `None` if a lane of one is zero.
    fn turn(&mut self, ifma: Ifma, scale: [u64; 4]) -> Option<[Stored; CHAINS]> {
        let n = self.values.len();
        let product = |i: usize| -> FrLanes { self.before[n + i].load(ifma) };
        let mut before = [FrLanes::one(ifma); CHAINS];
        let mut all = product(0);
        for i in 1..CHAINS {
            before[i] = all;
            all = all.mul(product(i));
        }
        let mut rest = ifma::invert(all, scale)?;
        let mut out = [Stored::ZERO; CHAINS];
        for i in (1..CHAINS).rev() {
            out[(n + i) % CHAINS] = rest.mul(before[i]).stored();
            rest = rest.mul(product(i));
        }
        out[n % CHAINS] = rest.stored();
        Some(out)
    }

    /// The inverse of vector i; to be called from the last vector to the first.
    #[inline(always)]
    fn pop(&self, ifma: Ifma, inverses: &mut [Stored; CHAINS], i: usize) -> Wide<FrParams> {
        let inverse: FrLanes = inverses[i % CHAINS].load(ifma);
        inverse.mul(self.values[i].load(ifma)).store(&mut inverses[i % CHAINS]);
        inverse.mul_lazy(self.before[i].load(ifma))
    }
}

/// Elements whose zeros are replaced by what multiplies like one, and which those are.
#[inline(always)]
fn non_zero(ifma: Ifma, x: &Group) -> (FrLanes, u8) {
    let v = FrLanes::load_raw(ifma, x);
    let zeros = v.zero_integers();
    (v.select(zeros, FrLanes::one(ifma)), zeros)
}

/// β + x; one in the lanes of `padding`.
#[inline(always)]
fn shifted(ifma: Ifma, beta: FrLanes, x: &Group, padding: u8) -> FrLanes {
    FrLanes::load_raw(ifma, x).wide().add(beta.wide()).carry().select(padding, FrLanes::one(ifma))
}

/// Lanes from `len` on.
fn lanes_from(len: usize) -> u8 {
    (0xff00 >> (8 - len)) as u8
}

// What lies in memory is a·2^256, of which the inverse is to be 2^256/a: 2^512 over what lies there.
const INVERSE: [u64; 4] = FrParams::R;
// Times m·2^-260 for an integer m.
const TIMES_INTEGER: [u64; 4] = pow2_mod(516, FrParams::MODULUS);

kernel! {
    /// v_i ← 1/v_i; zeros stay zero.
    pub(crate) fn invert(ifma: Ifma, values: &mut [[u64; 4]], scratch: &mut Scratch) {
        let (groups, rest) = values.as_chunks_mut::<8>();
        scratch.start(ifma, groups.len() + 1);
        for group in &*groups {
            let (v, zeros) = non_zero(ifma, group);
            scratch.push(ifma, v, zeros);
        }
        let n = groups.len();
        if !rest.is_empty() {
            let (v, zeros) = non_zero(ifma, &padded(rest));
            scratch.push(ifma, v, zeros);
        }
        // No lane is zero.
        let Some(mut inverses) = scratch.turn(ifma, INVERSE) else { return };
        let zero = FrLanes::zero(ifma);
        if !rest.is_empty() {
            let inverse = scratch.pop(ifma, &mut inverses, n).reduce();
            store_first(inverse.select(scratch.zeros[n], zero), rest);
        }
        for i in (0..n).rev() {
            let inverse = scratch.pop(ifma, &mut inverses, i).reduce();
            inverse.select(scratch.zeros[i], zero).store_raw(&mut groups[i]);
        }
    }

    /// out_i ← 1/(β + x_i), times m_i if there are multiplicities. False, and `out` unchanged, if a denominator is zero.
    /// All of one length.
    pub(crate) fn invert_shifted(
        ifma: Ifma,
        out: &mut [[u64; 4]],
        x: &[[u64; 4]],
        beta: [u64; 4],
        multiplicities: Option<&[u32]>,
        scratch: &mut Scratch,
    ) -> bool {
        let beta = FrLanes::splat_words(ifma, beta);
        let (groups, rest) = x.as_chunks::<8>();
        let padding = lanes_from(rest.len());
        scratch.start(ifma, groups.len() + 1);
        for group in groups {
            scratch.push(ifma, shifted(ifma, beta, group, 0), 0);
        }
        if !rest.is_empty() {
            scratch.push(ifma, shifted(ifma, beta, &padded(rest), padding), 0);
        }
        let scale = if multiplicities.is_some() { TIMES_INTEGER } else { INVERSE };
        let Some(mut inverses) = scratch.turn(ifma, scale) else { return false };
        let (out_groups, out_rest) = out.as_chunks_mut::<8>();
        let (m_groups, m_rest) = multiplicities.unwrap_or_default().as_chunks::<8>();
        let n = out_groups.len();
        if !out_rest.is_empty() {
            let mut inverse = scratch.pop(ifma, &mut inverses, n);
            if multiplicities.is_some() {
                let mut m = [0; 8];
                m[..m_rest.len()].copy_from_slice(m_rest);
                inverse = inverse.carry().mul_lazy(FrLanes::from_u32(ifma, &m));
            }
            store_first(inverse.reduce(), out_rest);
        }
        for i in (0..n).rev() {
            let mut inverse = scratch.pop(ifma, &mut inverses, i);
            if multiplicities.is_some() {
                inverse = inverse.carry().mul_lazy(FrLanes::from_u32(ifma, &m_groups[i]));
            }
            inverse.reduce().store_raw(&mut out_groups[i]);
        }
        true
    }
}
