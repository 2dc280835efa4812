// F_q² = F_q[u]/(u² + 1): coordinates of G2.
//
// Products are calls, with everything in registers: kernels are a third as long, and stay in the instruction cache.
#pragma once

#include "inverse.cuh"

namespace zkwatt {

struct Fq2 {
    Fq c0, c1;

    __device__ __forceinline__ static Fq2 zero() { return {Fq::zero(), Fq::zero()}; }
    __device__ __forceinline__ static Fq2 one() { return {Fq::one(), Fq::zero()}; }
};

__device__ __forceinline__ Fq2 select(bool c, const Fq2& if_true, const Fq2& if_false) {
    return {select(c, if_true.c0, if_false.c0), select(c, if_true.c1, if_false.c1)};
}

__device__ __forceinline__ bool is_zero(const Fq2& a) {
    return is_zero(a.c0) && is_zero(a.c1);
}

__device__ __forceinline__ bool operator==(const Fq2& a, const Fq2& b) {
    return a.c0 == b.c0 && a.c1 == b.c1;
}

__device__ __forceinline__ Fq2 operator+(const Fq2& a, const Fq2& b) {
    return {a.c0 + b.c0, a.c1 + b.c1};
}

__device__ __forceinline__ Fq2 operator-(const Fq2& a, const Fq2& b) {
    return {a.c0 - b.c0, a.c1 - b.c1};
}

__device__ __forceinline__ Fq2 operator-(const Fq2& a) {
    return {-a.c0, -a.c1};
}

__device__ __forceinline__ Fq2 dbl(const Fq2& a) {
    return {dbl(a.c0), dbl(a.c1)};
}

__device__ __noinline__ Fq2 operator*(Fq2 a, Fq2 b) {
    return {mul_sub(a.c0, b.c0, a.c1, b.c1), mul_add(a.c0, b.c1, a.c1, b.c0)};
}

// (a₀ + a₁)(a₀ − a₁) + 2·a₀·a₁·u.
__device__ __noinline__ Fq2 sqr(Fq2 a) {
    const Fq sum = add_lazy(a.c0, a.c1);
    const Fq difference = add_lazy(a.c0, sub_lazy(Fq::modulus(), a.c1));
    return {reduce_once(mul_lazy(sum, difference)), reduce_once(mul_lazy(add_lazy(a.c0, a.c0), a.c1))};
}

// a·b + c·d: four terms, below 1.76p, in each part.
__device__ __noinline__ Fq2 mul_add(Fq2 a, Fq2 b, Fq2 c, Fq2 d) {
    const Fq p = Fq::modulus();
    const Fq left0[4] = {a.c0, sub_lazy(p, a.c1), c.c0, sub_lazy(p, c.c1)};
    const Fq right0[4] = {b.c0, b.c1, d.c0, d.c1};
    const Fq left1[4] = {a.c0, a.c1, c.c0, c.c1};
    const Fq right1[4] = {b.c1, b.c0, d.c1, d.c0};
    return {reduce_once(sum_of_products_lazy<4>(left0, right0)), reduce_once(sum_of_products_lazy<4>(left1, right1))};
}

__device__ __forceinline__ Fq2 mul_sub(const Fq2& a, const Fq2& b, const Fq2& c, const Fq2& d) {
    return mul_add(a, b, {sub_lazy(Fq::modulus(), c.c0), sub_lazy(Fq::modulus(), c.c1)}, d);
}

// (a₀ − a₁·u)/(a₀² + a₁²), and zero for zero.
__device__ __forceinline__ Fq2 inverse(const Fq2& a) {
    const Fq factor = inverse(mul_add(a.c0, a.c0, a.c1, a.c1));
    return {a.c0 * factor, -(a.c1 * factor)};
}

__device__ __forceinline__ Fq2 load(const Fq2* at) {
    return {load(&at->c0), load(&at->c1)};
}

__device__ __forceinline__ Fq2 load_const(const Fq2* at) {
    return {load_const(&at->c0), load_const(&at->c1)};
}

__device__ __forceinline__ void store(Fq2* at, const Fq2& a) {
    store(&at->c0, a.c0);
    store(&at->c1, a.c1);
}

} // namespace zkwatt
