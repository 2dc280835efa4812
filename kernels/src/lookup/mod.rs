//! Kernels of lookup arguments: multiplicities, logUp terms, grand sum, permuted pair.
//!
//! Columns are single vectors of scalars; a table of several columns is compressed by the caller
//! (Σ_c θ^c·column_c). Results are the same for every [`CpuPath`](crate::CpuPath) and thread count, and errors name
//! the first row.

#[cfg(target_arch = "x86_64")]
mod lanes;
mod logup;
mod multiplicity;
mod permuted;
pub mod plan;
mod table_index;

pub use logup::{GrandSum, LogupTerms, grand_sum, logup_input_terms, logup_table_terms, logup_terms};
pub use multiplicity::{RangeTable, multiplicities_integers, multiplicities_range, multiplicities_table};
pub use permuted::{PermutedPair, permuted_pair};
pub use table_index::TableIndex;

use crate::field::Fr;
use crate::vector::LengthMismatch;

/// Why a lookup kernel has no result.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// An input value does not occur in the table; the first such row.
    #[error("value {value:?} at index {index} is not in the table")]
    NotInTable {
        /// Index among the input values.
        index: usize,
        /// The value itself.
        value: Fr,
    },
    /// β + x = 0, so 1/(β + x) does not exist; draw another β. The first such row.
    #[error("the challenge is the negative of the {side} value at index {index}; draw another challenge")]
    Pole {
        /// The column that holds x.
        side: Side,
        /// Index in that column.
        index: usize,
    },
    /// More rows than 32-bit counts and indices can hold.
    #[error("`{argument}` has {actual} rows; lookups hold at most {}", plan::MAX_ROWS)]
    TooManyRows {
        /// The argument that is too long.
        argument: &'static str,
        /// Its length.
        actual: usize,
    },
    /// Columns that must be equally long are not.
    #[error(transparent)]
    Length(#[from] LengthMismatch),
}

/// A side of the lookup relation "every input value occurs in the table".
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The values that are looked up.
    Input,
    /// The table.
    Table,
}

impl core::fmt::Display for Side {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Table => "table",
        })
    }
}

/// An error for columns that 32-bit counts and indices cannot hold.
pub fn check_rows(argument: &'static str, actual: usize) -> Result<(), LookupError> {
    if actual <= plan::MAX_ROWS { Ok(()) } else { Err(LookupError::TooManyRows { argument, actual }) }
}
