//! The Montgomery product with x86-64's two carry chains.

use super::arith::Arith;
use super::params::FieldParams;

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

/// t = a·b/2^256 mod p, not fully reduced, as the lines of an assembly block with operands a, b, p, t0..t4, lo, hi, rdx.
macro_rules! montgomery_product {
    () => {
        concat!(
            "mov rdx, qword ptr [{a}]
             mulx {t1}, {t0}, qword ptr [{b}]
             mulx {t2}, {lo}, qword ptr [{b} + 8]
             add {t1}, {lo}
             mulx {t3}, {lo}, qword ptr [{b} + 16]
             adc {t2}, {lo}
             mulx {t4}, {lo}, qword ptr [{b} + 24]
             adc {t3}, {lo}
             adc {t4}, 0\n",
            reduce_row!(),
            "\n",
            product_row!("8"),
            "\n",
            reduce_row!(),
            "\n",
            product_row!("16"),
            "\n",
            reduce_row!(),
            "\n",
            product_row!("24"),
            "\n",
            reduce_row!(),
        )
    };
}

/// a − m, or a itself where that borrows: lines with operands a0..a3, m and scratch t0..t3.
macro_rules! reduce_lines {
    () => {
        "mov {t0}, {a0}
         sub {t0}, qword ptr [{m}]
         mov {t1}, {a1}
         sbb {t1}, qword ptr [{m} + 8]
         mov {t2}, {a2}
         sbb {t2}, qword ptr [{m} + 16]
         mov {t3}, {a3}
         sbb {t3}, qword ptr [{m} + 24]
         cmovnc {a0}, {t0}
         cmovnc {a1}, {t1}
         cmovnc {a2}, {t2}
         cmovnc {a3}, {t3}"
    };
}

/// a + b mod 2^256: lines with operands a0..a3 and b.
macro_rules! add_lines {
    () => {
        "add {a0}, qword ptr [{b}]
         adc {a1}, qword ptr [{b} + 8]
         adc {a2}, qword ptr [{b} + 16]
         adc {a3}, qword ptr [{b} + 24]"
    };
}

/// a − b mod 2^256, leaving the borrow in the carry flag: lines with operands a0..a3 and b.
macro_rules! sub_lines {
    () => {
        "sub {a0}, qword ptr [{b}]
         sbb {a1}, qword ptr [{b} + 8]
         sbb {a2}, qword ptr [{b} + 16]
         sbb {a3}, qword ptr [{b} + 24]"
    };
}

/// `mulx`, `adcx`, `adox`, `cmov`; valid only on x86-64 CPUs with BMI2 and ADX, which [`crate::dispatch::CpuPath`] checks.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Adx;

impl Arith for Adx {
    // Operand scanning with two carry chains: adox collects the low halves, adcx the high ones.
    // The bound on t is that of `Plain`.
    #[inline(always)]
    fn mul_lazy<P: FieldParams>(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let (t0, t1, t2, t3): (u64, u64, u64, u64);
        // SAFETY: reads 32 bytes at a and b and 40 at p, all of which outlive the block; writes registers only.
        // The CPU has the instructions: the form `Adx` is entered through `CpuPath`, which detects them.
        unsafe {
            core::arch::asm!(
                montgomery_product!(),
                a = in(reg) a.as_ptr(),
                b = in(reg) b.as_ptr(),
                p = in(reg) P::MODULUS_INV_2P.as_ptr(),
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
                reduce_lines!(),
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
                add_lines!(),
                reduce_lines!(),
                b = in(reg) b.as_ptr(),
                m = in(reg) P::MODULUS_INV_2P.as_ptr(),
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

    // The compiler spreads plain carry chains over vector registers; these stay chains.
    #[inline(always)]
    fn add_lazy(a: &[u64; 4], b: &[u64; 4]) -> [u64; 4] {
        let [mut a0, mut a1, mut a2, mut a3] = *a;
        // SAFETY: reads 32 bytes at b; writes registers only.
        unsafe {
            core::arch::asm!(
                add_lines!(),
                b = in(reg) b.as_ptr(),
                a0 = inout(reg) a0,
                a1 = inout(reg) a1,
                a2 = inout(reg) a2,
                a3 = inout(reg) a3,
                options(pure, readonly, nostack),
            );
        }
        [a0, a1, a2, a3]
    }

    #[inline(always)]
    fn sub_lazy(a: &[u64; 4], b: &[u64; 4], m: &[u64; 4]) -> [u64; 4] {
        let [mut a0, mut a1, mut a2, mut a3] = *a;
        // SAFETY: reads 32 bytes at b and at m; writes registers only.
        unsafe {
            core::arch::asm!(
                "add {a0}, qword ptr [{m}]",
                "adc {a1}, qword ptr [{m} + 8]",
                "adc {a2}, qword ptr [{m} + 16]",
                "adc {a3}, qword ptr [{m} + 24]",
                sub_lines!(),
                b = in(reg) b.as_ptr(),
                m = in(reg) m.as_ptr(),
                a0 = inout(reg) a0,
                a1 = inout(reg) a1,
                a2 = inout(reg) a2,
                a3 = inout(reg) a3,
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
                sub_lines!(),
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
                p = in(reg) P::MODULUS_INV_2P.as_ptr(),
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
    fn butterfly_ct_4p<P: FieldParams>(x: &mut [u64; 4], y: &mut [u64; 4], w: &[u64; 4]) {
        // SAFETY: reads and writes 32 bytes at x and y, reads 32 at w and 72 at p; the references make x, y and w
        // disjoint from each other or shared. The CPU has the instructions, as for `mul_lazy`.
        unsafe {
            core::arch::asm!(
                montgomery_product!(),
                // x − 2p, or x itself where that borrows.
                "mov {t4}, qword ptr [{x}]",
                "sub {t4}, qword ptr [{p} + 40]",
                "mov {lo}, qword ptr [{x} + 8]",
                "sbb {lo}, qword ptr [{p} + 48]",
                "mov {hi}, qword ptr [{x} + 16]",
                "sbb {hi}, qword ptr [{p} + 56]",
                "mov rdx, qword ptr [{x} + 24]",
                "sbb rdx, qword ptr [{p} + 64]",
                "cmovc {t4}, qword ptr [{x}]",
                "cmovc {lo}, qword ptr [{x} + 8]",
                "cmovc {hi}, qword ptr [{x} + 16]",
                "cmovc rdx, qword ptr [{x} + 24]",
                // x + t
                "add {t4}, {t0}",
                "adc {lo}, {t1}",
                "adc {hi}, {t2}",
                "adc rdx, {t3}",
                "mov qword ptr [{x}], {t4}",
                "mov qword ptr [{x} + 8], {lo}",
                "mov qword ptr [{x} + 16], {hi}",
                "mov qword ptr [{x} + 24], rdx",
                // x − t + 2p, from x + t by wrapping around 2^256: no register is left for a copy of x.
                "add {t4}, qword ptr [{p} + 40]",
                "adc {lo}, qword ptr [{p} + 48]",
                "adc {hi}, qword ptr [{p} + 56]",
                "adc rdx, qword ptr [{p} + 64]",
                "sub {t4}, {t0}",
                "sbb {lo}, {t1}",
                "sbb {hi}, {t2}",
                "sbb rdx, {t3}",
                "sub {t4}, {t0}",
                "sbb {lo}, {t1}",
                "sbb {hi}, {t2}",
                "sbb rdx, {t3}",
                "mov qword ptr [{a}], {t4}",
                "mov qword ptr [{a} + 8], {lo}",
                "mov qword ptr [{a} + 16], {hi}",
                "mov qword ptr [{a} + 24], rdx",
                x = in(reg) x.as_mut_ptr(),
                a = in(reg) y.as_mut_ptr(),
                b = in(reg) w.as_ptr(),
                p = in(reg) P::MODULUS_INV_2P.as_ptr(),
                t0 = out(reg) _,
                t1 = out(reg) _,
                t2 = out(reg) _,
                t3 = out(reg) _,
                t4 = out(reg) _,
                lo = out(reg) _,
                hi = out(reg) _,
                out("rdx") _,
                options(nostack),
            );
        }
    }

    #[inline(always)]
    fn butterfly_gs_2p<P: FieldParams>(x: &mut [u64; 4], y: &mut [u64; 4], w: &[u64; 4]) {
        // SAFETY: as for `butterfly_ct_4p`.
        unsafe {
            core::arch::asm!(
                "mov {t0}, qword ptr [{x}]",
                "mov {t1}, qword ptr [{x} + 8]",
                "mov {t2}, qword ptr [{x} + 16]",
                "mov {t3}, qword ptr [{x} + 24]",
                "mov {t4}, {t0}",
                "mov {lo}, {t1}",
                "mov {hi}, {t2}",
                "mov rdx, {t3}",
                // x − y + 2p
                "add {t0}, qword ptr [{p} + 40]",
                "adc {t1}, qword ptr [{p} + 48]",
                "adc {t2}, qword ptr [{p} + 56]",
                "adc {t3}, qword ptr [{p} + 64]",
                "sub {t0}, qword ptr [{a}]",
                "sbb {t1}, qword ptr [{a} + 8]",
                "sbb {t2}, qword ptr [{a} + 16]",
                "sbb {t3}, qword ptr [{a} + 24]",
                // x + y
                "add {t4}, qword ptr [{a}]",
                "adc {lo}, qword ptr [{a} + 8]",
                "adc {hi}, qword ptr [{a} + 16]",
                "adc rdx, qword ptr [{a} + 24]",
                "mov qword ptr [{a}], {t0}",
                "mov qword ptr [{a} + 8], {t1}",
                "mov qword ptr [{a} + 16], {t2}",
                "mov qword ptr [{a} + 24], {t3}",
                // (x + y) − 2p, or x + y where that borrows.
                "mov {t0}, {t4}",
                "mov {t1}, {lo}",
                "mov {t2}, {hi}",
                "mov {t3}, rdx",
                "sub {t4}, qword ptr [{p} + 40]",
                "sbb {lo}, qword ptr [{p} + 48]",
                "sbb {hi}, qword ptr [{p} + 56]",
                "sbb rdx, qword ptr [{p} + 64]",
                "cmovc {t4}, {t0}",
                "cmovc {lo}, {t1}",
                "cmovc {hi}, {t2}",
                "cmovc rdx, {t3}",
                "mov qword ptr [{x}], {t4}",
                "mov qword ptr [{x} + 8], {lo}",
                "mov qword ptr [{x} + 16], {hi}",
                "mov qword ptr [{x} + 24], rdx",
                montgomery_product!(),
                "mov qword ptr [{a}], {t0}",
                "mov qword ptr [{a} + 8], {t1}",
                "mov qword ptr [{a} + 16], {t2}",
                "mov qword ptr [{a} + 24], {t3}",
                x = in(reg) x.as_mut_ptr(),
                a = in(reg) y.as_mut_ptr(),
                b = in(reg) w.as_ptr(),
                p = in(reg) P::MODULUS_INV_2P.as_ptr(),
                t0 = out(reg) _,
                t1 = out(reg) _,
                t2 = out(reg) _,
                t3 = out(reg) _,
                t4 = out(reg) _,
                lo = out(reg) _,
                hi = out(reg) _,
                out("rdx") _,
                options(nostack),
            );
        }
    }
}
