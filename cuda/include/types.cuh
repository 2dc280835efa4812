// Integers, parameters and indices that every kernel uses.
#pragma once

namespace zkwatt {

using u32 = unsigned int;
using u64 = unsigned long long;

// What a dispatch passes by value: its parameters, and the constants of its stage.
struct Params {
    u32 words[64];
    u32 constants[8];
};

__device__ __forceinline__ u32 thread_index() {
    return blockIdx.x * blockDim.x + threadIdx.x;
}

} // namespace zkwatt
