// Operations of a field one by one: what tests compare and what bench-field measures.

@group(0) @binding(0) var<storage, read> left: array<Coord>;
@group(0) @binding(1) var<storage, read> right: array<Coord>;
@group(0) @binding(2) var<storage, read_write> results: array<Coord>;

fn coord_from_bool(c: bool) -> Coord {
    return coord_select(coord_zero(), coord_one(), c);
}

fn operation(a: Coord, b: Coord) -> Coord {
    switch OPERATION {
        case 0u: {
            return coord_add(a, b);
        }
        case 1u: {
            return coord_sub(a, b);
        }
        case 2u: {
            return coord_neg(a);
        }
        case 3u: {
            return coord_double(a);
        }
        case 4u: {
            return coord_mul(a, b);
        }
        case 5u: {
            return coord_square(a);
        }
        case 6u: {
            return coord_inverse(a);
        }
        case 7u: {
            return coord_from_bool(coord_is_zero(a));
        }
        default: {
            return coord_from_bool(coord_eq(a, b));
        }
    }
}

// Parameters: threads, how often. The result of one round is the left operand of the next.
@compute @workgroup_size(WORKGROUP)
fn field_operation(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    var a = left[i];
    let b = right[i];
    for (var round = 0u; round < params[0].y; round++) {
        a = operation(a, b);
    }
    results[i] = a;
}
