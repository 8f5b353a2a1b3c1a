//! Domains: which hosts belong to one owner, so that a credential for one may go to the other.
//!
//! A rule of thumb, not the public suffix list: where it does not know better it says no, and the token is asked for
//! without the credential.
use crate::address::Class;

/// Whether a credential for the registry at `registry` may be shown to a token endpoint at `realm`.
pub(crate) fn trusts(registry: &str, realm: &str) -> bool {
    let (registry, realm) = (registry.trim_end_matches('.'), realm.trim_end_matches('.'));
    if registry == realm || PAIRS.contains(&(registry, realm)) {
        return true;
    }
    match (Class::of_host(registry), Class::of_host(realm)) {
        (Class::Loopback, Class::Loopback) => true,
        (Class::Ordinary, Class::Ordinary) => {
            registrable(registry).is_some_and(|domain| registrable(realm) == Some(domain))
        }
        _ => false,
    }
}

/// The part of a name that somebody registered: `example.co.uk` of `a.b.example.co.uk`. `None` for addresses, single
/// labels, and hosts under which every name has an owner of its own.
fn registrable(host: &str) -> Option<&str> {
    let address = host.starts_with('[') || host.rsplit('.').next()?.bytes().all(|byte| byte.is_ascii_digit());
    let under =
        |suffix: &&str| host == *suffix || host.strip_suffix(*suffix).is_some_and(|rest| rest.ends_with('.'));
    if address || SHARED.iter().any(under) {
        return None;
    }
    let mut labels = host.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    let country = top.len() == 2 && SECOND_LEVEL.contains(&second);
    let mut length = top.len().checked_add(second.len())?.checked_add(1)?;
    if country {
        length = length.checked_add(labels.next()?.len())?.checked_add(1)?;
    }
    host.get(host.len().checked_sub(length)?..)
}

/// Registries whose token endpoint lives under another domain, each seen in the wild.
const PAIRS: [(&str, &str); 3] = [
    ("registry-1.docker.io", "auth.docker.io"),
    ("lscr.io", "ghcr.io"),
    ("registry.gitlab.com", "gitlab.com"),
];

/// Second labels under which countries register names.
const SECOND_LEVEL: [&str; 22] = [
    "ac", "asn", "co", "com", "ed", "edu", "go", "gob", "gouv", "gov", "gv", "id", "ltd", "me", "mil", "ne",
    "net", "nom", "or", "org", "plc", "sch",
];

/// Domains that hand out names to strangers.
const SHARED: [&str; 33] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "appspot.com",
    "azurecontainerapps.io",
    "azurecr.cn",
    "azurecr.io",
    "azurecr.us",
    "azurefd.net",
    "azurewebsites.net",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "duckdns.org",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "nip.io",
    "ondigitalocean.app",
    "onrender.com",
    "pages.dev",
    "railway.app",
    "run.app",
    "sslip.io",
    "trycloudflare.com",
    "ts.net",
    "vercel.app",
    "windows.net",
    "workers.dev",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_owner_is_trusted() {
        for (registry, realm) in [
            ("registry.example.com", "registry.example.com"),
            ("registry.example.com", "auth.example.com"),
            ("a.registry.example.co.uk", "login.example.co.uk"),
            ("registry-1.docker.io", "auth.docker.io"),
            ("lscr.io", "ghcr.io"),
            ("registry.gitlab.com", "gitlab.com"),
            ("registry.cn-hangzhou.aliyuncs.com", "dockerauth.cn-hangzhou.aliyuncs.com"),
            ("127.0.0.1", "localhost"),
            ("10.0.0.1", "10.0.0.1"),
            ("registry", "registry"),
        ] {
            assert!(trusts(registry, realm), "{registry} {realm}");
        }
    }

    #[test]
    fn strangers_are_not() {
        for (registry, realm) in [
            ("registry.example.com", "auth.example.org"),
            ("registry.example.co.uk", "auth.evil.co.uk"),
            ("registry.example.com.cn", "auth.evil.com.cn"),
            ("a.azurecr.io", "b.azurecr.io"),
            ("a.nip.io", "b.nip.io"),
            ("ghcr.io", "lscr.io"),
            ("notexample.com", "example.com"),
            ("10.0.0.1", "10.0.0.2"),
            ("1.0.0.1", "2.0.0.1"),
            ("registry", "auth"),
            ("com", "example.com"),
            ("example.com", "localhost"),
            ("[fd12::1]", "[fd13::1]"),
        ] {
            assert!(!trusts(registry, realm), "{registry} {realm}");
        }
    }
}
