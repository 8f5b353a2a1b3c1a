//! Credentials as users give them: by flags, by a request's body, by the environment. Levels are never mixed.
use auth::{AuthError, Credential, Found, Secret};
use reference::Registry;

use crate::usage::Usage;

/// A user name and a password, not yet said for which registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// The user name; without one, the password is an Entra access token.
    pub(crate) username: Option<String>,
    /// The password.
    pub(crate) password: Option<Secret>,
    /// Which level gave them, for messages.
    pub(crate) from: String,
}

/// A password, and the flag that gave it.
#[derive(Debug, Clone)]
pub(crate) struct Password {
    /// `--password-stdin`, for messages.
    pub(crate) flag: &'static str,
    /// The password itself; never empty.
    pub(crate) secret: Secret,
}

/// One side of a copy, and the environment variables that are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Where it reads.
    Source,
    /// Where it writes.
    Target,
}

/// The environment, as a function: tests bring their own.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Side {
    fn variables(self) -> (&'static str, &'static str) {
        match self {
            Self::Source => ("TRANSSHIP_SOURCE_USERNAME", "TRANSSHIP_SOURCE_PASSWORD"),
            Self::Target => ("TRANSSHIP_TARGET_USERNAME", "TRANSSHIP_TARGET_PASSWORD"),
        }
    }

    /// The flag of the side's user name.
    fn flag(self) -> &'static str {
        match self {
            Self::Source => "--username",
            Self::Target => "--target-username",
        }
    }
}

/// What flags give for `side`. A user name alone takes its password from the environment.
pub(crate) fn of_flags(
    side: Side,
    username: Option<String>,
    password: Option<Password>,
    environment: Environment<'_>,
) -> Option<Words> {
    let from = match (&username, &password) {
        (None, None) => return None,
        (None, Some(alone)) => alone.flag,
        (Some(_), _) => side.flag(),
    };
    let from_environment = || given(environment, side.variables().1).map(Secret::new);
    let password = match &username {
        Some(_) => password.map(|password| password.secret).or_else(from_environment),
        None => password.map(|password| password.secret),
    };
    Some(Words { username, password, from: from.to_owned() })
}

/// What the environment gives for `side`. Empty variables count as missing.
pub(crate) fn of_environment(side: Side, environment: Environment<'_>) -> Option<Words> {
    let (username, password) = side.variables();
    let given = |name| given(environment, name);
    let from = if given(username).is_some() { username } else { password };
    let words = Words {
        username: given(username),
        password: given(password).map(Secret::new),
        from: from.to_owned(),
    };
    (words.username.is_some() || words.password.is_some()).then_some(words)
}

/// A variable; an empty one counts as missing.
fn given(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|text| !text.is_empty())
}

/// A registry, and what matters about it when a password stands alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    /// Which registry.
    pub(crate) registry: &'a Registry,
    /// Whether the user named it an Azure registry.
    pub(crate) acr: bool,
    /// Whether it is spoken to over TLS.
    pub(crate) tls: bool,
}

impl Words {
    /// The credential that the words are at a registry.
    pub(crate) fn found(self, door: Door<'_>) -> Result<Option<Found>, Usage> {
        let from = self.from;
        let alone = self.username.is_none() && self.password.is_some();
        if alone && !door.tls && !door.registry.is_loopback() {
            let message = format!("an access token does not go to {} over plain HTTP", door.registry);
            return Err(
                Usage::about(from, message).hint("a password without a user name is an Entra access token")
            );
        }
        match Credential::from_login(self.username, self.password, door.registry, door.acr) {
            Ok(credential) => Ok(credential.map(|credential| Found { credential, from })),
            Err(why) => {
                let hint = if alone {
                    format!(
                        "add the user name; or say that it is an Azure registry with --acr {}",
                        door.registry
                    )
                } else if matches!(why, AuthError::PasswordMissing { .. }) {
                    "add a password: --password-stdin, --password-file, or the environment".to_owned()
                } else {
                    why.hint().unwrap_or_default()
                };
                Err(Usage::about(from, why.to_string()).hint(hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn found(words: Words, host: &str, acr: bool, tls: bool) -> Result<Option<Found>, Usage> {
        let registry: Registry = host.parse().unwrap();
        words.found(Door { registry: &registry, acr, tls })
    }

    fn words(username: Option<&str>, password: Option<&str>) -> Words {
        Words {
            username: username.map(str::to_owned),
            password: password.map(secret),
            from: "flags".to_owned(),
        }
    }

    #[test]
    fn flags_come_before_the_environment_and_are_not_mixed_with_it() {
        let environment = with(&[("TRANSSHIP_SOURCE_USERNAME", "env"), ("TRANSSHIP_SOURCE_PASSWORD", "env")]);
        let token = Some(Password { flag: "--password-stdin", secret: secret("token") });
        let alone = of_flags(Side::Source, None, token, &environment).unwrap();
        assert_eq!((alone.username, alone.from.as_str()), (None, "--password-stdin"));
        assert_eq!(of_flags(Side::Source, None, None, &environment), None);
        assert_eq!(of_environment(Side::Source, &environment).unwrap().username.unwrap(), "env");
        assert_eq!(of_environment(Side::Target, &environment), None);
    }

    #[test]
    fn a_user_name_takes_its_password_from_the_environment() {
        let environment = with(&[("TRANSSHIP_SOURCE_PASSWORD", "env")]);
        let words = of_flags(Side::Source, Some("me".to_owned()), None, &environment).unwrap();
        assert_eq!(words.password.unwrap().expose(), "env");
    }

    #[test]
    fn an_empty_variable_is_no_password() {
        let environment = with(&[("TRANSSHIP_SOURCE_PASSWORD", "")]);
        let words = of_flags(Side::Source, Some("me".to_owned()), None, &environment).unwrap();
        assert!(found(words, "registry.example", false, true).is_err());
    }

    #[test]
    fn a_user_name_without_a_password_is_refused() {
        assert!(found(words(Some("me"), None), "registry.example", false, true).is_err());
    }

    #[test]
    fn a_user_name_with_a_colon_is_refused_and_the_hint_does_not_ask_for_a_password() {
        let why = found(words(Some("me:secret"), Some("p")), "registry.example", false, true).unwrap_err();
        assert!(why.hint.unwrap().contains("apart"));
    }

    #[test]
    fn a_password_alone_is_a_token_for_azure_registries_only() {
        for host in ["contoso.azurecr.io", "contoso.azurecr.cn", "contoso.azurecr.us"] {
            let token = found(words(None, Some("t")), host, false, true).unwrap().unwrap();
            assert!(matches!(token.credential, Credential::EntraToken(_)), "{host}");
        }
        let why = found(words(None, Some("t")), "registry.example", false, true).unwrap_err();
        assert!(why.hint.unwrap().contains("--acr registry.example"));
        assert!(found(words(None, Some("t")), "registry.example", true, true).unwrap().is_some());
    }

    #[test]
    fn an_access_token_goes_over_tls_or_loopback_only() {
        assert!(found(words(None, Some("t")), "registry.example", true, false).is_err());
        assert!(found(words(None, Some("t")), "localhost:5000", true, false).unwrap().is_some());
    }

    #[test]
    fn user_name_and_password_are_basic_and_remember_where_they_came_from() {
        let basic = found(words(Some("me"), Some("p")), "registry.example", false, true).unwrap().unwrap();
        assert!(matches!(&basic.credential, Credential::Basic { username, .. } if username == "me"));
        assert_eq!(basic.from, "flags");
    }
}
