//! Affine additions in batches that share one inversion.
//!
//! P + Q in affine coordinates needs 1/(x_Q − x_P); Montgomery's trick turns n inversions into one and 3n products, so
//! an addition costs 6 products and a share of one inversion. All exceptional cases are handled here: P = Q, P = −Q,
//! and the identity on either side.

use crate::curve::Affine;
use crate::field::Field;

/// What an addition is, where it is not the generic one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Special {
    /// P = Q.
    Double,
    /// P = −Q, or both are the identity.
    Identity,
    /// P is the identity.
    TakeRight,
    /// Q is the identity.
    TakeLeft,
}

/// Scratch space for batches of additions.
pub(super) struct BatchAdder<F> {
    /// Of addition i: the denominator of λ. Here and below, scratch values are loose: < 2p.
    denominators: Vec<F>,
    /// Of addition i: the product of the denominators of all later ones.
    suffixes: Vec<F>,
    /// Exceptional additions, by falling index.
    special: Vec<(u32, Special)>,
}

impl<F: Field> Default for BatchAdder<F> {
    fn default() -> Self {
        Self { denominators: Vec::new(), suffixes: Vec::new(), special: Vec::new() }
    }
}

impl<F: Field> BatchAdder<F> {
    /// Adds neighbours within runs: a run of k points becomes one of ⌈k/2⌉ points with the same sum.
    ///
    /// Runs lie one after the other in `points`; `counts` holds their lengths. Both are compacted in place. Returns
    /// false when no run had more than one point, which leaves everything as it was.
    pub(super) fn halve_runs(&mut self, points: &mut Vec<Affine<F>>, counts: &mut [u32]) -> bool {
        let pairs: usize = counts.iter().map(|k| *k as usize / 2).sum();
        if pairs == 0 {
            return false;
        }
        // From the last pair to the first, so that the second pass can run forward and write behind its reads.
        self.start(pairs);
        let (mut pair, mut end, mut product) = (pairs, points.len(), F::ONE);
        for &k in counts.iter().rev() {
            let start = end - k as usize;
            for at in (start..start + (k as usize & !1)).step_by(2).rev() {
                pair -= 1;
                product = self.push_denominator(pair, &points[at], &points[at + 1], product);
            }
            end = start;
        }
        let mut inverse = self.invert(product);
        let (mut pair, mut from, mut to) = (0, 0, 0);
        for k in counts {
            let n = *k as usize;
            for at in (from..from + (n & !1)).step_by(2) {
                points[to] = self.finish(pair, &points[at], &points[at + 1], &mut inverse);
                pair += 1;
                to += 1;
            }
            if n & 1 == 1 {
                points[to] = points[from + n - 1];
                to += 1;
            }
            from += n;
            *k = k.div_ceil(2);
        }
        points.truncate(to);
        true
    }

    /// left[i] += right[i] for all i.
    pub(super) fn add_assign(&mut self, left: &mut [Affine<F>], right: &[Affine<F>]) {
        let n = left.len().min(right.len());
        self.start(n);
        let mut product = F::ONE;
        for i in (0..n).rev() {
            product = self.push_denominator(i, &left[i], &right[i], product);
        }
        let mut inverse = self.invert(product);
        for i in 0..n {
            left[i] = self.finish(i, &left[i], &right[i], &mut inverse);
        }
    }

    fn start(&mut self, n: usize) {
        self.denominators.resize(n, F::ZERO);
        self.suffixes.resize(n, F::ZERO);
        self.special.clear();
    }

    /// First pass, falling i. `product` is that of all later denominators; returns it with this one included.
    #[inline(always)]
    fn push_denominator(&mut self, i: usize, p: &Affine<F>, q: &Affine<F>, product: F) -> F {
        let mut denominator = q.x.sub_loose(p.x);
        // x = 0 alone does not make a point the identity, but is rare enough to look closer.
        if p.x == q.x || p.x.is_zero() || q.x.is_zero() {
            let special = classify(p, q);
            if let Some(special) = special {
                denominator = if special == Special::Double { p.y.double() } else { F::ONE };
                self.special.push((i as u32, special));
            }
        }
        self.denominators[i] = denominator;
        self.suffixes[i] = product;
        product.mul_loose(denominator)
    }

    fn invert(&self, product: F) -> F {
        // No denominator is zero: distinct x, 2y of a point of odd order, or one.
        let product = product.tighten();
        debug_assert!(!product.is_zero());
        product.inverse_vartime().unwrap_or(F::ZERO)
    }

    /// Second pass, rising i. `inverse` is that of the product of this and all later denominators.
    #[inline(always)]
    fn finish(&mut self, i: usize, p: &Affine<F>, q: &Affine<F>, inverse: &mut F) -> Affine<F> {
        let own = inverse.mul_loose(self.suffixes[i]);
        *inverse = inverse.mul_loose(self.denominators[i]);
        let mut numerator = q.y.sub_loose(p.y);
        if self.special.last().is_some_and(|(at, _)| *at == i as u32) {
            match self.special.pop() {
                Some((_, Special::Double)) => {
                    let xx = p.x.square();
                    numerator = xx.double() + xx;
                }
                Some((_, Special::TakeLeft)) => return *p,
                Some((_, Special::TakeRight)) => return *q,
                _ => return Affine::IDENTITY,
            }
        }
        let lambda = numerator.mul_loose(own);
        let x = lambda.mul_loose(lambda).sub_two_tight(p.x, q.x);
        Affine { x, y: lambda.mul_loose(p.x.sub_loose(x)).tighten() - p.y }
    }
}

fn classify<F: Field>(p: &Affine<F>, q: &Affine<F>) -> Option<Special> {
    match (p.is_identity(), q.is_identity()) {
        (true, true) => Some(Special::Identity),
        (true, false) => Some(Special::TakeRight),
        (false, true) => Some(Special::TakeLeft),
        (false, false) if p.x != q.x => None,
        // A point with y = 0 is its own opposite; none has order two here, hostile ones off the curve may.
        (false, false) if p.y == q.y && !p.y.is_zero() => Some(Special::Double),
        (false, false) => Some(Special::Identity),
    }
}
