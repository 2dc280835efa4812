// Kernels that only tools/sass-report reads: an operation is what two of them cost more than one.

#include "include/curve.cuh"

using namespace zkwatt;

template <int Count, class F, class Operation>
__device__ __forceinline__ void repeat(const F* left, const F* right, F* results, Operation operation) {
    const u32 i = thread_index();
    F a = load(left + i);
    const F b = load(right + i);
#pragma unroll
    for (int k = 0; k < Count; k++) a = operation(a, b);
    store(results + i, a);
}

#define COST_OF_COUNT(name, count, F, expression)                                                          \
    extern "C" __global__ void __launch_bounds__(128)                                                      \
        cost_##name##_##count(const F* left, const F* right, F* results) {                                 \
        repeat<count>(left, right, results, [](const F& a, const F& b) { return expression; });            \
    }
#define COST(name, F, expression)              \
    COST_OF_COUNT(name, 1, F, expression)      \
    COST_OF_COUNT(name, 2, F, expression)

COST(add_fr, Fr, a + b)
COST(subtract_fr, Fr, a - b)
COST(multiply_fr, Fr, a * b)
COST(multiply_lazy_fr, Fr, mul_lazy(a, b))
COST(square_fr, Fr, sqr(a))
COST(multiply_fq, Fq, a * b)
COST(multiply_lazy_fq, Fq, mul_lazy(a, b))
COST(square_fq, Fq, sqr(a))
COST(multiply_add_fq, Fq, mul_add(a, b, b, b))
COST(multiply_fq2, Fq2, a * b)
COST(square_fq2, Fq2, sqr(a))

template <int Count, class F>
__device__ __forceinline__ void add_points(const Xyzz<F>* left, const Affine<F>* right, Xyzz<F>* results) {
    const u32 i = thread_index();
    Xyzz<F> sum = load(left + i);
#pragma unroll
    for (int k = 0; k < Count; k++) sum = add_mixed(sum, load_const(right + Count * i + k));
    store(results + i, sum);
}

#define COST_OF_POINTS(suffix, count, F)                                                            \
    extern "C" __global__ void __launch_bounds__(128)                                               \
        cost_add_mixed_##suffix##_##count(const Xyzz<F>* left, const Affine<F>* right, Xyzz<F>* results) { \
        add_points<count>(left, right, results);                                                    \
    }
COST_OF_POINTS(g1, 1, Fq)
COST_OF_POINTS(g1, 2, Fq)
