// Σ (i + 1)·B_i over the N buckets of each row, N a power of two, in log2 N rounds in place.
//
// Σ i·T_i = Σ j·2·(T_2j + T_2j+1) + Σ T_2j+1: a round halves the trunk T, which starts as the buckets, and leaves its
// odd elements as a branch of which only the plain sum is wanted; earlier branches are halved along. After round l the
// trunk lies at multiples of 2^(l+1), branch t at 2^t and every 2^(l+1) from there on. In the end element 0 holds ΣB_i and
// element 2^t the branch O_t: the sum is ΣB_i + Σ 2^t·O_t. Cost: 2N additions, of which each round's depth is one.

#include "include/sum.cuh"

using namespace zkwatt;

namespace {

__device__ __forceinline__ u32 branch(u32 tree) {
    return tree == 0 ? 0 : 1u << (tree - 1);
}

// Params: threads, round, log2 N.
template <class F>
__device__ __forceinline__ void reduce(Xyzz<F>* buckets, const Params& params) {
    const u32 thread = thread_index();
    if (thread >= params.words[0]) return;
    const u32 round = params.words[1], log_n = params.words[2];
    const u32 log_pairs = log_n - round - 1;
    const u32 pair = thread & ((1u << log_pairs) - 1);
    const u32 tree = (thread >> log_pairs) % (round + 1);
    const u32 row = (thread >> log_pairs) / (round + 1);
    Xyzz<F>* const left = buckets + (row << log_n) + branch(tree) + (pair << (round + 1));
    add_in_place(left, left + (1u << round));
}

// points[row·(log2 N + 1) + t] <- element 0 and the branches of a row. Params: threads, log2 N.
template <class F>
__device__ __forceinline__ void window_points(const Xyzz<F>* buckets, Xyzz<F>* points, const Params& params) {
    const u32 thread = thread_index();
    if (thread >= params.words[0]) return;
    const u32 log_n = params.words[1];
    const u32 row = thread / (log_n + 1), tree = thread % (log_n + 1);
    store(points + thread, load(buckets + (row << log_n) + branch(tree)));
}

} // namespace

#define BUCKET_REDUCTION(suffix, F)                                                             \
    extern "C" __global__ void __launch_bounds__(128)                                           \
        msm_bucket_reduce_##suffix(Xyzz<F>* buckets, const __grid_constant__ Params params) {   \
        reduce<F>(buckets, params);                                                             \
    }                                                                                           \
    extern "C" __global__ void __launch_bounds__(64) msm_window_points_##suffix(                \
        const Xyzz<F>* buckets, Xyzz<F>* points, const __grid_constant__ Params params) {       \
        window_points<F>(buckets, points, params);                                              \
    }
BUCKET_REDUCTION(g1, Fq)
BUCKET_REDUCTION(g2, Fq2)
