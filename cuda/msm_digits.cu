// Scalars as signed digits: k = ± sum of d_w*2^(c*w) with d_w in -2^(c-1)..=2^(c-1), c = WINDOW_BITS.
//
// Constants of a launch: words of a scalar, 8 for a field element in Montgomery form, fewer for a signed integer;
// vectors of a base whose scalar is skipped where all are zero, 0 where no base is the identity; c < 32.

#include "include/field.cuh"

using namespace zkwatt;

constexpr u32 SCALAR_WORDS = 0;
constexpr u32 BASE_VECTORS = 1;
constexpr u32 WINDOW_BITS = 2;

constexpr u32 SIGN = 0x80000000u;

struct SignedMagnitude {
    Fr magnitude;
    bool negative;
};

// Whether base i is (0, 0). One vector tells for nearly all others.
__device__ __forceinline__ bool base_is_identity(const uint4* bases, u32 vectors, u32 i) {
    if (vectors == 0) return false;
    for (u32 k = 0; k < vectors; k++) {
        const uint4 v = __ldg(bases + static_cast<u64>(i) * vectors + k);
        if ((v.x | v.y | v.z | v.w) != 0) return false;
    }
    return true;
}

// The smaller of k and r - k: halves the range, and makes small negative scalars small.
__device__ __forceinline__ SignedMagnitude field_scalar(const u32* scalars, u32 i) {
    const Fr positive = to_canonical(load_const(reinterpret_cast<const Fr*>(scalars) + i));
    const Fr opposite = -positive;
    const bool negative = less(opposite, positive);
    return {select(negative, opposite, positive), negative};
}

// Two's complement of `words` words, 1, 2 or 4: the magnitude of a negative number is what its complement lacks to
// 2^128.
__device__ __forceinline__ SignedMagnitude integer_scalar(const u32* scalars, u32 words, u32 i) {
    const u32* scalar = scalars + static_cast<u64>(i) * words;
    const bool negative = static_cast<int>(scalar[words - 1]) < 0;
    const u32 flip = negative ? 0xffffffffu : 0;
    Fr magnitude = Fr::zero();
    u64 carry = negative;
#pragma unroll
    for (u32 k = 0; k < 4; k++) {
        const u32 word = k == 0 || k < words ? scalar[k] : flip;
        carry += word ^ flip;
        magnitude.limbs[k] = static_cast<u32>(carry);
        carry >>= 32;
    }
    return {magnitude, negative};
}

__device__ __forceinline__ SignedMagnitude load_scalar(
    const u32* scalars, const uint4* bases, u32 i, const Params& params) {
    const u32 words = params.constants[SCALAR_WORDS];
    if (base_is_identity(bases, params.constants[BASE_VECTORS], i)) return {Fr::zero(), false};
    return words == 8 ? field_scalar(scalars, i) : integer_scalar(scalars, words, i);
}

__device__ __forceinline__ u32 bit_length(const Fr& v) {
    u32 bits = 0;
#pragma unroll
    for (u32 k = 0; k < 8; k++) {
        if (v.limbs[k] != 0) bits = 32 * (k + 1) - __clz(v.limbs[k]);
    }
    return bits;
}

constexpr u32 BLOCK = 64;
constexpr u32 LENGTHS = 256;

// bit_lengths[b] += scalars whose magnitude has b bits. Words: threads, scalars, at least as many; thread t takes
// t, t + threads, ....
//
// A block's histogram is in shared memory: zeroed, added to by atomics, read, with a barrier between any two of the
// three. Threads beyond the last reach both.
extern "C" __global__ void __launch_bounds__(BLOCK) msm_scalar_bits_fr(
    const u32* scalars, const uint4* bases, u32* bit_lengths, const __grid_constant__ Params params) {
    __shared__ u32 lengths[LENGTHS];
#pragma unroll
    for (u32 k = 0; k < LENGTHS; k += BLOCK) lengths[k + threadIdx.x] = 0;
    __syncthreads();
    const u32 thread = thread_index();
    if (thread < params.words[0]) {
        u32 i = thread;
        do {
            atomicAdd(lengths + bit_length(load_scalar(scalars, bases, i, params).magnitude), 1);
            i += params.words[0];
        } while (i < params.words[1]);
    }
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < LENGTHS; k += BLOCK) {
        const u32 count = lengths[k + threadIdx.x];
        if (count != 0) atomicAdd(bit_lengths + k + threadIdx.x, count);
    }
}

// v >> bits for 0 < bits < 32.
__device__ __forceinline__ Fr shifted_right(const Fr& v, u32 bits) {
    Fr shifted;
#pragma unroll
    for (u32 k = 0; k < 7; k++) shifted.limbs[k] = __funnelshift_r(v.limbs[k], v.limbs[k + 1], bits);
    shifted.limbs[7] = v.limbs[7] >> bits;
    return shifted;
}

// digits[w*n + i] <- |d| of scalar i in window first + w, with the sign in bit 31; 0 for a zero digit. One thread a
// scalar, no barriers; carries run up from window 0. Words: n, first window, windows.
//
// A scalar: its bytes and four for each window; a product to leave Montgomery form.
extern "C" __global__ void __launch_bounds__(64) msm_scalar_digits_fr(
    const u32* scalars, const uint4* bases, u32* digits, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    const u32 n = params.words[0];
    if (i >= n) return;
    const u32 first = params.words[1];
    const u32 bits = params.constants[WINDOW_BITS];
    const SignedMagnitude scalar = load_scalar(scalars, bases, i, params);
    const u32 full = 1u << bits;
    Fr rest = scalar.magnitude;
    u32 carry = 0;
    u32* out = digits + i;
    u32 w = 0;
    do {
        const u32 value = (rest.limbs[0] & (full - 1)) + carry;
        carry = value > full / 2;
        rest = shifted_right(rest, bits);
        if (w >= first) {
            const u32 magnitude = carry != 0 ? full - value : value;
            const bool negative = (carry != 0) != scalar.negative;
            *out = magnitude | (negative && magnitude != 0 ? SIGN : 0);
            out += n;
        }
    } while (++w < first + params.words[2]);
}
