// Stage `evaluate`: Horner's rule in strides, for polynomials side by side.
//
// Thread t of a polynomial owns the coefficients t, t + T, t + 2T, ... below n, T = word 2, n = word 1:
// neighbouring threads read neighbouring elements. Its value is c_t + c_(t+T)*x^T + ..., x^T in words 8.., and the
// polynomial's is the sum of the threads' values times x^t, a polynomial of T coefficients. No barriers.
//
// A coefficient: one product, 32 bytes. A thread's products are a chain, so the next coefficient is loaded beside
// one.

#include "include/field.cuh"

using namespace zkwatt;

// c_t + c_(t+T)*x^T + ... for t < n.
//
// Sums stay unreduced: a product of one below 2.3p and x^T < p is below 1.44p, and with a coefficient below 2.44p.
__device__ __forceinline__ Fr horner(const Fr* coefficients, u32 t, u32 n, u32 stride, const Fr& step) {
    u32 j = t + (n - 1 - t) / stride * stride;
    Fr sum = load_const(coefficients + j);
    while (j >= stride) {
        j -= stride;
        const Fr next = load_const(coefficients + j);
        sum = add_lazy(sum_of_products_lazy<1>(&step, &sum), next);
    }
    return reduce_once(reduce_once(sum));
}

// Polynomial k reads from k*n on and writes to k*T on; word 0 is the number of threads of all polynomials.
extern "C" __global__ void __launch_bounds__(64)
    evaluate_fr(const Fr* coefficients, Fr* parts, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const u32 n = params.words[1];
    const u32 stride = params.words[2];
    const u32 k = i / stride;
    const u32 t = i - k * stride;
    const Fr sum = t < n ? horner(coefficients + k * n, t, n, stride, fe_param(params, 8)) : Fr::zero();
    store(parts + i, sum);
}
