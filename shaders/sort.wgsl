// Stable sort of a column by canonical integer: blocks by rank in workgroup memory, then passes that merge pairs of
// runs. An element's new place is its place in its own run and the number of elements before it in the other run,
// which a binary search finds: no padding, and equal keys keep the order of their rows.
// Cost of a merge pass: log2(run) comparisons and 36 bytes moved an element.

@group(0) @binding(0) var<storage, read> column: array<Fe>;
@group(0) @binding(1) var<storage, read_write> column_keys: array<Fe>;
@group(0) @binding(2) var<storage, read_write> column_rows: array<u32>;

// params[0]: elements of this binding, its first row.
@compute @workgroup_size(WORKGROUP)
fn sort_keys(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    column_keys[i] = fe_to_canonical(column[i]);
    column_rows[i] = params[0].y + i;
}

@group(0) @binding(0) var<storage, read> keys: array<Fe>;
@group(0) @binding(1) var<storage, read_write> disorder: array<atomic<u32>>;

// disorder[0] is set if a key is less than the one before it. params[0]: elements.
@compute @workgroup_size(WORKGROUP)
fn sort_check(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if ((i == 0u) | (i >= params[0].x)) {
        return;
    }
    if (fe_less(keys[i], keys[i - 1u])) {
        atomicOr(&disorder[0], 1u);
    }
}

@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> sorted_keys: array<Fe>;
@group(0) @binding(3) var<storage, read_write> sorted_rows: array<u32>;

var<workgroup> block: array<Fe, WORKGROUP>;

// Sorts each block of WORKGROUP elements. params[0]: elements.
@compute @workgroup_size(WORKGROUP)
fn sort_blocks(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let n = params[0].x;
    let i = global_index(group, groups, local);
    var own = fe_zero();
    if (i < n) {
        own = keys[i];
    }
    block[local] = own;
    workgroupBarrier();
    if (i >= n) {
        return;
    }
    let first = i - local;
    let len = min(WORKGROUP, n - first);
    var rank = 0u;
    for (var j = 0u; j < len; j++) {
        // Of equal keys the earlier one comes first: before `own` if not above it, after `own` if below it.
        let earlier = j < local;
        var below = block[j];
        var above = own;
        if (earlier) {
            below = own;
            above = block[j];
        }
        rank += u32(fe_less(below, above) != earlier);
    }
    sorted_keys[first + rank] = own;
    sorted_rows[first + rank] = rows[i];
}

// Merges runs of params[0].y elements, two by two. params[0]: elements, length of a run.
@compute @workgroup_size(WORKGROUP)
fn sort_merge(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let n = params[0].x;
    let run = params[0].y;
    let i = global_index(group, groups, local);
    if (i >= n) {
        return;
    }
    let own = keys[i];
    let own_run = i / run;
    let is_left = own_run % 2u == 0u;
    // The other run; empty if the last one has none beside it.
    let other = select(own_run - 1u, own_run + 1u, is_left) * run;
    var low = min(other, n);
    // Without overflow: a run is at most n.
    var high = low + min(run, n - low);
    let start = low;
    // Elements of the left run come before equal ones of the right run.
    while (low < high) {
        let middle = low + (high - low) / 2u;
        let key = keys[middle];
        var below = own;
        var above = key;
        if (is_left) {
            below = key;
            above = own;
        }
        if (fe_less(below, above) == is_left) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    let place = select(i - run, i, is_left) + (low - start);
    sorted_keys[place] = own;
    sorted_rows[place] = rows[i];
}
