// Element-wise stages over scalars: one thread an element, guarded by word 0, the elements; words 8.. are a factor.
// No barriers, no memory that threads share.
//
// An element: 96 bytes moved, 64 by `vector_scale`; one product, none in sums and differences.

#include "include/field.cuh"

using namespace zkwatt;

// a_i <- a_i + b_i
extern "C" __global__ void __launch_bounds__(64)
    vector_add_assign_fr(Fr* left, const Fr* right, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(left + i, load(left + i) + load_const(right + i));
}

// a_i <- a_i - b_i
extern "C" __global__ void __launch_bounds__(64)
    vector_sub_assign_fr(Fr* left, const Fr* right, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(left + i, load(left + i) - load_const(right + i));
}

// a_i <- a_i*b_i
extern "C" __global__ void __launch_bounds__(64)
    vector_mul_assign_fr(Fr* left, const Fr* right, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(left + i, load(left + i) * load_const(right + i));
}

// y_i <- y_i + a*x_i
extern "C" __global__ void __launch_bounds__(64)
    vector_axpy_fr(Fr* left, const Fr* right, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(left + i, load(left + i) + fe_param(params, 8) * load_const(right + i));
}

// a_i <- c*a_i
extern "C" __global__ void __launch_bounds__(64)
    vector_scale_fr(Fr* left, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(left + i, fe_param(params, 8) * load(left + i));
}
