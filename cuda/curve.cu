// Operations on points one by one, for tests.

#include "include/curve.cuh"

using namespace zkwatt;

// results[i] = left[i] + right[i], as XYZZ. Parameters: threads.
template <class F>
__device__ __forceinline__ void point_add_mixed(const Xyzz<F>* left, const Affine<F>* right, Xyzz<F>* results,
                                                const Params& params) {
    const u32 i = thread_index();
    if (i < params.words[0]) store(results + i, add_mixed(load(left + i), load(right + i)));
}

// results[i] = left[i] + right[i]. Parameters: threads.
template <class F>
__device__ __forceinline__ void point_add(const Xyzz<F>* left, const Xyzz<F>* right, Xyzz<F>* results,
                                          const Params& params) {
    const u32 i = thread_index();
    if (i < params.words[0]) store(results + i, add(load(left + i), load(right + i)));
}

// results[i] = 2·points[i]. Parameters: threads.
template <class F>
__device__ __forceinline__ void point_double(const Xyzz<F>* points, Xyzz<F>* results, const Params& params) {
    const u32 i = thread_index();
    if (i < params.words[0]) store(results + i, dbl(load(points + i)));
}

#define POINT_OPERATIONS(suffix, F)                                                                     \
    extern "C" __global__ void __launch_bounds__(64) point_add_mixed_##suffix(                          \
        const Xyzz<F>* left, const Affine<F>* right, Xyzz<F>* results, const __grid_constant__ Params params) { \
        point_add_mixed(left, right, results, params);                                                  \
    }                                                                                                   \
    extern "C" __global__ void __launch_bounds__(64) point_add_##suffix(                                \
        const Xyzz<F>* left, const Xyzz<F>* right, Xyzz<F>* results, const __grid_constant__ Params params) { \
        point_add(left, right, results, params);                                                        \
    }                                                                                                   \
    extern "C" __global__ void __launch_bounds__(64) point_double_##suffix(                             \
        const Xyzz<F>* points, Xyzz<F>* results, const __grid_constant__ Params params) {               \
        point_double(points, results, params);                                                          \
    }
POINT_OPERATIONS(g1, Fq)
POINT_OPERATIONS(g2, Fq2)
