// Sorting digits into buckets, and the lists of additions that sum buckets up. Whole numbers only.
//
// Bucket w·B + |d| − 1 takes the digits ±|d| of window w; B = 2^(c−1). A bucket of k entries becomes ⌈k/2⌉
// slots, which hold the sums of neighbouring entries; slots are added in place, neighbours at distance 1, 2,
// 4, …: after level l every 2^l-th slot of a bucket holds what the 2^l slots from there on sum to. `starts`
// has a row for each level l = 1, 2, …: slots of the bucket that are still to be added, ⌈k/2^l⌉, as one
// running sum over all rows.

const SIGN: u32 = 0x80000000u;
const MAGNITUDE: u32 = 0x7fffffffu;

// ---- Ranks: where in its bucket an entry goes.

@group(0) @binding(0) var<storage, read> digits: array<u32>;
@group(0) @binding(1) var<storage, read_write> ranks: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

// Digits that one thread takes.
const ITEMS: u32 = 8u;
const TILE: u32 = ITEMS * WORKGROUP;

// A small hash table of the tile's buckets. Equal digits meet here, so that a bucket that takes most of all
// entries costs one atomic of global memory for each tile. A digit whose place is taken goes to global memory
// itself.
const PLACES: u32 = 1024u;
var<workgroup> place_bucket: array<atomic<u32>, PLACES>;
var<workgroup> place_count: array<atomic<u32>, PLACES>;
// Marks ranks that count within the tile.
const WITHIN_TILE: u32 = 0x80000000u;

fn rank_of(bucket: u32) -> u32 {
    let place = bucket % PLACES;
    let claim = atomicCompareExchangeWeak(&place_bucket[place], 0u, bucket + 1u);
    // A claim may fail for no reason, then old_value is 0: the global way is right too.
    if (claim.exchanged | (claim.old_value == bucket + 1u)) {
        return WITHIN_TILE | atomicAdd(&place_count[place], 1u);
    }
    return atomicAdd(&counts[bucket], 1u);
}

// ranks[i] <- place of digit i in its bucket, counts[b] <- entries of bucket b; one workgroup a tile of one
// window.
// Params: threads, digits of a window, tiles of a window, windows; buckets of a window.
@compute @workgroup_size(WORKGROUP)
fn msm_bucket_count(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    for (var place = local; place < PLACES; place += WORKGROUP) {
        atomicStore(&place_bucket[place], 0u);
        atomicStore(&place_count[place], 0u);
    }
    workgroupBarrier();
    let n = params[0].y;
    let tile = group.y * groups.x + group.x;
    let window = tile / params[0].z;
    // Rounding up to whole rows of workgroups may bring some too many.
    let in_window = select(0u, n, window < params[0].w);
    let first = (tile % params[0].z) * TILE + local;
    for (var item = 0u; item < ITEMS; item++) {
        let i = first + item * WORKGROUP;
        if (i < in_window) {
            let magnitude = digits[window * n + i] & MAGNITUDE;
            if (magnitude != 0u) {
                ranks[window * n + i] = rank_of(window * params[1].x + magnitude - 1u);
            }
        }
    }
    workgroupBarrier();
    for (var place = local; place < PLACES; place += WORKGROUP) {
        let bucket = atomicLoad(&place_bucket[place]);
        if (bucket != 0u) {
            let before = atomicAdd(&counts[bucket - 1u], atomicLoad(&place_count[place]));
            atomicStore(&place_count[place], before);
        }
    }
    workgroupBarrier();
    for (var item = 0u; item < ITEMS; item++) {
        let i = first + item * WORKGROUP;
        if (i < in_window) {
            let magnitude = digits[window * n + i] & MAGNITUDE;
            if (magnitude != 0u) {
                let rank = ranks[window * n + i];
                if (rank >= WITHIN_TILE) {
                    let place = (window * params[1].x + magnitude - 1u) % PLACES;
                    ranks[window * n + i] = (rank - WITHIN_TILE) + atomicLoad(&place_count[place]);
                }
            }
        }
    }
}

// ---- Levels.

@group(0) @binding(0) var<storage, read> bucket_counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> totals: array<atomic<u32>>;
@group(0) @binding(1) var<storage, read_write> lengths: array<u32>;

const TOTALS: u32 = 34u;
var<workgroup> totals_here: array<atomic<u32>, TOTALS>;

// totals[0] += entries; totals[1] += buckets that have some; totals[1 + l] += ⌈k/2^l⌉ − 1 over those, l = 1,
// 2, ….
// Params: threads, buckets.
@compute @workgroup_size(WORKGROUP)
fn msm_level_totals(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    for (var k = local; k < TOTALS; k += WORKGROUP) {
        atomicStore(&totals_here[k], 0u);
    }
    workgroupBarrier();
    let thread = global_index(group, groups, local);
    if (thread < params[0].x) {
        var entries = 0u;
        var filled = 0u;
        for (var bucket = thread; bucket < params[0].y; bucket += params[0].x) {
            var length = bucket_counts[bucket];
            entries += length;
            filled += min(length, 1u);
            var level = 1u;
            while (length > 2u) {
                length = length / 2u + length % 2u;
                atomicAdd(&totals_here[1u + level], length - 1u);
                level++;
            }
        }
        atomicAdd(&totals_here[0], entries);
        atomicAdd(&totals_here[1], filled);
    }
    workgroupBarrier();
    for (var k = local; k < TOTALS; k += WORKGROUP) {
        let total = atomicLoad(&totals_here[k]);
        if (total != 0u) { atomicAdd(&totals[k], total); }
    }
}

// lengths[(l − 1)·buckets + b] <- ⌈k/2^l⌉ for l = 1..=levels. Params: buckets, levels.
@compute @workgroup_size(WORKGROUP)
fn msm_level_lengths(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let bucket = global_index(group, groups, local);
    let buckets = params[0].x;
    if (bucket >= buckets) { return; }
    var length = bucket_counts[bucket];
    var at = bucket;
    for (var level = 0u; level < params[0].y; level++) {
        length = length / 2u + length % 2u;
        lengths[at] = length;
        at += buckets;
    }
}

// ---- Scatter.

@group(0) @binding(1) var<storage, read> final_ranks: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read_write> entries: array<u32>;
@group(0) @binding(4) var<storage, read_write> slot_buckets: array<u32>;

// entries[2s], entries[2s + 1]: what slot s sums, base index plus one with the sign in bit 31; 0 where there
// is none. slot_buckets[s]: its bucket. Params: digits of all windows, digits of a window, buckets of a
// window.
@compute @workgroup_size(WORKGROUP)
fn msm_bucket_sort(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let at = global_index(group, groups, local);
    if (at >= params[0].x) { return; }
    let digit = digits[at];
    let magnitude = digit & MAGNITUDE;
    if (magnitude == 0u) { return; }
    let n = params[0].y;
    let bucket = at / n * params[0].z + magnitude - 1u;
    let rank = final_ranks[at];
    let start = starts[bucket];
    entries[2u * start + rank] = (at % n + 1u) | (digit & SIGN);
    if (rank % 2u == 0u) { slot_buckets[start + rank / 2u] = bucket; }
}

// ---- Lists of additions.

@group(0) @binding(0) var<storage, read> buckets_of_slots: array<u32>;
@group(0) @binding(1) var<storage, read> level_starts: array<u32>;
@group(0) @binding(2) var<storage, read_write> lists: array<u32>;

// The lists of all levels l = 1, 2, …, one after the other: slots to which the slot 2^(l−1) further on is
// added.
// Params: slots, buckets, levels.
@compute @workgroup_size(WORKGROUP)
fn msm_pairs(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let slot = global_index(group, groups, local);
    let slots = params[0].x;
    if (slot >= slots) { return; }
    let buckets = params[0].y;
    let bucket = buckets_of_slots[slot];
    var here = level_starts[bucket];
    var length = level_starts[bucket + 1u] - here;
    var rank = slot - here;
    for (var row = buckets; row < params[0].z * buckets; row += buckets) {
        if ((rank % 2u == 1u) | (rank + 1u >= length)) { return; }
        // Pairs of a bucket are the slots that a level has more than the next.
        let next = level_starts[row + bucket];
        lists[slots + here - next + rank / 2u] = slot;
        here = next;
        rank = rank / 2u;
        length = length / 2u + length % 2u;
    }
}

@group(0) @binding(0) var<storage, read_write> list: array<u32>;

// Buckets D_0, …, D_(B−1) of a window, weighted 1, …, B: Σ (i + 1)·D_i = 2·Σ (j + 1)·A_j − Σ D_2j with A_j =
// D_2j + D_(2j+1), again and again. A_j replaces D_(2j+1), so that D_2j stays and can be summed beside the
// next rounds. In round s tree l ≤ s has its elements at 2^l − 1 + j·2^s: the even ones left over by round l
// for l < s, the A of now for l = s.
//
// list[(l·windows + w)·n + j] <- element 2^l − 1 + j·spacing of window w, with `mark` added in the last tree:
// its sums go to the right element. Params: threads, n, trees, windows; buckets of a window, spacing, mark.
@compute @workgroup_size(WORKGROUP)
fn msm_bucket_reduce(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    let n = params[0].y;
    let windows = params[0].w;
    let j = t % n;
    let window = t / n % windows;
    let tree = t / n / windows;
    var power = 1u;
    for (var l = 0u; l < tree; l++) { power *= 2u; }
    let mark = select(0u, params[1].z, tree + 1u == params[0].z);
    list[t] = (window * params[1].x + power - 1u + j * params[1].y) | mark;
}
