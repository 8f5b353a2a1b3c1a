//! Digests: an algorithm and its lower-case hexadecimal value.
use std::{fmt, str::FromStr};

use crate::{ParseError, ParseErrorKind, error::Flaw};

/// A digest algorithm that this project can verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256: 64 hexadecimal digits.
    Sha256,
    /// SHA-512: 128 hexadecimal digits.
    Sha512,
}

impl Algorithm {
    /// The name as written before the colon.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }
}

/// `algorithm:hex`, checked: safe to build a URL or a path from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    hex: Box<str>,
}

impl Digest {
    /// The digest whose raw value is `hash`.
    pub fn sha256(hash: [u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, hex: hex(&hash) }
    }

    /// The digest whose raw value is `hash`.
    pub fn sha512(hash: [u8; 64]) -> Self {
        Self { algorithm: Algorithm::Sha512, hex: hex(&hash) }
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The hexadecimal digits, without the algorithm.
    pub fn hex(&self) -> &str {
        &self.hex
    }
}

impl Digest {
    pub(crate) fn parse(text: &str) -> Result<Self, Flaw> {
        let (algorithm, rest, digits) = if let Some(rest) = text.strip_prefix("sha256:") {
            (Algorithm::Sha256, rest, 64)
        } else if let Some(rest) = text.strip_prefix("sha512:") {
            (Algorithm::Sha512, rest, 128)
        } else {
            return Err(Flaw::new(0, ParseErrorKind::DigestAlgorithm));
        };
        let flaw = |at, kind| Flaw::new(at, kind).behind(algorithm.as_str());
        if let Some(at) = rest.find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
            return Err(flaw(at, ParseErrorKind::DigestCharacter));
        }
        if rest.len() != digits {
            return Err(flaw(rest.len().min(digits), ParseErrorKind::DigestLength));
        }
        Ok(Self { algorithm, hex: rest.into() })
    }
}

impl FromStr for Digest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text).map_err(|flaw| flaw.of(text))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm.as_str(), self.hex)
    }
}

fn hex(hash: &[u8]) -> Box<str> {
    let digit = |value: u8| char::from_digit(u32::from(value & 15), 16);
    hash.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).flatten().collect::<String>().into()
}
