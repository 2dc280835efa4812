// Interpreter of quotient programs over F_r. One arena holds, for a piece of the rows, all that instructions read
// and write: uniforms once, then slots of `stride` elements: windows of columns, registers, outputs. An operand is
// a place in the arena, to which the row is added unless it is a uniform. All threads run the same instruction, so
// its branches part no warp; a thread reads and writes its own row only: no barriers.
//
// An instruction and row: at most one product, 32 bytes for each operand and for a result that is kept.

#include "include/field.cuh"

using namespace zkwatt;

// Copies part k of up to seven columns to the arena: `len` elements from `from` on, to `to`.
__device__ __forceinline__ void gather_part(Fr* arena, const Fr* column, u32 k, u32 i, const Params& params) {
    const u32 len = params.words[4 + 4 * k];
    const u32 from = params.words[5 + 4 * k];
    const u32 to = params.words[6 + 4 * k];
    if (i < len) store(arena + to + i, load_const(column + from + i));
}

// One thread an element of each part. Word 0: threads, as many as the longest part has elements. Words 4 + 4k..:
// elements of part k, where it starts in its column, where it goes in the arena. Parts do not overlap.
extern "C" __global__ void __launch_bounds__(64) quotient_gather_fr(
    Fr* arena, const Fr* column_0, const Fr* column_1, const Fr* column_2, const Fr* column_3, const Fr* column_4,
    const Fr* column_5, const Fr* column_6, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    gather_part(arena, column_0, 0, i, params);
    gather_part(arena, column_1, 1, i, params);
    gather_part(arena, column_2, 2, i, params);
    gather_part(arena, column_3, 3, i, params);
    gather_part(arena, column_4, 4, i, params);
    gather_part(arena, column_5, 5, i, params);
    gather_part(arena, column_6, 6, i, params);
}

// x is a, or a*b; a negation subtracts from a zero that the arena holds.
struct Instruction {
    // Bits 0-1: the result is x, x + c, x - c, or c - x. Bit 2: x is a product. Bits 3-5: a, b, c vary by row.
    u32 operation;
    // Place of the result, or NOWHERE if only the next instruction uses it.
    u32 to;
    // Places, or LAST for the result of the instruction before.
    u32 a, b, c;
    u32 unused[3];
};

constexpr u32 NOWHERE = 0xffffffffu;
constexpr u32 LAST = 0xffffffffu;
constexpr u32 SUM = 1;
constexpr u32 DIFFERENCE = 2;
constexpr u32 HOW = 3;
constexpr u32 PRODUCT = 4;
constexpr u32 A_VARIES = 8;
constexpr u32 B_VARIES = 16;
constexpr u32 C_VARIES = 32;

// All lanes read the same instruction, which no kernel in flight writes.
__device__ __forceinline__ Instruction fetch(const Instruction* at) {
    const uint4 head = __ldg(reinterpret_cast<const uint4*>(at));
    return {head.x, head.y, head.z, head.w, __ldg(&at->c), {}};
}

__device__ __forceinline__ Fr operand(const Fr* arena, u32 place, u32 varies, u32 row, const Fr& last) {
    if (place == LAST) return last;
    return load(arena + place + (varies != 0 ? row : 0));
}

// One thread a row. Words: rows, instructions, of which there is one at least.
extern "C" __global__ void __launch_bounds__(64)
    quotient_run_fr(Fr* arena, const Instruction* program, const __grid_constant__ Params params) {
    const u32 row = thread_index();
    if (row >= params.words[0]) return;
    const u32 instructions = params.words[1];
    Fr last = Fr::zero();
    Instruction now = fetch(program);
    u32 step = 0;
    do {
        // The next one arrives while this one computes; behind the last one it is the last one again.
        const Instruction following = fetch(program + min(step + 1, instructions - 1));
        const u32 how = now.operation & HOW;
        Fr x = operand(arena, now.a, now.operation & A_VARIES, row, last);
        if ((now.operation & PRODUCT) != 0) {
            x = x * operand(arena, now.b, now.operation & B_VARIES, row, last);
        }
        if (how != 0) {
            const Fr c = operand(arena, now.c, now.operation & C_VARIES, row, last);
            if (how == SUM) {
                x = x + c;
            } else if (how == DIFFERENCE) {
                x = x - c;
            } else {
                x = c - x;
            }
        }
        if (now.to != NOWHERE) store(arena + now.to + row, x);
        last = x;
        now = following;
    } while (++step < instructions);
}
