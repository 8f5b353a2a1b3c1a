//! Entries: what a credential file says about one registry.
use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;

use crate::{Credential, Secret};

/// One value of `auths`. An empty one says that a helper has the credential; unknown fields are ignored.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Entry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    #[serde(alias = "identityToken")]
    identitytoken: Option<Secret>,
    #[serde(alias = "registryToken")]
    registrytoken: Option<Secret>,
}

impl Entry {
    /// The credential; `None` when there is nothing in it, and what is wrong when it cannot be read.
    pub(crate) fn credential(&self) -> Result<Option<Credential>, &'static str> {
        if let Some(token) = filled(self.registrytoken.as_ref()) {
            return Ok(Some(Credential::RegistryToken(token.clone())));
        }
        let login = self.login()?;
        if let Some(token) = filled(self.identitytoken.as_ref()) {
            return Ok(Some(with_login(token.clone(), login)));
        }
        Ok(login.map(|(username, password)| of_login(username, password)))
    }

    fn login(&self) -> Result<Option<(String, Secret)>, &'static str> {
        if let Some(auth) = filled(self.auth.as_ref()) {
            let login = decode(auth)?;
            if login.is_some() {
                return Ok(login);
            }
        }
        let username = self.username.clone().unwrap_or_default();
        let password = self.password.clone().unwrap_or_default();
        if username.contains(':') {
            return Err("`username` holds a colon");
        }
        Ok(if username.is_empty() && password.is_empty() { None } else { Some((username, password)) })
    }
}

/// A credential from a user name and a secret, as helpers give them.
///
/// docker-credential-helpers: the user name `<token>` marks the secret as an identity token.
pub(crate) fn of_login(username: String, password: Secret) -> Credential {
    if username == "<token>" {
        Credential::IdentityToken(password)
    } else {
        Credential::Basic { username, password }
    }
}

/// `az acr login` writes a user name without a password beside its token: such a login is no fallback.
fn with_login(token: Secret, login: Option<(String, Secret)>) -> Credential {
    match login {
        Some((username, password)) if !username.is_empty() && !password.is_empty() => {
            Credential::IdentityTokenWithLogin { token, username, password }
        }
        _ => Credential::IdentityToken(token),
    }
}

/// `base64(user:password)`, padded or not; the user ends at the first colon. `None` without a colon.
fn decode(auth: &Secret) -> Result<Option<(String, Secret)>, &'static str> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let bytes = engine.decode(auth.expose().trim()).map_err(|_| "`auth` is not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "`auth` does not hold text")?;
    let pair = Secret::new(text);
    // Docker pads what it writes on some systems.
    let Some((username, password)) = pair.expose().trim_end_matches('\0').split_once(':') else {
        return Ok(None);
    };
    if username.is_empty() && password.is_empty() {
        return Ok(None);
    }
    Ok(Some((username.to_owned(), Secret::new(password))))
}

fn filled(secret: Option<&Secret>) -> Option<&Secret> {
    secret.filter(|secret| !secret.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Credential>, &'static str> {
        serde_json::from_str::<Entry>(text).unwrap().credential()
    }

    fn basic(username: &str, password: &str) -> Credential {
        Credential::Basic { username: username.to_owned(), password: Secret::new(password) }
    }

    #[test]
    fn every_field_means_what_docker_means() {
        let token = |text: &str| Secret::new(text);
        for (text, expected) in [
            ("{}", None),
            (r#"{"auth":""}"#, None),
            (r#"{"auth":null,"email":"x"}"#, None),
            (r#"{"auth":"dTpw"}"#, Some(basic("u", "p"))),
            (r#"{"auth":"dXNlcjpwYXNzd29yZA=="}"#, Some(basic("user", "password"))),
            (r#"{"auth":"dXNlcjpwYXNzd29yZA"}"#, Some(basic("user", "password"))),
            (r#"{"auth":"dTphOmI="}"#, Some(basic("u", "a:b"))),
            (r#"{"auth":"dTpwAAA="}"#, Some(basic("u", "p"))),
            (r#"{"auth":"bm9jb2xvbg=="}"#, None),
            (r#"{"auth":"Og=="}"#, None),
            (r#"{"username":"u","password":"p"}"#, Some(basic("u", "p"))),
            (r#"{"auth":"dTpw","username":"x","password":"y"}"#, Some(basic("u", "p"))),
            (r#"{"auth":"MDAwMDo=","identitytoken":"i"}"#, Some(Credential::IdentityToken(token("i")))),
            (
                r#"{"auth":"dTpw","identitytoken":"i"}"#,
                Some(Credential::IdentityTokenWithLogin {
                    token: token("i"),
                    username: "u".to_owned(),
                    password: token("p"),
                }),
            ),
            (r#"{"username":"<token>","password":"i"}"#, Some(Credential::IdentityToken(token("i")))),
            (r#"{"auth":"dTpw","registrytoken":"r"}"#, Some(Credential::RegistryToken(token("r")))),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_base64_is_an_error() {
        assert!(read(r#"{"auth":"!!!"}"#).is_err());
        assert!(read(r#"{"username":"u:v","password":"p"}"#).is_err());
        assert!(read(r#"{"auth":"/////w=="}"#).is_err());
    }
}
