// Stages `ntt_pass_to_reversed`, `ntt_pass_to_natural` and `ntt_roots` of number-theoretic transforms over F_r.
//
// A pass does several neighbouring layers of a transform in workgroup memory. Its tile is a matrix of R = 2^layers
// rows and C columns, row after row, with R*C = TILE. Where layers remain below it, rows lie far apart in memory and
// columns are neighbours; where not, every column is a block of its own whose rows are neighbours. Either way
// neighbouring threads touch runs of neighbouring elements.
//
// Layer l of a transform has 2^l blocks; block b uses ω^rev(b), entry b of one table for all sizes. The inverse root
// of b >= 1 is minus the entry whose index has all bits below the highest one inverted, as ω^-k = -ω^(n/2 - k): one
// table serves both directions. Layers are done two at a time, which halves the traffic of workgroup memory and the
// barriers; all products are made at one place, so that the loop stays small.
//
// Fused with the first or last pass: scaling (coset shift, 1/n) and the permutation for equal orders on both ends.
// Bytes: 64 an element and pass. Products: one for two elements and layer; at most two an element for scaling.

// Elements of workgroup memory, 16 KiB, in halves: 16-byte accesses of neighbours meet different banks.
const LOG_TILE: u32 = 9u;
const TILE: u32 = 1u << LOG_TILE;
const QUADS: u32 = TILE / 4u;
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

// Where the first element of a tile lies, and the block of its first column among those of the pass's first layer.
struct Tile {
    base: u32,
    block: u32,
}

fn tile_of_slot(slot: u32) -> Tile {
    let tile = first_tile() + slot;
    let group = tile / tiles_of_group();
    let in_group = tile - group * tiles_of_group();
    return Tile(
        group * group_stride() + in_group * tile_stride(),
        (group & group_block_mask()) + in_group * tile_block_stride(),
    );
}

fn element_place(base: u32, e: u32) -> u32 {
    let row = (e * rows()) >> LOG_TILE;
    return base + row * row_stride() + (e & (columns() - 1u)) * column_stride();
}

fn load_tile(base: u32, local: u32) {
    for (var e = local; e < TILE; e += WORKGROUP) {
        let i = element_place(base, e);
        if (i < elements()) {
            var value: Fe;
            if (reads_scratch()) { value = scratch[i]; } else { value = data[i]; }
            set_tile(e, scaled(value, i & place_mask(), factors_at_load()));
        }
    }
}

fn store_tile(base: u32, local: u32) {
    for (var e = local; e < TILE; e += WORKGROUP) {
        let i = element_place(base, e);
        if (i < elements()) {
            let place = i & place_mask();
            let value = scaled(tile_at(e), place, factors_at_store());
            let to = select(i, i - place + reverseBits(place * reversal()), reversal() != 0u);
            if (writes_scratch()) { scratch[to] = value; } else { data[to] = value; }
        }
    }
}

// The root of a block in the direction of the transform.
fn root(block: u32) -> Fe {
    var below = block >> 1u;
    below |= below >> 1u;
    below |= below >> 2u;
    below |= below >> 4u;
    below |= below >> 8u;
    below |= below >> 16u;
    let negative = is_inverse() & (block != 0u);
    let entry = roots[select(block, block ^ below, negative)];
    return fe_select(entry, fe_neg(entry), negative);
}

// Four elements on which two neighbouring layers work alone: pairs (0, 2) and (1, 3) of a block b in the upper layer,
// (0, 1) of block 2b and (2, 3) of block 2b + 1 in the lower one.
struct Quad {
    e0: Fe,
    e1: Fe,
    e2: Fe,
    e3: Fe,
}

// Where a quad lies: the first element and how far apart they are; and its block in the upper layer.
struct QuadPlace {
    first: u32,
    quarter: u32,
    block: u32,
}

// Quad t, where `blocks` blocks of the upper layer are in each of the pass's first layer.
fn place_of_quad(tile: Tile, t: u32, blocks: u32, quarter: u32) -> QuadPlace {
    let in_tile = (t * blocks) >> (LOG_TILE - 2u);
    let first = tile.block + (t & (columns() - 1u)) * column_block_stride();
    return QuadPlace(t + 3u * in_tile * quarter, quarter, first * blocks + in_tile);
}

fn load_quad(at: QuadPlace) -> Quad {
    return Quad(
        tile_at(at.first),
        tile_at(at.first + at.quarter),
        tile_at(at.first + 2u * at.quarter),
        tile_at(at.first + 3u * at.quarter),
    );
}

fn store_quad(at: QuadPlace, quad: Quad) {
    set_tile(at.first, quad.e0);
    set_tile(at.first + at.quarter, quad.e1);
    set_tile(at.first + 2u * at.quarter, quad.e2);
    set_tile(at.first + 3u * at.quarter, quad.e3);
}

// Pairs are numbered 0: (0, 2), 1: (1, 3), 2: (0, 1), 3: (2, 3).
fn pair_x(quad: Quad, pair: u32) -> Fe {
    switch (pair) {
        case 1u: { return quad.e1; }
        case 3u: { return quad.e2; }
        default: { return quad.e0; }
    }
}

fn pair_y(quad: Quad, pair: u32) -> Fe {
    switch (pair) {
        case 0u: { return quad.e2; }
        case 2u: { return quad.e1; }
        default: { return quad.e3; }
    }
}

fn with_pair(quad: Quad, pair: u32, x: Fe, y: Fe) -> Quad {
    switch (pair) {
        case 0u: { return Quad(x, quad.e1, y, quad.e3); }
        case 1u: { return Quad(quad.e0, x, quad.e2, y); }
        case 2u: { return Quad(x, y, quad.e2, quad.e3); }
        default: { return Quad(quad.e0, quad.e1, x, y); }
    }
}

// Whether layers come in pairs but for one; rows are a power of two.
fn has_odd_layers() -> bool {
    return (rows() & 0xaaaaaaaau) != 0u;
}

fn pair_root(block: u32, pair: u32) -> Fe {
    return root(select(block, 2u * block + pair - 2u, pair >= 2u));
}

// Cooley–Tukey layers, from the first to the last: (x, y) <- (x + w·y, x − w·y). An odd one comes first, alone.
@compute @workgroup_size(WORKGROUP)
fn ntt_pass_to_reversed(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let slot = group.y * groups.x + group.x;
    if (slot >= tile_count()) { return; }
    let tile = tile_of_slot(slot);
    load_tile(tile.base, local);
    var quarter = QUADS;
    var pairs = select(4u, 2u, has_odd_layers());
    for (var blocks = 1u; blocks < rows(); ) {
        workgroupBarrier();
        for (var t = local; t < QUADS; t += WORKGROUP) {
            let at = place_of_quad(tile, t, blocks, quarter);
            var quad = load_quad(at);
            for (var pair = 0u; pair < pairs; pair++) {
                let x = pair_x(quad, pair);
                let y = fe_mul(pair_y(quad, pair), pair_root(at.block, pair));
                quad = with_pair(quad, pair, fe_add(x, y), fe_sub(x, y));
            }
            store_quad(at, quad);
        }
        // Two pairs are a layer, four are two.
        blocks *= pairs;
        quarter = select(quarter / 4u, quarter / 2u, pairs == 2u);
        pairs = 4u;
    }
    workgroupBarrier();
    store_tile(tile.base, local);
}

// Gentleman–Sande layers, from the last to the first: (x, y) <- (x + y, (x − y)·w). An odd one comes last, alone.
@compute @workgroup_size(WORKGROUP)
fn ntt_pass_to_natural(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let slot = group.y * groups.x + group.x;
    if (slot >= tile_count()) { return; }
    let tile = tile_of_slot(slot);
    load_tile(tile.base, local);
    var quarter = columns();
    for (var below = rows(); below > 1u; below /= 4u) {
        workgroupBarrier();
        // Two pairs are a layer, four are two.
        let pairs = select(4u, 2u, below == 2u);
        let blocks = max(below / 4u, 1u);
        quarter = min(quarter, QUADS);
        for (var t = local; t < QUADS; t += WORKGROUP) {
            let at = place_of_quad(tile, t, blocks, quarter);
            var quad = load_quad(at);
            for (var pair = pairs; pair > 0u; pair--) {
                let x = pair_x(quad, pair - 1u);
                let y = pair_y(quad, pair - 1u);
                let difference = fe_mul(fe_sub(x, y), pair_root(at.block, pair - 1u));
                quad = with_pair(quad, pair - 1u, fe_add(x, y), difference);
            }
            store_quad(at, quad);
        }
        quarter *= 4u;
    }
    workgroupBarrier();
    store_tile(tile.base, local);
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
    let i = global_index(group, groups, local);
    if (i >= params[0].x) { return; }
    let low = params[0].y;
    table[i] = fe_mul(table_factors[i & (low - 1u)], table_factors[low + (i >> LOW_BITS)]);
}
