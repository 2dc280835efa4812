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

// What depends on the bits of an element. Parameters: threads; elements from words 4 and 12 on.
template <class P>
__device__ __forceinline__ void field_representation(const Fp<P>* left, const Fp<P>* right, Fp<P>* results,
                                                     const Params& params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const Fp<P> a = load(left + i);
    const Fp<P> b = load(right + i);
    Fp<P> first, second;
#pragma unroll
    for (int k = 0; k < 8; k++) {
        first.limbs[k] = params.words[4 + k];
        second.limbs[k] = params.words[12 + k];
    }
    switch (params.constants[0]) {
    case 0: store(results + i, to_canonical(a)); break;
    case 1: store(results + i, from_canonical(a)); break;
    case 2: store(results + i, from_bool<Fp<P>>(less(a, b))); break;
    default: store(results + i, first + second); break;
    }
}

#define FIELD_OPERATION(suffix, F)                                                                  \
    extern "C" __global__ void __launch_bounds__(64) field_operation_##suffix(                      \
        const F* left, const F* right, F* results, const __grid_constant__ Params params) {         \
        field_operation(left, right, results, params);                                              \
    }
FIELD_OPERATION(fr, Fr)
FIELD_OPERATION(g1, Fq)
FIELD_OPERATION(g2, Fq2)

#define FIELD_REPRESENTATION(suffix, F)                                                             \
    extern "C" __global__ void __launch_bounds__(64) field_representation_##suffix(                 \
        const F* left, const F* right, F* results, const __grid_constant__ Params params) {         \
        field_representation(left, right, results, params);                                         \
    }
FIELD_REPRESENTATION(fr, Fr)
FIELD_REPRESENTATION(g1, Fq)
