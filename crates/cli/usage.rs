//! Usage errors: what was asked for makes no sense, or not enough of it. Exit code 2, nothing was sent.
use std::fmt;

use reference::ParseError;

/// What is wrong with a flag, a reference or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Which flag or JSON path; empty when it is about several.
    pub(crate) field: String,
    /// One clause.
    pub(crate) message: String,
    /// The name that was read, and the character of it that does not fit.
    pub(crate) parse: Option<ParseError>,
    /// What to write instead.
    pub(crate) hint: Option<String>,
}

impl Usage {
    /// An error about `field`, a flag or a JSON path.
    pub(crate) fn about(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), parse: None, hint: None }
    }

    /// An error about several flags.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::about("", message)
    }

    /// A name in `field` that does not follow the grammar.
    pub(crate) fn parse(field: impl Into<String>, why: &ParseError) -> Self {
        let hint = why.hint().map(str::to_owned);
        Self { parse: Some(why.clone()), hint, ..Self::about(field, why.to_string()) }
    }

    /// Says what to write instead.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}
