// An affine point; the identity is (0, 0), which is on neither curve.
struct Point {
    x: Coord,
    y: Coord,
}

fn point_is_identity(p: Point) -> bool {
    return coord_is_zero(p.x) & coord_is_zero(p.y);
}

fn point_neg(p: Point) -> Point {
    return Point(p.x, coord_neg(p.y));
}
