// Exclusive prefix sums of 32-bit numbers, modulo 2^32, in tiles: each tile by itself, then the tiles' totals by the
// same stage, then the offsets. Source: W. D. Hillis, G. L. Steele, Data parallel algorithms, 1986.

@group(0) @binding(0) var<storage, read_write> scan_data: array<u32>;
@group(0) @binding(1) var<storage, read_write> tile_totals: array<u32>;
@group(0) @binding(1) var<storage, read> tile_offsets: array<u32>;

const TILE: u32 = 4u * WORKGROUP;

var<workgroup> running: array<u32, WORKGROUP>;

// The value in slot i; slots from `values` on count as zero, whatever they hold.
fn scan_load(i: u32, values: u32) -> u32 {
    if (i < values) {
        return scan_data[i];
    }
    return 0u;
}

fn scan_store(i: u32, slots: u32, value: u32) {
    if (i < slots) {
        scan_data[i] = value;
    }
}

// One workgroup a tile.
// params[0]: threads, values to sum in this binding, slots to write (all values, perhaps one more), number of the
// binding's first tile.
@compute @workgroup_size(WORKGROUP)
fn scan_u32_tiles(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let values = params[0].y;
    let slots = params[0].z;
    let tile = group.y * groups.x + group.x;
    let first = tile * TILE + 4u * local;
    let v = vec4<u32>(
        scan_load(first, values),
        scan_load(first + 1u, values),
        scan_load(first + 2u, values),
        scan_load(first + 3u, values),
    );
    let before = vec4<u32>(0u, v.x, v.x + v.y, v.x + v.y + v.z);
    let own = before.w + v.w;

    running[local] = own;
    for (var distance = 1u; distance < WORKGROUP; distance *= 2u) {
        workgroupBarrier();
        var sum = running[local];
        if (local >= distance) {
            sum += running[local - distance];
        }
        workgroupBarrier();
        running[local] = sum;
    }
    // A thread's own slot needs no barrier: it wrote that last.
    let through = running[local];
    let offset = through - own;
    scan_store(first, slots, offset);
    scan_store(first + 1u, slots, offset + before.y);
    scan_store(first + 2u, slots, offset + before.z);
    scan_store(first + 3u, slots, offset + before.w);
    if ((local == WORKGROUP - 1u) & (tile * TILE < slots)) {
        tile_totals[params[0].w + tile] = through;
    }
}

// params[0]: slots of this binding (one thread each), number of the binding's first tile.
@compute @workgroup_size(WORKGROUP)
fn scan_u32_add(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = global_index(group, groups, local);
    if (i >= params[0].x) {
        return;
    }
    scan_data[i] += tile_offsets[params[0].y + i / TILE];
}
