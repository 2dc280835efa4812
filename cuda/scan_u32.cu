// Exclusive prefix sums of 32-bit numbers, modulo 2^32, in tiles: each tile by itself, then the tiles' totals by
// the same stage, then the offsets. A thread has four neighbours in one vector, a warp scans its lanes by shuffles,
// and the warps of a block meet once in shared memory.
//
// A number: 16 bytes.

#include "include/types.cuh"

using namespace zkwatt;

constexpr u32 BLOCK = 256;
constexpr u32 TILE = 4 * BLOCK;
constexpr u32 WARP = 32;
constexpr u32 WARPS = BLOCK / WARP;
constexpr u32 ALL_LANES = 0xffffffffu;

// The values of slots first..first + 4; slots from `values` on count as zero, whatever they hold.
__device__ __forceinline__ uint4 load_four(const u32* data, u32 first, u32 values) {
    if (first + 4 <= values) return *reinterpret_cast<const uint4*>(data + first);
    uint4 four = make_uint4(0, 0, 0, 0);
    if (first < values) four.x = data[first];
    if (first + 1 < values) four.y = data[first + 1];
    if (first + 2 < values) four.z = data[first + 2];
    return four;
}

__device__ __forceinline__ void store_four(u32* data, u32 first, u32 slots, uint4 four) {
    if (first + 4 <= slots) {
        *reinterpret_cast<uint4*>(data + first) = four;
        return;
    }
    if (first < slots) data[first] = four.x;
    if (first + 1 < slots) data[first + 1] = four.y;
    if (first + 2 < slots) data[first + 2] = four.z;
}

// Sum over this lane and those before it. All lanes of the warp take part.
__device__ __forceinline__ u32 warp_inclusive(u32 value, u32 lane) {
#pragma unroll
    for (u32 distance = 1; distance < WARP; distance *= 2) {
        const u32 before = __shfl_up_sync(ALL_LANES, value, distance);
        if (lane >= distance) value += before;
    }
    return value;
}

// One block a tile. Words: threads, values to sum, slots to write (all values, perhaps one more), number of the
// first tile. Threads beyond the slots stay: the shuffles and the barrier are for whole blocks.
extern "C" __global__ void __launch_bounds__(BLOCK)
    scan_u32_tiles(u32* scan_data, u32* tile_totals, const __grid_constant__ Params params) {
    __shared__ u32 warp_totals[WARPS];
    const u32 first = 4 * thread_index();
    const u32 warp = threadIdx.x / WARP;
    const u32 lane = threadIdx.x % WARP;
    const uint4 v = load_four(scan_data, first, params.words[1]);
    const u32 own = v.x + v.y + v.z + v.w;
    const u32 through = warp_inclusive(own, lane);
    if (lane == WARP - 1) warp_totals[warp] = through;
    // Written once by one lane of each warp, read by all: one barrier is enough.
    __syncthreads();
    u32 offset = through - own;
#pragma unroll
    for (u32 w = 0; w < WARPS; w++) {
        if (w < warp) offset += warp_totals[w];
    }
    const uint4 before = make_uint4(offset, offset + v.x, offset + v.x + v.y, offset + v.x + v.y + v.z);
    store_four(scan_data, first, params.words[2], before);
    if (threadIdx.x == BLOCK - 1) tile_totals[params.words[3] + blockIdx.x] = offset + own;
}

// Words: slots (one thread each), number of the first tile.
extern "C" __global__ void __launch_bounds__(BLOCK)
    scan_u32_add(u32* scan_data, const u32* tile_offsets, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    scan_data[i] += tile_offsets[params.words[1] + i / TILE];
}
