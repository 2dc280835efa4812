// Stages `ntt_pass_to_reversed`, `ntt_pass_to_natural` and `ntt_roots` of number-theoretic transforms over F_r.
//
// A pass does several neighbouring layers of a transform on tiles of 8 elements a thread, which stay in registers. The
// tile is a matrix, 2^layers rows by C columns, row after row. Where layers remain below it, rows lie far apart in
// memory and columns are neighbours; where not, every column is a block of its own whose rows are neighbours.
//
// A round does up to three layers, those of a window of three bits of the places in the tile: thread t holds the eight
// places that differ in these bits. Between two rounds elements change threads through shared memory. The first window
// loads, the last one stores.
//
// Layer l of a transform has 2^l blocks; block b uses ω^rev(b), entry b of one table for all sizes. The inverse root of
// b >= 1 is minus the entry whose index has all bits below the highest one inverted, as ω^-k = -ω^(n/2 - k): one table
// serves both directions, and no products are needed between passes. In the round of layer 0 roots depend on the
// register alone, and 7 of 12 are one.
//
// Fused with the first or last round: scaling (coset shift, 1/n) and the permutation for equal orders on both ends.
// Bytes: 64 an element and pass, and the roots, 32 for each block of each layer. Products: one for two elements and
// layer, less 7/8 an element in the round of layer 0; at most two an element for scaling.

#include "include/field.cuh"

namespace zkwatt {
namespace {

// Threads of a block at most. Two such blocks a multiprocessor leave 128 registers a thread.
constexpr u32 MAX_THREADS = 256;
constexpr u32 ELEMENTS = 8;

// Words of a pass's parameters. Strides are powers of two and given as logarithms.
enum Word : u32 {
    COUNT,             // elements of all transforms; tiles may reach beyond them
    LOG_TILE,          // of the elements of a tile
    LOG_COLUMNS,
    LOG_ROW_STRIDE,
    LOG_COLUMN_STRIDE,
    LOG_GROUP_TILES,   // tiles come in groups
    LOG_GROUP_STRIDE,
    LOG_TILE_STRIDE,
    GROUP_BLOCK_MASK,  // the block of an element, of those of the pass's first layer: (group & mask)
    TILE_BLOCKS,       //   + tile in group · this
    COLUMN_BLOCKS,     //   + column · this
    ROUNDS,            // a byte each: the lowest bit of its window, bits 4 to 6 for its layers, bit 7 if it has layer 0
    LAST_WINDOW,       // of the last round
    PLACE_MASK,        // n - 1
    REVERSAL,          // moves a place to the highest bits, or 0 if elements stay
    IS_INVERSE,
    LOAD_FACTORS,      // products that scale an element when it is loaded
    STORE_FACTORS,     // and when it is stored
    LOW_MASK,          // of the places that the first table of factors covers
};

// A factor is the product of an entry for the low bits of its place and one for the others, which follow.
constexpr u32 LOW_BITS = 10;

// The place in the tile of a thread's first element; bits q, q + 1 and q + 2 count its elements.
__device__ __forceinline__ u32 first_place(u32 q) {
    u32 low = threadIdx.x & ((1u << q) - 1);
    return ((threadIdx.x ^ low) << 3) | low;
}

struct Tile {
    u32 base;   // where its first element lies
    u32 block;  // of its first column, among the blocks of the pass's first layer
};

__device__ __forceinline__ Tile tile_of_block(const Params& p) {
    u32 group = blockIdx.x >> p.words[LOG_GROUP_TILES];
    u32 in_group = blockIdx.x & ((1u << p.words[LOG_GROUP_TILES]) - 1);
    return {
        (group << p.words[LOG_GROUP_STRIDE]) + (in_group << p.words[LOG_TILE_STRIDE]),
        (group & p.words[GROUP_BLOCK_MASK]) + in_group * p.words[TILE_BLOCKS],
    };
}

// Where element e of a tile lies in memory.
__device__ __forceinline__ u32 place_of(const Params& p, u32 base, u32 e) {
    u32 row = e >> p.words[LOG_COLUMNS];
    u32 column = e & ((1u << p.words[LOG_COLUMNS]) - 1);
    return base + (row << p.words[LOG_ROW_STRIDE]) + (column << p.words[LOG_COLUMN_STRIDE]);
}

__device__ __forceinline__ void load_tile(Fr (&x)[ELEMENTS], const Fr* from, const Params& p, u32 base, u32 q) {
    u32 first = first_place(q);
#pragma unroll
    for (u32 i = 0; i < ELEMENTS; i++) {
        u32 place = place_of(p, base, first | i << q);
        x[i] = place < p.words[COUNT] ? load(from + place) : Fr::zero();
    }
}

__device__ __forceinline__ void store_tile(Fr* to, const Fr (&x)[ELEMENTS], const Params& p, u32 base, u32 q) {
    u32 first = first_place(q);
#pragma unroll
    for (u32 i = 0; i < ELEMENTS; i++) {
        u32 place = place_of(p, base, first | i << q);
        if (place >= p.words[COUNT]) continue;
        u32 in_transform = place & p.words[PLACE_MASK];
        u32 reversed = __brev(in_transform * p.words[REVERSAL]);
        store(to + (p.words[REVERSAL] ? place - in_transform + reversed : place), x[i]);
    }
}

// Multiplies each element by the factor of its place. A loop over elements in turning registers: the moves cost less
// than the instruction cache would lose on 16 products.
__device__ __forceinline__ void scale_tile(
    Fr (&x)[ELEMENTS], const Fr* factors, const Params& p, u32 base, u32 q, u32 products
) {
    if (products == 0) return;
    u32 first = first_place(q);
#pragma unroll 1
    for (u32 i = 0; i < ELEMENTS; i++) {
        u32 place = place_of(p, base, first | i << q) & p.words[PLACE_MASK];
        Fr scaled = x[0];
        u32 entry = place & p.words[LOW_MASK];
#pragma unroll 1
        for (u32 k = 0; k < products; k++) {
            scaled = scaled * load_const(factors + entry);
            entry = p.words[LOW_MASK] + 1 + (place >> LOW_BITS);
        }
#pragma unroll
        for (u32 k = 1; k < ELEMENTS; k++) x[k - 1] = x[k];
        x[ELEMENTS - 1] = scaled;
    }
}

// Places in shared memory, linear over XOR. Eight threads that follow each other differ in bits 0 to 2 of their number,
// so that their places differ in bits 0..q and q + 3..6 of a window at q < 3, and in bits 0..3 of a higher one. Bits 3 to
// 5 added to bits 0 to 2 make the lowest three bits different in both cases: eight 16-byte accesses meet eight
// different groups of four banks.
__device__ __forceinline__ u32 shared_place(u32 e) {
    return e ^ ((e >> 3) & 7);
}

__device__ __forceinline__ uint4 half_of(const Fr& x, u32 half) {
    const u32* w = x.limbs + 4 * half;
    return make_uint4(w[0], w[1], w[2], w[3]);
}

__device__ __forceinline__ void set_half(Fr& x, u32 half, uint4 value) {
    u32* w = x.limbs + 4 * half;
    w[0] = value.x;
    w[1] = value.y;
    w[2] = value.z;
    w[3] = value.w;
}

// From the window at `from` to that at `to`. Halves of elements go one after the other: 32 KiB of shared memory a block
// of 256, two of which fit every multiprocessor from sm_70 on.
//
// Barriers: between the writes of a half and their reads by other threads, and between these reads and the writes of the
// second half, which replace what is read. None before the first half: a thread writes where it has read last, since an
// exchange begins with the window that the one before ended with.
__device__ __forceinline__ void exchange(uint4* tile, Fr (&x)[ELEMENTS], u32 from, u32 to) {
    u32 mine = shared_place(first_place(from));
    u32 next = shared_place(first_place(to));
#pragma unroll
    for (u32 half = 0; half < 2; half++) {
        if (half != 0) __syncthreads();
#pragma unroll
        for (u32 i = 0; i < ELEMENTS; i++) tile[mine ^ shared_place(i << from)] = half_of(x[i], half);
        __syncthreads();
#pragma unroll
        for (u32 i = 0; i < ELEMENTS; i++) set_half(x[i], half, tile[next ^ shared_place(i << to)]);
    }
}

// The root of a block in the direction of the transform.
__device__ __forceinline__ Fr root_of(const Fr* roots, u32 block, bool inverse) {
    bool negative = inverse && block != 0;
    Fr root = load_const(roots + (negative ? block ^ (0x7fffffffu >> __clz(block)) : block));
    return negative ? -root : root;
}

// (x, y) <- (x + w·y, x − w·y), Cooley–Tukey.
struct ToReversed {
    static constexpr bool UPMOST_FIRST = true;
    static __device__ __forceinline__ void pair(Fr& x, Fr& y, const Fr& w) {
        Fr product = w * y;
        y = x - product;
        x = x + product;
    }
};

// (x, y) <- (x + y, (x − y)·w), Gentleman–Sande.
struct ToNatural {
    static constexpr bool UPMOST_FIRST = false;
    static __device__ __forceinline__ void pair(Fr& x, Fr& y, const Fr& w) {
        // Below 2p, as factors may be.
        Fr difference = sub_lazy(add_lazy(x, Fr::modulus()), y);
        x = x + y;
        y = w * difference;
    }
};

__device__ __forceinline__ void pair_of_one(Fr& x, Fr& y) {
    Fr difference = x - y;
    x = x + y;
    y = difference;
}

// The layer that pairs registers 2^K apart; `block` is that of all eight in the layer with K = 2.
template <class Form, u32 K>
__device__ __forceinline__ void layer(Fr (&x)[ELEMENTS], const Fr* roots, u32 block, bool inverse) {
#pragma unroll
    for (u32 b = 0; b < 4 >> K; b++) {
        Fr w = root_of(roots, (block << (2 - K)) + b, inverse);
#pragma unroll
        for (u32 i = 0; i < 1 << K; i++) {
            u32 at = (b << (K + 1)) + i;
            Form::pair(x[at], x[at + (1 << K)], w);
        }
    }
}

// The same where `block` is 0: the first root of every layer is one. It is a variable all the same, so that addresses of
// roots do not take registers throughout the loop over rounds.
template <class Form, u32 K>
__device__ __forceinline__ void layer_of_block_0(Fr (&x)[ELEMENTS], const Fr* roots, u32 block, bool inverse) {
#pragma unroll
    for (u32 i = 0; i < 1 << K; i++) pair_of_one(x[i], x[i + (1 << K)]);
#pragma unroll
    for (u32 b = 1; b < 4 >> K; b++) {
        Fr w = root_of(roots, (block << (2 - K)) + b, inverse);
#pragma unroll
        for (u32 i = 0; i < 1 << K; i++) {
            u32 at = (b << (K + 1)) + i;
            Form::pair(x[at], x[at + (1 << K)], w);
        }
    }
}

// The layers of a round, those whose bit is set in `which`, for a block of the upmost one.
template <class Form>
__device__ __forceinline__ void layers(Fr (&x)[ELEMENTS], u32 which, const Fr* roots, u32 block, bool inverse) {
    if constexpr (Form::UPMOST_FIRST) {
        if (which & 4) layer<Form, 2>(x, roots, block, inverse);
        if (which & 2) layer<Form, 1>(x, roots, block, inverse);
        if (which & 1) layer<Form, 0>(x, roots, block, inverse);
    } else {
        if (which & 1) layer<Form, 0>(x, roots, block, inverse);
        if (which & 2) layer<Form, 1>(x, roots, block, inverse);
        if (which & 4) layer<Form, 2>(x, roots, block, inverse);
    }
}

template <class Form>
__device__ __forceinline__ void layers_of_block_0(
    Fr (&x)[ELEMENTS], u32 which, const Fr* roots, u32 block, bool inverse
) {
    if constexpr (Form::UPMOST_FIRST) {
        if (which & 4) layer_of_block_0<Form, 2>(x, roots, block, inverse);
        if (which & 2) layer_of_block_0<Form, 1>(x, roots, block, inverse);
        if (which & 1) layer_of_block_0<Form, 0>(x, roots, block, inverse);
    } else {
        if (which & 1) layer_of_block_0<Form, 0>(x, roots, block, inverse);
        if (which & 2) layer_of_block_0<Form, 1>(x, roots, block, inverse);
        if (which & 4) layer_of_block_0<Form, 2>(x, roots, block, inverse);
    }
}

// `from` and `to` may be the same memory: a tile is stored where it was loaded, after an exchange or, with a single
// round, by the thread that loaded the place. Where elements move to reversed places, either a thread holds whole
// transforms (up to three layers), or the tile does and there is an exchange, or `from` is other memory.
template <class Form>
__device__ __forceinline__ void pass(Fr* to, const Fr* from, const Fr* roots, const Fr* factors, const Params& p) {
    __shared__ uint4 shared_tile[MAX_THREADS * ELEMENTS];
    const Tile tile = tile_of_block(p);
    const u32 top = p.words[LOG_TILE] - 3;
    const bool inverse = p.words[IS_INVERSE] != 0;
    u32 rounds = p.words[ROUNDS];
    Fr x[ELEMENTS];
    load_tile(x, from, p, tile.base, rounds & 15);
    scale_tile(x, factors, p, tile.base, rounds & 15, p.words[LOAD_FACTORS]);
    // Left at its end alone: compilers would make two copies of a loop that is left in its middle.
#pragma unroll 1
    do {
        u32 q = rounds & 15;
        u32 which = rounds >> 4;
        u32 first = first_place(q);
        u32 column = first & ((1u << p.words[LOG_COLUMNS]) - 1);
        u32 block = tile.block + column * p.words[COLUMN_BLOCKS];
        block = (block << (top - q)) + (first >> (q + 3));
        if (which & 8) {
            layers_of_block_0<Form>(x, which, roots, block, inverse);
        } else {
            layers<Form>(x, which, roots, block, inverse);
        }
        rounds >>= 8;
        if (rounds) exchange(shared_tile, x, q, rounds & 15);
    } while (rounds);
    scale_tile(x, factors, p, tile.base, p.words[LAST_WINDOW], p.words[STORE_FACTORS]);
    store_tile(to, x, p, tile.base, p.words[LAST_WINDOW]);
}

}  // namespace
}  // namespace zkwatt

using zkwatt::Fr;
using zkwatt::Params;

extern "C" __global__ void __launch_bounds__(256, 2) ntt_pass_to_reversed_fr(
    Fr* to, const Fr* from, const Fr* roots, const Fr* factors, const __grid_constant__ Params params
) {
    zkwatt::pass<zkwatt::ToReversed>(to, from, roots, factors, params);
}

extern "C" __global__ void __launch_bounds__(256, 2) ntt_pass_to_natural_fr(
    Fr* to, const Fr* from, const Fr* roots, const Fr* factors, const __grid_constant__ Params params
) {
    zkwatt::pass<zkwatt::ToNatural>(to, from, roots, factors, params);
}

// Entry i of the table of roots from the entries for its low bits and for its others. Words: the number of entries, and
// how many of the factors are for low bits.
extern "C" __global__ void __launch_bounds__(128) ntt_roots_fr(
    Fr* table, const Fr* factors, const __grid_constant__ Params params
) {
    zkwatt::u32 i = zkwatt::thread_index();
    zkwatt::u32 low = params.words[1];
    if (i >= params.words[0]) return;
    Fr high_root = load_const(factors + low + (i >> zkwatt::LOW_BITS));
    store(table + i, load_const(factors + (i & (low - 1))) * high_root);
}
