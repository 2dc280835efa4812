//! The Montgomery product, in the forms among which a kernel is compiled.
//!
//! A form is a type parameter of the field element, so a whole kernel is compiled for one form and the choice is
//! made once, where the kernel is entered (see [`crate::dispatch`]).

use super::params::{FieldParams, double_raw, sub_if_ge};
use core::fmt::Debug;

/// A form of the Montgomery product over 4x64-bit limbs, R = 2^256.
pub trait Arith: Copy + Clone + Debug + Default + Eq + Send + Sync + 'static {
    /// a·b/R mod p, not fully reduced.
    ///
    /// In: any a < 2^256, and b + p < 2^256. Out: < p + a·b/R; for a < 4p, b < p this is < 2p, for a, b < 2p too.
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4];

    /// a·b/R mod p. In: a·b < R·p. Out: < p.
    #[inline(always)]
    fn mul<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        sub_if_ge(Self::mul_lazy::<P>(a, b), P::MODULUS)
    }

    /// a²/R mod p. In: a < p. Out: < p.
    #[inline(always)]
    fn square<P: FieldParams>(a: &[u64; 4]) -> [u64; 4] {
        Self::mul::<P>(a, a)
    }
}

/// Plain Rust; correct on every target.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Plain;

impl Arith for Plain {
    // Coarsely integrated operand scanning (Koç, Acar, Kaliski 1996). Four result limbs suffice between rows
    // because t < b + p < 2^256 after each of them.
    #[inline(always)]
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let p = P::MODULUS;
        let mut t = [0u64; 4];
        for &ai in a {
            let (t0, c) = ai.carrying_mul_add(b[0], t[0], 0);
            let (t1, c) = ai.carrying_mul_add(b[1], t[1], c);
            let (t2, c) = ai.carrying_mul_add(b[2], t[2], c);
            let (t3, t4) = ai.carrying_mul_add(b[3], t[3], c);
            let m = t0.wrapping_mul(P::INV);
            let (_, c) = m.carrying_mul_add(p[0], t0, 0);
            let (u0, c) = m.carrying_mul_add(p[1], t1, c);
            let (u1, c) = m.carrying_mul_add(p[2], t2, c);
            let (u2, c) = m.carrying_mul_add(p[3], t3, c);
            t = [u0, u1, u2, t4.wrapping_add(c)];
        }
        t
    }
}

/// `mulx`/`adcx`/`adox`; valid only on x86-64 CPUs with BMI2 and ADX, which [`crate::dispatch::CpuPath`] checks.
#[cfg(target_arch = "x86_64")]
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Adx;

#[cfg(target_arch = "x86_64")]
impl Arith for Adx {
    // Operand scanning with two carry chains: adox collects the low halves, adcx the high ones.
    // The bound on t is that of `Plain`.
    #[inline(always)]
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let (t0, t1, t2, t3): (u64, u64, u64, u64);
        // Divides t by 2^64 modulo p: adds m·p with m = −t0/p mod 2^64, drops the zero limb, takes in limb 4.
        macro_rules! reduce_row {
            () => {
                "mov rdx, {t0}
                 imul rdx, qword ptr [{p} + 32]
                 xor {lo:e}, {lo:e}
                 mulx {hi}, {lo}, qword ptr [{p}]
                 adcx {lo}, {t0}
                 mov {t0}, {hi}
                 adcx {t0}, {t1}
                 mulx {t1}, {lo}, qword ptr [{p} + 8]
                 adox {t0}, {lo}
                 adcx {t1}, {t2}
                 mulx {t2}, {lo}, qword ptr [{p} + 16]
                 adox {t1}, {lo}
                 adcx {t2}, {t3}
                 mulx {t3}, {lo}, qword ptr [{p} + 24]
                 adox {t2}, {lo}
                 mov {lo:e}, 0
                 adcx {t3}, {lo}
                 adox {t3}, {t4}"
            };
        }
        // t += a[i]·b
        macro_rules! product_row {
            ($offset:literal) => {
                concat!(
                    "mov rdx, qword ptr [{a} + ",
                    $offset,
                    "]
                 xor {lo:e}, {lo:e}
                 mulx {t4}, {lo}, qword ptr [{b}]
                 adox {t0}, {lo}
                 adcx {t1}, {t4}
                 mulx {t4}, {lo}, qword ptr [{b} + 8]
                 adox {t1}, {lo}
                 adcx {t2}, {t4}
                 mulx {t4}, {lo}, qword ptr [{b} + 16]
                 adox {t2}, {lo}
                 adcx {t3}, {t4}
                 mulx {t4}, {lo}, qword ptr [{b} + 24]
                 adox {t3}, {lo}
                 mov {lo:e}, 0
                 adcx {t4}, {lo}
                 adox {t4}, {lo}"
                )
            };
        }
        // SAFETY: reads 32 bytes at a and b and 40 at p, all of which outlive the block; writes registers only.
        // The CPU has the instructions: the form `Adx` is entered through `CpuPath`, which detects them.
        unsafe {
            core::arch::asm!(
                "mov rdx, qword ptr [{a}]",
                "mulx {t1}, {t0}, qword ptr [{b}]",
                "mulx {t2}, {lo}, qword ptr [{b} + 8]",
                "add {t1}, {lo}",
                "mulx {t3}, {lo}, qword ptr [{b} + 16]",
                "adc {t2}, {lo}",
                "mulx {t4}, {lo}, qword ptr [{b} + 24]",
                "adc {t3}, {lo}",
                "adc {t4}, 0",
                reduce_row!(),
                product_row!("8"),
                reduce_row!(),
                product_row!("16"),
                reduce_row!(),
                product_row!("24"),
                reduce_row!(),
                a = in(reg) a.as_ptr(),
                b = in(reg) b.as_ptr(),
                p = in(reg) P::MODULUS_AND_INV.as_ptr(),
                t0 = out(reg) t0,
                t1 = out(reg) t1,
                t2 = out(reg) t2,
                t3 = out(reg) t3,
                t4 = out(reg) _,
                lo = out(reg) _,
                hi = out(reg) _,
                out("rdx") _,
                options(pure, readonly, nostack),
            );
        }
        [t0, t1, t2, t3]
    }
}

/// a + b mod p. In: a, b < p. Out: < p.
#[inline(always)]
pub(crate) fn add<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    // No carry out: 2p < 2^256.
    sub_if_ge(super::params::add_raw(*a, *b).0, P::MODULUS)
}

/// 2a mod p. In: a < p. Out: < p.
#[inline(always)]
pub(crate) fn double<P: FieldParams>(a: &[u64; 4]) -> [u64; 4] {
    sub_if_ge(double_raw(*a), P::MODULUS)
}

/// a − b mod p. In: a, b < p. Out: < p.
#[inline(always)]
pub(crate) fn sub<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
    let (d, borrow) = super::params::sub_raw(*a, *b);
    let mask = (borrow as u64).wrapping_neg();
    let p = P::MODULUS;
    super::params::add_raw(d, [p[0] & mask, p[1] & mask, p[2] & mask, p[3] & mask]).0
}
