// Tables of bases: level l + 1 is 2^c times level l. Between the two stages the ZZZ are inverted, all together.

#include "include/curve.cuh"

using namespace zkwatt;

namespace {

// doubled[i] <- 2^doublings·points[i], zzz[i] <- its ZZZ. Params: threads, doublings.
template <class F>
__device__ __forceinline__ void table_double(const Affine<F>* points, Xyzz<F>* doubled, F* zzz, const Params& params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    Xyzz<F> point = from_affine(load(points + i));
#pragma unroll 1
    for (u32 k = 0; k < params.words[1]; k++) point = dbl(point);
    store(doubled + i, point);
    store(zzz + i, point.zzz);
}

// points[i] <- doubled[i] in affine form; inverses[i] is 1/ZZZ, zero for the identity. 1/Z = ZZ/ZZZ.
// Params: threads.
template <class F>
__device__ __forceinline__ void table_affine(const Xyzz<F>* doubled, const F* inverses, Affine<F>* points,
                                             const Params& params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const Xyzz<F> point = load(doubled + i);
    const F inverse = load(inverses + i);
    store(points + i, {point.x * sqr(point.zz * inverse), point.y * inverse});
}

} // namespace

#define TABLES(suffix, F)                                                                                  \
    extern "C" __global__ void __launch_bounds__(128) msm_table_double_##suffix(                           \
        const Affine<F>* points, Xyzz<F>* doubled, F* zzz, const __grid_constant__ Params params) {        \
        table_double<F>(points, doubled, zzz, params);                                                     \
    }                                                                                                      \
    extern "C" __global__ void __launch_bounds__(128) msm_table_affine_##suffix(                           \
        const Xyzz<F>* doubled, const F* inverses, Affine<F>* points, const __grid_constant__ Params params) { \
        table_affine<F>(doubled, inverses, points, params);                                                \
    }
TABLES(g1, Fq)
TABLES(g2, Fq2)
