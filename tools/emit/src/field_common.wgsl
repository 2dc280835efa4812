// One element: eight little-endian words, Montgomery form with R = 2^256, below p.
struct Fe {
    lo: vec4<u32>,
    hi: vec4<u32>,
}

fn fe_zero() -> Fe {
    return Fe(vec4<u32>(), vec4<u32>());
}

fn fe_one() -> Fe {
    return FE_ONE;
}

// The element in words k and k + 1 of the parameters, which must be a constant.
fn fe_param(k: u32) -> Fe {
    return Fe(params[k], params[k + 1u]);
}

fn fe_is_zero(a: Fe) -> bool {
    return all((a.lo | a.hi) == vec4<u32>());
}

fn fe_eq(a: Fe, b: Fe) -> bool {
    return all(a.lo == b.lo) & all(a.hi == b.hi);
}

fn fe_select(if_false: Fe, if_true: Fe, c: bool) -> Fe {
    return Fe(select(if_false.lo, if_true.lo, c), select(if_false.hi, if_true.hi, c));
}

fn fe_neg(a: Fe) -> Fe {
    return fe_sub(fe_zero(), a);
}

fn fe_double(a: Fe) -> Fe {
    return fe_add(a, a);
}

fn fe_to_canonical(a: Fe) -> Fe {
    return fe_mul(a, Fe(vec4<u32>(1u, 0u, 0u, 0u), vec4<u32>()));
}

fn fe_from_canonical(a: Fe) -> Fe {
    return fe_mul(a, FE_R_SQUARED);
}
