// Inversion by division steps: Bernstein and Yang, "Fast constant-time gcd computation and modular inversion",
// 2019, started at one half (Wuille 2021), for which 590 steps suffice below 2^256.
//
// A batch of steps looks at the lowest limbs only and collects itself in a matrix, which then multiplies (f, g) and
// (d, e). No branch depends on a value, so that lanes with different ones stay together.
#pragma once

#include "field.cuh"

namespace zkwatt {

// Σ limbs[k]·2^(30k): all limbs but the last are below 2^30, the last has the sign.
struct SignedLimbs {
    static constexpr int BITS = 30;
    static constexpr int COUNT = 9;
    static constexpr int MASK = (1 << BITS) - 1;
    int limbs[COUNT];

    __device__ __forceinline__ static SignedLimbs from_words(const u32 (&words)[8]) {
        SignedLimbs r;
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            const int word = BITS * k / 32, shift = BITS * k % 32;
            u32 limb = words[word] >> shift;
            if (shift > 2 && word < 7) limb |= words[word + 1] << (32 - shift);
            r.limbs[k] = limb & MASK;
        }
        return r;
    }

    // Modulo 2^256.
    template <class P>
    __device__ __forceinline__ Fp<P> to_words() const {
        Fp<P> r;
#pragma unroll
        for (int k = 0; k < 8; k++) {
            const int limb = 32 * k / BITS, shift = 32 * k % BITS;
            r.limbs[k] = u32(limbs[limb]) >> shift | u32(limbs[limb + 1]) << (BITS - shift);
        }
        return r;
    }
};

// What a batch of steps makes of (f, g): (u·f + v·g, q·f + r·g)/2^30. |u| + |v| ≤ 2^30, |q| + |r| ≤ 2^30.
struct StepMatrix {
    int u, v, q, r;
};

// A batch of steps on the lowest limbs of f, which is odd, and g, of which each step needs a bit less. `zeta` is
// −1/2 − δ of the paper.
__device__ __forceinline__ StepMatrix division_steps(u32 f, u32 g, int& zeta) {
    StepMatrix m = {1, 0, 0, 1};
#pragma unroll 6
    for (int step = 0; step < SignedLimbs::BITS; step++) {
        const int odd = g & 1;
        // 1 to add, −1 to subtract, 0 to do nothing; and 1 to exchange.
        const int sign = odd * (zeta >> 31 | 1);
        const int swap = odd & zeta >> 31;
        g += sign * f;
        m.q += sign * m.u;
        m.r += sign * m.v;
        zeta = (zeta ^ -swap) - 1;
        f += swap * g;
        m.u = (m.u + swap * m.q) << 1;
        m.v = (m.v + swap * m.r) << 1;
        g >>= 1;
    }
    return m;
}

// A column of a sum, to which the ones before it have carried; its limb has 30 bits, the rest is carried on.
__device__ __forceinline__ int limb_and_carry(long long& sum) {
    const int limb = int(sum) & SignedLimbs::MASK;
    sum >>= SignedLimbs::BITS;
    return limb;
}

// (s·a + t·b)/2^30, which is exact.
__device__ __forceinline__ SignedLimbs exactly_divided(int s, const SignedLimbs& a, int t, const SignedLimbs& b) {
    SignedLimbs r;
    long long sum = 0;
#pragma unroll
    for (int k = 0; k < SignedLimbs::COUNT; k++) {
        sum += (long long)s * a.limbs[k] + (long long)t * b.limbs[k];
        const int limb = limb_and_carry(sum);
        if (k > 0) r.limbs[k - 1] = limb;
    }
    r.limbs[SignedLimbs::COUNT - 1] = int(sum);
    return r;
}

// (s·a + t·b)/2^30 modulo p, with |s| + |t| ≤ 2^30: at most p/2 larger in magnitude than a and b are, since the
// multiple of p that makes the sum divisible is between −2^29·p and 2^29·p. Columns are below 2^61.
template <class P>
__device__ __forceinline__ SignedLimbs divided_modulo_p(
    int s, const SignedLimbs& a, int t, const SignedLimbs& b, const SignedLimbs& p) {
    const u32 lowest = u32(s) * a.limbs[0] + u32(t) * b.limbs[0];
    const int m = int((lowest * P::INV) << 2) >> 2;
    SignedLimbs r;
    long long sum = 0;
#pragma unroll
    for (int k = 0; k < SignedLimbs::COUNT; k++) {
        sum += (long long)s * a.limbs[k] + (long long)t * b.limbs[k] + (long long)m * p.limbs[k];
        const int limb = limb_and_carry(sum);
        if (k > 0) r.limbs[k - 1] = limb;
    }
    r.limbs[SignedLimbs::COUNT - 1] = int(sum);
    return r;
}

// The inverse, and zero for zero.
//
// d·a = f·R² and e·a = g·R² modulo p hold throughout; at the end g = 0, and f = ±1 unless a is zero. d and e stay
// below 11p. A last division leaves less than p of d, and a last product cancels its 2^30.
template <class P>
__device__ __noinline__ Fp<P> inverse(Fp<P> a) {
    constexpr int BATCHES = 20;
    const SignedLimbs p = SignedLimbs::from_words(Fp<P>::modulus().limbs);
    SignedLimbs f = p;
    SignedLimbs g = SignedLimbs::from_words(a.limbs);
    SignedLimbs d = {};
    SignedLimbs e = SignedLimbs::from_words(Fp<P>::from_words(P::r_squared()).limbs);
    int zeta = -1;
#pragma unroll 1
    for (int batch = 0; batch < BATCHES; batch++) {
        const StepMatrix m = division_steps(f.limbs[0], g.limbs[0], zeta);
        const SignedLimbs next_f = exactly_divided(m.u, f, m.v, g);
        g = exactly_divided(m.q, f, m.r, g);
        f = next_f;
        const SignedLimbs next_d = divided_modulo_p<P>(m.u, d, m.v, e, p);
        e = divided_modulo_p<P>(m.q, d, m.r, e, p);
        d = next_d;
    }
    const int sign = f.limbs[SignedLimbs::COUNT - 1] < 0 ? -1 : 1;
    const SignedLimbs divided = divided_modulo_p<P>(sign, d, 0, d, p);
    const Fp<P> correction = select(divided.limbs[SignedLimbs::COUNT - 1] < 0, Fp<P>::modulus(), Fp<P>::zero());
    return add_lazy(divided.to_words<P>(), correction) * Fp<P>::from_words(P::two_to_30());
}

} // namespace zkwatt
