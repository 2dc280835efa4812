//! The few parallel patterns that kernels use, over rayon's current pool or, without feature `parallel`, in order.
//!
//! Chunks are fixed by the caller, never by the number of threads, so results do not depend on it.

use core::ops::Range;
#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Threads of the current pool.
pub fn num_threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "parallel"))]
    1
}

/// Runs both closures, possibly at the same time.
pub fn join<RA: Send, RB: Send>(a: impl FnOnce() -> RA + Send, b: impl FnOnce() -> RB + Send) -> (RA, RB) {
    #[cfg(feature = "parallel")]
    return rayon::join(a, b);
    #[cfg(not(feature = "parallel"))]
    (a(), b())
}

/// Sorts; equal elements may change places.
pub fn sort_unstable<T: Ord + Send>(data: &mut [T]) {
    #[cfg(feature = "parallel")]
    data.par_sort_unstable();
    #[cfg(not(feature = "parallel"))]
    data.sort_unstable();
}

/// `(0..n).map(f)`, results in order.
pub fn map_range<R: Send>(n: usize, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "parallel")]
    return (0..n).into_par_iter().map(f).collect();
    #[cfg(not(feature = "parallel"))]
    (0..n).map(f).collect()
}

/// As [`map_range`], with scratch space that `init` makes and consecutive calls share.
pub fn map_range_with<S, R: Send>(
    n: usize,
    init: impl Fn() -> S + Sync + Send,
    f: impl Fn(&mut S, usize) -> R + Sync + Send,
) -> Vec<R> {
    #[cfg(feature = "parallel")]
    return (0..n).into_par_iter().map_init(init, f).collect();
    #[cfg(not(feature = "parallel"))]
    {
        let mut scratch = init();
        (0..n).map(|i| f(&mut scratch, i)).collect()
    }
}

/// Calls `f(i)` for every i in 0..n.
pub fn for_each_index(n: usize, f: impl Fn(usize) + Sync + Send) {
    #[cfg(feature = "parallel")]
    (0..n).into_par_iter().for_each(f);
    #[cfg(not(feature = "parallel"))]
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
    data.par_chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| f(i * chunk_len, chunk));
    #[cfg(not(feature = "parallel"))]
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
    data.par_chunks_mut(chunk_len)
        .enumerate()
        .for_each_init(init, |scratch, (i, chunk)| f(scratch, i * chunk_len, chunk));
    #[cfg(not(feature = "parallel"))]
    {
        let mut scratch = init();
        data.chunks_mut(chunk_len).enumerate().for_each(|(i, chunk)| f(&mut scratch, i * chunk_len, chunk));
    }
}

/// Calls `f` on every item.
pub fn for_each_owned<T: Send>(items: Vec<T>, f: impl Fn(T) + Sync + Send) {
    #[cfg(feature = "parallel")]
    items.into_par_iter().for_each(f);
    #[cfg(not(feature = "parallel"))]
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
    return (0..n.div_ceil(chunk_len))
        .into_par_iter()
        .fold(init, |state, i| fold(state, range(i)))
        .reduce_with(merge);
    #[cfg(not(feature = "parallel"))]
    {
        let _ = merge;
        (n > 0).then(|| (0..n.div_ceil(chunk_len)).fold(init(), |state, i| fold(state, range(i))))
    }
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
