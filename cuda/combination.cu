// Stage `linear_combination`: out_i <- sum of a_j*v_j[i] over up to six terms, to which another launch may add
// more.
//
// Words of the parameters: n, the number of terms, their lengths (what a shorter vector lacks is zero), their
// factors of eight words each, whether to add to `out`. One thread an element, no barriers.
//
// Up to three terms share a reduction, so six cost as much as four products. An element: 32 bytes for each term, 32
// or 64 for the sum.

#include "include/field.cuh"

using namespace zkwatt;

constexpr u32 LENGTHS = 2;
constexpr u32 FACTORS = 8;
constexpr u32 ADD_TO_OUT = 56;

// sum + the terms j..j + Terms at place i: below (1 + 0.19*Terms)*p before their one reduction.
template <u32 Terms>
__device__ __forceinline__ Fr with_terms(
    const Fr& sum, const Fr* const (&vectors)[3], u32 j, u32 i, const Params& params) {
    Fr factors[Terms], values[Terms];
#pragma unroll
    for (u32 k = 0; k < Terms; k++) {
        factors[k] = fe_param(params, FACTORS + 8 * (j + k));
        values[k] = i < params.words[LENGTHS + j + k] ? load_const(vectors[k] + i) : Fr::zero();
    }
    return sum + reduce_once(sum_of_products_lazy<Terms>(factors, values));
}

// Adds the terms j, j + 1, j + 2, as far as there are that many: their number is the same for all threads.
__device__ __forceinline__ Fr with_three(
    const Fr& sum, const Fr* const (&vectors)[3], u32 j, u32 i, const Params& params) {
    const u32 terms = params.words[1];
    if (terms > j + 2) return with_terms<3>(sum, vectors, j, i, params);
    if (terms > j + 1) return with_terms<2>(sum, vectors, j, i, params);
    if (terms > j) return with_terms<1>(sum, vectors, j, i, params);
    return sum;
}

extern "C" __global__ void __launch_bounds__(64) linear_combination_fr(
    Fr* out, const Fr* vector_0, const Fr* vector_1, const Fr* vector_2, const Fr* vector_3, const Fr* vector_4,
    const Fr* vector_5, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    Fr sum = params.words[ADD_TO_OUT] != 0 ? load(out + i) : Fr::zero();
    sum = with_three(sum, {vector_0, vector_1, vector_2}, 0, i, params);
    sum = with_three(sum, {vector_3, vector_4, vector_5}, 3, i, params);
    store(out + i, sum);
}
