//! The few parallel patterns that kernels use, over rayon's current pool; in order without feature `parallel`, and within [`alone`].
//!
//! Chunks are fixed by the caller, never by the number of threads, so results do not depend on it.

use core::ops::Range;
#[cfg(feature = "parallel")]
use rayon::prelude::*;

#[cfg(feature = "parallel")]
thread_local! {
    static ALONE: core::cell::Cell<bool> = const { core::cell::Cell::new(false) };
}

/// Runs `f`, and every pattern below that it uses, on the calling thread. Rayon's own calls know nothing of it: `f` must not
/// make any.
///
/// For work that is shorter than it takes to wake another thread.
pub fn alone<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(feature = "parallel")]
    {
        /// Puts back what was, even if `f` panics.
        struct Restore(bool);
        impl Drop for Restore {
            fn drop(&mut self) {
                ALONE.set(self.0);
            }
        }
        let _restore = Restore(ALONE.replace(true));
        f()
    }
    #[cfg(not(feature = "parallel"))]
    f()
}

/// Whether other threads may take part.
#[cfg(feature = "parallel")]
fn together() -> bool {
    !ALONE.get()
}

/// Threads that take part: those of the current pool, or one.
pub fn num_threads() -> usize {
    #[cfg(feature = "parallel")]
    if together() {
        return rayon::current_num_threads();
    }
    1
}

/// Runs both closures, possibly at the same time.
pub fn join<RA: Send, RB: Send>(a: impl FnOnce() -> RA + Send, b: impl FnOnce() -> RB + Send) -> (RA, RB) {
    #[cfg(feature = "parallel")]
    if together() {
        return rayon::join(a, b);
    }
    (a(), b())
}

/// Sorts; equal elements may change places.
pub fn sort_unstable<T: Ord + Send>(data: &mut [T]) {
    #[cfg(feature = "parallel")]
    if together() {
        return data.par_sort_unstable();
    }
    data.sort_unstable();
}

/// `(0..n).map(f)`, results in order.
pub fn map_range<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if together() {
        return (0..n).into_par_iter().map(f).collect();
    }
    (0..n).map(f).collect()
}

/// As [`map_range`], with scratch space that `init` makes and consecutive calls share.
pub fn map_range_with<S, R: Send>(
    n: usize,
    init: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, usize) -> R + Sync + Send,
) -> Vec<R> {
    #[cfg(feature = "parallel")]
    if together() {
        return (0..n).into_par_iter().map_init(init, f).collect();
    }
    let mut scratch = init();
    (0..n).map(|i| f(&mut scratch, i)).collect()
}

/// Calls `f(i)` for every i in 0..n.
pub fn for_each_index(n: usize, f: impl Fn(usize) + Sync + Send) {
    #[cfg(feature = "parallel")]
    if together() {
        return (0..n).into_par_iter().for_each(f);
    }
    (0..n).for_each(f);
}

/// Calls `f(index of the first element, chunk)` for consecutive chunks of `chunk_len` elements.
pub fn for_each_chunk_mut<T: Send>(
    data: &mut [T],
    chunk_len: usize,
    f: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let chunk_len = chunk_len.max(1);
    #[cfg(feature = "parallel")]
    if together() {
        return data.par_chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| f(i * chunk_len, chunk));
    }
    data.chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| f(i * chunk_len, chunk));
}

/// As [`for_each_chunk_mut`], with scratch space that `init` makes and consecutive calls share.
pub fn for_each_chunk_mut_with<S, T: Send>(
    data: &mut [T],
    chunk_len: usize,
    init: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, usize, &mut [T]) + Sync + Send,
) {
    let chunk_len = chunk_len.max(1);
    #[cfg(feature = "parallel")]
    if together() {
        return data
            .par_chunks_mut(chunk_len)
            .enumerate()
            .for_each_init(init, |scratch, (i, chunk)| f(scratch, i * chunk_len, chunk));
    }
    let mut scratch = init();
    data.chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| f(&mut scratch, i * chunk_len, chunk));
}

/// Calls `f` on every item.
pub fn for_each_owned<T: Send>(items: Vec<T>, f: impl Fn(T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    if together() {
        return items.into_par_iter().for_each(f);
    }
    items.into_iter().for_each(f);
}

/// Folds the ranges of `chunk_len` elements that cover 0..n: `fold` takes the next range in order, `merge` what came of
/// earlier and later ranges. There are about as many states as threads, and `None` for n = 0.
pub fn fold_chunks<S: Send>(
    n: usize,
    chunk_len: usize,
    init: impl Fn() -> S + Sync + Send,
    fold: impl Fn(S, Range<usize>) -> S + Sync + Send,
    merge: impl Fn(S, S) -> S + Sync + Send,
) -> Option<S> {
    let chunk_len = chunk_len.max(1);
    let range = |i: usize| i * chunk_len..((i + 1) * chunk_len).min(n);
    #[cfg(feature = "parallel")]
    if together() {
        return (0..n.div_ceil(chunk_len))
            .into_par_iter()
            .fold(init, |state, i| fold(state, range(i)))
            .reduce_with(merge);
    }
    let _ = merge;
    (n > 0).then(|| (0..n.div_ceil(chunk_len)).fold(init(), |state, i| fold(state, range(i))))
}

/// The ranges of `chunk_len` elements that cover 0..n, in order, through `f`.
pub fn map_chunks<R: Send>(
    n: usize,
    chunk_len: usize,
    f: impl Fn(Range<usize>) -> R + Sync + Send,
) -> Vec<R> {
    let chunk_len = chunk_len.max(1);
    map_range(n.div_ceil(chunk_len), |i| f(i * chunk_len..((i + 1) * chunk_len).min(n)))
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;
    use std::thread::{ThreadId, current};
    use std::time::Duration;

    /// The threads on which the patterns call what they are given.
    fn threads() -> HashSet<ThreadId> {
        let seen = Mutex::new(HashSet::new());
        let see = || {
            seen.lock().unwrap().insert(current().id());
            std::thread::sleep(Duration::from_micros(200));
        };
        let mut data = [0u8; 64];
        join(see, see);
        map_range(64, |_| see());
        map_range_with(64, || (), |(), _| see());
        map_chunks(64, 1, |_| see());
        for_each_index(64, |_| see());
        for_each_chunk_mut(&mut data, 1, |_, _| see());
        for_each_chunk_mut_with(&mut data, 1, || (), |(), _, _| see());
        for_each_owned(vec![(); 64], |()| see());
        fold_chunks(64, 1, || (), |(), _| see(), |(), ()| ());
        seen.into_inner().unwrap()
    }

    #[test]
    fn alone_is_one_thread() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        pool.install(|| {
            let here = HashSet::from([current().id()]);
            assert_eq!(alone(|| (num_threads(), threads())), (1, here.clone()));
            assert_eq!(alone(|| alone(|| 7)), 7);
            assert_eq!(num_threads(), 3);
            assert!(threads().len() > 1);
            // A panic ends it, too.
            assert!(catch_unwind(AssertUnwindSafe(|| alone(|| panic!("on purpose")))).is_err());
            assert_eq!(num_threads(), 3);
        });
        assert!(
            alone(|| fold_chunks(10, 3, Vec::new, |v, r| [v, vec![r]].concat(), |a, b| [a, b].concat()))
                .is_some_and(|ranges| ranges == [0..3, 3..6, 6..9, 9..10])
        );
    }
}
