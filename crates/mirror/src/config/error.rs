//! What is wrong with a configuration: where, what, and what to write instead.
use std::fmt;

/// A place in a file, from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The line.
    pub line: u64,
    /// The character of the line.
    pub column: u64,
}

/// A configuration that cannot be followed. Nothing was asked of anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub spot: Spot,
    /// One clause, lower case, without a full stop.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

/// The same, of a file that is not named yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) spot: Spot,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

impl Flaw {
    pub(crate) fn new(spot: Spot, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { spot, what: what.into(), remedy: remedy.into() }
    }

    pub(crate) fn of(self, file: &str) -> ConfigError {
        let Self { spot, what, remedy } = self;
        ConfigError { file: file.to_owned(), spot, what, remedy }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.spot, self.what)
    }
}

impl std::error::Error for ConfigError {}
