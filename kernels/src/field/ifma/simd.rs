//! Eight 64-bit lanes with the instructions of AVX-512, as safe functions.
//!
//! A [`V`] is made from an [`Ifma`], which exists only on a processor with all that the lanes use, so whoever holds one may
//! use it. Everything here is inlined into functions that are compiled for these features, which [`kernel`] defines.

use core::arch::x86_64::*;

/// Proof that this processor has AVX-512 IFMA and what else the lanes use.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ifma(());

impl Ifma {
    /// `None` if an instruction is missing.
    pub(crate) fn detect() -> Option<Self> {
        // The standard library keeps the answer.
        let has = is_x86_feature_detected!("adx")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vbmi2");
        has.then_some(Self(()))
    }

    /// The same value in all lanes.
    #[inline(always)]
    pub(crate) fn splat(self, value: u64) -> V {
        // SAFETY: `self` proves the feature.
        V(unsafe { _mm512_set1_epi64(value as i64) })
    }

    /// A value a lane, lane 0 first.
    #[inline(always)]
    pub(crate) fn load(self, from: &[u64; 8]) -> V {
        // SAFETY: `self` proves the feature; 64 bytes are readable, and no alignment is asked for.
        V(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    /// A 32-bit value a lane.
    #[inline(always)]
    pub(crate) fn load_u32(self, from: &[u32; 8]) -> V {
        // SAFETY: `self` proves the features; 32 bytes are readable, and no alignment is asked for.
        V(unsafe { _mm512_cvtepu32_epi64(_mm256_loadu_si256(from.as_ptr().cast())) })
    }

    /// Writes `first` + i for each bit i of `mask`, one behind the other, to the first of eight places; the others may change too.
    #[inline(always)]
    pub(crate) fn store_places(self, first: u32, mask: u8, to: &mut [u32; 8]) {
        // SAFETY: `self` proves the features; eight elements are there.
        unsafe {
            let lanes =
                _mm256_add_epi32(_mm256_set1_epi32(first as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
            _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm256_maskz_compress_epi32(mask, lanes));
        }
    }

    /// Lanes 0..4 from `low`, 4..8 from `high`.
    #[inline(always)]
    pub(crate) fn load_halves(self, low: &[u64; 4], high: &[u64; 4]) -> V {
        // SAFETY: `self` proves the features; 32 bytes each are readable, and no alignment is asked for.
        V(unsafe {
            let (low, high) =
                (_mm256_loadu_si256(low.as_ptr().cast()), _mm256_loadu_si256(high.as_ptr().cast()));
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        })
    }
}

/// Eight 64-bit lanes.
#[derive(Copy, Clone)]
#[repr(transparent)]
pub struct V(__m512i);

/// Evaluates an expression of intrinsics to a [`V`].
macro_rules! v {
    ($($e:tt)*) => {
        // SAFETY: the operands prove that the processor has the instructions (see the head of the file).
        V(unsafe { $($e)* })
    };
}

impl V {
    /// That there is a value proves the features.
    #[inline(always)]
    pub(crate) fn ifma(self) -> Ifma {
        Ifma(())
    }

    #[inline(always)]
    pub(super) fn raw(self) -> __m512i {
        self.0
    }

    /// For code that runs with the features.
    #[inline(always)]
    pub(super) fn from_raw(raw: __m512i) -> Self {
        Self(raw)
    }

    #[inline(always)]
    pub(crate) fn zero(self) -> Self {
        v!(_mm512_setzero_si512())
    }

    #[inline(always)]
    pub(crate) fn store(self, to: &mut [u64; 8]) {
        // SAFETY: 64 bytes are writable; a `V` proves the feature.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), self.0) }
    }

    /// Lanes 0..4 and 4..8.
    #[inline(always)]
    pub(crate) fn store_halves(self, low: &mut [u64; 4], high: &mut [u64; 4]) {
        // SAFETY: 32 bytes each are writable; a `V` proves the features.
        unsafe {
            _mm256_storeu_si256(low.as_mut_ptr().cast(), _mm512_castsi512_si256(self.0));
            _mm256_storeu_si256(high.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(self.0));
        }
    }

    /// Lanes 0..4.
    #[inline(always)]
    pub(crate) fn store_low(self, to: &mut [u64; 4]) {
        // SAFETY: 32 bytes are writable; a `V` proves the features.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_castsi512_si256(self.0)) }
    }

    /// Lanes 4..8.
    #[inline(always)]
    pub(crate) fn store_high(self, to: &mut [u64; 4]) {
        // SAFETY: 32 bytes are writable; a `V` proves the features.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_extracti64x4_epi64::<1>(self.0)) }
    }

    /// The low 32 bits of each lane.
    #[inline(always)]
    pub(crate) fn store_u32(self, to: &mut [u32; 8]) {
        // SAFETY: 32 bytes are writable; a `V` proves the features.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(self.0)) }
    }

    #[inline(always)]
    pub(crate) fn to_array(self) -> [u64; 8] {
        let mut out = [0; 8];
        self.store(&mut out);
        out
    }

    /// self + low 52 bits of a·b, which both count with their low 52 bits.
    #[inline(always)]
    pub(crate) fn madd_lo(self, a: Self, b: Self) -> Self {
        v!(_mm512_madd52lo_epu64(self.0, a.0, b.0))
    }

    /// self + bits 52..104 of a·b, which both count with their low 52 bits.
    #[inline(always)]
    pub(crate) fn madd_hi(self, a: Self, b: Self) -> Self {
        v!(_mm512_madd52hi_epu64(self.0, a.0, b.0))
    }

    #[inline(always)]
    pub(crate) fn add(self, b: Self) -> Self {
        v!(_mm512_add_epi64(self.0, b.0))
    }

    #[inline(always)]
    pub(crate) fn sub(self, b: Self) -> Self {
        v!(_mm512_sub_epi64(self.0, b.0))
    }

    #[inline(always)]
    pub(crate) fn and(self, b: Self) -> Self {
        v!(_mm512_and_si512(self.0, b.0))
    }

    #[inline(always)]
    pub(crate) fn or(self, b: Self) -> Self {
        v!(_mm512_or_si512(self.0, b.0))
    }

    #[inline(always)]
    pub(crate) fn shl<const BITS: u32>(self) -> Self {
        v!(_mm512_slli_epi64::<BITS>(self.0))
    }

    #[inline(always)]
    pub(crate) fn shr<const BITS: u32>(self) -> Self {
        v!(_mm512_srli_epi64::<BITS>(self.0))
    }

    /// Shift with the sign.
    #[inline(always)]
    pub(crate) fn sar<const BITS: u32>(self) -> Self {
        v!(_mm512_srai_epi64::<BITS>(self.0))
    }

    /// Low 64 bits of (high:self) >> BITS.
    #[inline(always)]
    pub(crate) fn shr_pair<const BITS: i32>(self, high: Self) -> Self {
        v!(_mm512_shrdi_epi64::<BITS>(self.0, high.0))
    }

    /// Low 64 bits of (high:self) >> bits, bits < 64 in each lane.
    #[inline(always)]
    pub(crate) fn shr_pair_by(self, high: Self, bits: Self) -> Self {
        v!(_mm512_shrdv_epi64(self.0, high.0, bits.0))
    }

    /// Lane i of `other` where bit i of `mask` is set, else of self.
    #[inline(always)]
    pub(crate) fn select(self, mask: u8, other: Self) -> Self {
        v!(_mm512_mask_blend_epi64(mask, self.0, other.0))
    }

    /// a − b where bit i of `mask` is set, else self.
    #[inline(always)]
    pub(crate) fn select_sub(self, mask: u8, a: Self, b: Self) -> Self {
        v!(_mm512_mask_sub_epi64(self.0, mask, a.0, b.0))
    }

    /// Lanes whose highest bit is set.
    #[inline(always)]
    pub(crate) fn negative_lanes(self) -> u8 {
        // SAFETY: a `V` proves the feature.
        unsafe { _mm512_movepi64_mask(self.0) }
    }

    /// Lanes that are zero.
    #[inline(always)]
    pub(crate) fn zero_lanes(self) -> u8 {
        // SAFETY: a `V` proves the feature.
        unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
    }

    /// Lanes in which self > b as signed integers.
    #[inline(always)]
    pub(crate) fn greater_lanes(self, b: Self) -> u8 {
        // SAFETY: a `V` proves the feature.
        unsafe { _mm512_cmpgt_epi64_mask(self.0, b.0) }
    }

    /// Zero bits above the highest bit of each lane.
    #[inline(always)]
    pub(crate) fn leading_zeros(self) -> Self {
        v!(_mm512_lzcnt_epi64(self.0))
    }

    /// Lane i of the result is lane (self_i mod 8) of `table`.
    #[inline(always)]
    pub(crate) fn look_up(self, table: Self) -> Self {
        v!(_mm512_permutexvar_epi64(self.0, table.0))
    }

    /// Lanes i of the result are lanes `I` of self, 0..8, and of b, 8..16.
    #[inline(always)]
    pub(crate) fn permute2(self, index: Self, b: Self) -> Self {
        v!(_mm512_permutex2var_epi64(self.0, index.0, b.0))
    }

    /// The low 16 bits of the first `count` lanes.
    #[inline(always)]
    pub(crate) fn store_i16(self, to: &mut [i16], count: usize) {
        let to = &mut to[..count.min(8)];
        let mask = (0xffu32 >> (8 - to.len())) as u8;
        // SAFETY: only the lanes of the mask are written, and as many elements are there.
        unsafe { _mm512_mask_cvtepi64_storeu_epi16(to.as_mut_ptr(), mask, self.0) }
    }

    #[inline(always)]
    fn unpack_low(self, b: Self) -> Self {
        v!(_mm512_unpacklo_epi64(self.0, b.0))
    }

    #[inline(always)]
    fn unpack_high(self, b: Self) -> Self {
        v!(_mm512_unpackhi_epi64(self.0, b.0))
    }

    #[inline(always)]
    fn shuffle_pairs<const I: i32>(self, b: Self) -> Self {
        v!(_mm512_shuffle_i64x2::<I>(self.0, b.0))
    }
}

/// The lowest bits of eight words, and which words are all ones.
#[inline(always)]
pub(crate) fn low_bits_and_ones(_: Ifma, words: &[u32; 8]) -> (u8, u8) {
    // SAFETY: the `Ifma` proves the features; 32 bytes are readable.
    unsafe {
        let words = _mm256_loadu_si256(words.as_ptr().cast());
        let low = _mm256_test_epi32_mask(words, _mm256_set1_epi32(1));
        (low, _mm256_cmpeq_epi32_mask(words, _mm256_set1_epi32(-1)))
    }
}

/// An array of the five values of an expression in the constant `$i`.
///
/// Not `core::array::from_fn`: closures over vectors are not inlined from functions that lack the features.
macro_rules! five {
    ($i:ident => $e:expr) => {
        [
            { const $i: usize = 0; $e },
            { const $i: usize = 1; $e },
            { const $i: usize = 2; $e },
            { const $i: usize = 3; $e },
            { const $i: usize = 4; $e },
        ]
    };
}
pub(crate) use five;

/// As [`five`], of eight.
macro_rules! eight {
    ($i:ident => $e:expr) => {
        [
            { const $i: usize = 0; $e },
            { const $i: usize = 1; $e },
            { const $i: usize = 2; $e },
            { const $i: usize = 3; $e },
            { const $i: usize = 4; $e },
            { const $i: usize = 5; $e },
            { const $i: usize = 6; $e },
            { const $i: usize = 7; $e },
        ]
    };
}
pub(crate) use eight;

/// Rows become columns: lane j of result i is lane i of row j.
#[inline(always)]
pub(crate) fn transpose_8x8(r: [V; 8]) -> [V; 8] {
    let [a0, a1] = [r[0].unpack_low(r[1]), r[0].unpack_high(r[1])];
    let [a2, a3] = [r[2].unpack_low(r[3]), r[2].unpack_high(r[3])];
    let [a4, a5] = [r[4].unpack_low(r[5]), r[4].unpack_high(r[5])];
    let [a6, a7] = [r[6].unpack_low(r[7]), r[6].unpack_high(r[7])];
    let (b0, b2) = (a0.shuffle_pairs::<0x88>(a2), a0.shuffle_pairs::<0xdd>(a2));
    let (b1, b3) = (a1.shuffle_pairs::<0x88>(a3), a1.shuffle_pairs::<0xdd>(a3));
    let (b4, b6) = (a4.shuffle_pairs::<0x88>(a6), a4.shuffle_pairs::<0xdd>(a6));
    let (b5, b7) = (a5.shuffle_pairs::<0x88>(a7), a5.shuffle_pairs::<0xdd>(a7));
    [
        b0.shuffle_pairs::<0x88>(b4),
        b1.shuffle_pairs::<0x88>(b5),
        b2.shuffle_pairs::<0x88>(b6),
        b3.shuffle_pairs::<0x88>(b7),
        b0.shuffle_pairs::<0xdd>(b4),
        b1.shuffle_pairs::<0xdd>(b5),
        b2.shuffle_pairs::<0xdd>(b6),
        b3.shuffle_pairs::<0xdd>(b7),
    ]
}

/// Eight rows of four words, two rows a vector, become four columns of eight lanes.
#[inline(always)]
pub(crate) fn transpose_8x4(r: [V; 4]) -> [V; 4] {
    // Words 0 and 1 of four rows, then words 2 and 3.
    let ifma = r[0].ifma();
    let low = ifma.load(&[0, 4, 8, 12, 1, 5, 9, 13]);
    let high = ifma.load(&[2, 6, 10, 14, 3, 7, 11, 15]);
    let [a, b] = [r[0].permute2(low, r[1]), r[0].permute2(high, r[1])];
    let [c, d] = [r[2].permute2(low, r[3]), r[2].permute2(high, r[3])];
    [
        a.shuffle_pairs::<0x44>(c),
        a.shuffle_pairs::<0xee>(c),
        b.shuffle_pairs::<0x44>(d),
        b.shuffle_pairs::<0xee>(d),
    ]
}

/// The inverse of [`transpose_8x4`].
#[inline(always)]
pub(crate) fn transpose_4x8(c: [V; 4]) -> [V; 4] {
    let ifma = c[0].ifma();
    // Words 0 and 1 (2 and 3) of rows 0..4, and of rows 4..8.
    let low = ifma.load(&[0, 8, 1, 9, 2, 10, 3, 11]);
    let high = ifma.load(&[4, 12, 5, 13, 6, 14, 7, 15]);
    let [a, b] = [c[0].permute2(low, c[1]), c[0].permute2(high, c[1])];
    let [d, e] = [c[2].permute2(low, c[3]), c[2].permute2(high, c[3])];
    // a = w0r0 w1r0 w0r1 w1r1 w0r2 …, d the same of words 2 and 3.
    let first = ifma.load(&[0, 1, 8, 9, 2, 3, 10, 11]);
    let second = ifma.load(&[4, 5, 12, 13, 6, 7, 14, 15]);
    [a.permute2(first, d), a.permute2(second, d), b.permute2(first, e), b.permute2(second, e)]
}

/// Defines functions that are compiled for the lanes' instructions. Their caller shows an [`Ifma`].
macro_rules! kernel {
    ($($(#[$meta:meta])* $vis:vis fn $name:ident $([$($generics:tt)*])? ($ifma:ident: Ifma $(, $arg:ident: $ty:ty)* $(,)?) $(-> $ret:ty)? $body:block)*) => {
        $(
            $(#[$meta])*
            #[inline]
            #[allow(clippy::too_many_arguments)]
            $vis fn $name $(<$($generics)*>)? ($ifma: $crate::field::ifma::Ifma $(, $arg: $ty)*) $(-> $ret)? {
                #[target_feature(
                    enable = "adx,bmi2,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512ifma,avx512vbmi2"
                )]
                #[allow(clippy::too_many_arguments)]
                fn compiled $(<$($generics)*>)? ($ifma: $crate::field::ifma::Ifma $(, $arg: $ty)*) $(-> $ret)? $body
                // SAFETY: the caller's `Ifma` proves the features.
                unsafe { compiled($ifma $(, $arg)*) }
            }
        )*
    };
}
pub(crate) use kernel;
