//! Views of the same values under another form of the product.
//!
//! The form is a phantom parameter, so these casts change no bit. They are what lets one run-time check at a kernel's
//! entry select the form for everything below it.

use super::{Arith, Fp, Fp2, Plain};
use core::mem::{align_of, size_of};

/// A value whose representation does not depend on the form of the product.
///
/// # Safety
/// `Self` and `Self::On<A>` have the same layout, and every valid value of one is a valid value of the other.
pub unsafe trait OnArith: Copy + Send + Sync + 'static {
    /// The same value as seen by kernels of the form `A`.
    type On<A: Arith>: Copy + Send + Sync + 'static;
}

// SAFETY: `Fp` is transparent over its limbs; the form occurs in a `PhantomData` only.
unsafe impl<P: super::FieldParams> OnArith for Fp<P, Plain> {
    type On<A: Arith> = Fp<P, A>;
}

// SAFETY: `Fp2` is a `repr(C)` pair, and the implementation above holds for its halves.
unsafe impl<P: super::FieldParams> OnArith for Fp2<Fp<P, Plain>> {
    type On<A: Arith> = Fp2<Fp<P, A>>;
}

/// Compile-time half of the promise that [`OnArith`] makes.
const fn assert_same_layout<T: OnArith, A: Arith>() {
    assert!(size_of::<T>() == size_of::<T::On<A>>() && align_of::<T>() == align_of::<T::On<A>>());
}

/// The value under the form `A`.
#[inline(always)]
pub fn cast<T: OnArith, A: Arith>(value: T) -> T::On<A> {
    const { assert_same_layout::<T, A>() };
    // SAFETY: same layout and validity by the contract of `OnArith`.
    unsafe { core::mem::transmute_copy(&value) }
}

/// The value under the form `Plain` again.
#[inline(always)]
pub fn uncast<T: OnArith, A: Arith>(value: T::On<A>) -> T {
    const { assert_same_layout::<T, A>() };
    // SAFETY: same layout and validity by the contract of `OnArith`.
    unsafe { core::mem::transmute_copy(&value) }
}

/// The slice under the form `A`.
#[inline(always)]
pub fn cast_slice<T: OnArith, A: Arith>(slice: &[T]) -> &[T::On<A>] {
    const { assert_same_layout::<T, A>() };
    // SAFETY: same layout and validity by the contract of `OnArith`; same lifetime and length.
    unsafe { core::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) }
}

/// The mutable slice under the form `A`.
#[inline(always)]
pub fn cast_slice_mut<T: OnArith, A: Arith>(slice: &mut [T]) -> &mut [T::On<A>] {
    const { assert_same_layout::<T, A>() };
    // SAFETY: as for `cast_slice`; the borrow stays exclusive.
    unsafe { core::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) }
}

/// The limbs of elements in memory.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn words<P: super::FieldParams>(slice: &[Fp<P>]) -> &[[u64; 4]] {
    // SAFETY: `Fp` is transparent over its limbs; same lifetime and length.
    unsafe { core::slice::from_raw_parts(slice.as_ptr().cast(), slice.len()) }
}

/// As [`words`], to write limbs below p.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn words_mut<P: super::FieldParams>(slice: &mut [Fp<P>]) -> &mut [[u64; 4]] {
    // SAFETY: as for `words`; the borrow stays exclusive. Limbs at p or above break arithmetic, not memory.
    unsafe { core::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), slice.len()) }
}
