// Stage `batch_inverse`: v_i <- 1/v_i, zeros stay zero; Montgomery's trick in levels.
//
// Thread t owns the elements t, t + T, t + 2T, ... below n, T = params[0].x threads, n = params[0].y: neighbouring
// threads touch neighbouring elements. The products of the threads' elements are the n of the next level. Zeros count
// as one in all products. Cost: three products an element and level.

@group(0) @binding(0) var<storage, read_write> values: array<Coord>;
@group(0) @binding(1) var<storage, read_write> before: array<Coord>;
@group(0) @binding(2) var<storage, read_write> totals: array<Coord>;

// before_i <- product of the thread's elements before v_i; totals_t <- product of all of them.
@compute @workgroup_size(WORKGROUP)
fn batch_inverse_products(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    let n = params[0].y;
    var product = values[t];
    if (coord_is_zero(product)) { product = coord_one(); }
    for (var i = t + params[0].x; i < n; i += params[0].x) {
        before[i] = product;
        let value = values[i];
        if (!coord_is_zero(value)) { product = coord_mul(product, value); }
    }
    totals[t] = product;
}

// v_i <- 1/v_i from the last of the thread's elements to the first; totals_t is the inverse of their product.
@compute @workgroup_size(WORKGROUP)
fn batch_inverse_back(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    let stride = params[0].x;
    if (t >= stride) { return; }
    var inverse = totals[t];
    for (var i = t + (params[0].y - 1u - t) / stride * stride; i > t; i -= stride) {
        let value = values[i];
        if (!coord_is_zero(value)) {
            values[i] = coord_mul(inverse, before[i]);
            inverse = coord_mul(inverse, value);
        }
    }
    if (!coord_is_zero(values[t])) { values[t] = inverse; }
}

// v_i <- 1/v_i, each on its own: the few products of the last level.
@compute @workgroup_size(WORKGROUP)
fn batch_inverse_direct(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    values[i] = coord_inverse(values[i]);
}
