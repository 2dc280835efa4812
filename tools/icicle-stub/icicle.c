/* A stand-in for ICICLE v4, for tests: the functions that zkwatt calls, right for small inputs and slow for all.
 *
 * Written against the public headers of ICICLE v4.0.0 (icicle/include), and stricter than it: a thread without a device,
 * memory of the wrong side, unreduced elements, and points in Montgomery form (which ICICLE's CPU backend takes for
 * canonical ones) are errors. One library stands for all three of ICICLE's. Variants, by macro:
 *
 *   STUB_VERSION=3|4|5   whose names the functions for single elements have; 5 has neither
 *   STUB_WITHOUT_G2      no bn254_g2_msm
 *   STUB_WITHOUT_GPU     the CPU is the only device, which then does not say how much memory it has
 *   STUB_WRONG           sums are twice what they should be
 *   STUB_OPEN=STATUS     what icicle_set_device returns
 *   STUB_WORK=STATUS     what sums of 13 points, transforms of 2^7 elements and allocations of 2816 bytes return
 *   STUB_FOREIGN_DOMAIN  somebody else made a domain, and a release does not release it
 */
#include "field.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

typedef int status;
enum { SUCCESS, INVALID_DEVICE, OUT_OF_MEMORY, INVALID_POINTER, INVALID_ARGUMENT = 11, API_NOT_IMPLEMENTED = 10 };

#ifndef STUB_VERSION
#define STUB_VERSION 4
#endif
#ifndef STUB_OPEN
#define STUB_OPEN SUCCESS
#endif
#ifndef STUB_WORK
#define STUB_WORK SUCCESS
#endif

#define EXPORT __attribute__((visibility("default")))

/* Devices and memory. */

struct device {
    char type[64];
    int id;
};

static _Thread_local int has_device;
static _Thread_local struct device active;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { ALLOCATIONS = 256, TOTAL_BYTES = 1 << 30 };
static struct {
    char *start;
    size_t bytes;
} allocations[ALLOCATIONS];

EXPORT status icicle_load_backend(const char *path, bool is_recursive) {
    return path != NULL && is_recursive ? SUCCESS : INVALID_ARGUMENT;
}

EXPORT status icicle_get_registered_devices(char *output, size_t output_size) {
#ifdef STUB_WITHOUT_GPU
    const char *types = "CPU";
#else
    const char *types = "CPU,CUDA";
#endif
    if (strlen(types) + 1 > output_size) return OUT_OF_MEMORY;
    strcpy(output, types);
    return SUCCESS;
}

EXPORT status icicle_set_device(const struct device *device) {
    bool is_known = strcmp(device->type, "CPU") == 0;
#ifndef STUB_WITHOUT_GPU
    is_known |= strcmp(device->type, "CUDA") == 0;
#endif
    if (!is_known) abort(); /* ICICLE throws. */
    if (device->id != 0) return INVALID_DEVICE;
    has_device = STUB_OPEN == SUCCESS;
    active = *device;
    return STUB_OPEN;
}

EXPORT status icicle_get_active_device(struct device *device) {
    *device = active;
    return has_device ? SUCCESS : INVALID_DEVICE;
}

EXPORT status icicle_get_available_memory(size_t *total, size_t *free_bytes) {
    if (!has_device) return INVALID_DEVICE;
#ifdef STUB_WITHOUT_GPU
    (void)total, (void)free_bytes;
    return API_NOT_IMPLEMENTED;
#else
    size_t used = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < ALLOCATIONS; i++) used += allocations[i].bytes;
    pthread_mutex_unlock(&lock);
    *total = TOTAL_BYTES;
    *free_bytes = TOTAL_BYTES - used;
    return SUCCESS;
#endif
}

/* Whether all of the bytes are in one allocation. */
static bool is_on_device(const void *at, size_t bytes) {
    bool found = false;
    const char *start = at;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < ALLOCATIONS; i++) {
        found |= allocations[i].start != NULL && start >= allocations[i].start &&
                 start + bytes <= allocations[i].start + allocations[i].bytes;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

EXPORT status icicle_malloc(void **at, size_t bytes) {
    if (!has_device) return INVALID_DEVICE;
    if (bytes == 2816 && STUB_WORK != SUCCESS) return STUB_WORK;
    status result = OUT_OF_MEMORY;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < ALLOCATIONS && result != SUCCESS; i++) {
        if (allocations[i].start == NULL && (*at = malloc(bytes)) != NULL) {
            allocations[i].start = *at;
            allocations[i].bytes = bytes;
            result = SUCCESS;
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT status icicle_free(void *at) {
    if (!has_device) return INVALID_DEVICE;
    status result = INVALID_POINTER;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < ALLOCATIONS; i++) {
        if (at != NULL && allocations[i].start == at) {
            free(at);
            allocations[i].start = NULL;
            allocations[i].bytes = 0;
            result = SUCCESS;
        }
    }
    pthread_mutex_unlock(&lock);
    return result;
}

EXPORT status icicle_copy_to_device(void *to, const void *from, size_t bytes) {
    if (!has_device) return INVALID_DEVICE;
    if (!is_on_device(to, bytes) || is_on_device(from, 1)) return INVALID_POINTER;
    memcpy(to, from, bytes);
    return SUCCESS;
}

/* Functions for single elements, of which only the names matter. */

#if STUB_VERSION == 3
EXPORT void bn254_generate_scalars(u256 *scalars, int n) { memset(scalars, 0, (size_t)n * sizeof *scalars); }
EXPORT bool bn254_eq(void *a, void *b) { return a == b; }
#elif STUB_VERSION == 4
EXPORT void bn254_generate_random(u256 *scalars, int n) { memset(scalars, 0, (size_t)n * sizeof *scalars); }
EXPORT bool bn254_projective_eq(void *a, void *b) { return a == b; }
#endif

/* Transforms, by their definition. */

struct ntt_config {
    void *stream;
    u256 coset_gen;
    int batch_size;
    bool columns_batch;
    int ordering;
    bool are_inputs_on_device, are_outputs_on_device, is_async;
    void *ext;
};

struct init_domain_config {
    void *stream;
    bool is_async;
    void *ext;
};

static u256 domain_root;
static int domain_log = -1;

EXPORT status bn254_ntt_release_domain(void) {
    if (!has_device) return INVALID_DEVICE;
#ifdef STUB_FOREIGN_DOMAIN
    domain_root = (u256){{1}};
    domain_log = 28;
#else
    domain_log = -1;
#endif
    return SUCCESS;
}

EXPORT status bn254_ntt_init_domain(const u256 *root, const struct init_domain_config *config) {
    if (!has_device) return INVALID_DEVICE;
    if (config->stream != NULL || config->is_async || config->ext != NULL) return INVALID_ARGUMENT;
    if (domain_log >= 0) return SUCCESS; /* As ICICLE's CPU backend does. */
    u256 power = *root, one = {{1}};
    int log = 0;
    for (; !u256_is_equal(power, one); log++) {
        if (log == 28 || !is_reduced(power, &R)) return INVALID_ARGUMENT;
        power = mod_mul(power, power, &R);
    }
    domain_root = *root;
    domain_log = log;
    return SUCCESS;
}

/* The root of order 2^log of the domain. */
static u256 root_of(int log) {
    u256 root = domain_root;
    for (int i = log; i < domain_log; i++) root = mod_mul(root, root, &R);
    return root;
}

EXPORT status bn254_get_root_of_unity_from_domain(uint64_t log, u256 *root) {
    if (!has_device) return INVALID_DEVICE;
    if (domain_log < 0 || log > (uint64_t)domain_log) abort(); /* ICICLE throws. */
    *root = root_of((int)log);
    return SUCCESS;
}

static size_t reversed(size_t i, int bits) {
    size_t out = 0;
    for (int b = 0; b < bits; b++) out |= (i >> b & 1) << (bits - 1 - b);
    return out;
}

EXPORT status bn254_ntt(const u256 *input, int n, int direction, const struct ntt_config *config, u256 *output) {
    if (!has_device) return INVALID_DEVICE;
    if (n == 128 && STUB_WORK != SUCCESS) return STUB_WORK;
    int log = 0;
    while (1 << log < n) log++;
    if (domain_log < log || 1 << log != n) abort(); /* ICICLE throws. */
    bool has_defaults = config->stream == NULL && !config->columns_batch && !config->are_inputs_on_device &&
                        !config->are_outputs_on_device && !config->is_async && config->ext == NULL;
    if (!has_defaults || direction < 0 || direction > 1 || config->ordering < 0 || config->ordering > 3 ||
        config->batch_size < 1 || !u256_is_equal(config->coset_gen, (u256){{1}}))
        return INVALID_ARGUMENT;
    bool from_reversed = config->ordering >= 2, to_reversed = config->ordering % 2 == 1;
    u256 root = root_of(log), scale = {{1}};
    if (direction == 1) {
        root = mod_inverse(root, &R);
        scale = mod_inverse((u256){{(uint64_t)n}}, &R);
    }
    for (int i = 0; i < config->batch_size * n; i++)
        if (!is_reduced(input[i], &R)) return INVALID_ARGUMENT;
    u256 *column = malloc(sizeof(u256) * (size_t)n);
    for (int batch = 0; batch < config->batch_size; batch++) {
        u256 step = {{1}};
        for (int k = 0; k < n; k++) {
            u256 sum = {{0}}, power = scale;
            for (int j = 0; j < n; j++) {
                u256 value = input[(size_t)batch * n + (from_reversed ? reversed(j, log) : (size_t)j)];
                sum = mod_add(sum, mod_mul(value, power, &R), &R);
                power = mod_mul(power, step, &R);
            }
            column[to_reversed ? reversed(k, log) : (size_t)k] = sum;
            step = mod_mul(step, root, &R);
        }
        memcpy(output + (size_t)batch * n, column, sizeof(u256) * (size_t)n);
    }
    free(column);
    return SUCCESS;
}

/* Sums, by double-and-add, in homogeneous coordinates (X/Z, Y/Z). */

struct msm_config {
    void *stream;
    int precompute_factor, c, bitsize, batch_size;
    bool are_points_shared_in_batch, are_scalars_on_device, are_scalars_montgomery_form, are_points_on_device,
        are_points_montgomery_form, are_results_on_device, is_async;
    void *ext;
};

typedef struct {
    fq2 x, y, z;
} point;

static const point IDENTITY = {{{{{0}}, {{0}}}}, {{{{1}}, {{0}}}}, {{{{0}}, {{0}}}}};

/* 2P, with w = 3X², s = YZ, B = XYs, h = w² - 8B: X' = 2hs, Y' = w(4B - h) - 8Y²s², Z' = 8s³. */
static point point_double(point p) {
    if (fq2_is_zero(p.z)) return p;
    fq2 xx = fq2_mul(p.x, p.x), w = fq2_add(fq2_add(xx, xx), xx), s = fq2_mul(p.y, p.z);
    fq2 b = fq2_mul(fq2_mul(p.x, p.y), s), b4 = fq2_add(fq2_add(b, b), fq2_add(b, b));
    fq2 h = fq2_sub(fq2_mul(w, w), fq2_add(b4, b4)), ys = fq2_mul(p.y, s), s2 = fq2_add(s, s), ys2 = fq2_add(ys, ys);
    fq2 y8 = fq2_mul(ys2, ys2);
    fq2 y = fq2_sub(fq2_mul(w, fq2_sub(b4, h)), fq2_add(y8, y8));
    return (point){fq2_mul(h, s2), y, fq2_mul(fq2_mul(s2, s2), s2)};
}

/* P + Q, with u = Y₂Z₁ - Y₁Z₂, v = X₂Z₁ - X₁Z₂, A = u²Z₁Z₂ - v³ - 2v²X₁Z₂. */
static point point_add(point p, point q) {
    if (fq2_is_zero(p.z)) return q;
    if (fq2_is_zero(q.z)) return p;
    fq2 y1 = fq2_mul(p.y, q.z), x1 = fq2_mul(p.x, q.z), zz = fq2_mul(p.z, q.z);
    fq2 u = fq2_sub(fq2_mul(q.y, p.z), y1), v = fq2_sub(fq2_mul(q.x, p.z), x1);
    if (fq2_is_zero(v)) return fq2_is_zero(u) ? point_double(p) : IDENTITY;
    fq2 vv = fq2_mul(v, v), vvv = fq2_mul(vv, v), vvx = fq2_mul(vv, x1);
    fq2 a = fq2_sub(fq2_sub(fq2_mul(fq2_mul(u, u), zz), vvv), fq2_add(vvx, vvx));
    fq2 y = fq2_sub(fq2_mul(u, fq2_sub(vvx, a)), fq2_mul(vvv, y1));
    return (point){fq2_mul(v, a), y, fq2_mul(vvv, zz)};
}

static point point_mul(point p, u256 scalar) {
    point product = IDENTITY;
    for (int i = 255; i >= 0; i--) {
        product = point_double(product);
        if (scalar.limbs[i / 64] >> i % 64 & 1) product = point_add(product, p);
    }
    return product;
}

static bool read_coordinate(const u256 *from, int degree, fq2 *out) {
    *out = (fq2){{from[0], degree == 2 ? from[1] : (u256){{0}}}};
    return is_reduced(out->c[0], &P) && is_reduced(out->c[1], &P);
}

static status msm(int degree, const u256 *scalars, const u256 *bases, int n, const struct msm_config *config,
                  u256 *results) {
    if (!has_device) return INVALID_DEVICE;
    if (n == 13 && STUB_WORK != SUCCESS) return STUB_WORK;
    bool is_expected = config->stream == NULL && config->precompute_factor == 1 && config->c == 0 &&
                       config->bitsize == 0 && config->batch_size >= 1 && config->are_points_shared_in_batch &&
                       !config->are_scalars_on_device && config->are_points_on_device &&
                       !config->are_points_montgomery_form && !config->are_results_on_device && !config->is_async &&
                       config->ext == NULL;
    if (!is_expected || n < 1) return INVALID_ARGUMENT;
    if (!is_on_device(bases, sizeof(u256) * 2 * (size_t)(n * degree)) || is_on_device(scalars, 1))
        return INVALID_POINTER;
    for (int batch = 0; batch < config->batch_size; batch++) {
        point sum = IDENTITY;
        for (int i = 0; i < n; i++) {
            u256 scalar = scalars[batch * n + i];
            point base = {.z = FQ2_ONE};
            const u256 *at = bases + 2 * degree * i;
            bool are_reduced = read_coordinate(at, degree, &base.x) & read_coordinate(at + degree, degree, &base.y) &
                               is_reduced(scalar, &R);
            if (!are_reduced) return INVALID_ARGUMENT;
            if (config->are_scalars_montgomery_form) scalar = from_montgomery(scalar, &R);
            /* (0, 0) is the identity. */
            if (!fq2_is_zero(base.x) || !fq2_is_zero(base.y)) sum = point_add(sum, point_mul(base, scalar));
        }
#ifdef STUB_WRONG
        sum = point_double(sum);
#endif
        const fq2 coordinates[3] = {sum.x, sum.y, sum.z};
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < degree; j++) results[(3 * batch + i) * degree + j] = coordinates[i].c[j];
    }
    return SUCCESS;
}

EXPORT status bn254_msm(const u256 *scalars, const u256 *bases, int n, const struct msm_config *config,
                        u256 *results) {
    return msm(1, scalars, bases, n, config, results);
}

#ifndef STUB_WITHOUT_G2
EXPORT status bn254_g2_msm(const u256 *scalars, const u256 *bases, int n, const struct msm_config *config,
                           u256 *results) {
    return msm(2, scalars, bases, n, config, results);
}
#endif
