//! How a product is cut into limbs, and the numbers that its reduction needs.

/// Bits that a product is divided by: R = 2^256, as on the host, whatever the limbs.
pub(crate) const R_BITS: usize = 256;
/// Bits of either modulus.
pub(crate) const MODULUS_BITS: usize = 254;

/// Limbs inside of a multiplication; in memory an element is eight words of 32 bits.
pub(crate) struct LimbForm {
    pub(crate) name: &'static str,
    /// WGSL type of a limb and of a column of products.
    pub(crate) word: &'static str,
    word_bits: usize,
    pub(crate) bits: usize,
    pub(crate) count: usize,
}

/// Twenty limbs of 13 bits: a column of forty products fits 32 bits, and factors below 2^24 are cheap on
/// GPUs.
///
/// Karatsuba's 300 products instead of 400 gain nothing where a product adds for free: RADV models 12.8k to
/// 12.6k for a loop of products on NAVI21, with 96 registers to 72.
pub(crate) const INT32: LimbForm = LimbForm::new("int32", "u32", 32, 13);
/// Nine limbs of 29 bits: a column of eighteen products fits 64 bits.
pub(crate) const INT64: LimbForm = LimbForm::new("int64", "u64", 64, 29);

/// What one step of the reduction adds to make the lowest limb vanish.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A multiple of N = k·p ≡ −1 modulo a limb, k below a limb: the factor is the limb itself and N's lowest
    /// limb needs no product. Only for low limbs: N is a limb longer than p.
    Folded,
    /// A multiple of p.
    Plain,
}

impl LimbForm {
    const fn new(name: &'static str, word: &'static str, word_bits: usize, bits: usize) -> Self {
        let count = R_BITS.div_ceil(bits);
        let form = Self { name, word, word_bits, bits, count };
        assert!(form.column_fits());
        form
    }

    /// Two products for every limb, and the carry of the column below.
    const fn column_fits(&self) -> bool {
        let largest_limb = (1u128 << self.bits) - 1;
        let products = 2 * self.count as u128 * largest_limb * largest_limb;
        products + (1 << (self.word_bits - self.bits)) < (1 << self.word_bits)
    }

    /// Bits of the last step: all others take a whole limb.
    pub(crate) const fn last_bits(&self) -> usize {
        R_BITS - self.bits * (self.count - 1)
    }

    /// The step for limb `at`.
    ///
    /// A folded step adds less than 2^(end of the limb)·N / R; all of them together stay below p / 8, so that
    /// the result, below p·p/R + p + p/8, is below 2p.
    pub(crate) const fn step(&self, at: usize) -> Step {
        let end = self.bits * (at + 1);
        if end + MODULUS_BITS + self.bits < R_BITS + MODULUS_BITS - 4 { Step::Folded } else { Step::Plain }
    }

    pub(crate) const fn mask(&self) -> u64 {
        (1 << self.bits) - 1
    }

    /// The limbs of a number.
    pub(crate) fn split(&self, number: &[u64]) -> Vec<u64> {
        (0..self.count).map(|k| bits(number, self.bits * k, self.bits)).collect()
    }

    /// (N + 1) / 2^bits for the N of [`Step::Folded`].
    pub(crate) fn folded(&self, modulus: [u64; 4], inv: u64) -> [u64; 5] {
        let mut n_plus_one = multiply_by_word(modulus, inv & self.mask());
        n_plus_one[0] += 1;
        shift_right(n_plus_one, self.bits)
    }
}

/// `count` < 64 bits of a little-endian number, from bit `from` on; zeros beyond its end.
pub(crate) fn bits(number: &[u64], from: usize, count: usize) -> u64 {
    let limb = |k: usize| number.get(k).copied().unwrap_or(0) as u128;
    let (index, shift) = (from / 64, from % 64);
    let window = limb(index) | limb(index + 1) << 64;
    (window >> shift) as u64 & ((1 << count) - 1)
}

/// The eight words of 32 bits.
pub(crate) fn words(number: [u64; 4]) -> [u32; 8] {
    core::array::from_fn(|k| bits(&number, 32 * k, 32) as u32)
}

/// 2a mod p, for a below p.
pub(crate) fn double_mod(a: [u64; 4], p: [u64; 4]) -> [u64; 4] {
    let doubled = core::array::from_fn(|k| a[k] << 1 | if k > 0 { a[k - 1] >> 63 } else { 0 });
    let mut borrow = false;
    let reduced = core::array::from_fn(|k| {
        let (difference, below) = doubled[k].overflowing_sub(p[k]);
        let (difference, below_again) = difference.overflowing_sub(borrow.into());
        borrow = below || below_again;
        difference
    });
    if borrow { doubled } else { reduced }
}

pub(crate) fn multiply_by_word(a: [u64; 4], word: u64) -> [u64; 5] {
    let mut product = [0; 5];
    let mut carry = 0u128;
    for (limb, &a) in product.iter_mut().zip(&a) {
        carry += u128::from(a) * u128::from(word);
        *limb = carry as u64;
        carry >>= 64;
    }
    product[4] = carry as u64;
    product
}

pub(crate) fn shift_right(a: [u64; 5], shift: usize) -> [u64; 5] {
    core::array::from_fn(|k| a[k] >> shift | a.get(k + 1).map_or(0, |above| above << (64 - shift)))
}
