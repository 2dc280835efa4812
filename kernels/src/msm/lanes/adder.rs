//! Batched-affine additions, eight at a time; all of a batch share one inversion.
//!
//! Points lie in memory as the lanes see them: coordinates a/16 of what they are (see [`crate::field::ifma`]). With
//! x = 16·x', y = 16·y' and μ = (y₂' − y₁')/(4·(x₂' − x₁')) the sum is x₃' = μ² − x₁' − x₂', y₃' = 4·μ·(x₁' − x₃') − y₁': the shared
//! inverse is taken a quarter, one difference four times, and no point is ever converted.
//!
//! Instructions of the vector ports for eight additions over F_q: 6 products of 123, 5 differences of some 22.

use crate::field::ifma::{Coordinate8, Ifma, WideCoordinate, kernel};

/// Eight points; which of them are the identity is kept beside. Coordinates are below 2.33·p.
#[derive(Copy, Clone, Debug)]
pub(super) struct Points<F: Coordinate8> {
    pub(super) x: F::Stored,
    pub(super) y: F::Stored,
}

impl<F: Coordinate8> Points<F> {
    pub(super) const ZERO: Self = Self { x: F::ZERO, y: F::ZERO };

    #[inline(always)]
    fn copy_lane(&mut self, to: usize, source: &Self, from: usize) {
        F::copy_lane(&mut self.x, to, &source.x, from);
        F::copy_lane(&mut self.y, to, &source.y, from);
    }
}

/// Points and their identities.
#[derive(Clone, Debug)]
pub(super) struct PointVec<F: Coordinate8> {
    pub(super) points: Vec<Points<F>>,
    /// Bit i of element k: lane i of vector k is the identity.
    pub(super) identities: Vec<u8>,
}

impl<F: Coordinate8> PointVec<F> {
    /// Vectors of identities.
    pub(super) fn identities(n: usize) -> Self {
        Self { points: vec![Points::ZERO; n], identities: vec![u8::MAX; n] }
    }

    /// Lane `from_lane` of vector `from` of `source` becomes lane `lane` of vector `to`.
    pub(super) fn copy_lane(&mut self, to: usize, lane: usize, source: &Self, from: usize, from_lane: usize) {
        self.points[to].copy_lane(lane, &source.points[from], from_lane);
        let identity = source.identities[from] >> from_lane & 1;
        self.identities[to] = self.identities[to] & !(1 << lane) | identity << lane;
    }

    /// Identities, `n` vectors of them.
    pub(super) fn reset(&mut self, n: usize) {
        self.points.clear();
        self.points.resize(n, Points::ZERO);
        self.identities.clear();
        self.identities.resize(n, u8::MAX);
    }
}

/// Eight points that are added to others.
pub(super) struct Addend<F: Coordinate8> {
    pub(super) x: F,
    /// From 0 to 2.33·p.
    pub(super) y: F::Wide,
    pub(super) identities: u8,
}

/// Where addends come from.
pub(super) trait Addends<F: Coordinate8>: Hints {
    /// Addend `i`, and hints for the next ones.
    fn get(&self, ifma: Ifma, i: usize) -> Addend<F>;
}

/// What is known of the batch after this one.
pub(super) trait Hints {
    /// Hints for its addend `i`.
    fn hint(&self, i: usize);
}

struct NoHints;

impl Hints for NoHints {
    #[inline(always)]
    fn hint(&self, _: usize) {}
}

/// Independent products that run side by side: one has to wait for itself.
const CHAINS: usize = 4;

/// Scratch space for batches of additions.
pub(super) struct Adder<F: Coordinate8> {
    /// x₂ − x₁, or what else is divided by.
    denominators: Vec<F::Stored>,
    /// The product of all earlier denominators of the chain.
    prefixes: Vec<F::Stored>,
    addends: Vec<Points<F>>,
    addend_identities: Vec<u8>,
    /// Lanes in which P = Q, and in which P = −Q; filled only where there are any.
    doubles: Vec<u8>,
    opposites: Vec<u8>,
}

impl<F: Coordinate8> Default for Adder<F> {
    fn default() -> Self {
        Self {
            denominators: Vec::new(),
            prefixes: Vec::new(),
            addends: Vec::new(),
            addend_identities: Vec::new(),
            doubles: Vec::new(),
            opposites: Vec::new(),
        }
    }
}

impl<F: Coordinate8> Adder<F> {
    fn resize(&mut self, n: usize) {
        if self.denominators.len() < n {
            self.denominators.resize(n, F::ZERO);
            self.prefixes.resize(n, F::ZERO);
            self.addends.resize(n, Points::ZERO);
            self.addend_identities.resize(n, 0);
            self.doubles.resize(n, 0);
            self.opposites.resize(n, 0);
        }
    }

    /// `sums`\[i\] = addend i for the first `n` vectors.
    pub(super) fn set(&self, ifma: Ifma, sums: &mut PointVec<F>, n: usize, addends: &impl Addends<F>) {
        set_batch(ifma, sums, n, addends);
    }

    /// `sums`\[i\] += addend i for the first `n` vectors.
    pub(super) fn add(&mut self, ifma: Ifma, sums: &mut PointVec<F>, n: usize, addends: &impl Addends<F>) {
        self.resize(n);
        add_batch(ifma, self, sums, n, addends);
    }

    /// `sums`\[to\] += `sums`\[from\] for each pair. No vector occurs twice.
    pub(super) fn add_pairs(&mut self, ifma: Ifma, sums: &mut PointVec<F>, pairs: &[(u32, u32)]) {
        for batch in pairs.chunks(F::BATCH) {
            self.resize(batch.len());
            add_within(ifma, self, sums, batch);
        }
    }
}

kernel! {
    fn set_batch[F: Coordinate8, A: Addends<F>](ifma: Ifma, sums: &mut PointVec<F>, n: usize, addends: &A) {
        for i in 0..n {
            let addend = addends.get(ifma, i);
            addend.x.store(&mut sums.points[i].x);
            addend.y.carry().store(&mut sums.points[i].y);
            sums.identities[i] = addend.identities;
        }
    }

    fn add_batch[F: Coordinate8, A: Addends<F>](
        ifma: Ifma,
        scratch: &mut Adder<F>,
        sums: &mut PointVec<F>,
        n: usize,
        addends: &A,
    ) {
        let mut products = [F::one(ifma); CHAINS];
        for i in 0..n {
            let addend = addends.get(ifma, i);
            forward(ifma, scratch, sums, i, i, addend, &mut products);
        }
        finish(ifma, scratch, sums, n, |i| i, addends, products);
    }

    fn add_within[F: Coordinate8](ifma: Ifma, scratch: &mut Adder<F>, sums: &mut PointVec<F>, pairs: &[(u32, u32)]) {
        let mut products = [F::one(ifma); CHAINS];
        for i in 0..pairs.len() {
            let (to, from) = pairs[i];
            let q = &sums.points[from as usize];
            let addend = Addend {
                x: F::load(ifma, &q.x),
                y: F::load(ifma, &q.y).wide(),
                identities: sums.identities[from as usize],
            };
            forward(ifma, scratch, sums, i, to as usize, addend, &mut products);
        }
        finish(ifma, scratch, sums, pairs.len(), |i| pairs[i].0 as usize, &NoHints, products);
    }
}

/// First pass: the denominator of addition i, and the product of those before it.
#[inline(always)]
fn forward<F: Coordinate8>(
    ifma: Ifma,
    scratch: &mut Adder<F>,
    sums: &PointVec<F>,
    i: usize,
    to: usize,
    addend: Addend<F>,
    products: &mut [F; CHAINS],
) {
    let kept = &mut scratch.addends[i];
    addend.x.store(&mut kept.x);
    addend.y.store(&mut kept.y);
    scratch.addend_identities[i] = addend.identities;
    let x1 = F::load(ifma, &sums.points[to].x);
    // From 0.67·p to 5.33·p.
    let mut denominator = addend.x.wide().sub(x1.wide()).add_p::<3>().carry();
    let special = addend.identities | sums.identities[to];
    if special != 0 {
        denominator = denominator.select(special, F::one(ifma));
    }
    denominator.store(&mut scratch.denominators[i]);
    let product = &mut products[i % CHAINS];
    product.store(&mut scratch.prefixes[i]);
    *product = denominator.mul(*product);
}

/// The inversion, and the second pass.
#[inline(always)]
fn finish<F: Coordinate8>(
    ifma: Ifma,
    scratch: &mut Adder<F>,
    sums: &mut PointVec<F>,
    n: usize,
    to: impl Fn(usize) -> usize,
    hints: &impl Hints,
    mut products: [F; CHAINS],
) {
    if let Some(inverses) = invert_chains(&products) {
        backward::<F, false>(ifma, scratch, sums, n, to, hints, inverses);
        return;
    }
    // Some x₂ = x₁: find where.
    products = [F::one(ifma); CHAINS];
    for i in 0..n {
        forward_with_equals(ifma, scratch, sums, i, to(i), &mut products);
    }
    // No denominator is zero now: distinct x, 2y of a point of odd order, or one.
    if let Some(inverses) = invert_chains(&products) {
        backward::<F, true>(ifma, scratch, sums, n, to, hints, inverses);
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

/// As [`forward`], where x₂ = x₁ may be.
#[inline(always)]
fn forward_with_equals<F: Coordinate8>(
    ifma: Ifma,
    scratch: &mut Adder<F>,
    sums: &PointVec<F>,
    i: usize,
    to: usize,
    products: &mut [F; CHAINS],
) {
    let (p, q) = (&sums.points[to], &scratch.addends[i]);
    let special = scratch.addend_identities[i] | sums.identities[to];
    let (x1, y1) = (F::load(ifma, &p.x), F::load(ifma, &p.y));
    let (x2, y2) = (F::load(ifma, &q.x), F::load_wide(ifma, &q.y));
    let mut denominator = x2.wide().sub(x1.wide()).add_p::<3>().carry();
    let equal = denominator.zero_lanes() & !special;
    let (mut doubles, mut opposites) = (0, 0);
    if equal != 0 {
        let same_y = y2.sub(y1.wide()).add_p::<3>().carry().zero_lanes();
        // A point with y = 0 is its own opposite; none has order two here, hostile ones off the curve may.
        doubles = equal & same_y & !y1.zero_lanes();
        opposites = equal & !doubles;
        denominator = denominator.select(doubles, y1.wide().add(y1.wide()).carry());
    }
    denominator = denominator.select(special | opposites, F::one(ifma));
    scratch.doubles[i] = doubles;
    scratch.opposites[i] = opposites;
    denominator.store(&mut scratch.denominators[i]);
    let product = &mut products[i % CHAINS];
    product.store(&mut scratch.prefixes[i]);
    *product = denominator.mul(*product);
}

/// Second pass, falling i. `inverses` are a quarter of those of the products of this and all earlier denominators.
///
/// Two vectors go side by side: one addition is a line of five products, longer than what a processor looks ahead.
#[inline(always)]
fn backward<F: Coordinate8, const EQUALS: bool>(
    ifma: Ifma,
    scratch: &Adder<F>,
    sums: &mut PointVec<F>,
    n: usize,
    to: impl Fn(usize) -> usize,
    hints: &impl Hints,
    mut inverses: [F; CHAINS],
) {
    let mut end = n;
    if end % 2 == 1 {
        end -= 1;
        hints.hint(end);
        backward_side_by_side::<F, EQUALS, 1>(ifma, scratch, sums, [end], [to(end)], &mut inverses);
    }
    while end > 0 {
        end -= 2;
        hints.hint(end);
        hints.hint(end + 1);
        let places = [to(end), to(end + 1)];
        backward_side_by_side::<F, EQUALS, 2>(ifma, scratch, sums, [end, end + 1], places, &mut inverses);
    }
}

/// Additions `at`, of different chains, to vectors `to`.
#[inline(always)]
fn backward_side_by_side<F: Coordinate8, const EQUALS: bool, const N: usize>(
    ifma: Ifma,
    scratch: &Adder<F>,
    sums: &mut PointVec<F>,
    at: [usize; N],
    to: [usize; N],
    inverses: &mut [F; CHAINS],
) {
    let mut mu = [F::one(ifma); N];
    for k in 0..N {
        let inverse = &mut inverses[at[k] % CHAINS];
        mu[k] = inverse.mul(F::load(ifma, &scratch.prefixes[at[k]]));
        *inverse = F::load(ifma, &scratch.denominators[at[k]]).mul(*inverse);
    }
    for k in 0..N {
        let (p, q) = (&sums.points[to[k]], &scratch.addends[at[k]]);
        // From 2.67·p to 7.33·p.
        let difference = F::load_wide(ifma, &q.y).sub(F::load(ifma, &p.y).wide());
        let mut numerator = difference.add_p::<5>().carry();
        if EQUALS && scratch.doubles[at[k]] != 0 {
            numerator = numerator.select(scratch.doubles[at[k]], tangent(F::load(ifma, &p.x)));
        }
        mu[k] = numerator.mul(mu[k]);
    }
    let mut x3 = mu;
    for k in 0..N {
        let (x1, x2) = (F::load(ifma, &sums.points[to[k]].x), F::load(ifma, &scratch.addends[at[k]].x));
        x3[k] = mu[k].square_lazy().sub(x1.wide()).sub(x2.wide()).to_2p33();
    }
    let mut y3 = mu;
    for k in 0..N {
        let p = &sums.points[to[k]];
        // From 0.6·p to 19.4·p.
        let run = F::load(ifma, &p.x).wide().sub(x3[k].wide()).quadruple().add_p::<10>().carry();
        y3[k] = run.mul_lazy(mu[k]).sub(F::load(ifma, &p.y).wide()).to_2p33();
    }
    for k in 0..N {
        let (p, q) = (&mut sums.points[to[k]], &scratch.addends[at[k]]);
        let (p_identities, q_identities) = (sums.identities[to[k]], scratch.addend_identities[at[k]]);
        if p_identities | q_identities != 0 {
            let (x1, y1) = (F::load(ifma, &p.x), F::load(ifma, &p.y));
            let (x2, y2) = (F::load(ifma, &q.x), F::load_wide(ifma, &q.y).carry());
            x3[k] = x3[k].select(q_identities, x1).select(p_identities, x2);
            y3[k] = y3[k].select(q_identities, y1).select(p_identities, y2);
        }
        let opposites = if EQUALS { scratch.opposites[at[k]] } else { 0 };
        sums.identities[to[k]] = p_identities & q_identities | opposites;
        x3[k].store(&mut p.x);
        y3[k].store(&mut p.y);
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
