// Stages `prefix_sum`, `prefix_product` and `divide_by_linear`: scans in three steps. Thread t owns the CHUNK
// elements from t*CHUNK on, of params[0].y in all. `_totals` folds them; the totals are scanned in the same way,
// exclusively, and are then what is carried into each chunk, where the second step goes over the elements again. Two
// operations and 96 bytes an element.

@group(0) @binding(0) var<storage, read_write> values: array<Fe>;
@group(0) @binding(1) var<storage, read_write> totals: array<Fe>;

// params[0].z: whether prefixes contain the element at their own place.
fn chunk_end(t: u32) -> u32 {
    return min((t + 1u) * CHUNK, params[0].y);
}

// params[0].w: whether there is one chunk only, into which nothing is carried.
fn carried(t: u32, identity: Fe) -> Fe {
    if (params[0].w != 0u) { return identity; }
    return totals[t];
}

@compute @workgroup_size(WORKGROUP)
fn prefix_sum_totals(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    var sum = fe_zero();
    for (var i = t * CHUNK; i < chunk_end(t); i++) { sum = fe_add(sum, values[i]); }
    totals[t] = sum;
}

@compute @workgroup_size(WORKGROUP)
fn prefix_sum(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    var sum = carried(t, fe_zero());
    for (var i = t * CHUNK; i < chunk_end(t); i++) {
        let next = fe_add(sum, values[i]);
        values[i] = fe_select(sum, next, params[0].z != 0u);
        sum = next;
    }
}

@compute @workgroup_size(WORKGROUP)
fn prefix_product_totals(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    var product = values[t * CHUNK];
    for (var i = t * CHUNK + 1u; i < chunk_end(t); i++) { product = fe_mul(product, values[i]); }
    totals[t] = product;
}

@compute @workgroup_size(WORKGROUP)
fn prefix_product(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    var product = carried(t, fe_one());
    for (var i = t * CHUNK; i < chunk_end(t); i++) {
        let next = fe_mul(product, values[i]);
        values[i] = fe_select(product, next, params[0].z != 0u);
        product = next;
    }
}

// Ruffini's rule from the last coefficient to the first: b_i = c_i + z*b_(i+1), z in words 8.. of the parameters. The
// total of a chunk is its b with nothing carried into it, the quotient's coefficient i is b_(i+1).
@compute @workgroup_size(WORKGROUP)
fn divide_by_linear_totals(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    let z = fe_param(2u);
    var i = chunk_end(t) - 1u;
    var b = values[i];
    for (; i > t * CHUNK; i--) { b = fe_add(values[i - 1u], fe_mul(z, b)); }
    totals[t] = b;
}

@compute @workgroup_size(WORKGROUP)
fn divide_by_linear(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let t = global_index(group, groups, local);
    if (t >= params[0].x) { return; }
    let z = fe_param(2u);
    var b = carried(t, fe_zero());
    for (var i = chunk_end(t); i > t * CHUNK; i--) {
        let next = fe_add(values[i - 1u], fe_mul(z, b));
        values[i - 1u] = b;
        b = next;
    }
}
