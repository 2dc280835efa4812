// Additions of points in memory.
#pragma once

#include "curve.cuh"

namespace zkwatt {

// left <- left + right, for any two. As `add`, but coordinates are read when their products are due: over F_q² two points
// and what is between them would not fit the registers of a thread.
template <class F>
__device__ __forceinline__ void add_in_place(Xyzz<F>* left, const Xyzz<F>* right) {
    const F left_zz = load(&left->zz), right_zz = load(&right->zz);
    if (is_zero(right_zz)) return;
    if (is_zero(left_zz)) {
        store(left, load(right));
        return;
    }
    const F from_x = load(&left->x) * right_zz;
    const F difference = load(&right->x) * left_zz - from_x;
    const F zz = left_zz * right_zz;
    const F left_zzz = load(&left->zzz), right_zzz = load(&right->zzz);
    const F from_y = load(&left->y) * right_zzz;
    const F slope = load(&right->y) * left_zzz - from_y;
    if (is_zero(difference)) {
        store(left, is_zero(slope) ? dbl(load(left)) : identity<F>());
        return;
    }
    const F zzz = left_zzz * right_zzz;
    const F squared = sqr(difference);
    store(&left->zz, zz * squared);
    const F cubed = difference * squared;
    store(&left->zzz, zzz * cubed);
    const F middle = from_x * squared;
    const F x = sqr(slope) - cubed - dbl(middle);
    store(&left->x, x);
    store(&left->y, mul_sub(slope, middle - x, cubed, from_y));
}

} // namespace zkwatt
