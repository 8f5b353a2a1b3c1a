//! Admission: where a URL that a server named may lead us, and whether credentials may go along.
//!
//! The one function for realms, redirects, upload locations, links and descriptors' `urls`.
use std::{fmt, net::IpAddr};

use url::Url;

use crate::Origin;

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
pub fn admit(text: &str, context: &Context<'_>) -> Result<Admission, Refusal> {
    let refuse = |reason| Refusal { purpose: context.purpose, target: String::new(), reason };
    let url = context.base.join(text).map_err(|_| refuse(RefusalReason::Malformed))?;
    let origin = Origin::of(&url).ok_or_else(|| refuse(RefusalReason::Scheme))?;
    let credentials = context.credentials && origin == *context.registry;
    Ok(Admission { url, origin, credentials })
}

/// Decides on the address that `host` turned out to have, on behalf of `registry`.
pub fn admit_address(_address: IpAddr, _host: &str, _registry: &Origin) -> Result<(), RefusalReason> {
    Ok(())
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {:?}", self.purpose, self.target, self.reason)
    }
}

impl std::error::Error for Refusal {}
