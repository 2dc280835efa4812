// Rows of a product and steps of its reduction, in two sets of columns:
//
//     T = Σ even[k]·2^(32k) + Σ odd[k]·2^(32(k+1)),    k = 0 … 7.
//
// A product of two words is a pair of columns; pairs at even places and pairs at odd places never overlap, so
// that a row is two chains of carries, and ptxas makes one IMAD.WIDE of each mad.lo/madc.hi pair.
#pragma once

#include "carry.cuh"

namespace zkwatt {

// acc[0 … 2·Pairs) = Σ x[2k]·y·2^(64k).
template <int Pairs>
__device__ __forceinline__ void set_pairs(u32* acc, const u32* x, u32 y) {
#pragma unroll
    for (int k = 0; k < Pairs; k++) {
        const u64 product = u64(x[2 * k]) * y;
        acc[2 * k] = u32(product);
        acc[2 * k + 1] = u32(product >> 32);
    }
}

// acc[0 … 2·Pairs) += Σ x[2k]·y·2^(64k), which has no carry out.
template <int Pairs>
__device__ __forceinline__ void add_pairs(u32* acc, const u32* x, u32 y) {
#pragma unroll
    for (int k = 0; k < Pairs; k++) {
        u32& low = acc[2 * k];
        u32& high = acc[2 * k + 1];
        low = k == 0 ? mad_lo_cc(x[0], y, low) : madc_lo_cc(x[2 * k], y, low);
        high = k == Pairs - 1 ? madc_hi(x[2 * k], y, high) : madc_hi_cc(x[2 * k], y, high);
    }
}

// The same with a carry out, which is added to `above`; that has none.
template <int Pairs>
__device__ __forceinline__ void add_pairs(u32* acc, const u32* x, u32 y, u32& above) {
#pragma unroll
    for (int k = 0; k < Pairs; k++) {
        u32& low = acc[2 * k];
        low = k == 0 ? mad_lo_cc(x[0], y, low) : madc_lo_cc(x[2 * k], y, low);
        acc[2 * k + 1] = madc_hi_cc(x[2 * k], y, acc[2 * k + 1]);
    }
    above = addc(above, 0);
}

// T += x·y, of eight words and one. In: the sum is below 2^288.
__device__ __forceinline__ void add_row(u32 (&even)[8], u32 (&odd)[8], const u32* x, u32 y) {
    add_pairs<4>(odd, x + 1, y);
    add_pairs<4>(even, x, y, odd[7]);
}

// The same for a sum that may reach 2^288: `above` is what reaches it.
__device__ __forceinline__ void add_row(u32 (&even)[8], u32 (&odd)[8], const u32* x, u32 y, u32& above) {
    above = 0;
    add_pairs<4>(odd, x + 1, y, above);
    add_pairs<4>(even, x, y, odd[7]);
}

// T = ⌊T/2^32⌋ + Σ x[2k+1]·y·2^(32(2k+1)) + top·2^224, the row's odd places. The columns change roles: `odd` has
// the even places of the result and `even` its odd ones.
__device__ __forceinline__ void shift_and_add_odd_places(u32 (&even)[8], u32 (&odd)[8], const u32* x, u32 y, u64 top) {
    odd[0] = add_cc(odd[0], even[1]);
#pragma unroll
    for (int k = 0; k < 8; k += 2) {
        const u32 low = k < 6 ? even[k + 2] : u32(top);
        const u32 high = k < 6 ? even[k + 3] : u32(top >> 32);
        even[k] = madc_lo_cc(x[k + 1], y, low);
        even[k + 1] = k < 6 ? madc_hi_cc(x[k + 1], y, high) : madc_hi(x[k + 1], y, high);
    }
}

// The same with the whole row: T = ⌊T/2^32⌋ + x·y + top·2^224.
__device__ __forceinline__ void shift_and_add_row(u32 (&even)[8], u32 (&odd)[8], const u32* x, u32 y, u64 top = 0) {
    shift_and_add_odd_places(even, odd, x, y, top);
    add_pairs<4>(odd, x, y, even[7]);
}

} // namespace zkwatt
