// Coordinates of G2, c0 + c1·u in F_q² = F_q[u] / (u² + 1).

struct Coord {
    c0: Fe,
    c1: Fe,
}

fn coord_zero() -> Coord {
    return Coord(fe_zero(), fe_zero());
}

fn coord_one() -> Coord {
    return Coord(fe_one(), fe_zero());
}

fn coord_add(a: Coord, b: Coord) -> Coord {
    return Coord(fe_add(a.c0, b.c0), fe_add(a.c1, b.c1));
}

fn coord_sub(a: Coord, b: Coord) -> Coord {
    return Coord(fe_sub(a.c0, b.c0), fe_sub(a.c1, b.c1));
}

fn coord_neg(a: Coord) -> Coord {
    return Coord(fe_neg(a.c0), fe_neg(a.c1));
}

fn coord_double(a: Coord) -> Coord {
    return Coord(fe_double(a.c0), fe_double(a.c1));
}

// Karatsuba: three products, of the parts and of their sums. In a loop around one product, since the code of three is
// larger than caches of instructions, takes compilers long, and costs registers.
fn coord_mul(a: Coord, b: Coord) -> Coord {
    var x = a;
    var y = b;
    var v0 = fe_zero();
    var v1 = fe_zero();
    var cross = fe_zero();
    for (var k = 0u; k < 3u; k++) {
        v0 = v1;
        v1 = cross;
        cross = fe_mul(x.c0, y.c0);
        x = Coord(x.c1, fe_add(x.c0, x.c1));
        y = Coord(y.c1, fe_add(y.c0, y.c1));
    }
    return Coord(fe_sub(v0, v1), fe_sub(fe_sub(cross, v0), v1));
}

// (c0 + c1·u)² = (c0 + c1)(c0 − c1) + 2·c0·c1·u: two products.
fn coord_square(a: Coord) -> Coord {
    var x = a.c0;
    var y = a.c1;
    var twice = fe_zero();
    var difference_of_squares = fe_zero();
    for (var k = 0u; k < 2u; k++) {
        twice = difference_of_squares;
        difference_of_squares = fe_mul(x, y);
        x = fe_add(a.c0, a.c1);
        y = fe_sub(a.c0, a.c1);
    }
    return Coord(difference_of_squares, fe_double(twice));
}

fn coord_is_zero(a: Coord) -> bool {
    return fe_is_zero(a.c0) & fe_is_zero(a.c1);
}

fn coord_eq(a: Coord, b: Coord) -> bool {
    return fe_eq(a.c0, b.c0) & fe_eq(a.c1, b.c1);
}

fn coord_select(if_false: Coord, if_true: Coord, c: bool) -> Coord {
    return Coord(fe_select(if_false.c0, if_true.c0, c), fe_select(if_false.c1, if_true.c1, c));
}

// (c0 − c1·u) / (c0² + c1²); the norm is zero only for zero, because −1 has no root in F_q.
fn coord_inverse(a: Coord) -> Coord {
    let norm = fe_inverse(fe_add(fe_square(a.c0), fe_square(a.c1)));
    return Coord(fe_mul(a.c0, norm), fe_neg(fe_mul(a.c1, norm)));
}
