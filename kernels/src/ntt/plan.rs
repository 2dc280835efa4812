//! What an NTT is asked to do; pure.

use crate::CpuPath;
use crate::bn254::{SCALAR_GENERATOR, SCALAR_GENERATOR_HALO2, SCALAR_TWO_ADICITY};
use crate::field::{Field, Fr, PrimeField};

/// Base-two logarithm of the largest transform: the two-adicity of F_r.
pub const MAX_LOG_N: u32 = SCALAR_TWO_ADICITY;

/// The generator g of the multiplicative group that fixes the roots of unity, ω = g^((r − 1)/n).
///
/// Libraries differ, so that transforms by one are permutations of those by another.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Generator {
    /// g = 5: arkworks, circom, snarkjs.
    #[default]
    Five,
    /// g = 7: halo2.
    Seven,
}

impl Generator {
    /// ω of order 2^`log_n`, or `None` beyond the two-adicity.
    pub fn root_of_unity(self, log_n: u32) -> Option<Fr> {
        let generator = match self {
            Self::Five => SCALAR_GENERATOR,
            Self::Seven => SCALAR_GENERATOR_HALO2,
        };
        Fr::root_of_unity_by(Fr::from(generator), log_n)
    }
}

/// From coefficients to values, or back.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Evaluation.
    Forward,
    /// Interpolation, with the factor 1/n.
    Inverse,
}

/// Order of input and output: natural (N) or bit-reversed (R). NR and RN need no permutation.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Natural to natural.
    NN,
    /// Natural to bit-reversed.
    NR,
    /// Bit-reversed to natural.
    RN,
    /// Bit-reversed to bit-reversed.
    RR,
}

impl Order {
    /// Whether the input and the output are in natural order.
    pub(super) fn ends(self) -> (bool, bool) {
        match self {
            Self::NN => (true, true),
            Self::NR => (true, false),
            Self::RN => (false, true),
            Self::RR => (false, false),
        }
    }
}

/// A transform of one or more columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NttPlan {
    /// Base-two logarithm of the size of a column.
    pub log_n: u32,
    /// Which way.
    pub direction: Direction,
    /// Order of input and output.
    pub order: Order,
    /// The shift g of the coset g·⟨ω⟩; `None` for ⟨ω⟩ itself.
    pub coset: Option<Fr>,
    /// Whose roots of unity.
    pub generator: Generator,
}

/// Why a transform cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NttError {
    /// Beyond the two-adicity.
    #[error(
        "a transform of 2^{log_n} elements was asked for; the scalar field of BN254 has none beyond 2^{MAX_LOG_N}"
    )]
    TooLarge {
        /// What was asked for.
        log_n: u32,
    },
    /// The data are not whole columns.
    #[error("{len} elements are not whole columns of {n}")]
    Length {
        /// Number of elements.
        len: usize,
        /// Size of a column.
        n: usize,
    },
    /// The table of twiddles is too small.
    #[error("the twiddles reach 2^{log_n}, the transform needs 2^{needed}")]
    Twiddles {
        /// What the table reaches.
        log_n: u32,
        /// What is needed.
        needed: u32,
    },
    /// The twiddles are of other roots.
    #[error("the twiddles are of generator {twiddles:?}, the transform is of generator {needed:?}")]
    Generator {
        /// What the table is of.
        twiddles: Generator,
        /// What is needed.
        needed: Generator,
    },
    /// A coset shift of zero.
    #[error("the coset shift is zero; it must be invertible")]
    ZeroCoset,
}

impl NttPlan {
    /// A transform of 2^`log_n` elements over ⟨ω⟩, natural order on both ends.
    pub fn new(log_n: u32, direction: Direction) -> Result<Self, NttError> {
        if log_n > MAX_LOG_N {
            return Err(NttError::TooLarge { log_n });
        }
        Ok(Self { log_n, direction, order: Order::NN, coset: None, generator: Generator::Five })
    }

    /// The same with another order.
    pub fn order(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// The same with the roots of unity of another generator.
    pub fn generator(self, generator: Generator) -> Self {
        Self { generator, ..self }
    }

    /// The same over the coset g·⟨ω⟩.
    pub fn coset(self, shift: Fr) -> Result<Self, NttError> {
        if shift.is_zero() {
            return Err(NttError::ZeroCoset);
        }
        Ok(Self { coset: Some(shift), ..self })
    }

    /// Size of a column.
    pub fn n(&self) -> usize {
        1 << self.log_n.min(MAX_LOG_N)
    }

    /// Field products for one column.
    pub fn products(&self) -> u64 {
        let n = self.n() as u64;
        let scaling = if self.coset.is_some() || self.direction == Direction::Inverse { 2 * n } else { 0 };
        n / 2 * u64::from(self.log_n) + scaling
    }

    /// Bytes of tables, and of memory between its steps, that a transform by `path` keeps in [`super::Twiddles`].
    pub fn memory_bytes(&self, path: CpuPath) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if path.lanes().is_some() && self.log_n >= super::lanes::MIN_LOG_N {
            return super::lanes::memory_bytes(self);
        }
        let _ = path;
        self.twiddle_bytes()
    }

    /// Bytes of the table of twiddles that the transform reads, on paths other than [`CpuPath::ifma`].
    pub fn twiddle_bytes(&self) -> u64 {
        (self.n() as u64 / 2).max(1) * size_of::<Fr>() as u64
    }
}
