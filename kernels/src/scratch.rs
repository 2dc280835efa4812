//! Scratch memory that a thread keeps from one call to the next.
//!
//! What an allocator returns to the system comes back as pages that are missing: 55 of them take as long as the sum of 2^12
//! small scalars that needs them.

use core::any::{Any, TypeId};
use core::ops::{Deref, DerefMut};
use std::cell::RefCell;

/// Bytes that a thread keeps, at most.
const MAX_BYTES: usize = 2 << 20;

/// Smaller vectors are the allocator's: they are not worth a search.
const MIN_BYTES: usize = 4 << 10;

#[derive(Default)]
struct Kept {
    /// With their bytes; the last one was kept last.
    vectors: Vec<(TypeId, usize, Box<dyn Any>)>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

/// A vector that goes to the thread that drops it, for later ones of this type.
///
/// A new one may hold what an earlier one did, of whatever length.
#[derive(Debug)]
pub(crate) struct Scratch<T: 'static>(Vec<T>);

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self::with_room(0)
    }
}

impl<T> Scratch<T> {
    /// One with room for `n` elements.
    pub(crate) fn with_room(n: usize) -> Self {
        let fits = |(of, _, vector): &(TypeId, usize, Box<dyn Any>)| {
            *of == TypeId::of::<T>()
                && vector.downcast_ref::<Vec<T>>().is_some_and(|vector| vector.capacity() >= n)
        };
        let kept = KEPT.try_with(|kept| {
            let mut kept = kept.try_borrow_mut().ok()?;
            let at = kept.vectors.iter().rposition(fits)?;
            let (_, bytes, vector) = kept.vectors.remove(at);
            kept.bytes -= bytes;
            Some(*vector.downcast::<Vec<T>>().ok()?)
        });
        // Chunks of a call differ a little in size.
        Self(kept.ok().flatten().unwrap_or_else(|| Vec::with_capacity(n + n / 8)))
    }

    /// None yet: to be replaced.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// An empty one with room for `n` elements.
    pub(crate) fn empty(n: usize) -> Self {
        let mut new = Self::with_room(n);
        new.clear();
        new
    }
}

impl<T: Copy> Scratch<T> {
    /// `n` times the value.
    pub(crate) fn filled(n: usize, value: T) -> Self {
        let mut new = Self::empty(n);
        new.resize(n, value);
        new
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let vector = core::mem::take(&mut self.0);
        let bytes = vector.capacity() * size_of::<T>();
        if !(MIN_BYTES..=MAX_BYTES).contains(&bytes) {
            return;
        }
        // A thread that ends keeps nothing.
        let _ = KEPT.try_with(|kept| {
            if let Ok(mut kept) = kept.try_borrow_mut() {
                kept.bytes += bytes;
                kept.vectors.push((TypeId::of::<T>(), bytes, Box::new(vector)));
                // Those that nobody wanted for longest go.
                while kept.bytes > MAX_BYTES {
                    kept.bytes -= kept.vectors.remove(0).1;
                }
            }
        });
    }
}

impl<T> Deref for Scratch<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> usize {
        KEPT.with(|kept| kept.borrow().bytes)
    }

    #[test]
    fn memory_comes_back_to_its_type() {
        let mut first = Scratch::<u32>::default();
        first.resize(2000, 7);
        let at = first.as_ptr();
        drop(first);
        assert!(kept() >= 8000);
        assert!(Scratch::<i32>::default().is_empty());
        let again = Scratch::<u32>::default();
        assert_eq!((again.as_ptr(), again.len(), kept()), (at, 2000, 0));
        let other = Scratch::<u32>::default();
        assert!(other.is_empty());
        drop(again);
        assert_eq!(*Scratch::filled(3, 9u32), [9; 3]);
        drop(Scratch::filled(10, 0u8));
        assert!(Scratch::<u8>::default().is_empty());
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        drop(Scratch::filled(MAX_BYTES + 1, 0u8));
        assert_eq!(kept(), 0);
        // The oldest goes.
        drop(Scratch::filled(10_000, 0u16));
        let parts = [(); 5].map(|()| Scratch::filled(MAX_BYTES / 5, 0u8));
        drop(parts);
        assert!(kept() <= MAX_BYTES && kept() >= MAX_BYTES / 2);
        assert!(Scratch::<u16>::default().is_empty());
    }

    #[test]
    fn room_is_found() {
        drop([Scratch::filled(1000, 0u64), Scratch::filled(10_000, 1u64), Scratch::filled(1000, 2u64)]);
        assert_eq!(Scratch::<u64>::with_room(5000)[0], 1);
        assert!(Scratch::<u64>::with_room(50_000).is_empty());
    }
}
