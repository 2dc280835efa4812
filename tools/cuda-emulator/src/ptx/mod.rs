//! PTX text to a syntax tree.

pub mod ast;
mod body;
mod lexer;
mod parser;
mod scope;

pub use parser::parse;

/// Why a module cannot be loaded; `what` names the construct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Line of the PTX text, counted from one.
    pub line: u32,
    /// The construct that is wrong or not known.
    pub what: String,
}

impl Error {
    pub(crate) fn new(line: u32, what: impl Into<String>) -> Self {
        Self { line, what: what.into() }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ptx line {}: cannot load {}", self.line, self.what)
    }
}

impl std::error::Error for Error {}
