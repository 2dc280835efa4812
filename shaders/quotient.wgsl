// Interpreter of quotient programs over F_r. One arena holds, for a piece of the rows, all that instructions read and
// write: uniforms once, then slots of `stride` elements: windows of columns, registers, outputs. An operand is a place
// in the arena, to which the row is added unless it is a uniform. All threads run the same instruction.

@group(0) @binding(0) var<storage, read_write> arena: array<Fe>;
@group(0) @binding(1) var<storage, read> column_0: array<Fe>;
@group(0) @binding(2) var<storage, read> column_1: array<Fe>;
@group(0) @binding(3) var<storage, read> column_2: array<Fe>;
@group(0) @binding(4) var<storage, read> column_3: array<Fe>;
@group(0) @binding(5) var<storage, read> column_4: array<Fe>;
@group(0) @binding(6) var<storage, read> column_5: array<Fe>;
@group(0) @binding(7) var<storage, read> column_6: array<Fe>;

// Copies up to seven parts of columns. params[0].x: threads. params[1 + k]: elements of part k, where it starts in its
// binding, where it goes in the arena.
@compute @workgroup_size(WORKGROUP)
fn quotient_gather(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i < params[1].x) {
        arena[params[1].z + i] = column_0[params[1].y + i];
    }
    if (i < params[2].x) {
        arena[params[2].z + i] = column_1[params[2].y + i];
    }
    if (i < params[3].x) {
        arena[params[3].z + i] = column_2[params[3].y + i];
    }
    if (i < params[4].x) {
        arena[params[4].z + i] = column_3[params[4].y + i];
    }
    if (i < params[5].x) {
        arena[params[5].z + i] = column_4[params[5].y + i];
    }
    if (i < params[6].x) {
        arena[params[6].z + i] = column_5[params[6].y + i];
    }
    if (i < params[7].x) {
        arena[params[7].z + i] = column_6[params[7].y + i];
    }
}

// x is a, or a·b; a negation subtracts from a zero that the arena holds.
struct Instruction {
    // Bits 0–1: the result is x, x + c, x − c, or c − x. Bit 2: x is a product. Bits 3–5: a, b, c vary by row.
    operation: u32,
    // Place of the result, or NOWHERE if only the next instruction uses it.
    to: u32,
    // Places, or LAST for the result of the instruction before.
    a: u32,
    b: u32,
    c: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
}

const NOWHERE: u32 = 0xffffffffu;
const LAST: u32 = 0xffffffffu;

const ADD_C: u32 = 1u;
const SUBTRACT_FROM_C: u32 = 3u;
const HOW: u32 = 3u;
const PRODUCT: u32 = 4u;
const A_VARIES: u32 = 8u;
const B_VARIES: u32 = 16u;
const C_VARIES: u32 = 32u;

@group(0) @binding(1) var<storage, read> program: array<Instruction>;

fn operand(place: u32, varies: u32, row: u32, last: Fe) -> Fe {
    if (place == LAST) {
        return last;
    }
    return arena[place + select(0u, row, varies != 0u)];
}

// params[0]: rows, instructions.
@compute @workgroup_size(WORKGROUP)
fn quotient_run(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = global_index(group, groups, local);
    if (row >= params[0].x) {
        return;
    }
    var last = fe_zero();
    for (var step = 0u; step < params[0].y; step++) {
        let operation = program[step].operation;
        let how = operation & HOW;
        var x = operand(program[step].a, operation & A_VARIES, row, last);
        if ((operation & PRODUCT) != 0u) {
            x = fe_mul(x, operand(program[step].b, operation & B_VARIES, row, last));
        }
        if (how != 0u) {
            let c = operand(program[step].c, operation & C_VARIES, row, last);
            if (how == ADD_C) {
                x = fe_add(x, c);
            } else {
                let swapped = how == SUBTRACT_FROM_C;
                x = fe_sub(fe_select(x, c, swapped), fe_select(c, x, swapped));
            }
        }
        let to = program[step].to;
        if (to != NOWHERE) {
            arena[to + row] = x;
        }
        last = x;
    }
}
