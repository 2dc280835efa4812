// From ranked digits to segments: whole numbers only.
//
// Bucket r·B + |d| − 1 takes the digits ±|d| of row r; B = 2^(c−1). Its k entries become ⌈k/S⌉ segments of S
// entries, the last of what is left: the first adds to the bucket itself, the others (extras) have sums of their
// own, which trees of additions bring to the bucket. Segments are worked on in the order of their lengths, longest
// first: the lanes of a warp are done at the same time, and a long one does not start last.

#include "include/types.cuh"

using namespace zkwatt;

namespace {

constexpr u32 SIGN = 0x80000000u;
constexpr u32 MAGNITUDE = 0x7fffffffu;

// S at most.
constexpr u32 BINS = 256;

// Sums that one thread adds to another in a round of merging, and itself.
constexpr u32 FAN_IN = 8;

// Marks the sum of an extra segment where a bucket could stand.
constexpr u32 EXTRA = 0x80000000u;

// Of a bucket that has entries.
__device__ __forceinline__ u32 extras_of(u32 entries, u32 segment) {
    return (entries - 1) / segment;
}

// totals[i] += counts[i] for all bins, after all threads have counted. Every thread of the block comes here; before a
// second use of `counts` the block synchronises again.
__device__ __forceinline__ void add_bins(u32* totals, u32* counts, bool keep_places) {
    __syncthreads();
    for (u32 bin = threadIdx.x; bin < BINS; bin += blockDim.x) {
        const u32 count = counts[bin];
        if (count == 0) continue;
        const u32 place = atomicAdd(totals + bin, count);
        if (keep_places) counts[bin] = place;
    }
}

__device__ __forceinline__ void clear_bins(u32* counts) {
    for (u32 bin = threadIdx.x; bin < BINS; bin += blockDim.x) counts[bin] = 0;
    __syncthreads();
}

} // namespace

// starts[b] <- entries of bucket b, starts[buckets + b] <- its extra segments, bins[S − length] += segments of that
// length. Params: threads, buckets, S.
extern "C" __global__ void __launch_bounds__(256)
    msm_segment_lengths(const u32* counts, u32* starts, u32* bins, const __grid_constant__ Params params) {
    __shared__ u32 lengths[BINS];
    clear_bins(lengths);
    const u32 threads = params.words[0], buckets = params.words[1], segment = params.words[2];
    // None for threads beyond the last: all reach the barrier.
    for (u32 bucket = thread_index() < threads ? thread_index() : buckets; bucket < buckets; bucket += threads) {
        const u32 entries = counts[bucket];
        const u32 extras = entries == 0 ? 0 : extras_of(entries, segment);
        starts[bucket] = entries;
        starts[buckets + bucket] = extras;
        if (extras != 0) atomicAdd(lengths, extras);
        if (entries != 0) atomicAdd(lengths + segment - (entries - extras * segment), 1);
    }
    add_bins(bins, lengths, false);
}

// entries[e] <- index of a base with the sign in bit 31, bucket by bucket.
//
// A row holds the digits of `levels` windows, n each; those of its window l take their bases from level l of the
// tables, from first + l·stride on. A thread takes four digits.
// Params: threads, digits, digits of a row, n, buckets of a row, first base, stride.
extern "C" __global__ void __launch_bounds__(256)
    msm_bucket_sort(const u32* digits, const u32* ranks, const u32* starts, u32* entries,
                    const __grid_constant__ Params params) {
    const u32 thread = thread_index();
    if (thread >= params.words[0]) return;
    const u32 row_digits = params.words[2], n = params.words[3];
    u32 at = 4 * thread;
    u32 row = at / row_digits;
    u32 in_row = at % row_digits;
    u32 base = params.words[5] + in_row / n * params.words[6] + in_row % n;
    u32 left = n - in_row % n;
#pragma unroll
    for (u32 item = 0; item < 4; item++) {
        if (at >= params.words[1]) return;
        const u32 digit = digits[at];
        if ((digit & MAGNITUDE) != 0) {
            const u32 bucket = row * params.words[4] + (digit & MAGNITUDE) - 1;
            entries[starts[bucket] + ranks[at]] = base | (digit & SIGN);
        }
        at++;
        base++;
        if (--left == 0) {
            left = n;
            base += params.words[6] - n;
            if (++in_row == row_digits) {
                in_row = 0;
                row++;
                base = params.words[5];
            }
        } else {
            in_row++;
        }
    }
}

namespace {

// Entries of a segment, and where their sum goes.
struct Segment {
    u32 first, length, target;
};

// A bucket's segments: number 0 is the bucket's own, number j > 0 the extra first_extra + j − 1.
struct Bucket {
    u32 index, first, entries, first_extra, extras;
};

__device__ __forceinline__ Bucket load_bucket(const u32* starts, u32 buckets, u32 index) {
    const u32 first = starts[index];
    const u32 first_extra = starts[buckets + index];
    return {index, first, starts[index + 1] - first, first_extra - starts[buckets],
            starts[buckets + index + 1] - first_extra};
}

// The bucket of an extra segment: the last one whose extras start at it or before.
__device__ __forceinline__ u32 bucket_of_extra(const u32* starts, u32 buckets, u32 extra) {
    const u32 wanted = starts[buckets] + extra;
    u32 low = 0, high = buckets;
    while (high - low > 1) {
        const u32 middle = low + (high - low) / 2;
        if (starts[buckets + middle] <= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

// Round r adds to sum j, a multiple of FAN_IN^(r+1), the next ones at distances of FAN_IN^r, up to FAN_IN − 1 of them:
// after it, sum j holds those of j..j + FAN_IN^(r+1). A job: target, first summand, summands.
__device__ __forceinline__ void add_jobs(const Bucket& bucket, u32 j, u32 target, uint4* jobs, u32* job_counts,
                                         const u32* list_starts) {
    const u32 sums = bucket.extras + 1;
    u32 distance = 1;
    for (u32 round = 0; j + distance < sums && j % (distance * FAN_IN) == 0; round++) {
        const u32 place = list_starts[round] + atomicAdd(job_counts + round, 1);
        const u32 summands = (sums - 1 - j) / distance;
        const u32 first = bucket.first_extra + j + distance - 1;
        jobs[place] = make_uint4(target, first, summands < FAN_IN ? summands : FAN_IN - 1, 0);
        distance *= FAN_IN;
    }
}

} // namespace

// segments[i] <- first entry, length, and where the sum goes: a bucket, or an extra with bit 31 set; longest first.
// jobs <- additions of extras, a list for each round; job_counts: their lengths.
//
// `places` holds for each bin where its next segment goes. Items are the buckets and then the extras; a thread takes
// four, a block 1,024. Params: threads, buckets, S; from word 8 on where the list of each round starts.
extern "C" __global__ void __launch_bounds__(256)
    msm_segments(const u32* starts, u32* places, uint4* segments, uint4* jobs, u32* job_counts,
                 const __grid_constant__ Params params) {
    constexpr u32 ITEMS = 4;
    __shared__ u32 here[BINS];
    clear_bins(here);
    const u32 buckets = params.words[1], size = params.words[2];
    const u32 extras = starts[2 * buckets] - starts[buckets];
    Segment own[ITEMS];
    u32 ranks[ITEMS];
    for (u32 item = 0; item < ITEMS; item++) {
        const u32 i = (blockIdx.x * ITEMS + item) * blockDim.x + threadIdx.x;
        own[item] = {0, 0, 0};
        if (i >= buckets && i - buckets >= extras) continue;
        const Bucket bucket = load_bucket(starts, buckets, i < buckets ? i : bucket_of_extra(starts, buckets, i - buckets));
        if (bucket.entries == 0) continue;
        const u32 j = i < buckets ? 0 : i - buckets - bucket.first_extra + 1;
        const u32 rest = bucket.entries - j * size;
        const u32 target = j == 0 ? i : EXTRA | (i - buckets);
        own[item] = {bucket.first + j * size, rest < size ? rest : size, target};
        ranks[item] = atomicAdd(here + size - own[item].length, 1);
        add_jobs(bucket, j, target, jobs, job_counts, params.words + 8);
    }
    add_bins(places, here, true);
    __syncthreads();
    for (u32 item = 0; item < ITEMS; item++) {
        const Segment segment = own[item];
        if (segment.length == 0) continue;
        segments[here[size - segment.length] + ranks[item]] =
            make_uint4(segment.first, segment.length, segment.target, 0);
    }
}
