//! Elements in memory, eight words of 32 bits, and their limbs.

use crate::limbs::R_BITS;
use crate::wgsl::Wgsl;
use core::cmp::Ordering;

/// Word k of an element.
pub(crate) fn word(of: &str, k: usize) -> String {
    format!("{of}.{}.{}", if k < 4 { "lo" } else { "hi" }, ["x", "y", "z", "w"][k % 4])
}

/// The element whose words are called `{prefix}0` … `{prefix}7`.
pub(crate) fn element(prefix: &str) -> String {
    let half = |from: usize| (from..from + 4).map(|k| format!("{prefix}{k}")).collect::<Vec<_>>().join(", ");
    format!("Fe(vec4<u32>({}), vec4<u32>({}))", half(0), half(4))
}

/// Limb k of an element, still with the bits above it.
pub(crate) fn limb_unmasked(of: &str, bits: usize, k: usize) -> String {
    let (from, to) = (bits * k, (bits * (k + 1)).min(R_BITS));
    let (low, shift) = (from / 32, from % 32);
    let mut value = word(of, low);
    if shift > 0 {
        value = format!("({value} >> {shift}u)");
    }
    if to > 32 * (low + 1) {
        value = format!("({value} | ({} << {}u))", word(of, low + 1), 32 - shift);
    }
    value
}

/// Binds `r0` … `r7` to the bits of `{prefix}0` … `{prefix}{count - 1}` from `offset` on.
pub(crate) fn bind_words(w: &mut Wgsl, prefix: &str, bits: usize, count: usize, offset: usize) {
    for k in 0..8 {
        let (from, to) = (offset + 32 * k, offset + 32 * (k + 1));
        let overlapping = (from / bits..count).take_while(|limb| bits * limb < to);
        let parts = overlapping.map(|limb| match (bits * limb).cmp(&from) {
            Ordering::Less => format!("({prefix}{limb} >> {}u)", from - bits * limb),
            Ordering::Equal => format!("{prefix}{limb}"),
            Ordering::Greater => format!("({prefix}{limb} << {}u)", bits * limb - from),
        });
        w.bind(format!("r{k}"), parts.collect::<Vec<_>>().join(" | "));
    }
}

/// Binds `{to}0` … `{to}7` to a + b mod 2^256.
pub(crate) fn bind_add(w: &mut Wgsl, to: &str, a: &str, b: &str) {
    for k in 0..8 {
        let (x, y) = (word(a, k), word(b, k));
        if k == 0 {
            w.bind(format!("{to}0"), format!("{x} + {y}"));
            w.bind("c0", format!("select(0u, 1u, {to}0 < {x})"));
            continue;
        }
        w.bind(format!("s{k}"), format!("{x} + {y}"));
        w.bind(format!("{to}{k}"), format!("s{k} + c{}", k - 1));
        if k < 7 {
            w.bind(format!("c{k}"), format!("select(0u, 1u, (s{k} < {x}) | ({to}{k} < s{k}))"));
        }
    }
}

/// Binds `{to}0` … `{to}7` to a − b mod 2^256 and `negative` to whether a is below b; both are below 2^255.
pub(crate) fn bind_sub(w: &mut Wgsl, to: &str, a: &str, b: &str) {
    for k in 0..8 {
        let (x, y) = (word(a, k), word(b, k));
        if k == 0 {
            w.bind(format!("{to}0"), format!("{x} - {y}"));
            w.bind("b0", format!("select(0u, 1u, {x} < {y})"));
            continue;
        }
        w.bind(format!("m{k}"), format!("{x} - {y}"));
        w.bind(format!("{to}{k}"), format!("m{k} - b{}", k - 1));
        if k < 7 {
            w.bind(format!("b{k}"), format!("select(0u, 1u, ({x} < {y}) | (m{k} < b{}))", k - 1));
        }
    }
    w.bind("negative", format!("{to}7 >= 0x80000000u"));
}
