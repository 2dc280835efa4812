// The prime fields F_r (scalars) and F_q (coordinates of G1), in Montgomery form with R = 2^256.
//
// Values are below p unless a name ends in `_lazy`; p < 0.1891·R leaves room for those.
#pragma once

#include "../generated/constants.cuh"
#include "columns.cuh"

namespace zkwatt {

template <class P>
struct alignas(32) Fp {
    u32 limbs[8];

    __device__ __forceinline__ static Fp from_words(const Words& words) {
        Fp r;
#pragma unroll
        for (int k = 0; k < 8; k++) r.limbs[k] = words.at[k];
        return r;
    }
    __device__ __forceinline__ static Fp zero() { return from_words({}); }
    __device__ __forceinline__ static Fp one() { return from_words(P::one()); }
    __device__ __forceinline__ static Fp modulus() { return from_words(P::modulus()); }
};

using Fr = Fp<FrParams>;
using Fq = Fp<FqParams>;

template <class P>
__device__ __forceinline__ Fp<P> select(bool c, const Fp<P>& if_true, const Fp<P>& if_false) {
    Fp<P> r;
#pragma unroll
    for (int k = 0; k < 8; k++) r.limbs[k] = c ? if_true.limbs[k] : if_false.limbs[k];
    return r;
}

template <class P>
__device__ __forceinline__ bool is_zero(const Fp<P>& a) {
    u32 any = a.limbs[0];
#pragma unroll
    for (int k = 1; k < 8; k++) any |= a.limbs[k];
    return any == 0;
}

template <class P>
__device__ __forceinline__ bool operator==(const Fp<P>& a, const Fp<P>& b) {
    u32 any = a.limbs[0] ^ b.limbs[0];
#pragma unroll
    for (int k = 1; k < 8; k++) any |= a.limbs[k] ^ b.limbs[k];
    return any == 0;
}

// a + b as integers. In: a + b < 2^256.
template <class P>
__device__ __forceinline__ Fp<P> add_lazy(const Fp<P>& a, const Fp<P>& b) {
    Fp<P> r;
    r.limbs[0] = add_cc(a.limbs[0], b.limbs[0]);
#pragma unroll
    for (int k = 1; k < 7; k++) r.limbs[k] = addc_cc(a.limbs[k], b.limbs[k]);
    r.limbs[7] = addc(a.limbs[7], b.limbs[7]);
    return r;
}

// a − b as integers. In: a ≥ b.
template <class P>
__device__ __forceinline__ Fp<P> sub_lazy(const Fp<P>& a, const Fp<P>& b) {
    Fp<P> r;
    r.limbs[0] = sub_cc(a.limbs[0], b.limbs[0]);
#pragma unroll
    for (int k = 1; k < 7; k++) r.limbs[k] = subc_cc(a.limbs[k], b.limbs[k]);
    r.limbs[7] = subc(a.limbs[7], b.limbs[7]);
    return r;
}

// a − b modulo 2^256, and whether it is negative.
template <class P>
__device__ __forceinline__ Fp<P> sub_borrow(const Fp<P>& a, const Fp<P>& b, bool& negative) {
    Fp<P> r;
    r.limbs[0] = sub_cc(a.limbs[0], b.limbs[0]);
#pragma unroll
    for (int k = 1; k < 8; k++) r.limbs[k] = subc_cc(a.limbs[k], b.limbs[k]);
    negative = subc(0, 0) != 0;
    return r;
}

// In: a < 2p.
template <class P>
__device__ __forceinline__ Fp<P> reduce_once(const Fp<P>& a) {
    bool negative;
    const Fp<P> reduced = sub_borrow(a, Fp<P>::modulus(), negative);
    return select(negative, a, reduced);
}

// Whether a < b, as integers.
template <class P>
__device__ __forceinline__ bool less(const Fp<P>& a, const Fp<P>& b) {
    bool negative;
    sub_borrow(a, b, negative);
    return negative;
}

template <class P>
__device__ __forceinline__ Fp<P> operator+(const Fp<P>& a, const Fp<P>& b) {
    return reduce_once(add_lazy(a, b));
}

template <class P>
__device__ __forceinline__ Fp<P> operator-(const Fp<P>& a, const Fp<P>& b) {
    bool negative;
    const Fp<P> difference = sub_borrow(a, b, negative);
    return add_lazy(difference, select(negative, Fp<P>::modulus(), Fp<P>::zero()));
}

template <class P>
__device__ __forceinline__ Fp<P> operator-(const Fp<P>& a) {
    return select(is_zero(a), a, sub_lazy(Fp<P>::modulus(), a));
}

template <class P>
__device__ __forceinline__ Fp<P> dbl(const Fp<P>& a) {
    return a + a;
}

// A step of the reduction: T = (T + m·N)/2^32 for N = p·(−1/p mod 2^32) ≡ −1 modulo 2^32, so that m is T's lowest
// word. A folded step i adds less than 2^(32(i+1)−256)·p to the result, so that the last two steps must be plain
// ones; all others together add less than 2^−31·p. The columns change roles.
template <class P>
__device__ __forceinline__ void fold(u32 (&even)[8], u32 (&odd)[8]) {
    const u32 m = even[0];
    const Words folded = P::folded();
    shift_and_add_row(even, odd, folded.at, m);
}

// A step of the reduction without its division: T += m·p, whose lowest word is zero.
template <class P>
__device__ __forceinline__ void clear_lowest_word(u32 (&even)[8], u32 (&odd)[8]) {
    const Words p = P::modulus();
    add_row(even, odd, p.at, even[0] * P::INV);
}

// ⌊T/2^32⌋, which is below 2^256.
template <class P>
__device__ __forceinline__ Fp<P> quotient(const u32 (&even)[8], const u32 (&odd)[8]) {
    Fp<P> r;
    r.limbs[0] = add_cc(even[1], odd[0]);
#pragma unroll
    for (int k = 1; k < 7; k++) r.limbs[k] = addc_cc(even[k + 1], odd[k]);
    r.limbs[7] = addc(odd[7], 0);
    return r;
}

// T += Σ a[t]·b[t]'s word `i`, over terms from `first` on.
template <int Terms, class P>
__device__ __forceinline__ void add_rows(u32 (&even)[8], u32 (&odd)[8], const Fp<P>* a, const Fp<P>* b, int i,
                                         int first = 0) {
#pragma unroll
    for (int t = first; t < Terms; t++) add_row(even, odd, a[t].limbs, b[t].limbs[i]);
}

// Σ a[t]·b[t] / R. In: Σ a[t] < 3.2p for one or two terms, 4.2p for more.Out: < (Σ a[t]·b[t])/R + (1 + 2^−31)·p.
//
// T is below 2^32·(p + Σ a[t]) after a row, and one 2^32·p above it after step 6: 2^288 for 3.2p.
template <int Terms, class P>
__device__ __forceinline__ Fp<P> sum_of_products_lazy(const Fp<P>* a, const Fp<P>* b) {
    u32 even[8], odd[8];
    set_pairs<4>(even, a[0].limbs, b[0].limbs[0]);
    set_pairs<4>(odd, a[0].limbs + 1, b[0].limbs[0]);
    add_rows<Terms>(even, odd, a, b, 0, 1);
#pragma unroll
    for (int i = 1; i < 7; i += 2) {
        fold<P>(even, odd);
        add_rows<Terms>(odd, even, a, b, i);
        fold<P>(odd, even);
        add_rows<Terms>(even, odd, a, b, i + 1);
    }
    u32 above = 0;
    if constexpr (Terms > 2) {
        const Words p = P::modulus();
        add_row(even, odd, p.at, even[0] * P::INV, above);
    } else {
        clear_lowest_word<P>(even, odd);
    }
    shift_and_add_row(even, odd, a[0].limbs, b[0].limbs[7], u64(above) << 32);
    add_rows<Terms>(odd, even, a, b, 7, 1);
    clear_lowest_word<P>(odd, even);
    return quotient<P>(odd, even);
}

// a·b/R. In: a, b < 2p. Out: < 2p.
template <class P>
__device__ __forceinline__ Fp<P> mul_lazy(const Fp<P>& a, const Fp<P>& b) {
    return sum_of_products_lazy<1>(&a, &b);
}

// The plain steps 6 and 7, with top·2^224 to add between them.
template <class P>
__device__ __forceinline__ Fp<P> last_steps(u32 (&even)[8], u32 (&odd)[8], u64 top) {
    clear_lowest_word<P>(even, odd);
    const u32 m = (odd[0] + even[1]) * P::INV;
    const Words p = P::modulus();
    shift_and_add_row(even, odd, p.at, m, top);
    return quotient<P>(odd, even);
}

// Row `I` of a square, after I steps of the reduction: a's word I by itself and by the words above it, doubled.
template <int I, class P>
__device__ __forceinline__ void add_square_row(u32 (&even)[8], u32 (&odd)[8], const Fp<P>& a, const Fp<P>& doubled) {
    constexpr int FIRST_EVEN = (I + 1) / 2 * 2;
    constexpr int FIRST_ODD = I / 2 * 2 + 1;
    Fp<P> row = doubled;
    row.limbs[I] = a.limbs[I];
    row.limbs[I + 1] = a.limbs[I + 1] << 1;
    add_pairs<(9 - FIRST_ODD) / 2>(odd + FIRST_ODD - 1, row.limbs + FIRST_ODD, a.limbs[I]);
    add_pairs<(8 - FIRST_EVEN) / 2>(even + FIRST_EVEN, row.limbs + FIRST_EVEN, a.limbs[I], odd[7]);
}

// 2a. In: a < 2^255.
template <class P>
__device__ __forceinline__ Fp<P> twice(const Fp<P>& a) {
    Fp<P> r;
    r.limbs[0] = a.limbs[0] << 1;
#pragma unroll
    for (int k = 1; k < 8; k++) r.limbs[k] = a.limbs[k] << 1 | a.limbs[k - 1] >> 31;
    return r;
}

// a²/R. In: a < 1.6p. Out: < 1.49p.
template <class P>
__device__ __forceinline__ Fp<P> sqr_lazy(const Fp<P>& a) {
    const Fp<P> doubled = twice(a);
    Fp<P> row = doubled;
    row.limbs[0] = a.limbs[0];
    row.limbs[1] = a.limbs[1] << 1;
    u32 even[8], odd[8];
    set_pairs<4>(even, row.limbs, a.limbs[0]);
    set_pairs<4>(odd, row.limbs + 1, a.limbs[0]);
    fold<P>(even, odd);
    add_square_row<1>(odd, even, a, doubled);
    fold<P>(odd, even);
    add_square_row<2>(even, odd, a, doubled);
    fold<P>(even, odd);
    add_square_row<3>(odd, even, a, doubled);
    fold<P>(odd, even);
    add_square_row<4>(even, odd, a, doubled);
    fold<P>(even, odd);
    add_square_row<5>(odd, even, a, doubled);
    fold<P>(odd, even);
    add_square_row<6>(even, odd, a, doubled);
    return last_steps<P>(even, odd, u64(a.limbs[7]) * a.limbs[7]);
}

template <class P>
__device__ __forceinline__ Fp<P> operator*(const Fp<P>& a, const Fp<P>& b) {
    return reduce_once(mul_lazy(a, b));
}

template <class P>
__device__ __forceinline__ Fp<P> sqr(const Fp<P>& a) {
    return reduce_once(sqr_lazy(a));
}

// a·b + c·d: below 1.39p before the one subtraction.
template <class P>
__device__ __forceinline__ Fp<P> mul_add(const Fp<P>& a, const Fp<P>& b, const Fp<P>& c, const Fp<P>& d) {
    const Fp<P> left[2] = {a, c};
    const Fp<P> right[2] = {b, d};
    return reduce_once(sum_of_products_lazy<2>(left, right));
}

// a·b − c·d.
template <class P>
__device__ __forceinline__ Fp<P> mul_sub(const Fp<P>& a, const Fp<P>& b, const Fp<P>& c, const Fp<P>& d) {
    return mul_add(a, b, sub_lazy(Fp<P>::modulus(), c), d);
}

// a/R: out of Montgomery form. Steps of the reduction alone: half a product.
template <class P>
__device__ __forceinline__ Fp<P> to_canonical(const Fp<P>& a) {
    // The first step, of a T that is a.
    u32 even[8], odd[8];
    const Words folded = P::folded();
#pragma unroll
    for (int k = 0; k < 8; k++) odd[k] = k < 7 ? a.limbs[k + 1] : 0;
    set_pairs<4>(even, folded.at + 1, a.limbs[0]);
    add_pairs<4>(odd, folded.at, a.limbs[0]);
    fold<P>(odd, even);
    fold<P>(even, odd);
    fold<P>(odd, even);
    fold<P>(even, odd);
    fold<P>(odd, even);
    return reduce_once(last_steps<P>(even, odd, 0));
}

// Into Montgomery form. In: a < p.
template <class P>
__device__ __forceinline__ Fp<P> from_canonical(const Fp<P>& a) {
    return a * Fp<P>::from_words(P::r_squared());
}

template <class P>
__device__ __forceinline__ Fp<P> from_vectors(const uint4& low, const uint4& high) {
    return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
}

template <class P>
__device__ __forceinline__ Fp<P> load(const Fp<P>* at) {
    const uint4* vectors = reinterpret_cast<const uint4*>(at);
    return from_vectors<P>(vectors[0], vectors[1]);
}

// Through the read-only cache: for memory that no kernel in flight writes.
template <class P>
__device__ __forceinline__ Fp<P> load_const(const Fp<P>* at) {
    const uint4* vectors = reinterpret_cast<const uint4*>(at);
    return from_vectors<P>(__ldg(vectors), __ldg(vectors + 1));
}

template <class P>
__device__ __forceinline__ void store(Fp<P>* at, const Fp<P>& a) {
    uint4* vectors = reinterpret_cast<uint4*>(at);
    vectors[0] = make_uint4(a.limbs[0], a.limbs[1], a.limbs[2], a.limbs[3]);
    vectors[1] = make_uint4(a.limbs[4], a.limbs[5], a.limbs[6], a.limbs[7]);
}

// Eight parameter words, from `word` on, as a scalar.
__device__ __forceinline__ Fr fe_param(const Params& params, u32 word) {
    Fr r;
#pragma unroll
    for (int k = 0; k < 8; k++) r.limbs[k] = params.words[word + k];
    return r;
}

} // namespace zkwatt
