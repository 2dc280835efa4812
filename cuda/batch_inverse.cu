// Stage `batch_inverse`: v_i <- 1/v_i, zeros stay zero; Montgomery's trick in levels.
//
// Thread t owns the elements t, t + T, t + 2T, ... below n, T = word 0, n = word 1: neighbouring threads touch
// neighbouring elements, and none touches another's. No barriers. The products of the threads' elements are the n
// of the next level. Zeros count as one in all products.
//
// An element and level: three products; 64 bytes by `_products` and 96 by `_back`, twice that in F_q².

#include "include/fq2.cuh"

using namespace zkwatt;

template <class F>
__device__ __forceinline__ F or_one(F value) {
    return select(is_zero(value), F::one(), value);
}

// before_i <- product of the thread's elements before v_i; totals_t <- product of all of them.
template <class F>
__device__ __forceinline__ void multiply_up(const F* values, F* before, F* totals, const Params& params) {
    const u32 t = thread_index();
    const u32 stride = params.words[0];
    if (t >= stride) return;
    F product = or_one(load_const(values + t));
    for (u32 i = t + stride; i < params.words[1]; i += stride) {
        const F value = load_const(values + i);
        store(before + i, product);
        product = product * or_one(value);
    }
    store(totals + t, product);
}

// v_i <- 1/v_i from the last of the thread's elements to the first; totals_t is the inverse of their product.
template <class F>
__device__ __forceinline__ void go_back(F* values, const F* before, const F* totals, const Params& params) {
    const u32 t = thread_index();
    const u32 stride = params.words[0];
    if (t >= stride) return;
    F inverse = load_const(totals + t);
    for (u32 i = t + (params.words[1] - 1 - t) / stride * stride; i > t; i -= stride) {
        const F value = load(values + i);
        if (is_zero(value)) continue;
        store(values + i, inverse * load_const(before + i));
        inverse = inverse * value;
    }
    if (!is_zero(load(values + t))) store(values + t, inverse);
}

// v_i <- 1/v_i, each on its own: the few products of the last level. Word 0: elements.
template <class F>
__device__ __forceinline__ void invert_each(F* values, const Params& params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(values + i, inverse(load(values + i)));
}

#define BATCH_INVERSE_STAGES(suffix, F)                                                       \
    extern "C" __global__ void __launch_bounds__(64) batch_inverse_products_##suffix(         \
        const F* values, F* before, F* totals, const __grid_constant__ Params params) {       \
        multiply_up(values, before, totals, params);                                          \
    }                                                                                         \
    extern "C" __global__ void __launch_bounds__(64) batch_inverse_back_##suffix(             \
        F* values, const F* before, const F* totals, const __grid_constant__ Params params) { \
        go_back(values, before, totals, params);                                              \
    }                                                                                         \
    extern "C" __global__ void __launch_bounds__(16)                                          \
        batch_inverse_direct_##suffix(F* values, const __grid_constant__ Params params) {     \
        invert_each(values, params);                                                          \
    }

BATCH_INVERSE_STAGES(fr, Fr)
BATCH_INVERSE_STAGES(g1, Fq)
BATCH_INVERSE_STAGES(g2, Fq2)
