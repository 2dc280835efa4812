//! How large the values of a witness are.

use core::fmt;
use zkwatt_kernels::{Fr, parallel};

/// How many values of a witness are of which magnitude, min(v, r − v). A sum over bases costs what its scalars' widths say:
/// zeros nothing, ±1 one addition, full ones about 254 divided by the window's bits.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessClasses {
    /// 0
    pub zero: usize,
    /// 1 and −1
    pub one: usize,
    /// Up to 8 bits, but for the above; likewise below.
    pub bits_8: usize,
    /// Up to 16 bits.
    pub bits_16: usize,
    /// Up to 32 bits.
    pub bits_32: usize,
    /// Up to 64 bits.
    pub bits_64: usize,
    /// Up to 128 bits.
    pub bits_128: usize,
    /// All others.
    pub full: usize,
}

impl WitnessClasses {
    /// Counts `values`.
    pub fn of(values: &[Fr]) -> Self {
        let parts = parallel::map_chunks(values.len(), 4096, |range| {
            let mut classes = Self::default();
            values[range].iter().for_each(|value| *classes.slot(*value) += 1);
            classes
        });
        parts.into_iter().fold(Self::default(), Self::plus)
    }

    fn slot(&mut self, value: Fr) -> &mut usize {
        let bits = |limbs: [u64; 4]| {
            let top = limbs.iter().rposition(|limb| *limb != 0);
            top.map_or(0, |i| 64 * i as u32 + 64 - limbs[i].leading_zeros())
        };
        let bits = bits(value.to_canonical()).min(bits((-value).to_canonical()));
        match bits {
            0 => &mut self.zero,
            1 => &mut self.one,
            2..=8 => &mut self.bits_8,
            9..=16 => &mut self.bits_16,
            17..=32 => &mut self.bits_32,
            33..=64 => &mut self.bits_64,
            65..=128 => &mut self.bits_128,
            _ => &mut self.full,
        }
    }

    /// Names and counts, the smallest first.
    pub fn entries(&self) -> [(&'static str, usize); 8] {
        [
            ("0", self.zero),
            ("±1", self.one),
            ("8-bit", self.bits_8),
            ("16-bit", self.bits_16),
            ("32-bit", self.bits_32),
            ("64-bit", self.bits_64),
            ("128-bit", self.bits_128),
            ("full", self.full),
        ]
    }

    fn plus(self, other: Self) -> Self {
        Self {
            zero: self.zero + other.zero,
            one: self.one + other.one,
            bits_8: self.bits_8 + other.bits_8,
            bits_16: self.bits_16 + other.bits_16,
            bits_32: self.bits_32 + other.bits_32,
            bits_64: self.bits_64 + other.bits_64,
            bits_128: self.bits_128 + other.bits_128,
            full: self.full + other.full,
        }
    }
}

/// `120 × 0, 31 × ±1, 7 × full`
impl fmt::Display for WitnessClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = self.entries().into_iter().filter(|(_, count)| *count > 0);
        for (i, (name, count)) in some.enumerate() {
            write!(f, "{}{count} × {name}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zkwatt_kernels::Field;

    #[test]
    fn ends_of_the_classes() {
        let power = |bits: u64| Fr::from(2u64).pow_vartime(&[bits]);
        let mut values = vec![Fr::ZERO, Fr::ONE, -Fr::ONE];
        for bits in [8, 16, 32, 64, 128] {
            values.extend([power(bits) - Fr::ONE, Fr::ONE - power(bits), power(bits)]);
        }
        values.push(Fr::from(2u64).inverse_vartime().unwrap());
        let expected = WitnessClasses {
            zero: 1,
            one: 2,
            bits_8: 2,
            bits_16: 3,
            bits_32: 3,
            bits_64: 3,
            bits_128: 3,
            full: 2,
        };
        assert_eq!(WitnessClasses::of(&values), expected);
        assert_eq!(
            expected.to_string(),
            "1 × 0, 2 × ±1, 2 × 8-bit, 3 × 16-bit, 3 × 32-bit, 3 × 64-bit, 3 × 128-bit, 2 × full"
        );
        assert_eq!(WitnessClasses::of(&[]), WitnessClasses::default());
    }
}
