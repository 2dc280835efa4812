// What depends on the bits of an element, for tests.

@group(0) @binding(0) var<storage, read> left: array<Fe>;
@group(0) @binding(1) var<storage, read> right: array<Fe>;
@group(0) @binding(2) var<storage, read_write> results: array<Fe>;

fn operation(a: Fe, b: Fe) -> Fe {
    switch OPERATION {
        case 0u: {
            return fe_to_canonical(a);
        }
        case 1u: {
            return fe_from_canonical(a);
        }
        case 2u: {
            return fe_select(fe_zero(), fe_one(), fe_less(a, b));
        }
        default: {
            return fe_add(fe_param(1u), fe_param(3u));
        }
    }
}

// Parameters: threads; elements from words 4 and 12 on.
@compute @workgroup_size(WORKGROUP)
fn field_representation(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    results[i] = operation(left[i], right[i]);
}
