// Element-wise stages over scalars: one thread an element, words 0 and 8.. of the parameters are n and a factor.

@group(0) @binding(0) var<storage, read_write> left: array<Fe>;
@group(0) @binding(1) var<storage, read> right: array<Fe>;

// a_i <- a_i + b_i
@compute @workgroup_size(WORKGROUP)
fn vector_add_assign(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    left[i] = fe_add(left[i], right[i]);
}

// a_i <- a_i - b_i
@compute @workgroup_size(WORKGROUP)
fn vector_sub_assign(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    left[i] = fe_sub(left[i], right[i]);
}

// a_i <- a_i*b_i
@compute @workgroup_size(WORKGROUP)
fn vector_mul_assign(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    left[i] = fe_mul(left[i], right[i]);
}

// y_i <- y_i + a*x_i
@compute @workgroup_size(WORKGROUP)
fn vector_axpy(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    left[i] = fe_add(left[i], fe_mul(fe_param(2u), right[i]));
}

// a_i <- c*a_i
@compute @workgroup_size(WORKGROUP)
fn vector_scale(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    left[i] = fe_mul(left[i], fe_param(2u));
}
