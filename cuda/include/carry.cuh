// The instructions with a carry flag, one function each. `_cc` sets the flag; `addc`, `subc`, `madc` use it.
//
// The flag is set and used by neighbours: `volatile` keeps their order, and compilers set it nowhere else. The
// emulator reports a flag that is used and was not set.
#pragma once

#include "types.cuh"

namespace zkwatt {

#define ZKWATT_CARRY_2(name, instruction)                                  \
    __device__ __forceinline__ u32 name(u32 a, u32 b) {                    \
        u32 r;                                                             \
        asm volatile(instruction " %0, %1, %2;" : "=r"(r) : "r"(a), "r"(b)); \
        return r;                                                          \
    }

#define ZKWATT_CARRY_3(name, instruction)                                                    \
    __device__ __forceinline__ u32 name(u32 a, u32 b, u32 c) {                               \
        u32 r;                                                                               \
        asm volatile(instruction " %0, %1, %2, %3;" : "=r"(r) : "r"(a), "r"(b), "r"(c));     \
        return r;                                                                            \
    }

ZKWATT_CARRY_2(add_cc, "add.cc.u32")
ZKWATT_CARRY_2(addc_cc, "addc.cc.u32")
ZKWATT_CARRY_2(addc, "addc.u32")
ZKWATT_CARRY_2(sub_cc, "sub.cc.u32")
ZKWATT_CARRY_2(subc_cc, "subc.cc.u32")
ZKWATT_CARRY_2(subc, "subc.u32")
ZKWATT_CARRY_3(mad_lo_cc, "mad.lo.cc.u32")
ZKWATT_CARRY_3(madc_lo_cc, "madc.lo.cc.u32")
ZKWATT_CARRY_3(madc_hi_cc, "madc.hi.cc.u32")
ZKWATT_CARRY_3(madc_hi, "madc.hi.u32")

#undef ZKWATT_CARRY_2
#undef ZKWATT_CARRY_3

} // namespace zkwatt
