// Stages `ntt_pass_to_reversed`, `ntt_pass_to_natural` and `ntt_roots` of number-theoretic transforms over F_r.
//
// A pass does several neighbouring layers of a transform in workgroup memory. Its tile is a matrix of R = 2^layers rows
// and C columns, row after row. Where layers remain below it, rows lie far apart in memory and columns are neighbours;
// where not, every column is a block of its own whose rows are neighbours. Either way neighbouring threads touch runs
// of neighbouring elements.
//
// Layer l of a transform has 2^l blocks; block b uses ω^rev(b), entry b of one table for all sizes. The inverse root of
// b >= 1 is minus the entry whose index has all bits below the highest one inverted, as ω^-k = -ω^(n/2 - k): one table
// serves both directions.
//
// Fused with the first or last pass: scaling (coset shift, 1/n) and the permutation for equal orders on both ends.
// Bytes: 64 an element and pass. Products: one for two elements and layer; at most two an element for scaling.

// Elements of workgroup memory, 16 KiB, in halves: 16-byte accesses of neighbours meet different banks.
const TILE: u32 = 512u;
var<workgroup> tile_lo: array<vec4<u32>, TILE>;
var<workgroup> tile_hi: array<vec4<u32>, TILE>;

@group(0) @binding(0) var<storage, read_write> data: array<Fe>;
@group(0) @binding(1) var<storage, read_write> scratch: array<Fe>;
@group(0) @binding(2) var<storage, read> roots: array<Fe>;
@group(0) @binding(3) var<storage, read> factors: array<Fe>;

// Parameters of a pass. R, C and the tiles of a group are powers of two.
fn tile_count() -> u32 { return params[0].x; }
fn first_tile() -> u32 { return params[0].y; }
fn rows() -> u32 { return params[0].z; }
fn columns() -> u32 { return params[0].w; }
fn row_stride() -> u32 { return params[1].x; }
fn column_stride() -> u32 { return params[1].y; }
// Tiles come in groups.
fn tiles_of_group() -> u32 { return params[1].z; }
fn group_stride() -> u32 { return params[1].w; }
fn tile_stride() -> u32 { return params[2].x; }
// The block of an element, of those of the pass's first layer, in terms of its group, tile and column.
fn group_block_mask() -> u32 { return params[2].y; }
fn tile_block_stride() -> u32 { return params[2].z; }
fn column_block_stride() -> u32 { return params[2].w; }
// Of a place in its transform: its mask, and what moves it to the highest bits, or 0 if it stays.
fn place_mask() -> u32 { return params[3].x; }
fn reversal() -> u32 { return params[3].y; }
fn is_inverse() -> bool { return params[3].z != 0u; }
fn elements() -> u32 { return params[3].w; }
// Products that scale an element when it is loaded and when it is stored, and the mask of the first factor.
fn factors_at_load() -> u32 { return params[4].x; }
fn factors_at_store() -> u32 { return params[4].y; }
fn low_mask() -> u32 { return params[4].z; }
fn reads_scratch() -> bool { return params[4].w != 0u; }
fn writes_scratch() -> bool { return params[5].x != 0u; }

// A factor is the product of one entry for the low bits of its place and one for the others, which follow.
const LOW_BITS: u32 = 10u;

fn scaled(value: Fe, place: u32, products: u32) -> Fe {
    var result = value;
    var factor = place & low_mask();
    for (var k = 0u; k < products; k++) {
        result = fe_mul(result, factors[factor]);
        factor = low_mask() + 1u + (place >> LOW_BITS);
    }
    return result;
}

fn tile_at(i: u32) -> Fe {
    return Fe(tile_lo[i], tile_hi[i]);
}

fn set_tile(i: u32, value: Fe) {
    tile_lo[i] = value.lo;
    tile_hi[i] = value.hi;
}

// Where the first element of a tile lies.
fn tile_base(tile: u32) -> u32 {
    let group = tile / tiles_of_group();
    return group * group_stride() + (tile - group * tiles_of_group()) * tile_stride();
}

fn element_place(base: u32, e: u32) -> u32 {
    let row = e / columns();
    return base + row * row_stride() + (e - row * columns()) * column_stride();
}

fn load_tile(base: u32, local: u32) {
    for (var e = local; e < rows() * columns(); e += WORKGROUP) {
        let i = element_place(base, e);
        if (i < elements()) {
            var value: Fe;
            if (reads_scratch()) { value = scratch[i]; } else { value = data[i]; }
            set_tile(e, scaled(value, i & place_mask(), factors_at_load()));
        }
    }
}

fn store_tile(base: u32, local: u32) {
    for (var e = local; e < rows() * columns(); e += WORKGROUP) {
        let i = element_place(base, e);
        if (i < elements()) {
            let place = i & place_mask();
            let value = scaled(tile_at(e), place, factors_at_store());
            let to = select(i, i - place + reverseBits(place * reversal()), reversal() != 0u);
            if (writes_scratch()) { scratch[to] = value; } else { data[to] = value; }
        }
    }
}

// Pair t of a layer, and the block that it belongs to.
struct Pair {
    x: u32,
    y: u32,
    block: u32,
}

// `half`: pairs of a block in the tile; `blocks`: of this layer in one of the pass's first layer.
fn pair_of_layer(tile: u32, t: u32, half: u32, blocks: u32) -> Pair {
    let group = tile / tiles_of_group();
    let first = (group & group_block_mask())
        + (tile - group * tiles_of_group()) * tile_block_stride()
        + (t & (columns() - 1u)) * column_block_stride();
    let block = t / half;
    let x = t + block * half;
    return Pair(x, x + half, first * blocks + block);
}

// Whether the table has minus the root of this block.
fn is_negative(block: u32) -> bool {
    return is_inverse() && block != 0u;
}

fn root(block: u32) -> Fe {
    var below = block >> 1u;
    below |= below >> 1u;
    below |= below >> 2u;
    below |= below >> 4u;
    below |= below >> 8u;
    below |= below >> 16u;
    return roots[select(block, block ^ below, is_inverse())];
}

// Cooley–Tukey layers, from the first to the last: (x, y) <- (x + w·y, x − w·y).
@compute @workgroup_size(WORKGROUP)
fn ntt_pass_to_reversed(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let workgroup = group.y * groups.x + group.x;
    if (workgroup >= tile_count()) { return; }
    let tile = first_tile() + workgroup;
    let base = tile_base(tile);
    let pairs = rows() * columns() / 2u;
    load_tile(base, local);
    var blocks = 1u;
    for (var half = pairs; half >= columns(); half >>= 1u) {
        workgroupBarrier();
        for (var t = local; t < pairs; t += WORKGROUP) {
            let at = pair_of_layer(tile, t, half, blocks);
            let negative = is_negative(at.block);
            let x = tile_at(at.x);
            let y = fe_mul(tile_at(at.y), root(at.block));
            set_tile(select(at.x, at.y, negative), fe_add(x, y));
            set_tile(select(at.y, at.x, negative), fe_sub(x, y));
        }
        blocks <<= 1u;
    }
    workgroupBarrier();
    store_tile(base, local);
}

// Gentleman–Sande layers, from the last to the first: (x, y) <- (x + y, (x − y)·w).
@compute @workgroup_size(WORKGROUP)
fn ntt_pass_to_natural(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let workgroup = group.y * groups.x + group.x;
    if (workgroup >= tile_count()) { return; }
    let tile = first_tile() + workgroup;
    let base = tile_base(tile);
    let pairs = rows() * columns() / 2u;
    load_tile(base, local);
    var blocks = rows();
    for (var half = columns(); half <= pairs; half <<= 1u) {
        workgroupBarrier();
        blocks >>= 1u;
        for (var t = local; t < pairs; t += WORKGROUP) {
            let at = pair_of_layer(tile, t, half, blocks);
            let negative = is_negative(at.block);
            let x = tile_at(select(at.x, at.y, negative));
            let y = tile_at(select(at.y, at.x, negative));
            set_tile(at.x, fe_add(x, y));
            set_tile(at.y, fe_mul(fe_sub(x, y), root(at.block)));
        }
    }
    workgroupBarrier();
    store_tile(base, local);
}

@group(0) @binding(0) var<storage, read_write> table: array<Fe>;
@group(0) @binding(1) var<storage, read> table_factors: array<Fe>;

// Entry i of the table of roots from the entries for its low bits and for its others.
@compute @workgroup_size(WORKGROUP)
fn ntt_roots(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let i = params[0].y + global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    let low = params[0].z;
    table[i] = fe_mul(table_factors[i & (low - 1u)], table_factors[low + (i >> LOW_BITS)]);
}
