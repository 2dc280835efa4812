//! Zero-copy views of other libraries' field elements and points.
//!
//! zkwatt holds F_r and F_q elements in Montgomery form with R = 2^256 and affine points as (x, y) with the identity
//! (0, 0). So do the libraries here; views are pointer casts. Their layout is asserted when this is compiled, and that
//! the bits mean the same is checked once at run time, by known values.

#[cfg(feature = "interop-ark")]
pub mod ark;
#[cfg(feature = "interop-halo2curves")]
pub mod halo2curves;

/// Slice casts between types of one layout.
#[cfg(any(feature = "interop-ark", feature = "interop-halo2curves"))]
macro_rules! views {
    ($($(#[$doc:meta])* $to:ident, $to_mut:ident, $back:ident, $value:ident, $value_back:ident: $theirs:ty => $ours:ty;)*) => {$(
        const _: () = assert!(
            size_of::<$theirs>() == size_of::<$ours>() && align_of::<$theirs>() == align_of::<$ours>()
        );

        $(#[$doc])*
        pub fn $to(values: &[$theirs]) -> &[$ours] {
            check();
            // SAFETY: equal size and alignment (asserted above), no padding, and `check` found the representation equal.
            unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
        }

        /// The same, mutable.
        pub fn $to_mut(values: &mut [$theirs]) -> &mut [$ours] {
            check();
            // SAFETY: as above; both types accept every value of the other.
            unsafe { core::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), values.len()) }
        }

        /// The view in the other direction.
        pub fn $back(values: &[$ours]) -> &[$theirs] {
            check();
            // SAFETY: as above.
            unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), values.len()) }
        }

        /// One value.
        pub fn $value(value: &$theirs) -> $ours {
            $to(core::slice::from_ref(value))[0]
        }

        /// One value, in the other direction.
        pub fn $value_back(value: &$ours) -> $theirs {
            $back(core::slice::from_ref(value))[0]
        }
    )*};
}
#[cfg(any(feature = "interop-ark", feature = "interop-halo2curves"))]
use views;

/// Calls `compare` once and panics if it says that the representation of the linked library is not what the layout
/// assertions assumed. This is the one deliberate panic of the library: it means that the build is broken (a changed
/// dependency), and every result would be wrong.
#[cfg(any(feature = "interop-ark", feature = "interop-halo2curves"))]
fn check_once(once: &std::sync::Once, library: &str, compare: impl FnOnce() -> bool) {
    once.call_once(|| {
        assert!(
            compare(),
            "zkwatt was built against a {library} with another representation of BN254 elements"
        );
    });
}
