// Points of G1 (F = Fq) and G2 (F = Fq2): y² = x³ + b.
#pragma once

#include "fq2.cuh"

namespace zkwatt {

// The identity is (0, 0), which is on neither curve.
template <class F>
struct Affine {
    F x, y;
};

// x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ². The identity has ZZ = ZZZ = 0, and any X and Y.
template <class F>
struct Xyzz {
    F x, y, zz, zzz;

    __device__ __forceinline__ static Xyzz identity() { return {F::zero(), F::zero(), F::zero(), F::zero()}; }
};

template <class F>
__device__ __forceinline__ bool is_identity(const Affine<F>& p) {
    return is_zero(p.x) && is_zero(p.y);
}

template <class F>
__device__ __forceinline__ bool is_identity(const Xyzz<F>& p) {
    return is_zero(p.zz);
}

template <class F>
__device__ __forceinline__ Xyzz<F> identity() {
    return Xyzz<F>::identity();
}

template <class F>
__device__ __forceinline__ Affine<F> neg(const Affine<F>& p) {
    return {p.x, -p.y};
}

template <class F>
__device__ __forceinline__ Xyzz<F> neg(const Xyzz<F>& p) {
    return {p.x, -p.y, p.zz, p.zzz};
}

template <class F>
__device__ __forceinline__ Affine<F> select(bool c, const Affine<F>& if_true, const Affine<F>& if_false) {
    return {select(c, if_true.x, if_false.x), select(c, if_true.y, if_false.y)};
}

// For a P that is not the identity. (0, 0) on the denominators one is no sum's identity; its double is.
template <class F>
__device__ __forceinline__ Xyzz<F> from_affine(const Affine<F>& p) {
    return {p.x, p.y, F::one(), F::one()};
}

template <class F>
__device__ __forceinline__ F triple(const F& a) {
    return dbl(a) + a;
}

// 2P for a P that is not the identity (mdbl-2008-s-1): 4M + 3S. No point of these groups has y = 0.
template <class F>
__device__ __forceinline__ Xyzz<F> dbl(const Affine<F>& p) {
    const F u = dbl(p.y);
    const F v = sqr(u);
    const F w = u * v;
    const F s = p.x * v;
    const F m = triple(sqr(p.x));
    const F x = sqr(m) - dbl(s);
    return {x, mul_sub(m, s - x, w, p.y), v, w};
}

// 2P (dbl-2008-s-1): 6M + 3S. The identity stays: ZZ is a product by the old one.
template <class F>
__device__ __forceinline__ Xyzz<F> dbl(const Xyzz<F>& p) {
    const F u = dbl(p.y);
    const F v = sqr(u);
    const F w = u * v;
    const F s = p.x * v;
    const F m = triple(sqr(p.x));
    const F x = sqr(m) - dbl(s);
    return {x, mul_sub(m, s - x, w, p.y), v * p.zz, w * p.zzz};
}

// What is left of a sum P + Q: P's X and Y as (x, y), ZZ and ZZZ of both multiplied, and with Q's on the same
// denominators, the differences X(Q) − X(P) and Y(Q) − Y(P).
//
// For Q = −P the result has ZZ = 0. For Q = P both differences are zero, and the same products double P from other
// factors: 2Y for one difference, 3X² for the other, and no cube in X.
template <class F>
__device__ __forceinline__ Xyzz<F> add_from(const F& x, const F& y, const F& zz, const F& zzz, F difference, F slope) {
    const bool doubled = is_zero(difference) && is_zero(slope);
    if (doubled) {
        difference = dbl(y);
        slope = triple(sqr(x));
    }
    const F squared = sqr(difference);
    const F cubed = difference * squared;
    const F middle = x * squared;
    const F sum_x = sqr(slope) - select(doubled, F::zero(), cubed) - dbl(middle);
    return {sum_x, mul_sub(slope, middle - sum_x, cubed, y), zz * squared, zzz * cubed};
}

// P + Q for any two (madd-2008-s): 8M + 2S, two of the products with one reduction.
template <class F>
__device__ __forceinline__ Xyzz<F> add_mixed(const Xyzz<F>& p, const Affine<F>& q) {
    if (is_identity(q)) return p;
    if (is_identity(p)) return from_affine(q);
    return add_from(p.x, p.y, p.zz, p.zzz, q.x * p.zz - p.x, q.y * p.zzz - p.y);
}

// P + Q for any two (add-2008-s): 12M + 2S, two of the products with one reduction.
//
// P doubled on Q's denominators is 2P: they cancel out.
template <class F>
__device__ __forceinline__ Xyzz<F> add(const Xyzz<F>& p, const Xyzz<F>& q) {
    if (is_identity(q)) return p;
    if (is_identity(p)) return q;
    // In the order that lets go of factors soonest: a point of G2 has 64 registers.
    const F x = p.x * q.zz;
    const F difference = q.x * p.zz - x;
    const F zz = p.zz * q.zz;
    const F y = p.y * q.zzz;
    const F slope = q.y * p.zzz - y;
    return add_from(x, y, zz, p.zzz * q.zzz, difference, slope);
}

template <class F>
__device__ __forceinline__ Affine<F> load(const Affine<F>* at) {
    return {load(&at->x), load(&at->y)};
}

template <class F>
__device__ __forceinline__ Affine<F> load_const(const Affine<F>* at) {
    return {load_const(&at->x), load_const(&at->y)};
}

template <class F>
__device__ __forceinline__ void store(Affine<F>* at, const Affine<F>& p) {
    store(&at->x, p.x);
    store(&at->y, p.y);
}

template <class F>
__device__ __forceinline__ Xyzz<F> load(const Xyzz<F>* at) {
    return {load(&at->x), load(&at->y), load(&at->zz), load(&at->zzz)};
}

template <class F>
__device__ __forceinline__ void store(Xyzz<F>* at, const Xyzz<F>& p) {
    store(&at->x, p.x);
    store(&at->y, p.y);
    store(&at->zz, p.zz);
    store(&at->zzz, p.zzz);
}

} // namespace zkwatt
