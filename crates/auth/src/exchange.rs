//! Exchanges: the conversations with a token endpoint, and what its answers mean.
//!
//! distribution, "Token Authentication Specification" (GET) and "`OAuth2` Token Authentication" (POST).
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::{
    Admission, AuthError, Authorization, Endpoint, Origin, Scopes, Secret, TokenRequest, TokenResponse,
    error::Withheld,
    text::shown,
    token::{Token, TokenBody},
};

/// A token to be asked for: whose, what for, and on whose behalf.
pub(crate) struct Exchange<'a> {
    pub(crate) endpoint: &'a dyn Endpoint,
    /// The registry, as the user named it.
    pub(crate) registry: String,
    pub(crate) origin: &'a Origin,
    pub(crate) service: &'a str,
    pub(crate) scopes: &'a Scopes,
    /// Where the credential was found; `None` when none is presented.
    pub(crate) from: Option<&'a str>,
    pub(crate) withheld: Option<Withheld>,
}

/// A user name and a password on their way to a token endpoint.
pub(crate) type Login<'a> = (&'a str, &'a Secret);

impl Exchange<'_> {
    /// Asks by GET, anonymously or with a user name and a password.
    pub(crate) async fn get(&self, realm: &Admission, login: Option<Login<'_>>) -> Result<Token, AuthError> {
        let mut url = realm.url.clone();
        url.query_pairs_mut().extend_pairs(self.question(login));
        let authorization = login.map(|(username, password)| Authorization::basic(username, password));
        let request = TokenRequest { registry: self.origin.clone(), url, authorization, form: None };
        let response = self.endpoint.call(request).await?;
        let sent: Vec<&Secret> = login.iter().map(|(_, password)| *password).collect();
        let body = self.judge(&realm.origin, &response, &sent)?;
        body.access().map_err(|what| malformed(&realm.origin, what))
    }

    fn question<'q>(&'q self, login: Option<Login<'q>>) -> Vec<(&'static str, String)> {
        let mut pairs = vec![("client_id", CLIENT.to_owned())];
        if !self.service.is_empty() {
            pairs.push(("service", self.service.to_owned()));
        }
        pairs.extend(self.scopes.iter().map(|scope| ("scope", scope.to_string())));
        pairs.extend(login.map(|(username, _)| ("account", username.to_owned())));
        pairs
    }

    /// Asks by POST with a refresh token; where that is not taken, by GET with the user name beside it.
    pub(crate) async fn refresh(
        &self,
        realm: &Admission,
        token: &Secret,
        login: Option<Login<'_>>,
    ) -> Result<Token, AuthError> {
        let response = self.post_refresh(&realm.url, token).await?;
        if login.is_some() && NO_POST.contains(&response.status) {
            return self.get(realm, login).await;
        }
        self.access(&realm.origin, &response, token)
    }

    /// The second half of Azure's dance: its refresh token for an access token.
    pub(crate) async fn acr_access(&self, refresh: &Secret) -> Result<Token, AuthError> {
        let response = self.post_refresh(&self.at_home("/oauth2/token")?, refresh).await?;
        self.access(self.origin, &response, refresh)
    }

    /// The first half of Azure's dance: an Entra access token for the registry's refresh token. Never leaves the
    /// registry's own origin, whatever realm it names.
    pub(crate) async fn acr_refresh(&self, entra: &Secret) -> Result<Secret, AuthError> {
        let fields = [
            ("grant_type", "access_token"),
            ("service", self.service_or_host()),
            ("access_token", entra.expose()),
        ];
        let response = self.post(&self.at_home("/oauth2/exchange")?, &fields).await?;
        let body = self.judge(self.origin, &response, &[entra])?;
        body.refresh().map_err(|what| malformed(self.origin, what))
    }

    /// A POST must name a service; one that the challenge did not name is the registry itself.
    fn service_or_host(&self) -> &str {
        if self.service.is_empty() { &self.origin.host } else { self.service }
    }

    fn at_home(&self, path: &str) -> Result<Url, AuthError> {
        let url = Url::parse(&format!("{}{path}", self.origin));
        url.map_err(|_| malformed(self.origin, "no address of its own".to_owned()))
    }

    async fn post_refresh(&self, url: &Url, token: &Secret) -> Result<TokenResponse, AuthError> {
        // One field with all scopes: "OAuth2 Token Authentication", "Requesting scopes".
        let scope = self.scopes.to_string();
        let fields = [
            ("grant_type", "refresh_token"),
            ("service", self.service_or_host()),
            ("client_id", CLIENT),
            ("scope", &scope),
            ("refresh_token", token.expose()),
        ];
        self.post(url, &fields).await
    }

    async fn post(&self, url: &Url, fields: &[(&str, &str)]) -> Result<TokenResponse, AuthError> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = Some(Secret::new(form));
        let request =
            TokenRequest { registry: self.origin.clone(), url: url.clone(), authorization: None, form };
        self.endpoint.call(request).await
    }

    /// What the answer to a POST with a refresh token means.
    fn access(&self, realm: &Origin, response: &TokenResponse, sent: &Secret) -> Result<Token, AuthError> {
        // RFC 6749, section 5.2: a refresh token that is no longer good is a 400 (`invalid_grant`).
        let body = match response.status {
            400 => Err(self.refused(realm, 400, said(response, &[sent]))),
            _ => self.judge(realm, response, &[sent]),
        }?;
        body.access().map_err(|what| malformed(realm, what))
    }

    fn judge(
        &self,
        realm: &Origin,
        response: &TokenResponse,
        sent: &[&Secret],
    ) -> Result<TokenBody, AuthError> {
        match response.status {
            200..=299 => TokenBody::read(&response.body).map_err(|what| malformed(realm, what)),
            status @ (401 | 403) => Err(self.refused(realm, status, said(response, sent))),
            status => {
                let text = said(response, sent);
                Err(AuthError::TokenEndpoint { realm: realm.host.clone(), status, text })
            }
        }
    }

    /// 401 means that the credential is wrong, 403 that it does not suffice; without one both ask for one.
    fn refused(&self, realm: &Origin, status: u16, text: String) -> AuthError {
        let (registry, scopes) = (self.registry.clone(), self.scopes.to_string());
        match self.from {
            None => AuthError::CredentialsMissing { registry, scopes, withheld: self.withheld.clone() },
            Some(from) if status == 403 => {
                AuthError::Denied { registry, scopes, from: from.to_owned(), text }
            }
            Some(from) => {
                let (by, from) = (realm.host.clone(), from.to_owned());
                AuthError::CredentialsRejected { registry, by, from, status, text }
            }
        }
    }
}

fn malformed(realm: &Origin, what: String) -> AuthError {
    AuthError::TokenMalformed { realm: realm.host.clone(), what }
}

/// What the server said in one of the usual fields; nothing, if that repeats a secret.
pub(crate) fn said(response: &TokenResponse, sent: &[&Secret]) -> String {
    let body = response.body.get(..MAX_ERROR).unwrap_or(&response.body);
    let Ok(document) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let places = ["/errors/0/message", "/error_description", "/details", "/message", "/error"];
    let text = places.iter().find_map(|place| document.pointer(place)?.as_str()).unwrap_or_default();
    if sent.iter().any(|secret| !secret.is_empty() && text.contains(secret.expose())) {
        return String::new();
    }
    shown(text)
}

/// Who we say we are; the specification demands that we say something.
const CLIENT: &str = "transship";
/// Answers to a POST that mean "ask by GET", each from a registry: Artifactory 401, Google 404, others 405, Azure 400.
const NO_POST: [u16; 4] = [400, 401, 404, 405];
const MAX_ERROR: usize = 64 * 1024;
