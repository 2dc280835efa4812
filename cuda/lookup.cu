// Kernels of lookup arguments over F_r. First rows at fault are kept as the greatest complement of a row, so that
// zeroed memory means none. Unless a stage says otherwise: one thread an element, word 0 their number, no barriers.

#include "include/field.cuh"

using namespace zkwatt;

constexpr u32 BLOCK = 64;
constexpr u32 WARP = 32;
constexpr u32 ALL_LANES = 0xffffffffu;
constexpr u32 NO_ROW = 0xffffffffu;

// Values that a thread counts.
constexpr u32 VALUES = 4;

// Index of a thread's value k; those of neighbours are adjacent.
__device__ __forceinline__ u32 value_index(u32 k) {
    return (blockIdx.x * VALUES + k) * BLOCK + threadIdx.x;
}

// Counts a row by itself unless it is a leader's or none.
__device__ __forceinline__ void count_row(u32* counts, u32 row, u32 first, u32 second) {
    if (row != NO_ROW && row != first && row != second) atomicAdd(counts + row, 1);
}

// Lanes of the warp whose row is the leader's.
__device__ __forceinline__ u32 lanes_of(u32 row, u32 leader) {
    return __popc(__ballot_sync(ALL_LANES, row == leader));
}

// Counts the rows of a thread's values; by all threads of a block.
//
// Columns repeat few values, zero above all, and atomics on one address wait for each other. Rows that equal one of
// two of a block's are therefore counted by votes, and then by one atomic a block: 8 votes for the 128 values of a
// warp.
__device__ __forceinline__ void count_rows(u32* counts, const u32 (&rows)[VALUES]) {
    __shared__ u32 leaders[2];
    __shared__ u32 leader_counts[2][BLOCK / WARP];
    if (threadIdx.x == 0) leaders[0] = rows[0];
    if (threadIdx.x == BLOCK - 1) leaders[1] = rows[0];
    // Leaders have one writer each, and are only read from here on.
    __syncthreads();
    const u32 first = leaders[0];
    // Where both are the same row the first one takes all.
    const u32 second = leaders[1] == first ? NO_ROW : leaders[1];
    u32 of_first = 0;
    u32 of_second = 0;
#pragma unroll
    for (u32 k = 0; k < VALUES; k++) {
        of_first += lanes_of(rows[k], first);
        of_second += lanes_of(rows[k], second);
        count_row(counts, rows[k], first, second);
    }
    if (threadIdx.x % WARP == 0) {
        leader_counts[0][threadIdx.x / WARP] = of_first;
        leader_counts[1][threadIdx.x / WARP] = of_second;
    }
    // Each count has one writer, and is read after this barrier by another thread.
    __syncthreads();
    if (threadIdx.x < 2) {
        const u32 row = threadIdx.x == 0 ? first : second;
        const u32 count = leader_counts[threadIdx.x][0] + leader_counts[threadIdx.x][1];
        if (row != NO_ROW && count != 0) atomicAdd(counts + row, count);
    }
}

// Words: threads, values of this launch, index of the first one, rows of the table; first row that `counts` holds,
// number of rows it holds. Words 8..: the table's first value. A block counts 256 values; all its threads meet in
// `count_rows`.
extern "C" __global__ void __launch_bounds__(BLOCK) lookup_multiplicities_range_fr(
    const Fr* values, u32* counts, u32* missing, const __grid_constant__ Params params) {
    u32 rows[VALUES];
#pragma unroll
    for (u32 k = 0; k < VALUES; k++) {
        rows[k] = NO_ROW;
        const u32 i = value_index(k);
        if (i >= params.words[1]) continue;
        const Fr x = to_canonical(load_const(values + i) - fe_param(params, 8));
        const u32 above = x.limbs[1] | x.limbs[2] | x.limbs[3] | x.limbs[4] | x.limbs[5] | x.limbs[6] | x.limbs[7];
        const u32 row = x.limbs[0] - params.words[4];
        if (above != 0 || x.limbs[0] >= params.words[3]) {
            atomicMax(missing, ~(params.words[2] + i));
        } else if (row < params.words[5]) {
            rows[k] = row;
        }
    }
    count_rows(counts, rows);
}

// The first place among n > 0 ascending keys that is not below a key.
__device__ __forceinline__ u32 first_place(const Fr* sorted_keys, const Fr& key, u32 n) {
    u32 low = 0;
    u32 high = n;
    do {
        const u32 middle = low + (high - low) / 2;
        if (less(load_const(sorted_keys + middle), key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    } while (low < high);
    return low;
}

// Counts values by the row of the first equal key, or by its place among the sorted keys. Words: threads, values of
// this launch, index of the first one, rows of the table; 1 to count places. A block counts 256 values; all its
// threads meet in `count_rows`.
extern "C" __global__ void __launch_bounds__(BLOCK) lookup_multiplicities_table_fr(
    const Fr* values, u32* counts, u32* missing, const Fr* sorted_keys, const u32* sorted_rows,
    const __grid_constant__ Params params) {
    const u32 n = params.words[3];
    u32 rows[VALUES];
#pragma unroll
    for (u32 k = 0; k < VALUES; k++) {
        rows[k] = NO_ROW;
        const u32 i = value_index(k);
        if (i >= params.words[1]) continue;
        const Fr key = to_canonical(load_const(values + i));
        const u32 place = first_place(sorted_keys, key, n);
        if (place == n || !(load_const(sorted_keys + place) == key)) {
            atomicMax(missing, ~(params.words[2] + i));
        } else {
            rows[k] = params.words[4] == 1 ? place : sorted_rows[place];
        }
    }
    count_rows(counts, rows);
}

// Of each run of equal table values, the input takes one if it has the value at all; that one is counted at the
// run's first place.
extern "C" __global__ void __launch_bounds__(64)
    lookup_left_over_fr(const u32* place_counts, u32* left_over, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    left_over[i] = place_counts[i] == 0;
}

// Rows of the left-over table values, ascending by value. `starts` and `left_starts` are exclusive sums of the
// counts of places and of the left-over ones, with their totals.
extern "C" __global__ void __launch_bounds__(64) lookup_left_rows_fr(
    const u32* starts, const u32* left_starts, const u32* place_rows, u32* left_rows,
    const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const u32 before = left_starts[i];
    if (left_starts[i + 1] > before) left_rows[before] = place_rows[i];
}

// A'_i is the value whose run holds i. S'_i is the same where the run starts; the other rows take left-over values.
extern "C" __global__ void __launch_bounds__(64) lookup_permuted_pair_fr(
    const u32* starts, const u32* left_starts, const u32* place_rows, const u32* left_rows, const Fr* table,
    Fr* permuted_input, Fr* permuted_table, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    // The last place that starts at or before i, which the first one does: places without inputs start where the
    // next one does.
    u32 low = 0;
    u32 high = params.words[0];
    do {
        const u32 middle = low + (high - low) / 2;
        if (starts[middle] <= i) {
            low = middle;
        } else {
            high = middle;
        }
    } while (high - low > 1);
    const Fr value = load_const(table + place_rows[low]);
    store(permuted_input + i, value);
    // Runs up to this one, each of which has one new row.
    const u32 new_rows = low + 1 - left_starts[low];
    const bool is_start = starts[low] == i;
    store(permuted_table + i, is_start ? value : load_const(table + left_rows[i - new_rows]));
}

// beta + x. Words: elements of this launch, index of the first one, slot of the first zero. Words 4..: beta.
extern "C" __global__ void __launch_bounds__(64)
    lookup_shift_fr(const Fr* poles_of, Fr* shifted, u32* poles, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const Fr sum = load_const(poles_of + i) + fe_param(params, 4);
    if (is_zero(sum)) atomicMax(poles + params.words[2], ~(params.words[1] + i));
    store(shifted + i, sum);
}

// floor(2^96/(h + 1)) for the upper 64 bits h of r, by long division: 2^288/r, at most 2 less.
__device__ __forceinline__ constexpr u64 reciprocal() {
    const Words r = FrParams::modulus();
    const u64 divisor = (static_cast<u64>(r.at[7]) << 32 | r.at[6]) + 1;
    u64 rest = 1;
    u64 quotient = 0;
    for (int bit = 0; bit < 96; bit++) {
        rest *= 2;
        quotient *= 2;
        if (rest >= divisor) {
            rest -= divisor;
            quotient += 1;
        }
    }
    return quotient;
}

// a*m modulo 2^256, and what is above.
__device__ __forceinline__ Fr times_word(const Fr& a, u32 m, u32& above) {
    Fr product;
    u64 carried = 0;
#pragma unroll
    for (int k = 0; k < 8; k++) {
        carried += static_cast<u64>(a.limbs[k]) * m;
        product.limbs[k] = static_cast<u32>(carried);
        carried >>= 32;
    }
    above = static_cast<u32>(carried);
    return product;
}

// a*m in F_r for an integer m: 17 wide products, where two of the field would be 260.
//
// The quotient a*m/r < 2^32 is estimated from the upper 64 of 288 bits, which are below 2^62, times 2^288/r < 2^35,
// over 2^64: less than 2^-2 + 2^-28 too little before it is rounded down. What is left is below 2r.
__device__ __forceinline__ Fr scaled(const Fr& a, u32 m) {
    constexpr u64 RECIPROCAL = reciprocal();
    u32 above, unused;
    const Fr product = times_word(a, m, above);
    const u64 upper = static_cast<u64>(above) << 32 | product.limbs[7];
    const u32 quotient = static_cast<u32>(__umul64hi(upper, RECIPROCAL));
    return reduce_once(sub_lazy(product, times_word(Fr::modulus(), quotient, unused)));
}

// Each term times its multiplicity.
extern "C" __global__ void __launch_bounds__(64)
    lookup_scale_fr(Fr* terms, const u32* multiplicities, const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    store(terms + i, scaled(load(terms + i), multiplicities[i]));
}

// The steps of the running sum: minus the table's term, or what is there already, plus up to four inputs.
// Words: elements, inputs, 1 to begin. The branches are the same for all threads.
extern "C" __global__ void __launch_bounds__(64) lookup_sum_terms_fr(
    Fr* phi, const Fr* table_terms, const Fr* inputs_0, const Fr* inputs_1, const Fr* inputs_2, const Fr* inputs_3,
    const __grid_constant__ Params params) {
    const u32 i = thread_index();
    if (i >= params.words[0]) return;
    const u32 inputs = params.words[1];
    Fr sum = params.words[2] == 1 ? -load_const(table_terms + i) : load(phi + i);
    if (inputs > 0) sum = sum + load_const(inputs_0 + i);
    if (inputs > 1) sum = sum + load_const(inputs_1 + i);
    if (inputs > 2) sum = sum + load_const(inputs_2 + i);
    if (inputs > 3) sum = sum + load_const(inputs_3 + i);
    store(phi + i, sum);
}
