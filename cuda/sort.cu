// Stable sort of a column by canonical integer: blocks by rank in shared memory, then passes that merge pairs of
// runs. An element's new place is its place in its own run and the number of elements before it in the other run,
// which a binary search finds: no padding, and equal keys keep the order of their rows.
//
// A merge pass: log2(run) comparisons and 72 bytes moved an element; the searches of neighbours read the same keys.

#include "include/field.cuh"

using namespace zkwatt;

constexpr u32 BLOCK = 64;

// One thread an element, no barriers. Words: elements of this part of the column, its first row.
extern "C" __global__ void __launch_bounds__(64)
    sort_keys_fr(const Fr* column, Fr* column_keys, u32* column_rows, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(column_keys + i, to_canonical(load_const(column + i)));
    column_rows[i] = params.words[1] + i;
}

// disorder[0] is set if a key is less than the one before it. Word 0: elements. Threads without a pair stay for the
// vote, so that a block sends one atomic however many pairs are out of order.
extern "C" __global__ void __launch_bounds__(64)
    sort_check_fr(const Fr* keys, u32* disorder, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    const bool falls = i > 0 && i < params.words[0] && less(load_const(keys + i), load_const(keys + i - 1));
    if (__syncthreads_or(falls) != 0 && threadIdx.x == 0) atomicOr(disorder, 1u);
}

// Whether a goes before b: a < b, or a <= b if `ties` is 1. One chain of borrows: a - b - ties.
__device__ __forceinline__ bool goes_before(const Fr& a, const Fr& b, u32 ties) {
    sub_cc(0, ties);
#pragma unroll
    for (int k = 0; k < 8; k++) subc_cc(a.limbs[k], b.limbs[k]);
    return subc(0, 0) != 0;
}

// Sorts each block of BLOCK elements. Word 0: elements. Threads beyond them stay until the barrier; after it the
// keys in shared memory are only read. All lanes read the same key at a time: a broadcast.
extern "C" __global__ void __launch_bounds__(BLOCK) sort_blocks_fr(
    const Fr* keys, const u32* rows, Fr* sorted_keys, u32* sorted_rows, const __grid_constant__ Params params) {
    __shared__ Fr block[BLOCK];
    const u32 n = params.words[0];
    const u32 i = thread_index();
    Fr own = Fr::zero();
    if (i < n) {
        own = load_const(keys + i);
        block[threadIdx.x] = own;
    }
    __syncthreads();
    if (i >= n) return;
    const u32 first = i - threadIdx.x;
    const u32 len = min(BLOCK, n - first);
    u32 rank = 0;
    u32 j = 0;
    do {
        // Of equal keys the earlier one comes first.
        rank += goes_before(block[j], own, j < threadIdx.x);
    } while (++j < len);
    store(sorted_keys + first + rank, own);
    sorted_rows[first + rank] = rows[i];
}

// Merges runs of word 1 elements, two by two. One thread an element, no barriers. Words: elements, length of a run.
extern "C" __global__ void __launch_bounds__(64) sort_merge_fr(
    const Fr* keys, const u32* rows, Fr* sorted_keys, u32* sorted_rows, const __grid_constant__ Params params) {
    const u32 n = params.words[0];
    const u32 run = params.words[1];
    const u32 i = thread_index();
    if (i >= n) return;
    const Fr own = load_const(keys + i);
    const u32 own_run = i / run;
    const bool is_left = own_run % 2 == 0;
    // The other run; empty if the last one has none beside it.
    u32 low = min((is_left ? own_run + 1 : own_run - 1) * run, n);
    // Without overflow: a run is at most n.
    u32 high = low + min(run, n - low);
    const u32 start = low;
    // Elements of the left run come before equal ones of the right run.
    while (low < high) {
        const u32 middle = low + (high - low) / 2;
        if (goes_before(load_const(keys + middle), own, !is_left)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const u32 place = (is_left ? i : i - run) + (low - start);
    store(sorted_keys + place, own);
    sorted_rows[place] = rows[i];
}
