//! Inversion by division steps: Bernstein and Yang, "Fast constant-time gcd computation and modular
//! inversion", 2019, started at one half (Wuille 2021), for which 590 steps suffice below 2^256.
//!
//! A batch of steps looks at the lowest limbs only and collects itself in a matrix, which then multiplies (f,
//! g) and (d, e). One text serves both limb forms: every column fits 32 bits.

use crate::limbs::{bits, double_mod};
use crate::wgsl::Wgsl;
use crate::words::{bind_add, bind_words, element, limb_unmasked};
use zkwatt_kernels::field::FieldParams;

/// Bits of a limb and steps of a batch. The matrix (u, v; q, r) has |u| + |v| ≤ 2^15, so that columns stay
/// below 2^30, and the multiple of p adds less than 2^29.
const BITS: usize = 15;
/// d and e grow by at most p/2 in a batch: to less than 2^5·p.
const COUNT: usize = 18;
const BATCHES: usize = 590_usize.div_ceil(BITS);

const ABOUT: &str = "\
The inverse, and zero for zero, by batches of division steps (Bernstein and Yang 2019, from one half on).
d·a = f·R²·2^15 and e·a = g·R²·2^15 mod p hold throughout; at the end g = 0, and f = ±1 unless a is zero.
On llvmpipe it costs about 40 products; Fermat's power takes 380.";

/// The limbs of p, and of R²·2^15, whose quotient by a·R is R/a once a last division by 2^15 has made it
/// small.
pub(crate) fn constants<P: FieldParams>(file: &mut Wgsl) {
    let start = (0..BITS).fold(P::R2, |a, _| double_mod(a, P::MODULUS));
    file.blank();
    file.line(format!("// For inverses, limbs of {BITS} bits: −1/p mod 2^{BITS}, p, and R²·2^{BITS} mod p."));
    file.line(format!("const INV_{BITS} = {}i;", P::INV & mask()));
    for (name, number) in [("P15", P::MODULUS), ("START", start)] {
        for k in 0..COUNT {
            file.line(format!("const {name}_{k} = {}i;", bits(&number, BITS * k, BITS)));
        }
    }
}

pub(crate) fn function(file: &mut Wgsl) {
    file.function(ABOUT, "fe_inverse(a: Fe) -> Fe", |w| {
        declare(w);
        w.block(format!("for (var batch = 0u; batch < {BATCHES}u; batch++)"), |w| {
            batch_of_steps(w);
            Rows { names: ["f", "g"], modulo_p: false }.transform(w);
            Rows { names: ["d", "e"], modulo_p: true }.transform(w);
        });
        signed_result(w);
    });
}

const fn mask() -> u64 {
    (1 << BITS) - 1
}

fn declare(w: &mut Wgsl) {
    for k in 0..COUNT {
        w.line(format!("var f{k} = P15_{k};"));
        w.line(format!("var g{k} = i32({} & {:#x}u);", limb_unmasked("a", BITS, k), mask()));
        w.line(format!("var d{k} = 0i;"));
        w.line(format!("var e{k} = START_{k};"));
    }
    w.line("var zeta = -1i;");
}

/// Branch-free: `swap` is all ones where the step exchanges f and g, `odd` where it adds.
fn batch_of_steps(w: &mut Wgsl) {
    for (name, value) in [("x", "f0"), ("y", "g0"), ("u", "1i"), ("v", "0i"), ("q", "0i"), ("r", "1i")] {
        w.line(format!("var {name} = {value};"));
    }
    w.block(format!("for (var step = 0u; step < {BITS}u; step++)"), |w| {
        w.bind("negate", "zeta >> 31u");
        w.bind("odd", "-(y & 1i)");
        for (lower, upper) in [("y", "x"), ("q", "u"), ("r", "v")] {
            w.line(format!("{lower} += (({upper} ^ negate) - negate) & odd;"));
        }
        w.bind("swap", "negate & odd");
        w.line("zeta = (zeta ^ swap) - 1i;");
        for (lower, upper) in [("y", "x"), ("q", "u"), ("r", "v")] {
            w.line(format!("{upper} += {lower} & swap;"));
        }
        w.line("y = y >> 1u;");
        w.line("u = u << 1u;");
        w.line("v = v << 1u;");
    });
}

/// Two numbers that the matrix multiplies, divided by 2^15: exactly, or modulo p.
struct Rows {
    names: [&'static str; 2],
    modulo_p: bool,
}

impl Rows {
    fn transform(&self, w: &mut Wgsl) {
        let [first, second] = self.names;
        for (name, [c, d]) in [(first, ["u", "v"]), (second, ["q", "r"])] {
            let products = |k: usize| vec![format!("{c} * {first}{k}"), format!("{d} * {second}{k}")];
            divided_columns(w, &format!("next_{name}"), products, self.modulo_p);
        }
        for name in self.names {
            for k in 0..COUNT {
                w.line(format!("{name}{k} = {};", limb_after_division(&format!("next_{name}"), k)));
            }
        }
    }
}

/// Binds the columns `{name}{k}` of a number, plus the multiple of p, at most p·2^14, that clears the lowest
/// limb.
fn divided_columns(w: &mut Wgsl, name: &str, terms: impl Fn(usize) -> Vec<String>, modulo_p: bool) {
    if modulo_p {
        let lowest = terms(0).join(" + ");
        let shift = 32 - BITS;
        w.bind(format!("{name}_p"), format!("((({lowest}) * INV_{BITS}) << {shift}u) >> {shift}u"));
    }
    for k in 0..COUNT {
        let mut sum = terms(k);
        if modulo_p {
            sum.push(format!("{name}_p * P15_{k}"));
        }
        if k > 0 {
            sum.push(format!("({name}{} >> {BITS}u)", k - 1));
        }
        w.bind_sum(format!("{name}{k}"), &sum);
    }
}

/// All limbs but the last are below 2^15; the last has the sign.
fn limb_after_division(name: &str, k: usize) -> String {
    if k + 1 < COUNT { format!("{name}{} & {:#x}i", k + 1, mask()) } else { format!("{name}{k} >> {BITS}u") }
}

/// The division by 2^15 leaves less than p in magnitude.
fn signed_result(w: &mut Wgsl) {
    w.bind("sign", format!("f{} >> 31u", COUNT - 1));
    for k in 0..COUNT {
        w.bind(format!("signed{k}"), format!("(d{k} ^ sign) - sign"));
    }
    divided_columns(w, "column", |k| vec![format!("signed{k}")], true);
    for k in 0..COUNT {
        w.bind(format!("limb{k}"), format!("u32({})", limb_after_division("column", k)));
    }
    bind_words(w, "limb", BITS, COUNT, 0);
    w.bind("result", element("r"));
    w.bind("correction", "fe_select(fe_zero(), FE_MODULUS, r7 >= 0x80000000u)");
    bind_add(w, "t", "result", "correction");
    w.line(format!("return {};", element("t")));
}
