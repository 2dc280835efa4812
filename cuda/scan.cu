// Stages `prefix_sum`, `prefix_product` and `divide_by_linear`: scans in three steps. Thread t owns the CHUNK
// elements from t*CHUNK on, of word 1 in all; word 0 is the number of chunks, none of which is empty. `_totals`
// folds them; the totals are scanned in the same way, exclusively, and are then what is carried into each chunk,
// where the second step goes over the elements again. Chunks touch nothing of each other's: no barriers.
//
// An element: two operations, 96 bytes. Lanes read a KiB apart, a whole sector of 32 bytes each. What comes next is
// loaded beside an operation.

#include "include/field.cuh"

using namespace zkwatt;

constexpr u32 CHUNK = 32;

struct Sum {
    static constexpr bool DOWNWARDS = false;
    __device__ static Sum of(const Params&) { return {}; }
    __device__ static Fr identity() { return Fr::zero(); }
    __device__ __forceinline__ Fr operator()(Fr carried, Fr value) const { return carried + value; }
};

struct Product {
    static constexpr bool DOWNWARDS = false;
    __device__ static Product of(const Params&) { return {}; }
    __device__ static Fr identity() { return Fr::one(); }
    __device__ __forceinline__ Fr operator()(Fr carried, Fr value) const { return carried * value; }
};

// Ruffini's rule from the last coefficient to the first: b_i = c_i + z*b_(i+1), z in words 8... The total of a
// chunk is its b with nothing carried into it, the quotient's coefficient i is b_(i+1).
struct Division {
    static constexpr bool DOWNWARDS = true;
    Fr z;
    __device__ static Division of(const Params& params) { return {fe_param(params, 8)}; }
    __device__ static Fr identity() { return Fr::zero(); }
    __device__ __forceinline__ Fr operator()(Fr carried, Fr value) const { return value + z * carried; }
};

// The elements of a chunk in the order of a scan: place 0, 1, ..., len - 1.
template <bool DOWNWARDS>
struct Chunk {
    u32 first, len;

    __device__ __forceinline__ Chunk(u32 t, u32 n) : first(t * CHUNK), len(min(CHUNK, n - t * CHUNK)) {}
    __device__ __forceinline__ u32 operator[](u32 place) const {
        return DOWNWARDS ? first + len - 1 - place : first + place;
    }
};

template <class Step>
__device__ __forceinline__ void fold_chunks(const Fr* values, Fr* totals, const Params& params) {
    const u32 t = thread_index();
    if (t >= params.words[0]) return;
    const Step step = Step::of(params);
    const Chunk<Step::DOWNWARDS> chunk(t, params.words[1]);
    Fr total = load_const(values + chunk[0]);
    for (u32 place = 1; place < chunk.len; place++) {
        total = step(total, load_const(values + chunk[place]));
    }
    store(totals + t, total);
}

// Word 2: whether prefixes contain the element at their own place. Word 3: whether there is one chunk only, into
// which nothing is carried.
template <class Step>
__device__ __forceinline__ void scan_chunks(Fr* values, const Fr* totals, const Params& params) {
    const u32 t = thread_index();
    if (t >= params.words[0]) return;
    const Step step = Step::of(params);
    const Chunk<Step::DOWNWARDS> chunk(t, params.words[1]);
    const bool inclusive = params.words[2] != 0;
    Fr carried = params.words[3] != 0 ? Step::identity() : load_const(totals + t);
    Fr value = load(values + chunk[0]);
    u32 place = 0;
    do {
        // Behind the last one it is the last one again, and not used.
        const Fr following = load(values + chunk[min(place + 1, chunk.len - 1)]);
        const Fr next = step(carried, value);
        store(values + chunk[place], select(inclusive, next, carried));
        carried = next;
        value = following;
    } while (++place < chunk.len);
}

#define SCAN_STAGE(name, Step)                                                                  \
    extern "C" __global__ void __launch_bounds__(64)                                            \
        name##_totals_fr(const Fr* values, Fr* totals, const __grid_constant__ Params params) { \
        fold_chunks<Step>(values, totals, params);                                              \
    }                                                                                           \
    extern "C" __global__ void __launch_bounds__(64)                                            \
        name##_fr(Fr* values, const Fr* totals, const __grid_constant__ Params params) {        \
        scan_chunks<Step>(values, totals, params);                                              \
    }

SCAN_STAGE(prefix_sum, Sum)
SCAN_STAGE(prefix_product, Product)
SCAN_STAGE(divide_by_linear, Division)
