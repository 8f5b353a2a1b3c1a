//! Why a name was refused, and at which character.
use std::fmt;

use crate::ParseErrorKind;

/// How many characters of the input are shown on either side of the one that does not fit.
const SHOWN: usize = 80;

/// A name that does not follow the grammar: what was read, where it went wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// The whole text that was read; a password in front of an `@` is masked.
    pub input: Box<str>,
    /// Byte offset into `input` of the first character that does not fit; its length when something is missing.
    pub at: usize,
    /// What does not fit.
    pub kind: ParseErrorKind,
}

impl ParseError {
    /// Three lines at most: the input, a caret under the character that does not fit with the reason, and a hint.
    ///
    /// Control characters stand escaped, and of a long input only the neighbourhood is shown.
    pub fn pointed(&self) -> String {
        let (before, after) = self.around();
        let column = before.chars().count();
        let mut drawn = format!("{before}{after}\n{:column$}^ {}", "", self.kind.reason());
        if let Some(hint) = self.hint() {
            drawn.push_str("\nhint: ");
            drawn.push_str(hint);
        }
        drawn
    }

    /// What to write instead, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        self.kind.hint()
    }

    /// The position of the character that does not fit, counted in characters from 1.
    pub fn character(&self) -> usize {
        self.halves().0.chars().count().saturating_add(1)
    }

    fn halves(&self) -> (&str, &str) {
        self.input.split_at_checked(self.at).unwrap_or((&self.input, ""))
    }

    fn around(&self) -> (String, String) {
        let (before, after) = self.halves();
        let skipped = before.chars().count().saturating_sub(SHOWN);
        let mut left = String::new();
        if skipped > 0 {
            left.push_str("..");
        }
        escape(&mut left, before.chars().skip(skipped));
        let mut right = String::new();
        escape(&mut right, after.chars().take(SHOWN));
        if after.chars().nth(SHOWN).is_some() {
            right.push_str("..");
        }
        (left, right)
    }
}

/// Printable text stays; control and invisible formatting characters become `\u{..}`.
fn escape(into: &mut String, text: impl Iterator<Item = char>) {
    for character in text {
        match character {
            // `escape_debug` leaves these two alone only when told so, and they are harmless here.
            '\'' | '"' | '\\' => into.push(character),
            _ => into.extend(character.escape_debug()),
        }
    }
}

impl fmt::Display for ParseError {
    /// One line: the reason, the position, the input.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = self.around();
        write!(f, "{}, at character {} of `{before}{after}`", self.kind.reason(), self.character())
    }
}

impl std::error::Error for ParseError {}

/// What does not fit, and where in the part being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) at: usize,
    pub(crate) kind: ParseErrorKind,
}

impl Flaw {
    pub(crate) fn new(at: usize, kind: ParseErrorKind) -> Self {
        Self { at, kind }
    }

    /// The same flaw, seen from the beginning of a text in which the part starts at `start`.
    pub(crate) fn within(self, start: usize) -> Self {
        Self { at: self.at.saturating_add(start), ..self }
    }

    /// The same flaw, seen from the beginning of `before`, which one separator divides from the part.
    pub(crate) fn behind(self, before: &str) -> Self {
        self.within(before.len()).within(1)
    }

    /// The flaw as an error about `input`.
    pub(crate) fn of(self, input: &str) -> ParseError {
        let url = matches!(self.kind, ParseErrorKind::UserInfo | ParseErrorKind::Scheme);
        if let Some((start, end)) = user_info(input).filter(|_| url) {
            let masked = [input.get(..start), Some("***"), input.get(end..)];
            let input = masked.into_iter().flatten().collect::<String>().into();
            return ParseError { input, at: self.at.min(start), kind: self.kind };
        }
        ParseError { input: input.into(), at: self.at, kind: self.kind }
    }
}

/// Where the user information of a URL stands: after the scheme, up to the last `@` that no digest follows.
fn user_info(input: &str) -> Option<(usize, usize)> {
    let start = input.find("://").map_or(0, |colon| colon.saturating_add(3));
    let ends = input.rmatch_indices('@').map(|(end, _)| end);
    let digest = |end: usize| input.get(end..).and_then(|rest| rest.strip_prefix('@')).is_some_and(is_digest);
    Some((start, ends.filter(|end| *end >= start).find(|end| !digest(*end))?))
}

/// Whether this was meant as a digest.
pub(crate) fn is_digest(text: &str) -> bool {
    text.starts_with("sha256:") || text.starts_with("sha512:")
}
