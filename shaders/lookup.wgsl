// Kernels of lookup arguments over F_r. First rows at fault are kept as the greatest complement of a row, so that
// zeroed memory means none.

const NO_ROW: u32 = 0xffffffffu;

// Values that a thread counts.
const VALUES: u32 = 4u;

@group(0) @binding(0) var<storage, read> values: array<Fe>;
@group(0) @binding(1) var<storage, read_write> counts: array<atomic<u32>>;
@group(0) @binding(2) var<storage, read_write> missing: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read> sorted_keys: array<Fe>;
@group(0) @binding(4) var<storage, read> sorted_rows: array<u32>;

// Columns repeat few values, zero above all, and atomics on one address wait for each other. Rows that equal one of
// two of a workgroup's are therefore counted in the workgroup first.
var<workgroup> leaders: array<u32, 2>;
var<workgroup> leader_counts: array<atomic<u32>, 2>;

// Counts a row by itself unless it is a leader's; how many it adds to each leader.
fn count_row(row: u32, first: u32, second: u32) -> vec2<u32> {
    if (row == NO_ROW) {
        return vec2<u32>(0u, 0u);
    }
    if (row == first) {
        return vec2<u32>(1u, 0u);
    }
    if (row == second) {
        return vec2<u32>(0u, 1u);
    }
    atomicAdd(&counts[row], 1u);
    return vec2<u32>(0u, 0u);
}

// Counts the rows of a thread's values. In uniform control flow only.
fn count_rows(rows: vec4<u32>, local: u32) {
    if (local < 2u) {
        atomicStore(&leader_counts[local], 0u);
    }
    if (local == 0u) {
        leaders[0] = rows.x;
    }
    if (local == WORKGROUP - 1u) {
        leaders[1] = rows.x;
    }
    workgroupBarrier();
    let first = leaders[0];
    let second = leaders[1];
    let own = count_row(rows.x, first, second) + count_row(rows.y, first, second)
        + count_row(rows.z, first, second) + count_row(rows.w, first, second);
    if (own.x > 0u) {
        atomicAdd(&leader_counts[0], own.x);
    }
    if (own.y > 0u) {
        atomicAdd(&leader_counts[1], own.y);
    }
    workgroupBarrier();
    if (local < 2u) {
        let count = atomicLoad(&leader_counts[local]);
        if (count > 0u) {
            atomicAdd(&counts[leaders[local]], count);
        }
    }
}

// Component k of rows replaced.
fn with_row(rows: vec4<u32>, k: u32, row: u32) -> vec4<u32> {
    return select(rows, vec4<u32>(row), vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(k));
}

// Index of a thread's value k; those of neighbours are adjacent.
fn value_index(group: vec3<u32>, groups: vec3<u32>, local: u32, k: u32) -> u32 {
    return ((group.y * groups.x + group.x) * VALUES + k) * WORKGROUP + local;
}

// params[0]: threads, values of this binding, index of the first one, rows of the table. params[1]: first row that
// `counts` holds, number of rows it holds. params[2..4]: the table's first value.
@compute @workgroup_size(WORKGROUP)
fn lookup_multiplicities_range(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    var rows = vec4<u32>(NO_ROW);
    for (var k = 0u; k < VALUES; k++) {
        let i = value_index(group, groups, local, k);
        if (i < params[0].y) {
            let x = fe_to_canonical(fe_sub(values[i], fe_param(2u)));
            let above = (x.lo.y | x.lo.z | x.lo.w) | (x.hi.x | x.hi.y | x.hi.z | x.hi.w);
            if ((above != 0u) | (x.lo.x >= params[0].w)) {
                atomicMax(&missing[0], ~(params[0].z + i));
            } else if (x.lo.x - params[1].x < params[1].y) {
                rows = with_row(rows, k, x.lo.x - params[1].x);
            }
        }
    }
    count_rows(rows, local);
}

// The first place among n ascending keys that is not below a key.
fn first_place(key: Fe, n: u32) -> u32 {
    var low = 0u;
    var high = n;
    while (low < high) {
        let middle = low + (high - low) / 2u;
        if (fe_less(sorted_keys[middle], key)) {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

// Counts values by the row of the first equal key, or by its place among the sorted keys.
// params[0]: threads, values of this binding, index of the first one, rows of the table.
// params[1].x: 1 to count places.
@compute @workgroup_size(WORKGROUP)
fn lookup_multiplicities_table(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let n = params[0].w;
    var rows = vec4<u32>(NO_ROW);
    for (var k = 0u; k < VALUES; k++) {
        let i = value_index(group, groups, local, k);
        if (i < params[0].y) {
            let key = fe_to_canonical(values[i]);
            let place = first_place(key, n);
            // Beyond the last place any key will do: none is equal.
            if (!fe_eq(sorted_keys[min(place, n - 1u)], key)) {
                atomicMax(&missing[0], ~(params[0].z + i));
            } else if (params[1].x == 1u) {
                rows = with_row(rows, k, place);
            } else {
                rows = with_row(rows, k, sorted_rows[place]);
            }
        }
    }
    count_rows(rows, local);
}

@group(0) @binding(0) var<storage, read> place_counts: array<u32>;
@group(0) @binding(1) var<storage, read_write> left_over: array<u32>;

// Of each run of equal table values, the input takes one if it has the value at all; that one is counted at the run's
// first place. params[0]: rows.
@compute @workgroup_size(WORKGROUP)
fn lookup_left_over(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    left_over[i] = select(0u, 1u, place_counts[i] == 0u);
}

// Exclusive sums of the counts of places and of the left-over ones, with their totals.
@group(0) @binding(0) var<storage, read> starts: array<u32>;
@group(0) @binding(1) var<storage, read> left_starts: array<u32>;
@group(0) @binding(2) var<storage, read> place_rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> left_rows: array<u32>;

// Rows of the left-over table values, ascending by value. params[0]: rows.
@compute @workgroup_size(WORKGROUP)
fn lookup_left_rows(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    let before = left_starts[i];
    if (left_starts[i + 1u] > before) {
        left_rows[before] = place_rows[i];
    }
}

@group(0) @binding(3) var<storage, read> left_rows_in: array<u32>;
@group(0) @binding(4) var<storage, read> table: array<Fe>;
@group(0) @binding(5) var<storage, read_write> permuted_input: array<Fe>;
@group(0) @binding(6) var<storage, read_write> permuted_table: array<Fe>;

// A'_i is the value whose run holds i. S'_i is the same where the run starts; the other rows take left-over values.
// params[0]: rows.
@compute @workgroup_size(WORKGROUP)
fn lookup_permuted_pair(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    // The last place that starts at or before i: places without inputs start where the next one does.
    var low = 0u;
    var high = params[0].x;
    while (high - low > 1u) {
        let middle = low + (high - low) / 2u;
        if (starts[middle] <= i) {
            low = middle;
        } else {
            high = middle;
        }
    }
    let row = place_rows[low];
    permuted_input[i] = table[row];
    if (starts[low] == i) {
        permuted_table[i] = table[row];
    } else {
        // Runs up to this one, each of which has one new row.
        let new_rows = low + 1u - left_starts[low];
        permuted_table[i] = table[left_rows_in[i - new_rows]];
    }
}

@group(0) @binding(0) var<storage, read> poles_of: array<Fe>;
@group(0) @binding(1) var<storage, read_write> shifted: array<Fe>;
@group(0) @binding(2) var<storage, read_write> poles: array<atomic<u32>>;

// beta + x. params[0]: elements of this binding, index of the first one, slot of the first zero.
// params[1..3]: beta.
@compute @workgroup_size(WORKGROUP)
fn lookup_shift(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    let sum = fe_add(poles_of[i], fe_param(1u));
    if (fe_is_zero(sum)) {
        atomicMax(&poles[params[0].z], ~(params[0].y + i));
    }
    shifted[i] = sum;
}

@group(0) @binding(0) var<storage, read_write> terms: array<Fe>;
@group(0) @binding(1) var<storage, read> multiplicities: array<u32>;

// Each term times its multiplicity. params[0]: elements.
@compute @workgroup_size(WORKGROUP)
fn lookup_scale(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    let m = Fe(vec4<u32>(multiplicities[i], 0u, 0u, 0u), vec4<u32>(0u));
    terms[i] = fe_mul(fe_from_canonical(m), terms[i]);
}

@group(0) @binding(0) var<storage, read_write> phi: array<Fe>;
@group(0) @binding(1) var<storage, read> table_terms: array<Fe>;
@group(0) @binding(2) var<storage, read> inputs_0: array<Fe>;
@group(0) @binding(3) var<storage, read> inputs_1: array<Fe>;
@group(0) @binding(4) var<storage, read> inputs_2: array<Fe>;
@group(0) @binding(5) var<storage, read> inputs_3: array<Fe>;

// The steps of the running sum: minus the table's term, or what is there already, plus up to four inputs.
// params[0]: elements, inputs, 1 to begin.
@compute @workgroup_size(WORKGROUP)
fn lookup_sum_terms(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    let inputs = params[0].y;
    var sum = fe_zero();
    if (params[0].z == 1u) {
        sum = fe_neg(table_terms[i]);
    } else {
        sum = phi[i];
    }
    if (inputs > 0u) {
        sum = fe_add(sum, inputs_0[i]);
    }
    if (inputs > 1u) {
        sum = fe_add(sum, inputs_1[i]);
    }
    if (inputs > 2u) {
        sum = fe_add(sum, inputs_2[i]);
    }
    if (inputs > 3u) {
        sum = fe_add(sum, inputs_3[i]);
    }
    phi[i] = sum;
}
