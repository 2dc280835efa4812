// Additions of affine points in batches that share one inversion, and the buckets' sums.
//
// P + Q needs 1/(x_Q − x_P). Thread t owns the pairs t, t + T, t + 2T, …, T = params[0].x threads:
// `msm_pair_products` leaves the product of its denominators, `batch_inverse` inverts the threads' products,
// `msm_pair_add` adds from the last pair to the first. Cost: 6 products an addition, 1 of them a square, and
// 3 for each thread.
//
// FIRST = 1: pair t is what slot t sums, two signed bases or one. FIRST = 0: pair t is the slot that the list
// names and the one params[0].z further on; the sum replaces the left one, or the right one where the list
// says so by bit 31.
// Params: threads, pairs, distance, where the list starts.

@group(0) @binding(0) var<storage, read> bases: array<Point>;
@group(0) @binding(1) var<storage, read> pairs: array<u32>;
@group(0) @binding(2) var<storage, read_write> points: array<Point>;
@group(0) @binding(3) var<storage, read_write> before: array<Coord>;
@group(0) @binding(4) var<storage, read_write> products: array<Coord>;

const INDEX: u32 = 0x7fffffffu;

struct Pair {
    left: Point,
    right: Point,
}

fn identity() -> Point {
    return Point(coord_zero(), coord_zero());
}

fn signed_base(entry: u32) -> Point {
    if (entry == 0u) { return identity(); }
    let base = bases[(entry & INDEX) - 1u];
    return Point(base.x, coord_select(base.y, coord_neg(base.y), entry > INDEX));
}

fn load_pair(t: u32) -> Pair {
    if (FIRST == 1u) {
        return Pair(signed_base(pairs[2u * t]), signed_base(pairs[2u * t + 1u]));
    }
    let left = pairs[params[0].w + t] & INDEX;
    return Pair(points[left], points[left + params[0].z]);
}

// Both abscissas alone: half of the memory traffic. An absent base has zero.
struct Abscissas {
    left: Coord,
    right: Coord,
}

fn base_abscissa(entry: u32) -> Coord {
    if (entry == 0u) { return coord_zero(); }
    return bases[(entry & INDEX) - 1u].x;
}

fn load_abscissas(t: u32) -> Abscissas {
    if (FIRST == 1u) {
        return Abscissas(base_abscissa(pairs[2u * t]), base_abscissa(pairs[2u * t + 1u]));
    }
    let left = pairs[params[0].w + t] & INDEX;
    return Abscissas(points[left].x, points[left + params[0].z].x);
}

fn store_sum(t: u32, sum: Point) {
    if (FIRST == 1u) {
        points[t] = sum;
    } else {
        let word = pairs[params[0].w + t];
        points[(word & INDEX) + select(0u, params[0].z, word > INDEX)] = sum;
    }
}

// Points with y = 0 are their own opposites; the groups have none, hostile bases may.
fn is_doubling(pair: Pair) -> bool {
    return coord_eq(pair.left.x, pair.right.x) & coord_eq(pair.left.y, pair.right.y)
        & !coord_is_zero(pair.left.y);
}

// What the addition divides by, 1 where it is a trivial one. Never zero.
fn pair_denominator(pair: Pair) -> Coord {
    let difference = coord_sub(pair.right.x, pair.left.x);
    let divisor = coord_select(difference, coord_double(pair.left.y), is_doubling(pair));
    let trivial = coord_is_zero(divisor) | point_is_identity(pair.left) | point_is_identity(pair.right);
    return coord_select(divisor, coord_one(), trivial);
}

// As `pair_denominator`; ordinates are read only where abscissas leave a doubt.
fn denominator_of(t: u32) -> Coord {
    let x = load_abscissas(t);
    let difference = coord_sub(x.right, x.left);
    if (coord_is_zero(difference) | coord_is_zero(x.left) | coord_is_zero(x.right)) {
        return pair_denominator(load_pair(t));
    }
    return difference;
}

// left + right, where `reciprocal` is that of the denominator. Cost: 3 products; one more to double.
fn pair_sum(pair: Pair, reciprocal: Coord) -> Point {
    if (point_is_identity(pair.left)) { return pair.right; }
    if (point_is_identity(pair.right)) { return pair.left; }
    let doubling = is_doubling(pair);
    if (coord_eq(pair.left.x, pair.right.x) & !doubling) { return identity(); }
    var numerator = coord_sub(pair.right.y, pair.left.y);
    if (doubling) {
        let square = coord_square(pair.left.x);
        numerator = coord_add(coord_double(square), square);
    }
    let slope = coord_mul(numerator, reciprocal);
    let x = coord_sub(coord_sub(coord_square(slope), pair.left.x), pair.right.x);
    let y = coord_sub(coord_mul(slope, coord_sub(pair.left.x, x)), pair.left.y);
    return Point(x, y);
}

// before[t] <- product of the denominators of the thread's pairs before t; products[thread] <- that of all of
// them.
@compute @workgroup_size(WORKGROUP)
fn msm_pair_products(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = global_index(group, groups, local);
    let stride = params[0].x;
    if (thread >= stride) { return; }
    var product = coord_one();
    for (var t = thread; t < params[0].y; t += stride) {
        before[t] = product;
        product = coord_mul(product, denominator_of(t));
    }
    products[thread] = product;
}

// The sums. products[thread] is the inverse of what `msm_pair_products` left there.
@compute @workgroup_size(WORKGROUP)
fn msm_pair_add(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let thread = global_index(group, groups, local);
    let stride = params[0].x;
    if (thread >= stride) { return; }
    var inverse = products[thread];
    let count = (params[0].y - 1u - thread) / stride + 1u;
    var t = thread + count * stride;
    for (var left = count; left > 0u; left--) {
        t -= stride;
        let pair = load_pair(t);
        store_sum(t, pair_sum(pair, coord_mul(inverse, before[t])));
        inverse = coord_mul(inverse, pair_denominator(pair));
    }
}
