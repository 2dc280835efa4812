//! Batched-affine additions, eight at a time; all of a batch share one inversion.
//!
//! Points lie in memory as the lanes see them: coordinates a/16 of what they are (see [`crate::field::ifma`]). With
//! x = 16·x', y = 16·y' and μ = (y₂' − y₁')/(4·(x₂' − x₁')) the sum is x₃' = μ² − x₁' − x₂', y₃' = 4·μ·(x₁' − x₃') − y₁': the shared
//! inverse is taken a quarter, one difference four times, and no point is ever converted.
//!
//! Instructions of the vector ports for eight additions over F_q: 6 products of 111, 282 for carries, differences and gathering.

use crate::field::ifma::{Coordinate8, Ifma, WideCoordinate, kernel};
use crate::scratch::Scratch;
use bytemuck::Zeroable;

/// Eight points; which of them are the identity is kept beside. Coordinates are below 2.33·p.
#[derive(Copy, Clone, Debug)]
pub(super) struct Points<F: Coordinate8> {
    pub(super) x: F::Stored,
    pub(super) y: F::Stored,
}

// SAFETY: a pair of zeroable values.
unsafe impl<F: Coordinate8> Zeroable for Points<F> {}

impl<F: Coordinate8> Points<F> {
    const ZERO: Self = Self { x: F::ZERO, y: F::ZERO };

    #[inline(always)]
    fn copy_lane(&mut self, to: usize, source: &Self, from: usize) {
        F::copy_lane(&mut self.x, to, &source.x, from);
        F::copy_lane(&mut self.y, to, &source.y, from);
    }
}

/// Points and their identities.
#[derive(Debug)]
pub(super) struct PointVec<F: Coordinate8> {
    pub(super) points: Scratch<Points<F>>,
    /// Bit i of element k: lane i of vector k is the identity.
    pub(super) identities: Scratch<u8>,
}

impl<F: Coordinate8> PointVec<F> {
    /// Vectors of identities.
    pub(super) fn identities(n: usize) -> Self {
        Self { points: Scratch::filled(n, Points::zeroed()), identities: Scratch::filled(n, u8::MAX) }
    }

    /// One behind the other.
    pub(super) fn joined(parts: &[Self]) -> Self {
        let n = parts.iter().map(|part| part.points.len()).sum();
        let mut joined = Self { points: Scratch::empty(n), identities: Scratch::empty(n) };
        for part in parts {
            joined.points.extend_from_slice(&part.points);
            joined.identities.extend_from_slice(&part.identities);
        }
        joined
    }

    /// The first `n` are left.
    pub(super) fn truncate(&mut self, n: usize) {
        self.points.truncate(n);
        self.identities.truncate(n);
    }

    /// Lane `from_lane` of vector `from` of `source` becomes lane `lane` of vector `to`.
    pub(super) fn copy_lane(&mut self, to: usize, lane: usize, source: &Self, from: usize, from_lane: usize) {
        self.points[to].copy_lane(lane, &source.points[from], from_lane);
        let identity = source.identities[from] >> from_lane & 1;
        self.identities[to] = self.identities[to] & !(1 << lane) | identity << lane;
    }
}

/// Eight points that are added to others.
#[derive(Copy, Clone)]
pub(super) struct Addend<F: Coordinate8> {
    pub(super) x: F,
    /// From 0 to 2.33·p.
    pub(super) y: F::Wide,
    pub(super) identities: u8,
}

/// What is added, and to which sums.
pub(super) trait Addends<F: Coordinate8> {
    /// The sum that addition `i` goes to. No two go to the same.
    fn to(&self, i: usize) -> usize;
    /// Addend `i`; the same at every call.
    fn get(&self, ifma: Ifma, sums: &PointVec<F>, i: usize) -> Addend<F>;
    /// Hints for addends soon after `i`.
    fn prefetch(&self, i: usize);
    /// Hints for addend `i` of the batch after this one.
    fn prefetch_next(&self, i: usize);
}

/// Independent products that run side by side: one has to wait for itself.
const CHAINS: usize = 4;

/// Vectors that are gathered before their products are taken.
const TURN: usize = 8;

/// Additions that go side by side in the second pass, of different chains: one is a line of five products.
const SIDE_BY_SIDE: usize = 4;

/// Scratch space for batches of additions.
pub(super) struct Adder<F: Coordinate8> {
    slots: Scratch<Kept<F>>,
}

/// What is kept of an addition between the passes, in one place: arrays of each would be of the same size and apart by
/// multiples of a page, which a first-level cache has few ways for.
#[derive(Copy, Clone)]
struct Kept<F: Coordinate8> {
    /// The addend.
    points: Points<F>,
    /// x₂ − x₁, or what else is divided by.
    denominator: F::Stored,
    /// The product of all earlier denominators of the chain.
    prefix: F::Stored,
    /// Lanes in which the addend is the identity.
    identities: u8,
    /// Lanes in which P = Q, and in which P = −Q.
    doubles: u8,
    opposites: u8,
}

impl<F: Coordinate8> Default for Adder<F> {
    fn default() -> Self {
        Self { slots: Scratch::default() }
    }
}

impl<F: Coordinate8> Adder<F> {
    fn resize(&mut self, n: usize) {
        if self.slots.len() < n {
            let (points, zero) = (Points::ZERO, F::ZERO);
            let none =
                Kept { points, denominator: zero, prefix: zero, identities: 0, doubles: 0, opposites: 0 };
            self.slots.resize(n, none);
        }
    }

    /// Adds the first `n` addends, at most [`Coordinate8::BATCH`], to the sums that they go to.
    pub(super) fn add(&mut self, ifma: Ifma, sums: &mut PointVec<F>, n: usize, addends: &impl Addends<F>) {
        self.resize(n);
        add_batch(ifma, self, sums, n, addends);
    }

    /// `sums`\[to\] += `sums`\[from\] for each pair. No vector occurs twice.
    pub(super) fn add_pairs(&mut self, ifma: Ifma, sums: &mut PointVec<F>, pairs: &[(u32, u32)]) {
        for batch in pairs.chunks(F::BATCH) {
            self.resize(batch.len());
            add_batch(ifma, self, sums, batch.len(), &Pairs(batch));
        }
    }
}

/// Addends that are sums themselves.
struct Pairs<'a>(&'a [(u32, u32)]);

impl<F: Coordinate8> Addends<F> for Pairs<'_> {
    #[inline(always)]
    fn to(&self, i: usize) -> usize {
        self.0[i].0 as usize
    }

    #[inline(always)]
    fn get(&self, ifma: Ifma, sums: &PointVec<F>, i: usize) -> Addend<F> {
        let from = self.0[i].1 as usize;
        let q = &sums.points[from];
        Addend { x: F::load(ifma, &q.x), y: F::load(ifma, &q.y).wide(), identities: sums.identities[from] }
    }

    #[inline(always)]
    fn prefetch(&self, _: usize) {}

    #[inline(always)]
    fn prefetch_next(&self, _: usize) {}
}

kernel! {
    /// The sums that the first `n` addends go to become these addends.
    pub(super) fn set_batch[F: Coordinate8, A: Addends<F>](ifma: Ifma, sums: &mut PointVec<F>, n: usize, addends: &A) {
        for i in 0..n {
            addends.prefetch(i);
            addends.prefetch_next(i);
            let addend = addends.get(ifma, sums, i);
            let to = addends.to(i);
            addend.x.store(&mut sums.points[to].x);
            addend.y.carry().store(&mut sums.points[to].y);
            sums.identities[to] = addend.identities;
        }
    }

    fn add_batch[F: Coordinate8, A: Addends<F>](
        ifma: Ifma,
        scratch: &mut Adder<F>,
        sums: &mut PointVec<F>,
        n: usize,
        addends: &A,
    ) {
        // Gathering and multiplying are both longer than what a processor looks ahead: they take turns.
        let mut products = [F::one(ifma); CHAINS];
        let mut start = 0;
        while start < n {
            let end = n.min(start + TURN);
            for i in start..end {
                keep(ifma, scratch, sums, i, addends);
            }
            multiply(ifma, scratch, start, end, &mut products);
            start = end;
        }
        if let Some(inverses) = invert_chains(&products) {
            backward::<F, A, false>(ifma, scratch, sums, n, addends, inverses);
            return;
        }
        // Some x₂ = x₁: find where.
        for i in 0..n {
            find_equals(ifma, scratch, sums, i, addends.to(i));
        }
        products = [F::one(ifma); CHAINS];
        multiply(ifma, scratch, 0, n, &mut products);
        // No denominator is zero now: distinct x, 2y of a point of odd order, or one.
        if let Some(inverses) = invert_chains(&products) {
            backward::<F, A, true>(ifma, scratch, sums, n, addends, inverses);
        }
    }
}

/// Gets addend i, and its denominators: x₂ − x₁, or one where there is an identity.
#[inline(always)]
fn keep<F: Coordinate8, A: Addends<F>>(
    ifma: Ifma,
    scratch: &mut Adder<F>,
    sums: &PointVec<F>,
    i: usize,
    addends: &A,
) {
    addends.prefetch(i);
    let addend = addends.get(ifma, sums, i);
    let kept = &mut scratch.slots[i];
    addend.x.store(&mut kept.points.x);
    addend.y.store(&mut kept.points.y);
    kept.identities = addend.identities;
    let to = addends.to(i);
    let x1 = F::load(ifma, &sums.points[to].x);
    // From 0.67·p to 5.33·p.
    let mut denominator = addend.x.wide().sub(x1.wide()).add_p::<3>().carry();
    let special = addend.identities | sums.identities[to];
    if special != 0 {
        denominator = denominator.select(special, F::one(ifma));
    }
    denominator.store(&mut kept.denominator);
}

/// First pass: products of all denominators of a chain up to each.
#[inline(always)]
fn multiply<F: Coordinate8>(
    ifma: Ifma,
    scratch: &mut Adder<F>,
    start: usize,
    end: usize,
    products: &mut [F; CHAINS],
) {
    for i in start..end {
        let product = &mut products[i % CHAINS];
        product.store(&mut scratch.slots[i].prefix);
        *product = F::load(ifma, &scratch.slots[i].denominator).mul(*product);
    }
}

/// Notes the lanes of addition i in which x₂ = x₁, and divides by 2y or one there.
#[inline(always)]
fn find_equals<F: Coordinate8>(ifma: Ifma, scratch: &mut Adder<F>, sums: &PointVec<F>, i: usize, to: usize) {
    let kept = &mut scratch.slots[i];
    // One is not zero: identities are not among them.
    let denominator = F::load(ifma, &kept.denominator);
    let equal = denominator.zero_lanes();
    (kept.doubles, kept.opposites) = (0, 0);
    if equal != 0 {
        let y1 = F::load(ifma, &sums.points[to].y);
        let y2 = F::load_wide(ifma, &kept.points.y);
        let same_y = y2.sub(y1.wide()).add_p::<3>().carry().zero_lanes();
        // A point with y = 0 is its own opposite; none has order two here, hostile ones off the curve may.
        kept.doubles = equal & same_y & !y1.zero_lanes();
        kept.opposites = equal & !kept.doubles;
        let twice = y1.wide().add(y1.wide()).carry();
        denominator
            .select(kept.doubles, twice)
            .select(kept.opposites, F::one(ifma))
            .store(&mut kept.denominator);
    }
}

/// A quarter of the inverse of each product, or `None` if a lane of one is zero.
#[inline(always)]
fn invert_chains<F: Coordinate8>(products: &[F; CHAINS]) -> Option<[F; CHAINS]> {
    let [a, b, c, d] = *products;
    let (ab, cd) = (a.mul(b), c.mul(d));
    let all = ab.mul(cd).invert_quarter()?;
    let (inverse_ab, inverse_cd) = (all.mul(cd), all.mul(ab));
    Some([inverse_ab.mul(b), inverse_ab.mul(a), inverse_cd.mul(d), inverse_cd.mul(c)])
}

/// Second pass, falling i. `inverses` are a quarter of those of the products of this and all earlier denominators.
#[inline(always)]
fn backward<F: Coordinate8, A: Addends<F>, const EQUALS: bool>(
    ifma: Ifma,
    scratch: &Adder<F>,
    sums: &mut PointVec<F>,
    n: usize,
    addends: &A,
    mut inverses: [F; CHAINS],
) {
    let mut end = n;
    while !end.is_multiple_of(SIDE_BY_SIDE) {
        end -= 1;
        side_by_side::<F, A, EQUALS, 1>(ifma, scratch, sums, end, addends, &mut inverses);
    }
    while end > 0 {
        end -= SIDE_BY_SIDE;
        side_by_side::<F, A, EQUALS, SIDE_BY_SIDE>(ifma, scratch, sums, end, addends, &mut inverses);
    }
}

/// Additions `start` to `start` + N, which are of different chains.
#[inline(always)]
fn side_by_side<F: Coordinate8, A: Addends<F>, const EQUALS: bool, const N: usize>(
    ifma: Ifma,
    scratch: &Adder<F>,
    sums: &mut PointVec<F>,
    start: usize,
    addends: &A,
    inverses: &mut [F; CHAINS],
) {
    let mut mu = [F::one(ifma); N];
    for k in 0..N {
        let i = start + k;
        addends.prefetch_next(i);
        let inverse = &mut inverses[i % CHAINS];
        mu[k] = inverse.mul(F::load(ifma, &scratch.slots[i].prefix));
        *inverse = F::load(ifma, &scratch.slots[i].denominator).mul(*inverse);
    }
    for k in 0..N {
        let (p, q) = (&sums.points[addends.to(start + k)], &scratch.slots[start + k]);
        // From 2.67·p to 7.33·p.
        let difference = F::load_wide(ifma, &q.points.y).sub(F::load(ifma, &p.y).wide());
        let mut numerator = difference.add_p::<5>().carry();
        if EQUALS && q.doubles != 0 {
            numerator = numerator.select(q.doubles, tangent(F::load(ifma, &p.x)));
        }
        mu[k] = numerator.mul(mu[k]);
    }
    let mut x3 = mu;
    for k in 0..N {
        let (p, q) = (&sums.points[addends.to(start + k)], &scratch.slots[start + k].points);
        let (x1, x2) = (F::load(ifma, &p.x), F::load(ifma, &q.x));
        x3[k] = mu[k].square_lazy().sub(x1.wide()).sub(x2.wide()).to_2p33();
    }
    for k in 0..N {
        let to = addends.to(start + k);
        let (p, q) = (&mut sums.points[to], &scratch.slots[start + k]);
        let (x1, y1) = (F::load(ifma, &p.x), F::load(ifma, &p.y));
        // From 0.6·p to 19.4·p.
        let run = x1.wide().sub(x3[k].wide()).quadruple().add_p::<10>().carry();
        let mut y3 = run.mul_lazy(mu[k]).sub(y1.wide()).to_2p33();
        let p_identities = sums.identities[to];
        if p_identities | q.identities != 0 {
            let (x2, y2) = (F::load(ifma, &q.points.x), F::load_wide(ifma, &q.points.y).carry());
            x3[k] = x3[k].select(q.identities, x1).select(p_identities, x2);
            y3 = y3.select(q.identities, y1).select(p_identities, y2);
        }
        let opposites = if EQUALS { q.opposites } else { 0 };
        sums.identities[to] = p_identities & q.identities | opposites;
        x3[k].store(&mut p.x);
        y3.store(&mut p.y);
    }
}

/// 48·x'², the numerator where a point is doubled: λ = 3x²/(2y) = 48x'²/(2y').
#[inline(always)]
fn tangent<F: Coordinate8>(x: F) -> F {
    let mut xx = x.square_lazy();
    xx = xx.add(xx).add(xx).to_2p33().wide();
    for _ in 0..3 {
        xx = xx.add(xx).to_2p33().wide();
    }
    xx.add(xx).to_2p33()
}
