//! Expressions over the rows of columns, compiled once and run on whole columns.
//!
//! A [`Graph`] holds expressions in columns (at a rotation), run-time uniforms (challenges: one value for all rows) and
//! constants. [`Graph::compile`] makes a [`Program`] of it, which [`run`] executes in blocks of rows. Gates over a coset
//! part, compressed lookup expressions, factors of grand products, and logUp terms are all such programs.
//!
//! [`Graph::combine_linear`] replaces linear sub-expressions by columns that are combined before they are transformed.

mod closure;
mod combine;
mod compile;
mod graph;
mod linear;
mod program;
mod run;

pub use combine::{Combination, Combined};
pub use graph::{Graph, Node, NodeId};
pub use linear::{LinearForm, LinearTerm};
pub use program::{Instruction, Operand, Operation, Program, UniformStep};
pub use run::{check_shapes, run, scratch_bytes};

/// Why a program cannot run.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotientError {
    /// The program reads a column that was not given.
    #[error("the program reads column {column} but {given} columns are given")]
    MissingColumn {
        /// The column that is read.
        column: u32,
        /// Number of columns.
        given: usize,
    },
    /// The program reads a uniform that was not given.
    #[error("the program reads uniform {uniform} but {given} uniforms are given")]
    MissingUniform {
        /// The uniform that is read.
        uniform: u32,
        /// Number of uniforms.
        given: usize,
    },
    /// The wrong number of outputs.
    #[error("the program has {expected} outputs but {given} are given")]
    Outputs {
        /// Outputs of the program.
        expected: usize,
        /// Number of outputs given.
        given: usize,
    },
    /// An output is not as long as the first.
    #[error("output {output} has {actual} rows where output 0 has {expected}")]
    OutputLength {
        /// The output that differs.
        output: usize,
        /// Its length.
        actual: usize,
        /// Rows of output 0.
        expected: usize,
    },
    /// A column that the program reads is not as long as the outputs.
    #[error("column {column} has {actual} rows where the outputs have {expected}")]
    ColumnLength {
        /// The column that differs.
        column: u32,
        /// Its length.
        actual: usize,
        /// Rows of the outputs.
        expected: usize,
    },
    /// A node that depends on rows was asked for as a single value.
    #[error("node {index} of the list depends on columns; only uniform nodes have one value")]
    NotUniform {
        /// Index in the list that was asked for.
        index: usize,
    },
}
