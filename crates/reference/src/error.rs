//! Why a name was refused, and at which character.
use std::fmt;

/// A name that does not follow the grammar: what was read, where it went wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The whole text that was read.
    pub input: Box<str>,
    /// Byte offset of the first character that does not fit.
    pub at: usize,
    /// What does not fit.
    pub kind: ParseErrorKind,
}

/// What does not fit the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Placeholder until the grammar lands.
    Malformed,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {} in {}", self.kind, self.at, self.input)
    }
}

impl std::error::Error for ParseError {}
