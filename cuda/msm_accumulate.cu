// Sums of buckets: the one part of an MSM whose cost grows with scalars times windows.

#include "include/sum.cuh"

using namespace zkwatt;

namespace {

constexpr u32 SIGN = 0x80000000u;
constexpr u32 INDEX = 0x7fffffffu;

template <class F>
__device__ __forceinline__ Xyzz<F>* sum_at(Xyzz<F>* buckets, Xyzz<F>* extras, u32 target) {
    return (target & SIGN) != 0 ? extras + (target & INDEX) : buckets + target;
}

// The bases of a segment's entries, each asked for one addition ahead, so that products hide the way to memory.
template <class F>
struct Bases {
    const Affine<F>* bases;
    const u32* entries;
    u32 last;
    u32 entry;
    Affine<F> ahead;

    __device__ __forceinline__ Bases(const Affine<F>* bases, const u32* entries, u32 first, u32 last)
        : bases(bases), entries(entries), last(last), entry(__ldg(entries + first)),
          ahead(load_const(bases + (entry & INDEX))) {}

    // The signed base of entry `at`; calls go from the first to the last.
    __device__ __forceinline__ Affine<F> take(u32 at) {
        const Affine<F> taken = {ahead.x, select((entry & SIGN) != 0, -ahead.y, ahead.y)};
        // The last one asks for itself again: no branch.
        entry = __ldg(entries + (at < last ? at + 1 : last));
        ahead = load_const(bases + (entry & INDEX));
        return taken;
    }
};

// Over F_q² there are no registers for a base ahead: it is brought to the second-level cache.
template <>
struct Bases<Fq2> {
    const Affine<Fq2>* bases;
    const u32* entries;
    u32 last;
    u32 entry;

    __device__ __forceinline__ Bases(const Affine<Fq2>* bases, const u32* entries, u32 first, u32 last)
        : bases(bases), entries(entries), last(last), entry(__ldg(entries + first)) {}

    __device__ __forceinline__ Affine<Fq2> take(u32 at) {
        const Affine<Fq2> base = load_const(bases + (entry & INDEX));
        const bool negative = (entry & SIGN) != 0;
        entry = __ldg(entries + (at < last ? at + 1 : last));
        asm volatile("prefetch.global.L2 [%0];" ::"l"(__cvta_generic_to_global(bases + (entry & INDEX))));
        return {base.x, select(negative, -base.y, base.y)};
    }
};

// A bucket's first segment adds to what the bucket holds, of earlier pieces of the scalars; an extra starts from
// nothing. One thread a segment: warps have segments of nearly equal lengths.
template <class F>
__device__ __forceinline__ void accumulate(const Affine<F>* bases, const u32* entries, const uint4* segments,
                                           const u32* counts, Xyzz<F>* buckets, Xyzz<F>* extras,
                                           const Params& params) {
    const u32 thread = thread_index();
    if (thread >= params.words[0] || thread >= counts[params.words[1]]) return;
    const uint4 segment = segments[thread];
    Xyzz<F>* const target = sum_at(buckets, extras, segment.z);
    Xyzz<F> sum = identity<F>();
    if ((segment.z & SIGN) == 0) sum = load(target);
    const u32 last = segment.x + segment.y - 1;
    Bases<F> signed_bases(bases, entries, segment.x, last);
#pragma unroll 1
    for (u32 at = segment.x; at <= last; at++) sum = add_mixed(sum, signed_bases.take(at));
    store(target, sum);
}

// One thread a job; see `msm_segments`.
template <class F>
__device__ __forceinline__ void merge(const uint4* jobs, const u32* job_counts, Xyzz<F>* buckets, Xyzz<F>* extras,
                                      const Params& params) {
    const u32 thread = thread_index();
    if (thread >= params.words[0] || thread >= job_counts[params.words[1]]) return;
    const uint4 job = jobs[params.words[2] + thread];
    Xyzz<F>* const target = sum_at(buckets, extras, job.x);
#pragma unroll 1
    for (u32 i = 0; i < job.z; i++) {
        add_in_place(target, extras + job.y + i * params.words[3]);
        // The sum stays in memory between additions: over F_q² there are no registers for it.
        asm volatile("" ::: "memory");
    }
}

} // namespace

// buckets, extras <- sums of the segments, of which counts[word 1] says how many there are.
// Params: threads, where in counts to look.
//
// jobs: those of one round, of which job_counts[round] says how many there are; their summands lie `distance` apart.
// Params of the merging: threads, round, first job, distance.
#define BUCKET_SUMS(suffix, F, blocks)                                                                     \
    extern "C" __global__ void __launch_bounds__(128, blocks) msm_bucket_accumulate_##suffix(              \
        const Affine<F>* bases, const u32* entries, const uint4* segments, const u32* counts,              \
        Xyzz<F>* buckets, Xyzz<F>* extras, const __grid_constant__ Params params) {                        \
        accumulate<F>(bases, entries, segments, counts, buckets, extras, params);                          \
    }                                                                                                      \
    extern "C" __global__ void __launch_bounds__(128) msm_bucket_merge_##suffix(                           \
        const uint4* jobs, const u32* job_counts, Xyzz<F>* buckets, Xyzz<F>* extras,                       \
        const __grid_constant__ Params params) {                                                           \
        merge<F>(jobs, job_counts, buckets, extras, params);                                               \
    }

// Four blocks of 128 threads on a multiprocessor leave each 128 registers.
BUCKET_SUMS(g1, Fq, 4)
BUCKET_SUMS(g2, Fq2, 2)
