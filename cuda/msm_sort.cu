// Stage `msm_bucket_count`: where in its bucket a digit goes. Whole numbers only.
//
// Bucket r*B + |d| - 1 takes the digits ±|d| of row r, a window of a sum; B is the number of buckets of a row.

#include "include/types.cuh"

using namespace zkwatt;

constexpr u32 BLOCK = 256;
constexpr u32 MAGNITUDE = 0x7fffffffu;

// Digits that one thread takes.
constexpr u32 ITEMS = 8;
constexpr u32 TILE = ITEMS * BLOCK;

// A small hash table of the tile's buckets. Equal digits meet here, so that a bucket that takes most of all entries
// costs one atomic of global memory for each tile. A digit whose place is taken goes to global memory itself.
constexpr u32 PLACES = 1024;
// Marks ranks that count within the tile; counts of a bucket stay below.
constexpr u32 WITHIN_TILE = 0x80000000u;
constexpr u32 NO_BUCKET = 0xffffffffu;

// ranks[i] <- place of digit i in its bucket, counts[b] <- entries of bucket b; one block a tile of one row. Zero
// digits have no rank. Words: threads, digits of a row, tiles of a row, rows; buckets of a row.
//
// A place of the table is zeroed, claimed and counted by atomics, then turned by its one owner from a count into
// the rank of the tile's first, then read: a barrier between any two of these, which all threads of a block reach.
extern "C" __global__ void __launch_bounds__(BLOCK) msm_bucket_count(
    const u32* digits, u32* ranks, u32* counts, const __grid_constant__ Params params) {
    __shared__ u32 place_bucket[PLACES];
    __shared__ u32 place_count[PLACES];
#pragma unroll
    for (u32 k = 0; k < PLACES; k += BLOCK) {
        // Buckets are kept plus one: zero is a free place.
        place_bucket[k + threadIdx.x] = 0;
        place_count[k + threadIdx.x] = 0;
    }
    __syncthreads();
    const u32 n = params.words[1];
    const u32 tiles = params.words[2];
    const u32 row = blockIdx.x / tiles;
    const u32 first = (blockIdx.x - row * tiles) * TILE + threadIdx.x;
    const u64 row_start = static_cast<u64>(row) * n;
    u32 bucket[ITEMS];
    u32 rank[ITEMS];
#pragma unroll
    for (u32 item = 0; item < ITEMS; item++) {
        const u32 i = first + item * BLOCK;
        const u32 magnitude = i < n ? __ldg(digits + row_start + i) & MAGNITUDE : 0;
        bucket[item] = magnitude != 0 ? row * params.words[4] + magnitude - 1 : NO_BUCKET;
    }
#pragma unroll
    for (u32 item = 0; item < ITEMS; item++) {
        if (bucket[item] == NO_BUCKET) continue;
        const u32 place = bucket[item] % PLACES;
        const u32 owner = atomicCAS(place_bucket + place, 0, bucket[item] + 1);
        const bool shares = owner == 0 || owner == bucket[item] + 1;
        rank[item] = shares ? WITHIN_TILE | atomicAdd(place_count + place, 1) : atomicAdd(counts + bucket[item], 1);
    }
    __syncthreads();
#pragma unroll
    for (u32 k = 0; k < PLACES; k += BLOCK) {
        const u32 place = k + threadIdx.x;
        const u32 owner = place_bucket[place];
        if (owner != 0) place_count[place] = atomicAdd(counts + (owner - 1), place_count[place]);
    }
    __syncthreads();
#pragma unroll
    for (u32 item = 0; item < ITEMS; item++) {
        if (bucket[item] == NO_BUCKET) continue;
        const bool shares = rank[item] >= WITHIN_TILE;
        const u32 before = shares ? place_count[bucket[item] % PLACES] - WITHIN_TILE : 0;
        ranks[row_start + first + item * BLOCK] = rank[item] + before;
    }
}
