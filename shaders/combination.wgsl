// Stage `linear_combination`: out_i <- sum of a_j*v_j[i] over up to six terms, to which another dispatch may add
// more.
//
// Words of the parameters: n, the number of terms, their lengths (what a shorter vector lacks is zero), their factors
// of eight words each, whether to add to `out`.

@group(0) @binding(0) var<storage, read_write> out: array<Fe>;
@group(0) @binding(1) var<storage, read> vector_0: array<Fe>;
@group(0) @binding(2) var<storage, read> vector_1: array<Fe>;
@group(0) @binding(3) var<storage, read> vector_2: array<Fe>;
@group(0) @binding(4) var<storage, read> vector_3: array<Fe>;
@group(0) @binding(5) var<storage, read> vector_4: array<Fe>;
@group(0) @binding(6) var<storage, read> vector_5: array<Fe>;

struct Term {
    len: u32,
    value: Fe,
}

// Term j at place i; its value counts only below its length.
fn term(j: u32, i: u32) -> Term {
    switch (j) {
        case 0u: { return Term(params[0].z, vector_0[min(i, params[0].z - 1u)]); }
        case 1u: { return Term(params[0].w, vector_1[min(i, params[0].w - 1u)]); }
        case 2u: { return Term(params[1].x, vector_2[min(i, params[1].x - 1u)]); }
        case 3u: { return Term(params[1].y, vector_3[min(i, params[1].y - 1u)]); }
        case 4u: { return Term(params[1].z, vector_4[min(i, params[1].z - 1u)]); }
        default: { return Term(params[1].w, vector_5[min(i, params[1].w - 1u)]); }
    }
}

@compute @workgroup_size(WORKGROUP)
fn linear_combination(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    var sum = fe_zero();
    if (params[14].x != 0u) { sum = out[i]; }
    for (var j = 0u; j < params[0].y; j++) {
        let v = term(j, i);
        if (i < v.len) { sum = fe_add(sum, fe_mul(fe_param(2u + 2u * j), v.value)); }
    }
    out[i] = sum;
}
