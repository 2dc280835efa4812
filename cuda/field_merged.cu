// Sums of two products with one reduction, for tests.

#include "include/fq2.cuh"

using namespace zkwatt;

// left[i]·right[i] ± left[j]·right[j] for j = i + offset, around. Parameters: threads, offset; constant: 0 to add.
template <class F>
__device__ __forceinline__ void field_merged(const F* left, const F* right, F* results, const Params& params) {
    const u32 i = thread_index();
    const u32 n = params.words[0];
    if (i >= n) return;
    const u32 j = (i + params.words[1]) % n;
    const F a = load(left + i), b = load(right + i), c = load(left + j), d = load(right + j);
    if (params.constants[0] == 0) {
        store(results + i, mul_add(a, b, c, d));
    } else {
        store(results + i, mul_sub(a, b, c, d));
    }
}

#define FIELD_MERGED(suffix, F)                                                             \
    extern "C" __global__ void __launch_bounds__(64) field_merged_##suffix(                 \
        const F* left, const F* right, F* results, const __grid_constant__ Params params) { \
        field_merged(left, right, results, params);                                         \
    }
FIELD_MERGED(fr, Fr)
FIELD_MERGED(g1, Fq)
FIELD_MERGED(g2, Fq2)
