// Coordinates in the field of `Fe`: those of G1, and scalars for stages that are written for a coordinate.

alias Coord = Fe;

fn coord_zero() -> Coord {
    return fe_zero();
}

fn coord_one() -> Coord {
    return fe_one();
}

fn coord_add(a: Coord, b: Coord) -> Coord {
    return fe_add(a, b);
}

fn coord_sub(a: Coord, b: Coord) -> Coord {
    return fe_sub(a, b);
}

fn coord_neg(a: Coord) -> Coord {
    return fe_neg(a);
}

fn coord_double(a: Coord) -> Coord {
    return fe_double(a);
}

fn coord_mul(a: Coord, b: Coord) -> Coord {
    return fe_mul(a, b);
}

fn coord_square(a: Coord) -> Coord {
    return fe_square(a);
}

fn coord_is_zero(a: Coord) -> bool {
    return fe_is_zero(a);
}

fn coord_eq(a: Coord, b: Coord) -> bool {
    return fe_eq(a, b);
}

fn coord_select(if_false: Coord, if_true: Coord, c: bool) -> Coord {
    return fe_select(if_false, if_true, c);
}

fn coord_inverse(a: Coord) -> Coord {
    return fe_inverse(a);
}
