//! What is handed to a run on its standard input: what to do, and as whom. Never on a command line, which others see.
use auth::Secret;
use bench::Errand;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{args::Access, credential::Words};

/// One line of JSON.
#[derive(Debug, Deserialize)]
pub(super) struct Handed {
    /// What to do.
    pub(super) errand: Errand,
    /// How registries are reached.
    pub(super) access: Access,
    /// As whom at the source.
    pub(super) source: Login,
    /// As whom at the target.
    pub(super) target: Login,
}

/// As whom a registry is asked.
#[derive(Debug, Clone, Deserialize)]
pub(super) enum Login {
    /// As nobody: it is our own.
    Nobody,
    /// As somebody whom the stores know, if they know anybody.
    Stored,
    /// As this user.
    Given(Given),
}

/// Credentials from the command line or the environment.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Given {
    username: Option<String>,
    password: Option<Secret>,
    from: String,
}

impl Login {
    /// What was given, if anything was.
    pub(super) fn of(words: Option<&Words>) -> Self {
        words.cloned().map_or(Self::Stored, |Words { username, password, from }| {
            Self::Given(Given { username, password, from })
        })
    }

    /// The words again.
    pub(super) fn words(self) -> Option<Words> {
        match self {
            Self::Nobody | Self::Stored => None,
            Self::Given(Given { username, password, from }) => Some(Words { username, password, from }),
        }
    }

    /// A secret has no form of its own that could be written by mistake.
    fn line(&self) -> Value {
        match self {
            Self::Nobody => "Nobody".into(),
            Self::Stored => "Stored".into(),
            Self::Given(Given { username, password, from }) => json!({"Given": {
                "username": username,
                "password": password.as_ref().map(Secret::expose),
                "from": from,
            }}),
        }
    }
}

/// The line that hands this over.
pub(super) fn line(errand: &Errand, access: &Access, source: &Login, target: &Login) -> Secret {
    let handed = json!({
        "errand": errand, "access": access, "source": source.line(), "target": target.line(),
    });
    Secret::new(format!("{handed}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_arrives_as_it_was() {
        let spot = |registry: &str| bench::Spot {
            registry: registry.to_owned(),
            repository: "app".to_owned(),
            via: Some("127.0.0.1:5000".parse().unwrap()),
        };
        let errand = Errand {
            source: spot("a.example"),
            target: spot("b.example"),
            images: vec!["sha256:0".to_owned()],
            jobs: 4,
            ranges: 8,
        };
        let access = Access { plain_http: vec!["a.example".to_owned()], http2: true, ..Access::default() };
        let words = Words {
            username: Some("me".to_owned()),
            password: Some(Secret::new("a\"b\n")),
            from: "--username".to_owned(),
        };
        let line = line(&errand, &access, &Login::of(Some(&words)), &Login::Nobody);
        assert_eq!(line.expose().lines().count(), 1);
        let handed: Handed = serde_json::from_str(line.expose()).unwrap();
        assert_eq!(handed.errand, errand);
        assert_eq!((handed.access.plain_http, handed.access.http2), (access.plain_http, true));
        assert_eq!(handed.source.words(), Some(words));
        assert!(matches!(handed.target, Login::Nobody));
    }
}
