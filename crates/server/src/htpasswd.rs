//! Users and their passwords, as `htpasswd -B` writes them.
use std::{collections::BTreeMap, fmt, sync::Arc};

use bcrypt::HashParts;

/// How much work a password may be: twice as much for each one more. 17 takes some ten seconds.
const MAX_COST: u32 = 17;
/// The least that bcrypt knows.
const MIN_COST: u32 = 4;

/// Users, each with a password's bcrypt hash. Cheap to clone.
#[derive(Clone)]
pub struct Htpasswd(Arc<BTreeMap<String, String>>);

/// A line that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct HtpasswdError {
    /// Which, from 1 on; 0 is the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: &'static str,
}

impl Htpasswd {
    /// Reads `USER:HASH` lines; empty ones and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is none, or whose hash is not bcrypt's.
    pub fn read(text: &str) -> Result<Self, HtpasswdError> {
        let mut users = BTreeMap::new();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |(what, hint): (String, &'static str)| {
                let line = number.saturating_add(1);
                HtpasswdError { line, what, hint }
            };
            let (user, hash) = entry(line).map_err(wrong)?;
            if users.insert(user.to_owned(), hash.to_owned()).is_some() {
                let what = format!("the user {user:?} has an entry already");
                return Err(wrong((what, "leave one entry for each user")));
            }
        }
        if users.is_empty() {
            let what = "it names no user, so that nobody could come in".to_owned();
            return Err(HtpasswdError { line: 0, what, hint: MAKE });
        }
        Ok(Self(Arc::new(users)))
    }

    pub(crate) fn users(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

const MAKE: &str = "htpasswd -B FILE USER writes one";

fn entry(line: &str) -> Result<(&str, &str), (String, &'static str)> {
    let Some((user, hash)) = line.split_once(':').filter(|(user, _)| !user.is_empty()) else {
        return Err(("it is not of the form USER:HASH".to_owned(), MAKE));
    };
    let Ok(parts) = hash.parse::<HashParts>() else {
        return Err((format!("the password of {user:?} is not hashed by bcrypt"), MAKE));
    };
    let cost = parts.get_cost();
    if !(MIN_COST..=MAX_COST).contains(&cost) {
        let what = format!("the password of {user:?} has the cost {cost}");
        return Err((
            what,
            "htpasswd -B -C 10 FILE USER writes one that is checked in a moment; 4 to 17 are taken",
        ));
    }
    Ok((user, hash))
}

/// Shows who, and no hash.
impl fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Htpasswd").field(&self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$tJ5wO.3H/6Vyv4Cz9hRBUuUnPZJcyYvVvpvk/bKxX0eQVb5D4t5sK";

    #[test]
    fn users_are_read_and_a_line_that_cannot_be_used_is_named() {
        let text = format!("# ours\n\n ann:{HASH}\r\nbob:{}\n", HASH.replace("2y", "2b"));
        let read = Htpasswd::read(&text).unwrap();
        assert_eq!(read.users().keys().collect::<Vec<_>>(), ["ann", "bob"]);
        assert!(!format!("{read:?}").contains("$2y$"));
        for (line, what) in [
            ("carol", "not of the form"),
            (":x", "not of the form"),
            ("carol:", "not hashed by bcrypt"),
            ("carol:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "not hashed by bcrypt"),
            ("carol:$apr1$x$y", "not hashed by bcrypt"),
            ("carol:plain", "not hashed by bcrypt"),
            (&format!("carol:{}", HASH.replace("$05$", "$31$")), "the cost 31"),
            (&format!("ann:{HASH}"), "already"),
        ] {
            let error = Htpasswd::read(&format!("{text}{line}\n")).unwrap_err();
            assert_eq!(error.line, 5, "{line}");
            assert!(error.what.contains(what), "{line}: {error}");
        }
        assert_eq!(Htpasswd::read("# nobody\n").unwrap_err().line, 0);
    }
}
