//! Maps over samples, on all threads that may take part.

use zkwatt_kernels::parallel;

pub(crate) fn map<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    parallel::map_range(items.len(), |i| f(&items[i]))
}
