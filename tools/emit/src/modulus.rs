//! The file of constants of one field.

use crate::inverse;
use crate::limbs::{INT32, INT64, LimbForm, words};
use crate::wgsl::Wgsl;
use zkwatt_kernels::field::FieldParams;

pub(crate) fn file<P: FieldParams>() -> String {
    let mut file = Wgsl::generated(&format!("Constants of {}.", P::NAME));
    element(&mut file, "FE_MODULUS", "p.", P::MODULUS);
    element(&mut file, "FE_ONE", "R mod p, R = 2^256.", P::R);
    element(&mut file, "FE_R_SQUARED", "R² mod p.", P::R2);
    for form in [INT32, INT64] {
        limb_constants::<P>(&mut file, &form);
    }
    inverse::constants::<P>(&mut file);
    file.finish()
}

fn element(file: &mut Wgsl, name: &str, about: &str, number: [u64; 4]) {
    let w = words(number).map(|word| format!("{word:#010x}u"));
    file.blank();
    file.line(format!("// {about}"));
    file.line(format!("const {name} = Fe("));
    file.line(format!("    vec4<u32>({}),", w[..4].join(", ")));
    file.line(format!("    vec4<u32>({}),", w[4..].join(", ")));
    file.line(");");
}

fn limb_constants<P: FieldParams>(file: &mut Wgsl, form: &LimbForm) {
    let bits = form.bits;
    file.blank();
    file.line(format!(
        "// Limbs of {bits} bits: −1/p mod 2^{bits}, p, and (N + 1) / 2^{bits} for N = p·INV_{bits}."
    ));
    file.line(format!("const INV_{bits} = {:#x}u;", P::INV & form.mask()));
    let folded = form.folded(P::MODULUS, P::INV);
    for (prefix, number) in [("P", &P::MODULUS[..]), ("N", &folded[..])] {
        for (k, limb) in form.split(number).iter().enumerate() {
            file.line(format!("const {prefix}{bits}_{k} = {limb:#x}u;"));
        }
    }
}
