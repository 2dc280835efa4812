//! Eight coordinates of points, over F_q or F_q².

use super::{Ifma, LaneParams, Lanes, Stored, Wide, eight, invert, pow2_mod, transpose_8x8};
use crate::curve::Affine;
use crate::field::{FieldParams, Fq, Fq2, FqParams};

/// Eight elements of the field over which a curve is defined.
///
/// Bounds are those of each component: factors are at most 20·p and 4·p, and products below 3.1·p.
pub trait Coordinate8: Copy + 'static {
    /// One element.
    type Single: crate::field::Field;
    /// Sums and products before their carries.
    type Wide: WideCoordinate<Carried = Self>;
    /// Eight elements in memory.
    type Stored: Copy + Send + Sync + core::fmt::Debug + bytemuck::Zeroable;
    /// All lanes zero.
    const ZERO: Self::Stored;
    /// Additions that share an inversion: their scratch memory fits an L2 cache of 2 MiB.
    const BATCH: usize;

    fn load(ifma: Ifma, from: &Self::Stored) -> Self;
    fn store(&self, to: &mut Self::Stored);
    /// As [`Coordinate8::load`], of what [`WideCoordinate::store`] wrote.
    fn load_wide(ifma: Ifma, from: &Self::Stored) -> Self::Wide;
    fn copy_lane(to: &mut Self::Stored, to_lane: usize, from: &Self::Stored, from_lane: usize);
    /// x and y of eight points, integers below p as they lie in memory.
    fn gather(ifma: Ifma, points: [&Affine<Self::Single>; 8]) -> [Self; 2];
    /// The element that multiplies like one.
    fn one(ifma: Ifma) -> Self;
    /// Lane i of `other` where bit i of `mask` is set, else of self.
    fn select(self, mask: u8, other: Self) -> Self;
    fn wide(self) -> Self::Wide;
    /// In: < 20·p, `b` < 4·p. Out: < 3.1·p.
    fn mul_lazy(self, b: Self) -> Self::Wide;
    /// In: < 4·p. Out: < 2·p.
    fn square_lazy(self) -> Self::Wide;
    /// 1/4 of the inverse, or `None` if a lane is zero. In: < 4·p.
    fn invert_quarter(self) -> Option<Self>;
    /// Lanes that are zero. In: any.
    fn zero_lanes(self) -> u8;
    /// −a in the lanes of `mask`. In: < p. Out: at most p.
    fn negate_lanes(self, mask: u8) -> Self::Wide;
    /// Eight elements in canonical form. In: any.
    fn to_singles(self) -> [Self::Single; 8];

    /// As [`Coordinate8::mul_lazy`], carried.
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.mul_lazy(b).carry()
    }
}

/// See [`Wide`].
pub trait WideCoordinate: Copy {
    type Carried: Coordinate8;
    fn store(&self, to: &mut <Self::Carried as Coordinate8>::Stored);
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn quadruple(self) -> Self;
    fn add_p<const K: u64>(self) -> Self;
    fn select_sub(self, mask: u8, a: Self, b: Self) -> Self;
    fn carry(self) -> Self::Carried;
    fn to_2p33(self) -> Self::Carried;
}

/// Eight elements of F_q.
pub type FqLanes = Lanes<FqParams>;

/// 2^262 mod q: see [`invert`].
const QUARTER_SCALE: [u64; 4] = pow2_mod(262, FqParams::MODULUS);

impl WideCoordinate for Wide<FqParams> {
    type Carried = FqLanes;

    #[inline(always)]
    fn store(&self, to: &mut Stored) {
        self.store_wide(to);
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.add(b)
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.sub(b)
    }

    #[inline(always)]
    fn quadruple(self) -> Self {
        self.shl::<2>()
    }

    #[inline(always)]
    fn add_p<const K: u64>(self) -> Self {
        self.add_p::<K>()
    }

    #[inline(always)]
    fn select_sub(self, mask: u8, a: Self, b: Self) -> Self {
        self.select_sub(mask, a, b)
    }

    #[inline(always)]
    fn carry(self) -> FqLanes {
        self.carry()
    }

    #[inline(always)]
    fn to_2p33(self) -> FqLanes {
        self.to_2p33()
    }
}

impl Coordinate8 for FqLanes {
    type Single = Fq;
    type Wide = Wide<FqParams>;
    type Stored = Stored;
    const ZERO: Stored = Stored::ZERO;
    const BATCH: usize = 256;

    #[inline(always)]
    fn load(ifma: Ifma, from: &Stored) -> Self {
        from.load(ifma)
    }

    #[inline(always)]
    fn store(&self, to: &mut Stored) {
        self.store(to);
    }

    #[inline(always)]
    fn load_wide(ifma: Ifma, from: &Stored) -> Wide<FqParams> {
        from.load_wide(ifma)
    }

    #[inline(always)]
    fn copy_lane(to: &mut Stored, to_lane: usize, from: &Stored, from_lane: usize) {
        to.copy_lane(to_lane, from, from_lane);
    }

    #[inline(always)]
    fn gather(ifma: Ifma, points: [&Affine<Fq>; 8]) -> [Self; 2] {
        // SAFETY: `Affine` is a `repr(C)` pair of `Fq`, each transparent over four words.
        let rows = eight!(I => ifma.load(unsafe { &*core::ptr::from_ref(points[I]).cast::<[u64; 8]>() }));
        let [a, b, c, d, e, f, g, h] = transpose_8x8(rows);
        [Self::from_words([a, b, c, d]), Self::from_words([e, f, g, h])]
    }

    #[inline(always)]
    fn one(ifma: Ifma) -> Self {
        Self::one(ifma)
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        self.select(mask, other)
    }

    #[inline(always)]
    fn wide(self) -> Wide<FqParams> {
        self.wide()
    }

    #[inline(always)]
    fn mul_lazy(self, b: Self) -> Wide<FqParams> {
        self.mul_lazy(b)
    }

    #[inline(always)]
    fn square_lazy(self) -> Wide<FqParams> {
        self.square_lazy()
    }

    #[inline(always)]
    fn invert_quarter(self) -> Option<Self> {
        invert(self, QUARTER_SCALE)
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        self.zero_lanes()
    }

    #[inline(always)]
    fn negate_lanes(self, mask: u8) -> Wide<FqParams> {
        let p = Self::splat(self.ifma(), LaneParams::<FqParams>::P).wide();
        self.wide().select_sub(mask, p, self.wide())
    }

    #[inline(always)]
    fn to_singles(self) -> [Fq; 8] {
        self.reduce().lanes_to_words().map(Fq::from_montgomery_unchecked)
    }
}

/// Eight elements c0 + c1·u of F_q².
#[derive(Copy, Clone)]
pub struct Fq2Lanes {
    c0: FqLanes,
    c1: FqLanes,
}

/// See [`Wide`].
#[derive(Copy, Clone)]
pub struct WideFq2 {
    c0: Wide<FqParams>,
    c1: Wide<FqParams>,
}

impl WideCoordinate for WideFq2 {
    type Carried = Fq2Lanes;

    #[inline(always)]
    fn store(&self, to: &mut [Stored; 2]) {
        self.c0.store_wide(&mut to[0]);
        self.c1.store_wide(&mut to[1]);
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Self { c0: self.c0.add(b.c0), c1: self.c1.add(b.c1) }
    }

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Self { c0: self.c0.sub(b.c0), c1: self.c1.sub(b.c1) }
    }

    #[inline(always)]
    fn quadruple(self) -> Self {
        Self { c0: self.c0.shl::<2>(), c1: self.c1.shl::<2>() }
    }

    #[inline(always)]
    fn add_p<const K: u64>(self) -> Self {
        Self { c0: WideCoordinate::add_p::<K>(self.c0), c1: WideCoordinate::add_p::<K>(self.c1) }
    }

    #[inline(always)]
    fn select_sub(self, mask: u8, a: Self, b: Self) -> Self {
        Self { c0: self.c0.select_sub(mask, a.c0, b.c0), c1: self.c1.select_sub(mask, a.c1, b.c1) }
    }

    #[inline(always)]
    fn carry(self) -> Fq2Lanes {
        Fq2Lanes { c0: self.c0.carry(), c1: self.c1.carry() }
    }

    #[inline(always)]
    fn to_2p33(self) -> Fq2Lanes {
        Fq2Lanes { c0: self.c0.to_2p33(), c1: self.c1.to_2p33() }
    }
}

impl Coordinate8 for Fq2Lanes {
    type Single = Fq2;
    type Wide = WideFq2;
    type Stored = [Stored; 2];
    const ZERO: [Stored; 2] = [Stored::ZERO; 2];
    const BATCH: usize = 256;

    #[inline(always)]
    fn load(ifma: Ifma, from: &[Stored; 2]) -> Self {
        Self { c0: from[0].load(ifma), c1: from[1].load(ifma) }
    }

    #[inline(always)]
    fn store(&self, to: &mut [Stored; 2]) {
        self.c0.store(&mut to[0]);
        self.c1.store(&mut to[1]);
    }

    #[inline(always)]
    fn load_wide(ifma: Ifma, from: &[Stored; 2]) -> WideFq2 {
        WideFq2 { c0: from[0].load_wide(ifma), c1: from[1].load_wide(ifma) }
    }

    #[inline(always)]
    fn copy_lane(to: &mut [Stored; 2], to_lane: usize, from: &[Stored; 2], from_lane: usize) {
        to[0].copy_lane(to_lane, &from[0], from_lane);
        to[1].copy_lane(to_lane, &from[1], from_lane);
    }

    #[inline(always)]
    fn gather(ifma: Ifma, points: [&Affine<Fq2>; 8]) -> [Self; 2] {
        macro_rules! half {
            ($half:literal) => {{
                // SAFETY: `Affine` is a `repr(C)` pair of `Fq2`, each a `repr(C)` pair of elements of four words.
                let rows = eight!(I => ifma.load(unsafe {
                    &(&*core::ptr::from_ref(points[I]).cast::<[[u64; 8]; 2]>())[$half]
                }));
                let [a, b, c, d, e, f, g, h] = transpose_8x8(rows);
                Self { c0: Lanes::from_words([a, b, c, d]), c1: Lanes::from_words([e, f, g, h]) }
            }};
        }
        [half!(0), half!(1)]
    }

    #[inline(always)]
    fn one(ifma: Ifma) -> Self {
        Self { c0: Lanes::one(ifma), c1: Lanes::zero(ifma) }
    }

    #[inline(always)]
    fn select(self, mask: u8, other: Self) -> Self {
        Self { c0: self.c0.select(mask, other.c0), c1: self.c1.select(mask, other.c1) }
    }

    #[inline(always)]
    fn wide(self) -> WideFq2 {
        WideFq2 { c0: self.c0.wide(), c1: self.c1.wide() }
    }

    // Four products, two reductions: Karatsuba's third product costs as much in carries as it saves.
    #[inline(always)]
    fn mul_lazy(self, b: Self) -> WideFq2 {
        let zero = Lanes::zero(b.c1.ifma()).wide();
        let minus_b1 = zero.sub(b.c1.wide()).add_p::<4>().carry();
        WideFq2 {
            c0: self.c0.mul_add_mul_lazy(b.c0, self.c1, minus_b1),
            c1: self.c0.mul_add_mul_lazy(b.c1, self.c1, b.c0),
        }
    }

    // (a + bu)² = (a + b)(a − b) + 2ab·u
    #[inline(always)]
    fn square_lazy(self) -> WideFq2 {
        let sum = self.c0.wide().add(self.c1.wide()).carry();
        let difference = self.c0.wide().sub(self.c1.wide()).add_p::<4>().carry();
        let twice = self.c0.wide().shl::<1>().carry();
        WideFq2 { c0: sum.mul_lazy(difference), c1: twice.mul_lazy(self.c1) }
    }

    // (a + bu)⁻¹ = (a − bu)/(a² + b²)
    #[inline(always)]
    fn invert_quarter(self) -> Option<Self> {
        let norm = self.c0.mul_add_mul_lazy(self.c0, self.c1, self.c1).carry();
        let inverse = invert(norm, QUARTER_SCALE)?;
        let c1 = self.c1.mul_lazy(inverse);
        let minus_c1 = Lanes::zero(inverse.ifma()).wide().sub(c1).add_p::<2>().carry();
        Some(Self { c0: self.c0.mul(inverse), c1: minus_c1 })
    }

    #[inline(always)]
    fn zero_lanes(self) -> u8 {
        self.c0.zero_lanes() & self.c1.zero_lanes()
    }

    #[inline(always)]
    fn negate_lanes(self, mask: u8) -> WideFq2 {
        WideFq2 { c0: self.c0.negate_lanes(mask), c1: self.c1.negate_lanes(mask) }
    }

    #[inline(always)]
    fn to_singles(self) -> [Fq2; 8] {
        let (c0, c1) = (Coordinate8::to_singles(self.c0), Coordinate8::to_singles(self.c1));
        core::array::from_fn(|i| Fq2::new(c0[i], c1[i]))
    }
}

// What `Coordinate8` relies on.
const _: () = assert!(LaneParams::<FqParams>::P[4] >> 45 == 1, "p has 254 bits");
