/* Prime fields of 254 bits and the extension F_q[u]/(u^2 + 1): obvious, not fast. Elements are canonical. */
#ifndef FIELD_H
#define FIELD_H

#include <stdint.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef struct {
    uint64_t limbs[4];
} u256;

/* A modulus m, -1/m mod 2^64 and 2^512 mod m. */
typedef struct {
    u256 m;
    uint64_t minus_inverse;
    u256 two_512;
} modulus;

static modulus P = {{{0x3c208c16d87cfd47, 0x97816a916871ca8d, 0xb85045b68181585d, 0x30644e72e131a029}}, 0, {{0}}};
static modulus R = {{{0x43e1f593f0000001, 0x2833e84879b97091, 0xb85045b68181585d, 0x30644e72e131a029}}, 0, {{0}}};

static int u256_is_zero(u256 a) {
    return (a.limbs[0] | a.limbs[1] | a.limbs[2] | a.limbs[3]) == 0;
}

static int u256_is_equal(u256 a, u256 b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

static void u256_add(u256 *out, u256 a, u256 b) {
    u128 sum = 0;
    for (int i = 0; i < 4; i++) {
        sum += (u128)a.limbs[i] + b.limbs[i];
        out->limbs[i] = (uint64_t)sum;
        sum >>= 64;
    }
}

/* *out = a - b; the borrow. */
static int u256_sub(u256 *out, u256 a, u256 b) {
    int borrow = 0;
    for (int i = 0; i < 4; i++) {
        u128 difference = (u128)a.limbs[i] - b.limbs[i] - (unsigned)borrow;
        out->limbs[i] = (uint64_t)difference;
        borrow = (int)(difference >> 127);
    }
    return borrow;
}

static int is_reduced(u256 a, const modulus *p) {
    u256 ignored;
    return u256_sub(&ignored, a, p->m);
}

static u256 reduce_once(u256 a, const modulus *p) {
    u256 reduced;
    return u256_sub(&reduced, a, p->m) ? a : reduced;
}

static u256 mod_add(u256 a, u256 b, const modulus *p) {
    u256 sum;
    u256_add(&sum, a, b); /* Moduli have 254 bits: no carry. */
    return reduce_once(sum, p);
}

static u256 mod_sub(u256 a, u256 b, const modulus *p) {
    u256 difference;
    if (u256_sub(&difference, a, b)) u256_add(&difference, difference, p->m);
    return difference;
}

/* a·b/2^256 */
static u256 montgomery(u256 a, u256 b, const modulus *p) {
    uint64_t t[9] = {0};
    for (int i = 0; i < 4; i++) {
        uint64_t factor = 0;
        for (int pass = 0; pass < 2; pass++) {
            const u256 *addend = pass == 0 ? &b : &p->m;
            factor = pass == 0 ? a.limbs[i] : t[i] * p->minus_inverse;
            u128 carry = 0;
            for (int j = 0; j < 4; j++) {
                carry += (u128)factor * addend->limbs[j] + t[i + j];
                t[i + j] = (uint64_t)carry;
                carry >>= 64;
            }
            for (int j = i + 4; j < 9; j++) {
                carry += t[j];
                t[j] = (uint64_t)carry;
                carry >>= 64;
            }
        }
    }
    return reduce_once((u256){{t[4], t[5], t[6], t[7]}}, p);
}

static u256 mod_mul(u256 a, u256 b, const modulus *p) {
    return montgomery(montgomery(a, b, p), p->two_512, p);
}

static u256 mod_pow(u256 a, u256 exponent, const modulus *p) {
    u256 power = {{1}};
    for (int i = 255; i >= 0; i--) {
        power = mod_mul(power, power, p);
        if (exponent.limbs[i / 64] >> i % 64 & 1) power = mod_mul(power, a, p);
    }
    return power;
}

/* 0 for 0. */
static u256 mod_inverse(u256 a, const modulus *p) {
    u256 exponent;
    u256_sub(&exponent, p->m, (u256){{2}});
    return mod_pow(a, exponent, p);
}

static u256 from_montgomery(u256 a, const modulus *p) {
    return montgomery(a, (u256){{1}}, p);
}

static void fill_modulus(modulus *p) {
    uint64_t inverse = 1;
    for (int i = 0; i < 6; i++) inverse *= 2 - p->m.limbs[0] * inverse;
    p->minus_inverse = -inverse;
    p->two_512 = (u256){{1}};
    for (int i = 0; i < 512; i++) p->two_512 = mod_add(p->two_512, p->two_512, p);
}

__attribute__((constructor)) static void fill_moduli(void) {
    fill_modulus(&P);
    fill_modulus(&R);
}

/* c[0] + c[1]·u; F_q is where c[1] = 0. */
typedef struct {
    u256 c[2];
} fq2;

static const fq2 FQ2_ONE = {{{{1}}, {{0}}}};

static int fq2_is_zero(fq2 a) {
    return u256_is_zero(a.c[0]) && u256_is_zero(a.c[1]);
}

static fq2 fq2_add(fq2 a, fq2 b) {
    return (fq2){{mod_add(a.c[0], b.c[0], &P), mod_add(a.c[1], b.c[1], &P)}};
}

static fq2 fq2_sub(fq2 a, fq2 b) {
    return (fq2){{mod_sub(a.c[0], b.c[0], &P), mod_sub(a.c[1], b.c[1], &P)}};
}

static fq2 fq2_mul(fq2 a, fq2 b) {
    u256 real = mod_sub(mod_mul(a.c[0], b.c[0], &P), mod_mul(a.c[1], b.c[1], &P), &P);
    u256 imaginary = mod_add(mod_mul(a.c[0], b.c[1], &P), mod_mul(a.c[1], b.c[0], &P), &P);
    return (fq2){{real, imaginary}};
}

#endif
