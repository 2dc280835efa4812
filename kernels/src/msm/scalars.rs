//! Scalars of an MSM in the widths in which they occur.

use crate::field::{Arith, Field, FieldParams, Fr, FrParams, cast, sub_raw};

/// Scalars of an MSM: field elements, or signed integers of a fixed width.
///
/// Integers are multiplied as integers: −3 stands for r − 3. Small and zero scalars are cheap in every variant; the
/// narrow ones also save the memory and the conversion from Montgomery form.
#[derive(Copy, Clone, Debug)]
pub enum Scalars<'a> {
    /// Full-width scalars, Montgomery form.
    Field(&'a [Fr]),
    /// Signed 8-bit integers.
    I8(&'a [i8]),
    /// Signed 16-bit integers.
    I16(&'a [i16]),
    /// Signed 32-bit integers.
    I32(&'a [i32]),
    /// Signed 64-bit integers.
    I64(&'a [i64]),
    /// Signed 128-bit integers.
    I128(&'a [i128]),
}

/// (sign, |k|) with |k| ≤ (r − 1)/2: the form that digits are taken from.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedMagnitude {
    pub(crate) negative: bool,
    pub(crate) magnitude: [u64; 4],
}

impl Scalars<'_> {
    /// Number of scalars.
    pub fn len(&self) -> usize {
        match self {
            Self::Field(s) => s.len(),
            Self::I8(s) => s.len(),
            Self::I16(s) => s.len(),
            Self::I32(s) => s.len(),
            Self::I64(s) => s.len(),
            Self::I128(s) => s.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The scalars with indices in `range`.
    pub fn slice(&self, range: core::ops::Range<usize>) -> Self {
        match *self {
            Self::Field(s) => Self::Field(&s[range]),
            Self::I8(s) => Self::I8(&s[range]),
            Self::I16(s) => Self::I16(&s[range]),
            Self::I32(s) => Self::I32(&s[range]),
            Self::I64(s) => Self::I64(&s[range]),
            Self::I128(s) => Self::I128(&s[range]),
        }
    }

    /// Calls `f(i, start, scalar)` with scalar `start + i` for every non-zero scalar of start..end.
    #[inline(always)]
    pub(crate) fn for_each_magnitude<A: Arith>(
        &self,
        range: core::ops::Range<usize>,
        mut f: impl FnMut(usize, usize, SignedMagnitude),
    ) {
        let start = range.start;
        macro_rules! each {
            ($scalars:expr, $zero:expr, $magnitude:expr) => {
                for (i, scalar) in $scalars[range].iter().enumerate() {
                    if *scalar != $zero {
                        f(i, start, $magnitude(scalar));
                    }
                }
            };
        }
        match self {
            Self::Field(s) => each!(s, Fr::ZERO, field_magnitude::<A>),
            Self::I8(s) => each!(s, 0, |v: &i8| integer_magnitude((*v).into())),
            Self::I16(s) => each!(s, 0, |v: &i16| integer_magnitude((*v).into())),
            Self::I32(s) => each!(s, 0, |v: &i32| integer_magnitude((*v).into())),
            Self::I64(s) => each!(s, 0, |v: &i64| integer_magnitude((*v).into())),
            Self::I128(s) => each!(s, 0, |v: &i128| integer_magnitude(*v)),
        }
    }

    /// Scalar `i` as sign and magnitude.
    #[inline(always)]
    pub(crate) fn signed_magnitude<A: Arith>(&self, i: usize) -> SignedMagnitude {
        match self {
            Self::Field(s) => field_magnitude::<A>(&s[i]),
            Self::I8(s) => integer_magnitude(s[i].into()),
            Self::I16(s) => integer_magnitude(s[i].into()),
            Self::I32(s) => integer_magnitude(s[i].into()),
            Self::I64(s) => integer_magnitude(s[i].into()),
            Self::I128(s) => integer_magnitude(s[i]),
        }
    }
}

#[inline(always)]
fn integer_magnitude(value: i128) -> SignedMagnitude {
    let magnitude = value.unsigned_abs();
    SignedMagnitude { negative: value < 0, magnitude: [magnitude as u64, (magnitude >> 64) as u64, 0, 0] }
}

/// The smaller of k and r − k for k ≠ 0: halves the range, and makes small negative scalars small.
#[inline(always)]
fn field_magnitude<A: Arith>(value: &Fr) -> SignedMagnitude {
    let positive = cast::<Fr, A>(*value).to_canonical();
    let (opposite, _) = sub_raw(FrParams::MODULUS, positive);
    // k > r − k: there is no tie, r is odd.
    let negative = sub_raw(opposite, positive).1;
    let magnitude =
        core::array::from_fn(|i| core::hint::select_unpredictable(negative, opposite[i], positive[i]));
    SignedMagnitude { negative, magnitude }
}
