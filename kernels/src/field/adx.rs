//! The Montgomery product with x86-64's two carry chains.

use super::arith::Arith;
use super::params::FieldParams;

/// `mulx`, `adcx`, `adox`, `cmov`; valid only on x86-64 CPUs with BMI2 and ADX, which [`crate::dispatch::CpuPath`] checks.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Adx;

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

    #[inline(always)]
    fn reduce(a: &[u64; 4], m: &[u64; 4]) -> [u64; 4] {
        let [mut a0, mut a1, mut a2, mut a3] = *a;
        // SAFETY: reads 32 bytes at m; writes registers only.
        unsafe {
            core::arch::asm!(
                "mov {t0}, {a0}",
                "sub {t0}, qword ptr [{m}]",
                "mov {t1}, {a1}",
                "sbb {t1}, qword ptr [{m} + 8]",
                "mov {t2}, {a2}",
                "sbb {t2}, qword ptr [{m} + 16]",
                "mov {t3}, {a3}",
                "sbb {t3}, qword ptr [{m} + 24]",
                "cmovnc {a0}, {t0}",
                "cmovnc {a1}, {t1}",
                "cmovnc {a2}, {t2}",
                "cmovnc {a3}, {t3}",
                m = in(reg) m.as_ptr(),
                a0 = inout(reg) a0,
                a1 = inout(reg) a1,
                a2 = inout(reg) a2,
                a3 = inout(reg) a3,
                t0 = out(reg) _,
                t1 = out(reg) _,
                t2 = out(reg) _,
                t3 = out(reg) _,
                options(pure, readonly, nostack),
            );
        }
        [a0, a1, a2, a3]
    }

    #[inline(always)]
    fn add<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let [mut a0, mut a1, mut a2, mut a3] = *a;
        // SAFETY: reads 32 bytes at b and at p; writes registers only.
        unsafe {
            core::arch::asm!(
                "add {a0}, qword ptr [{b}]",
                "adc {a1}, qword ptr [{b} + 8]",
                "adc {a2}, qword ptr [{b} + 16]",
                "adc {a3}, qword ptr [{b} + 24]",
                "mov {t0}, {a0}",
                "sub {t0}, qword ptr [{p}]",
                "mov {t1}, {a1}",
                "sbb {t1}, qword ptr [{p} + 8]",
                "mov {t2}, {a2}",
                "sbb {t2}, qword ptr [{p} + 16]",
                "mov {t3}, {a3}",
                "sbb {t3}, qword ptr [{p} + 24]",
                "cmovnc {a0}, {t0}",
                "cmovnc {a1}, {t1}",
                "cmovnc {a2}, {t2}",
                "cmovnc {a3}, {t3}",
                b = in(reg) b.as_ptr(),
                p = in(reg) P::MODULUS_AND_INV.as_ptr(),
                a0 = inout(reg) a0,
                a1 = inout(reg) a1,
                a2 = inout(reg) a2,
                a3 = inout(reg) a3,
                t0 = out(reg) _,
                t1 = out(reg) _,
                t2 = out(reg) _,
                t3 = out(reg) _,
                options(pure, readonly, nostack),
            );
        }
        [a0, a1, a2, a3]
    }

    #[inline(always)]
    fn sub<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let [mut a0, mut a1, mut a2, mut a3] = *a;
        // SAFETY: reads 32 bytes at b and at p; writes registers only.
        unsafe {
            core::arch::asm!(
                "sub {a0}, qword ptr [{b}]",
                "sbb {a1}, qword ptr [{b} + 8]",
                "sbb {a2}, qword ptr [{b} + 16]",
                "sbb {a3}, qword ptr [{b} + 24]",
                // All ones if it borrowed.
                "sbb {t0}, {t0}",
                "mov {t1}, {t0}",
                "mov {t2}, {t0}",
                "mov {t3}, {t0}",
                "and {t0}, qword ptr [{p}]",
                "and {t1}, qword ptr [{p} + 8]",
                "and {t2}, qword ptr [{p} + 16]",
                "and {t3}, qword ptr [{p} + 24]",
                "add {a0}, {t0}",
                "adc {a1}, {t1}",
                "adc {a2}, {t2}",
                "adc {a3}, {t3}",
                b = in(reg) b.as_ptr(),
                p = in(reg) P::MODULUS_AND_INV.as_ptr(),
                a0 = inout(reg) a0,
                a1 = inout(reg) a1,
                a2 = inout(reg) a2,
                a3 = inout(reg) a3,
                t0 = out(reg) _,
                t1 = out(reg) _,
                t2 = out(reg) _,
                t3 = out(reg) _,
                options(pure, readonly, nostack),
            );
        }
        [a0, a1, a2, a3]
    }
}
