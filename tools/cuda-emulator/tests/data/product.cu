// Compiled by NVRTC 12.0.140 for compute_70, --std=c++17, into product.ptx: what that compiler writes is what the
// emulator must read. Products of the BN254 scalar field in Montgomery form, by rows.

typedef unsigned int u32;

struct Element {
    u32 limbs[8];
};

#define MODULUS                                                                                              \
    {0xf0000001, 0x43e1f593, 0x79b97091, 0x2833e848, 0x8181585d, 0xb85045b6, 0xe131a029, 0x30644e72}

// t += a * factor, one row; t has ten words.
__device__ __forceinline__ void add_row(u32 *t, const u32 *a, u32 factor) {
    asm volatile("mad.lo.cc.u32 %0, %1, %2, %0;" : "+r"(t[0]) : "r"(a[0]), "r"(factor));
#pragma unroll
    for (int i = 1; i < 8; i++)
        asm volatile("madc.lo.cc.u32 %0, %1, %2, %0;" : "+r"(t[i]) : "r"(a[i]), "r"(factor));
    asm volatile("addc.cc.u32 %0, %0, 0;" : "+r"(t[8]));
    asm volatile("addc.u32 %0, %0, 0;" : "+r"(t[9]));
    asm volatile("mad.hi.cc.u32 %0, %1, %2, %0;" : "+r"(t[1]) : "r"(a[0]), "r"(factor));
#pragma unroll
    for (int i = 1; i < 8; i++)
        asm volatile("madc.hi.cc.u32 %0, %1, %2, %0;" : "+r"(t[i + 1]) : "r"(a[i]), "r"(factor));
    asm volatile("addc.u32 %0, %0, 0;" : "+r"(t[9]));
}

__device__ __forceinline__ Element reduced(const u32 *t) {
    const u32 p[8] = MODULUS;
    Element difference;
    u32 borrow;
    asm volatile("sub.cc.u32 %0, %1, %2;" : "=r"(difference.limbs[0]) : "r"(t[0]), "r"(p[0]));
#pragma unroll
    for (int i = 1; i < 8; i++)
        asm volatile("subc.cc.u32 %0, %1, %2;" : "=r"(difference.limbs[i]) : "r"(t[i]), "r"(p[i]));
    asm volatile("subc.u32 %0, 0, 0;" : "=r"(borrow));
    Element result;
#pragma unroll
    for (int i = 0; i < 8; i++)
        result.limbs[i] = borrow ? t[i] : difference.limbs[i];
    return result;
}

__device__ __forceinline__ Element product(const Element &a, const Element &b) {
    const u32 p[8] = MODULUS;
    u32 t[10] = {0};
#pragma unroll
    for (int i = 0; i < 8; i++) {
        add_row(t, a.limbs, b.limbs[i]);
        add_row(t, p, t[0] * 0xefffffffu);
#pragma unroll
        for (int j = 0; j < 9; j++)
            t[j] = t[j + 1];
        t[9] = 0;
    }
    return reduced(t);
}

__device__ __noinline__ Element product_by_call(Element a, Element b) {
    return product(a, b);
}

extern "C" __global__ void __launch_bounds__(128)
    products(const Element *a, const Element *b, Element *c, u32 count) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        c[i] = product(a[i], b[i]);
}

// c[i] = a[i]^(i mod 7 + 1) * R^-(i mod 7): threads of a warp leave the loop at different times.
extern "C" __global__ void __launch_bounds__(128) powers(const Element *a, Element *c, u32 count) {
    u32 i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    Element power = a[i];
    for (u32 j = 0; j < i % 7; j++)
        power = product_by_call(power, a[i]);
    c[i] = power;
}

// Product of each block's 128 elements.
extern "C" __global__ void __launch_bounds__(128) fold(const Element *a, Element *c) {
    __shared__ Element tile[128];
    u32 t = threadIdx.x;
    tile[t] = a[blockIdx.x * 128 + t];
    for (u32 half = 64; half > 0; half /= 2) {
        __syncthreads();
        if (t < half)
            tile[t] = product_by_call(tile[t], tile[t + half]);
    }
    if (t == 0)
        c[blockIdx.x] = tile[0];
}
