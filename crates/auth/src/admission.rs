//! Admission: where a URL that a server named may lead us, and whether credentials may go along.
//!
//! The one function for realms, redirects, upload locations, links and descriptors' `urls`.
use std::{fmt, net::IpAddr};

use url::Url;

use crate::{Origin, address::Class, domain, text::shown};

/// What a server named the URL for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The realm of a Bearer challenge.
    Realm,
    /// The `Location` of a redirect.
    Redirect,
    /// The `Location` of an upload session.
    Location,
    /// The next page of a list: the same origin only.
    Link,
    /// An entry of a descriptor's `urls`: never with credentials.
    Foreign,
}

/// The circumstances of a URL that a server named.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The registry that the user named.
    pub registry: &'a Origin,
    /// The URL whose answer named this one; relative references are resolved against it.
    pub base: &'a Url,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether the request to `base` was allowed credentials: once dropped, they do not come back.
    pub credentials: bool,
}

/// A URL that may be asked.
#[derive(Debug, Clone)]
pub struct Admission {
    /// The absolute URL, without user information and fragment.
    pub url: Url,
    /// Its origin.
    pub origin: Origin,
    /// Whether the registry's credentials or tokens may be sent there.
    pub credentials: bool,
}

/// A URL, or an address, that we do not go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What the URL was for.
    pub purpose: Purpose,
    /// Where it led, without path, query and user information.
    pub target: String,
    /// Why not.
    pub reason: RefusalReason,
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalReason {
    /// It is no URL, or has no host.
    Malformed,
    /// Its scheme is neither `https` nor `http`.
    Scheme,
    /// It leads from TLS to plain HTTP.
    Downgrade,
    /// It holds a user name or a password.
    UserInformation,
    /// It leads to another origin, where only the same one is allowed.
    OtherOrigin,
    /// It leads to an address of the named class, to which the registry itself does not belong.
    Address(&'static str),
}

/// Decides on `text`, the URL or relative reference that a server named.
///
/// Behind a proxy this is all that can be judged; else [`admit_address`] judges what the name resolved to.
pub fn admit(text: &str, context: &Context<'_>) -> Result<Admission, Refusal> {
    let refuse = |target: String, reason| Err(Refusal { purpose: context.purpose, target, reason });
    let parsed = if text.len() > MAX_URL { None } else { context.base.join(text).ok() };
    let Some(mut url) = parsed else { return refuse(String::new(), RefusalReason::Malformed) };
    let Some(origin) = Origin::of(&url) else { return refuse(shown(url.scheme()), RefusalReason::Scheme) };
    if let Err(reason) = judge(&url, &origin, context) {
        return refuse(origin.to_string(), reason);
    }
    url.set_fragment(None);
    let credentials = context.credentials && may_carry(&origin, context);
    Ok(Admission { url, origin, credentials })
}

fn judge(url: &Url, origin: &Origin, context: &Context<'_>) -> Result<(), RefusalReason> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(RefusalReason::UserInformation);
    }
    if context.registry.https && !origin.https {
        return Err(RefusalReason::Downgrade);
    }
    if context.purpose == Purpose::Link && *origin != *context.registry {
        return Err(RefusalReason::OtherOrigin);
    }
    admit_class(Class::of_host(&origin.host), context.registry)
}

fn may_carry(origin: &Origin, context: &Context<'_>) -> bool {
    match context.purpose {
        Purpose::Realm => domain::trusts(&context.registry.host, &origin.host),
        Purpose::Foreign => false,
        // Not even back at home after a stay elsewhere: the URL is then somebody else's words.
        Purpose::Redirect | Purpose::Location | Purpose::Link => {
            *origin == *context.registry && Origin::of(context.base).as_ref() == Some(context.registry)
        }
    }
}

/// Decides on the address that `host` turned out to have, on behalf of `registry`.
///
/// The registry's own host may be anywhere: the user named it.
pub fn admit_address(address: IpAddr, host: &str, registry: &Origin) -> Result<(), RefusalReason> {
    if host.eq_ignore_ascii_case(&registry.host) {
        return Ok(());
    }
    admit_class(Class::of(address), registry)
}

/// A class of addresses is open to a registry that belongs to it itself.
fn admit_class(class: Class, registry: &Origin) -> Result<(), RefusalReason> {
    match class.forbidden() {
        Some(name) if class != Class::of_host(&registry.host) => Err(RefusalReason::Address(name)),
        _ => Ok(()),
    }
}

impl Refusal {
    /// What to do next, when there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self.reason {
            // The usual cause: distribution#479 and many since.
            RefusalReason::Downgrade => Some(
                "a proxy in front of the registry probably ends TLS without passing on X-Forwarded-Proto; \
                 set that header, or the registry's external URL",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Realm => "realm",
            Self::Redirect => "redirect",
            Self::Location => "upload location",
            Self::Link => "next page",
            Self::Foreign => "foreign layer URL",
        })
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("is not a URL"),
            Self::Scheme => f.write_str("is neither https nor http"),
            Self::Downgrade => f.write_str("leads from TLS to plain HTTP"),
            Self::UserInformation => f.write_str("holds a user name or a password"),
            Self::OtherOrigin => f.write_str("leads to another origin"),
            Self::Address(class) => write!(f, "leads to a {class} address"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {}", self.purpose)?;
        if !self.target.is_empty() {
            write!(f, " {}", self.target)?;
        }
        write!(f, " {}", self.reason)
    }
}

impl std::error::Error for Refusal {}

/// A longest URL: signed ones run to a few KiB.
const MAX_URL: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(registry: &str, text: &str, purpose: Purpose) -> Result<Admission, RefusalReason> {
        let base = Url::parse(registry).unwrap();
        let registry = Origin::of(&base).unwrap();
        let context = Context { registry: &registry, base: &base, purpose, credentials: true };
        admit(text, &context).map_err(|refusal| refusal.reason)
    }

    const HOME: &str = "https://registry.example.com/v2/";

    #[test]
    fn every_purpose_refuses_the_same_addresses() {
        for purpose in [Purpose::Realm, Purpose::Redirect, Purpose::Location, Purpose::Foreign] {
            for host in [
                "127.0.0.1",
                "0x7f.1",
                "2130706433",
                "0",
                "localhost",
                "[::1]",
                "[::ffff:127.0.0.1]",
                "169.254.169.254",
                "[fd00:ec2::254]",
                "100.100.100.200",
                "169.254.0.1",
                "[fe80::1]",
                "224.0.0.1",
                "[64:ff9b::7f00:1]",
            ] {
                let refused = decide(HOME, &format!("https://{host}/x"), purpose).unwrap_err();
                assert!(matches!(refused, RefusalReason::Address(_)), "{purpose} {host}: {refused}");
            }
            assert!(decide(HOME, "https://10.0.0.1/x", purpose).is_ok());
        }
    }

    #[test]
    fn a_registry_on_loopback_may_name_loopback_but_not_metadata() {
        let home = "http://127.0.0.1:5000/v2/";
        assert!(decide(home, "http://localhost:5001/token", Purpose::Realm).unwrap().credentials);
        let metadata = decide(home, "http://169.254.169.254/", Purpose::Redirect);
        assert_eq!(metadata.unwrap_err(), RefusalReason::Address("cloud metadata"));
    }

    #[test]
    fn tls_is_never_left() {
        for purpose in [Purpose::Realm, Purpose::Redirect, Purpose::Location, Purpose::Link, Purpose::Foreign]
        {
            let other = decide(HOME, "http://other.example.com/x", purpose);
            assert_eq!(other.unwrap_err(), RefusalReason::Downgrade);
            let home = decide(HOME, "http://registry.example.com/x", purpose);
            assert_eq!(home.unwrap_err(), RefusalReason::Downgrade);
        }
        assert!(decide("http://registry.example.com/", "http://auth.example.com/", Purpose::Realm).is_ok());
    }

    #[test]
    fn rubbish_and_other_schemes_are_refused() {
        assert_eq!(decide(HOME, "https://", Purpose::Realm).unwrap_err(), RefusalReason::Malformed);
        assert_eq!(
            decide(HOME, &"x".repeat(MAX_URL + 1), Purpose::Link).unwrap_err(),
            RefusalReason::Malformed
        );
        for text in ["file:///etc/passwd", "ftp://example.com/", "data:,x", "unix:/run/x"] {
            assert_eq!(decide(HOME, text, Purpose::Redirect).unwrap_err(), RefusalReason::Scheme, "{text}");
        }
        for text in ["https://user@registry.example.com/", "https://:pw@registry.example.com/"] {
            assert_eq!(decide(HOME, text, Purpose::Location).unwrap_err(), RefusalReason::UserInformation);
        }
    }

    #[test]
    fn credentials_follow_a_location_to_the_same_origin_only() {
        let carries = |text| decide(HOME, text, Purpose::Location).unwrap().credentials;
        assert!(carries("/v2/a/blobs/uploads/1?state=x"));
        assert!(carries("https://registry.example.com:443/x"));
        assert!(!carries("https://registry.example.com:8443/x"));
        assert!(!carries("https://storage.example.com/x"));
        assert!(!decide(HOME, "/x", Purpose::Foreign).unwrap().credentials);
    }

    #[test]
    fn credentials_dropped_on_the_way_do_not_come_back() {
        let registry = Origin::of(&Url::parse(HOME).unwrap()).unwrap();
        let away = Url::parse("https://cdn.example.com/x").unwrap();
        let context =
            Context { registry: &registry, base: &away, purpose: Purpose::Redirect, credentials: true };
        assert!(!admit(HOME, &context).unwrap().credentials);
        let back = Url::parse(HOME).unwrap();
        let context = Context { base: &back, credentials: false, ..context };
        assert!(!admit("/v2/x", &context).unwrap().credentials);
    }

    #[test]
    fn a_realm_of_another_owner_is_admitted_without_credentials() {
        assert!(decide(HOME, "https://auth.example.com/token", Purpose::Realm).unwrap().credentials);
        assert!(!decide(HOME, "https://auth.evil.org/token", Purpose::Realm).unwrap().credentials);
        assert!(decide(HOME, "/token", Purpose::Realm).unwrap().credentials);
    }

    #[test]
    fn a_next_page_is_at_home() {
        assert!(decide(HOME, "/v2/a/tags/list?last=x", Purpose::Link).is_ok());
        let elsewhere = decide(HOME, "https://auth.example.com/", Purpose::Link);
        assert_eq!(elsewhere.unwrap_err(), RefusalReason::OtherOrigin);
    }

    #[test]
    fn a_name_that_resolves_to_a_forbidden_address_is_refused() {
        let registry = Origin::of(&Url::parse(HOME).unwrap()).unwrap();
        let metadata = IpAddr::from([169, 254, 169, 254]);
        assert!(admit_address(metadata, "cdn.example.com", &registry).is_err());
        assert!(admit_address(IpAddr::from([127, 0, 0, 1]), "registry.example.com", &registry).is_ok());
        assert!(admit_address(IpAddr::from([192, 168, 0, 1]), "cdn.example.com", &registry).is_ok());
    }

    #[test]
    fn a_refusal_shows_neither_path_nor_query_nor_user() {
        let base = Url::parse(HOME).unwrap();
        let registry = Origin::of(&base).unwrap();
        let context =
            Context { registry: &registry, base: &base, purpose: Purpose::Realm, credentials: true };
        let refusal = admit("https://u:canary@evil.org/canary?canary", &context).unwrap_err();
        assert_eq!(refusal.to_string(), "the realm https://evil.org holds a user name or a password");
        assert!(!format!("{refusal:?}").contains("canary"));
    }
}
