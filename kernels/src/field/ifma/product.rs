//! Products of eight elements, in assembly.
//!
//! The same in intrinsics takes a quarter longer: the compiler puts all additions to a column one behind the other, and
//! each waits four cycles for the one before. Here a row of products always stands between a quotient digit and its use.

use super::simd::V;
use core::arch::asm;
use core::arch::x86_64::__m512i;

/// What [`product`] needs of a modulus.
#[repr(C)]
pub(crate) struct Constants {
    /// 2^−52 mod p, for four rows.
    pub(crate) shifted: [u64; 5],
    /// p, for the last.
    pub(crate) p: [u64; 5],
    /// −p⁻¹ mod 2^52.
    pub(crate) neg_inv: u64,
}

// t += a·b_i. The low limb first: the reduction waits for it.
macro_rules! row {
    ($a0:literal $a1:literal $a2:literal $a3:literal $a4:literal, $b:literal, $t0:literal $t1:literal $t2:literal $t3:literal $t4:literal $t5:literal) => {
        concat!(
            "vpmadd52luq {",
            $t0,
            "}, {",
            $a0,
            "}, {",
            $b,
            "}\n",
            "vpmadd52luq {",
            $t1,
            "}, {",
            $a1,
            "}, {",
            $b,
            "}\n",
            "vpmadd52luq {",
            $t2,
            "}, {",
            $a2,
            "}, {",
            $b,
            "}\n",
            "vpmadd52luq {",
            $t3,
            "}, {",
            $a3,
            "}, {",
            $b,
            "}\n",
            "vpmadd52luq {",
            $t4,
            "}, {",
            $a4,
            "}, {",
            $b,
            "}\n",
            "vpmadd52huq {",
            $t1,
            "}, {",
            $a0,
            "}, {",
            $b,
            "}\n",
            "vpmadd52huq {",
            $t2,
            "}, {",
            $a1,
            "}, {",
            $b,
            "}\n",
            "vpmadd52huq {",
            $t3,
            "}, {",
            $a2,
            "}, {",
            $b,
            "}\n",
            "vpmadd52huq {",
            $t4,
            "}, {",
            $a3,
            "}, {",
            $b,
            "}\n",
            "vpmadd52huq {",
            $t5,
            "}, {",
            $a4,
            "}, {",
            $b,
            "}\n",
        )
    };
}

// Divides by 2^52: m = t0 mod 2^52 times 2^−52 mod p goes to t1…, what exceeds 52 bits is a carry. t0 is free then.
macro_rules! shift {
    ($t0:literal $t1:literal $t2:literal $t3:literal $t4:literal $t5:literal $t6:literal) => {
        concat!(
            "vpmadd52luq {",
            $t1,
            "}, {",
            $t0,
            "}, {s0}\n",
            "vpsrlq {c}, {",
            $t0,
            "}, 52\n",
            "vpmadd52luq {",
            $t2,
            "}, {",
            $t0,
            "}, {s1}\n",
            "vpaddq {",
            $t1,
            "}, {",
            $t1,
            "}, {c}\n",
            "vpmadd52luq {",
            $t3,
            "}, {",
            $t0,
            "}, {s2}\n",
            "vpmadd52luq {",
            $t4,
            "}, {",
            $t0,
            "}, {s3}\n",
            "vpmadd52luq {",
            $t5,
            "}, {",
            $t0,
            "}, {s4}\n",
            "vpmadd52huq {",
            $t2,
            "}, {",
            $t0,
            "}, {s0}\n",
            "vpmadd52huq {",
            $t3,
            "}, {",
            $t0,
            "}, {s1}\n",
            "vpmadd52huq {",
            $t4,
            "}, {",
            $t0,
            "}, {s2}\n",
            "vpmadd52huq {",
            $t5,
            "}, {",
            $t0,
            "}, {s3}\n",
            "vpmadd52huq {",
            $t6,
            "}, {",
            $t0,
            "}, {s4}\n",
        )
    };
}

macro_rules! clear {
    ($($t:literal)*) => { concat!($("vpxorq {", $t, "}, {", $t, "}, {", $t, "}\n",)*) };
}

// Columns 4 to 9 in t4 t5 t6 t0 t1 t2: adds the multiple of p that clears the low limb.
macro_rules! last {
    () => {
        "vpxorq {c}, {c}, {c}
         vpmadd52luq {c}, {t4}, qword ptr [{k} + 80]{{1to8}}
         vpmadd52luq {t4}, {c}, qword ptr [{k} + 40]{{1to8}}
         vpmadd52luq {t6}, {c}, qword ptr [{k} + 56]{{1to8}}
         vpmadd52luq {t0}, {c}, qword ptr [{k} + 64]{{1to8}}
         vpmadd52luq {t1}, {c}, qword ptr [{k} + 72]{{1to8}}
         vpmadd52luq {t5}, {c}, qword ptr [{k} + 48]{{1to8}}
         vpmadd52huq {t6}, {c}, qword ptr [{k} + 48]{{1to8}}
         vpmadd52huq {t0}, {c}, qword ptr [{k} + 56]{{1to8}}
         vpmadd52huq {t1}, {c}, qword ptr [{k} + 64]{{1to8}}
         vpmadd52huq {t2}, {c}, qword ptr [{k} + 72]{{1to8}}
         vpmadd52huq {t5}, {c}, qword ptr [{k} + 40]{{1to8}}
         vpsrlq {t4}, {t4}, 52
         vpaddq {t5}, {t5}, {t4}"
    };
}

/// a·b/2^260 mod p with carries in the limbs. In: limbs below 2^52.
#[inline(always)]
pub(super) fn product(a: &[V; 5], b: &[V; 5], k: &'static Constants) -> [V; 5] {
    let ifma = a[0].ifma();
    let s = super::five!(I => ifma.splat(k.shifted[I]).raw());
    // SAFETY: a `V` proves the features.
    unsafe { compiled(super::five!(I => a[I].raw()), super::five!(I => b[I].raw()), s, k) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn compiled(a: [__m512i; 5], b: [__m512i; 5], s: [__m512i; 5], k: &'static Constants) -> [V; 5] {
    // An unnamed output has no type, and would get a register of another kind.
    let (t5, t6, t0, t1, t2): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_t3, _t4, _carry): (__m512i, __m512i, __m512i);
    // SAFETY: pure; reads no memory but the constants.
    unsafe {
        asm!(
            clear!("t0" "t1" "t2" "t3" "t4" "t5" "t6"),
            row!("a0" "a1" "a2" "a3" "a4", "b0", "t0" "t1" "t2" "t3" "t4" "t5"),
            row!("a0" "a1" "a2" "a3" "a4", "b1", "t1" "t2" "t3" "t4" "t5" "t6"),
            shift!("t0" "t1" "t2" "t3" "t4" "t5" "t6"),
            clear!("t0"),
            row!("a0" "a1" "a2" "a3" "a4", "b2", "t2" "t3" "t4" "t5" "t6" "t0"),
            shift!("t1" "t2" "t3" "t4" "t5" "t6" "t0"),
            clear!("t1"),
            row!("a0" "a1" "a2" "a3" "a4", "b3", "t3" "t4" "t5" "t6" "t0" "t1"),
            shift!("t2" "t3" "t4" "t5" "t6" "t0" "t1"),
            clear!("t2"),
            row!("a0" "a1" "a2" "a3" "a4", "b4", "t4" "t5" "t6" "t0" "t1" "t2"),
            shift!("t3" "t4" "t5" "t6" "t0" "t1" "t2"),
            last!(),
            a0 = in(zmm_reg) a[0], a1 = in(zmm_reg) a[1], a2 = in(zmm_reg) a[2], a3 = in(zmm_reg) a[3],
            a4 = in(zmm_reg) a[4],
            b0 = in(zmm_reg) b[0], b1 = in(zmm_reg) b[1], b2 = in(zmm_reg) b[2], b3 = in(zmm_reg) b[3],
            b4 = in(zmm_reg) b[4],
            s0 = in(zmm_reg) s[0], s1 = in(zmm_reg) s[1], s2 = in(zmm_reg) s[2], s3 = in(zmm_reg) s[3],
            s4 = in(zmm_reg) s[4],
            k = in(reg) k,
            t0 = out(zmm_reg) t0, t1 = out(zmm_reg) t1, t2 = out(zmm_reg) t2,
            t3 = out(zmm_reg) _t3, t4 = out(zmm_reg) _t4,
            t5 = out(zmm_reg) t5, t6 = out(zmm_reg) t6, c = out(zmm_reg) _carry,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [V::from_raw(t5), V::from_raw(t6), V::from_raw(t0), V::from_raw(t1), V::from_raw(t2)]
}

/// As [`product`], of a·b + c·d.
#[inline(always)]
pub(super) fn product_sum(a: &[V; 5], b: &[V; 5], c: &[V; 5], d: &[V; 5], k: &'static Constants) -> [V; 5] {
    let ifma = a[0].ifma();
    let s = super::five!(I => ifma.splat(k.shifted[I]).raw());
    // SAFETY: a `V` proves the features.
    unsafe { compiled_sum(super::five!(I => a[I].raw()), b, super::five!(I => c[I].raw()), d, s, k) }
}

// Loads limb i of b and d.
macro_rules! operands {
    ($offset:literal) => {
        concat!("vmovdqu64 {x}, [{b} + ", $offset, "]\nvmovdqu64 {y}, [{d} + ", $offset, "]\n")
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn compiled_sum(
    a: [__m512i; 5],
    b: &[V; 5],
    c: [__m512i; 5],
    d: &[V; 5],
    s: [__m512i; 5],
    k: &'static Constants,
) -> [V; 5] {
    // An unnamed output has no type, and would get a register of another kind.
    let (t5, t6, t0, t1, t2): (__m512i, __m512i, __m512i, __m512i, __m512i);
    let (_t3, _t4, _carry, _x, _y): (__m512i, __m512i, __m512i, __m512i, __m512i);
    // SAFETY: pure; reads no memory but b, d and the constants.
    unsafe {
        asm!(
            operands!("0"),
            clear!("t0" "t1" "t2" "t3" "t4" "t5" "t6"),
            row!("a0" "a1" "a2" "a3" "a4", "x", "t0" "t1" "t2" "t3" "t4" "t5"),
            row!("c0" "c1" "c2" "c3" "c4", "y", "t0" "t1" "t2" "t3" "t4" "t5"),
            operands!("64"),
            row!("a0" "a1" "a2" "a3" "a4", "x", "t1" "t2" "t3" "t4" "t5" "t6"),
            row!("c0" "c1" "c2" "c3" "c4", "y", "t1" "t2" "t3" "t4" "t5" "t6"),
            shift!("t0" "t1" "t2" "t3" "t4" "t5" "t6"),
            operands!("128"),
            clear!("t0"),
            row!("a0" "a1" "a2" "a3" "a4", "x", "t2" "t3" "t4" "t5" "t6" "t0"),
            row!("c0" "c1" "c2" "c3" "c4", "y", "t2" "t3" "t4" "t5" "t6" "t0"),
            shift!("t1" "t2" "t3" "t4" "t5" "t6" "t0"),
            operands!("192"),
            clear!("t1"),
            row!("a0" "a1" "a2" "a3" "a4", "x", "t3" "t4" "t5" "t6" "t0" "t1"),
            row!("c0" "c1" "c2" "c3" "c4", "y", "t3" "t4" "t5" "t6" "t0" "t1"),
            shift!("t2" "t3" "t4" "t5" "t6" "t0" "t1"),
            operands!("256"),
            clear!("t2"),
            row!("a0" "a1" "a2" "a3" "a4", "x", "t4" "t5" "t6" "t0" "t1" "t2"),
            row!("c0" "c1" "c2" "c3" "c4", "y", "t4" "t5" "t6" "t0" "t1" "t2"),
            shift!("t3" "t4" "t5" "t6" "t0" "t1" "t2"),
            last!(),
            a0 = in(zmm_reg) a[0], a1 = in(zmm_reg) a[1], a2 = in(zmm_reg) a[2], a3 = in(zmm_reg) a[3],
            a4 = in(zmm_reg) a[4],
            c0 = in(zmm_reg) c[0], c1 = in(zmm_reg) c[1], c2 = in(zmm_reg) c[2], c3 = in(zmm_reg) c[3],
            c4 = in(zmm_reg) c[4],
            s0 = in(zmm_reg) s[0], s1 = in(zmm_reg) s[1], s2 = in(zmm_reg) s[2], s3 = in(zmm_reg) s[3],
            s4 = in(zmm_reg) s[4],
            b = in(reg) b, d = in(reg) d, k = in(reg) k,
            x = out(zmm_reg) _x, y = out(zmm_reg) _y,
            t0 = out(zmm_reg) t0, t1 = out(zmm_reg) t1, t2 = out(zmm_reg) t2,
            t3 = out(zmm_reg) _t3, t4 = out(zmm_reg) _t4,
            t5 = out(zmm_reg) t5, t6 = out(zmm_reg) t6, c = out(zmm_reg) _carry,
            options(pure, readonly, nostack, preserves_flags),
        );
    }
    [V::from_raw(t5), V::from_raw(t6), V::from_raw(t0), V::from_raw(t1), V::from_raw(t2)]
}
