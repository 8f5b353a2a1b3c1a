//! Challenges: what a `WWW-Authenticate` header asks for.
//!
//! Reads every value of an answer, repeated headers and comma-joined lists alike (RFC 9110, section 11.6.1), and
//! forgives what does not fit: a broken element is skipped, the next one is read. Bounded, and never fails.
use std::fmt;

/// One challenge: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// All challenges of an answer, in order: at most 64, from at most the first 16 KiB.
    pub fn read_all(values: &[String]) -> Vec<Self> {
        let mut challenges = Vec::new();
        let mut budget = MAX_BYTES;
        for value in values {
            let text = value.get(..floor_boundary(value, budget)).unwrap_or_default();
            budget = budget.saturating_sub(text.len());
            read_value(text, &mut challenges);
        }
        challenges.truncate(MAX_CHALLENGES);
        challenges
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Everything behind the scheme, in order.
    #[cfg(fuzzing)]
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// A parameter by its lower-case name; the first, when it is repeated.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        self.parameters.iter().try_for_each(|(name, value)| write!(f, " {name}={value:?}"))
    }
}

fn floor_boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&place| text.is_char_boundary(place)).unwrap_or(0)
}

/// Reads one header value. An element is a scheme, a scheme with its first parameter or its token68, or a further
/// parameter of the scheme before it.
fn read_value(text: &str, challenges: &mut Vec<Challenge>) {
    let start = challenges.len();
    let mut rest = Rest(text);
    while !rest.0.is_empty() && challenges.len() <= MAX_CHALLENGES {
        let word = rest.token();
        if word.is_empty() {
            rest.skip_element();
            continue;
        }
        if let Some(value) = rest.value() {
            // Further parameters belong to a scheme of the same value only.
            let last = challenges.get_mut(start..).and_then(<[Challenge]>::last_mut);
            add(last, word, value);
        } else {
            challenges.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            read_first(&mut rest, challenges.last_mut());
        }
        rest.skip_element();
    }
}

/// Reads what follows a scheme in the same element: nothing, the first parameter, or a token68.
fn read_first(rest: &mut Rest<'_>, challenge: Option<&mut Challenge>) {
    rest.spaces();
    let mut ahead = Rest(rest.0);
    let name = ahead.token();
    if name.is_empty() {
        return;
    }
    // A token68 is passed over: no scheme that is answered here has one.
    if let Some(value) = ahead.value() {
        *rest = ahead;
        add(challenge, name, value);
    }
}

fn add(challenge: Option<&mut Challenge>, name: &str, value: Parsed) {
    let (Some(challenge), Parsed::Value(value)) = (challenge, value) else { return };
    let name = name.to_ascii_lowercase();
    if challenge.parameters.len() < MAX_PARAMETERS && challenge.parameter(&name).is_none() {
        challenge.parameters.push((name, value));
    }
}

/// What stands behind a parameter's `=`.
enum Parsed {
    Value(String),
    /// A quoted string without its end, or the padding of a token68.
    Broken,
}

/// The unread rest of a header value.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn spaces(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// The token here; empty when there is none.
    fn token(&mut self) -> &'a str {
        self.spaces();
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (token, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        token
    }

    /// `=` and the value after it; leaves the rest alone when there is no `=` here.
    fn value(&mut self) -> Option<Parsed> {
        let text = self.0.trim_start_matches([' ', '\t']).strip_prefix('=')?;
        self.0 = text.trim_start_matches([' ', '\t']);
        if let Some(quoted) = self.0.strip_prefix('"') {
            self.0 = quoted;
            return Some(self.quoted());
        }
        // Servers leave the quotes off values that need them (`realm=https://..`): read up to a comma or a space.
        let end = self.0.find([',', ' ', '\t']).unwrap_or(self.0.len());
        let (value, rest) = self.0.split_at_checked(end).unwrap_or_default();
        self.0 = rest;
        // Nothing, or nothing but `=`, is the padding of a token68.
        if value.trim_matches('=').is_empty() {
            return Some(Parsed::Broken);
        }
        Some(Parsed::Value(value.to_owned()))
    }

    fn quoted(&mut self) -> Parsed {
        let mut value = String::new();
        let mut characters = self.0.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.0 = self.0.get(at.saturating_add(1)..).unwrap_or_default();
                    return Parsed::Value(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                _ => value.push(character),
            }
        }
        self.0 = "";
        Parsed::Broken
    }

    /// Goes behind the next comma that stands outside a quoted string.
    fn skip_element(&mut self) {
        let mut quoted = false;
        let mut escaped = false;
        for (at, character) in self.0.char_indices() {
            match character {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                ',' if !quoted => {
                    self.0 = self.0.get(at.saturating_add(1)..).unwrap_or_default();
                    return;
                }
                _ => {}
            }
        }
        self.0 = "";
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

const MAX_BYTES: usize = 16 * 1024;
const MAX_CHALLENGES: usize = 64;
const MAX_PARAMETERS: usize = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `why <TAB> header values, joined by " && " <TAB> challenges, joined by " | "`.
    const TABLE: &str = include_str!("../../../fixtures/auth/challenges.tsv");

    fn shown(values: &[String]) -> String {
        let challenges: Vec<_> = Challenge::read_all(values).iter().map(Challenge::to_string).collect();
        challenges.join(" | ")
    }

    #[test]
    fn every_row_of_the_table_reads_as_written() {
        let rows = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut count = 0;
        for row in rows {
            let cells: Vec<_> = row.split('\t').collect();
            let [why, header, expected] = cells[..] else { panic!("{row}: not three cells") };
            let values: Vec<_> = header.split(" && ").map(str::to_owned).collect();
            assert_eq!(shown(&values), expected, "{why}");
            count += 1;
        }
        assert!(count > 20);
    }

    #[test]
    fn a_hundred_thousand_challenges_are_cut_off() {
        let values = vec!["Basic realm=\"x\", ".repeat(100); 1000];
        assert_eq!(Challenge::read_all(&values).len(), MAX_CHALLENGES);
        let long = vec![format!("Bearer realm=\"{}\"", "é".repeat(MAX_BYTES))];
        assert_eq!(Challenge::read_all(&long)[0].parameter("realm"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(values in prop::collection::vec(".{0,200}", 0..4)) {
            Challenge::read_all(&values);
        }

        #[test]
        fn any_mixture_of_the_grammar_is_read_without_panic(text in r#"([A-Za-z]{1,6}|[ ,="\\\t]|é){0,80}"#) {
            Challenge::read_all(&[text]);
        }

        #[test]
        fn a_quoted_value_survives(value in "[ -~]{0,60}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let header = format!("Negotiate, Bearer a=b,scope=\"{quoted}\", Basic realm=\"x\"");
            let challenges = Challenge::read_all(&[header]);
            prop_assert_eq!(challenges.len(), 3);
            prop_assert_eq!(challenges[1].parameter("scope"), Some(value.as_str()));
        }
    }
}
