// What depends on the bits of an element, for tests.

#include "include/field.cuh"

using namespace zkwatt;

// Parameters: threads; elements from words 4 and 12 on.
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
    case 2: store(results + i, select(less(a, b), Fp<P>::one(), Fp<P>::zero())); break;
    default: store(results + i, first + second); break;
    }
}

#define FIELD_REPRESENTATION(suffix, F)                                                             \
    extern "C" __global__ void __launch_bounds__(64) field_representation_##suffix(                 \
        const F* left, const F* right, F* results, const __grid_constant__ Params params) {         \
        field_representation(left, right, results, params);                                         \
    }
FIELD_REPRESENTATION(fr, Fr)
FIELD_REPRESENTATION(g1, Fq)
