// Operations of a field one by one: what tests compare and what bench-field measures.

#include "include/fq2.cuh"

using namespace zkwatt;

template <class F>
__device__ __forceinline__ F from_bool(bool c) {
    return select(c, F::one(), F::zero());
}

template <class F>
__device__ __forceinline__ F operation(u32 which, const F& a, const F& b) {
    switch (which) {
    case 0: return a + b;
    case 1: return a - b;
    case 2: return -a;
    case 3: return dbl(a);
    case 4: return a * b;
    case 5: return sqr(a);
    case 6: return inverse(a);
    case 7: return from_bool<F>(is_zero(a));
    default: return from_bool<F>(a == b);
    }
}

// Parameters: threads, how often. The result of one round is the left operand of the next.
template <class F>
__device__ __forceinline__ void field_operation(const F* left, const F* right, F* results, const Params& params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    F a = load(left + i);
    const F b = load(right + i);
    for (u32 round = 0; round < params.words[1]; round++) a = operation(params.constants[0], a, b);
    store(results + i, a);
}

#define FIELD_OPERATION(suffix, F)                                                                  \
    extern "C" __global__ void __launch_bounds__(64) field_operation_##suffix(                      \
        const F* left, const F* right, F* results, const __grid_constant__ Params params) {         \
        field_operation(left, right, results, params);                                              \
    }
FIELD_OPERATION(fr, Fr)
FIELD_OPERATION(g1, Fq)
FIELD_OPERATION(g2, Fq2)
