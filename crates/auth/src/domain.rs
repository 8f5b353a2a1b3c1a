//! Domains: which hosts belong to one owner, so that a credential for one may go to the other.
//!
//! A rule of thumb, not the public suffix list: where it does not know better it says no, and the token is asked for
//! without the credential.
use crate::address::Class;

/// Whether a credential for the registry at `registry` may be shown to a token endpoint at `realm`; both are hosts
/// without their ports.
///
/// One host is one owner, whatever the port, also where the host is an address: a registry on port 5000 and its token
/// server on 5001 is how docker-registry is commonly set up. Who can listen on another port of the host that the
/// credential is for, is trusted with it; tools that share a host with strangers have TLS and names to tell them apart.
/// Only loopback goes further, because all its names and addresses are this one machine.
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
const SHARED: [&str; 66] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "appspot.com",
    "azure-api.net",
    "azurecontainer.io",
    "azurecontainerapps.io",
    "azurecr.cn",
    "azurecr.io",
    "azurecr.us",
    "azurefd.net",
    "azurestaticapps.net",
    "azurewebsites.net",
    "backblazeb2.com",
    "bitbucket.io",
    "cleverapps.io",
    "cloudapp.azure.com",
    "cloudapp.net",
    "cloudfront.net",
    "ddns.net",
    "deno.dev",
    "digitaloceanspaces.com",
    "duckdns.org",
    "dyndns.org",
    "firebaseapp.com",
    "fly.dev",
    "github.dev",
    "github.io",
    "githubusercontent.com",
    "gitlab.io",
    "glitch.me",
    "herokuapp.com",
    "hopto.org",
    "jfrog.io",
    "koyeb.app",
    "lhr.life",
    "linodeobjects.com",
    "loca.lt",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "nip.io",
    "no-ip.org",
    "northflank.app",
    "on.aws",
    "ondigitalocean.app",
    "onrender.com",
    "openshiftapps.com",
    "pages.dev",
    "r2.dev",
    "railway.app",
    "repl.co",
    "replit.app",
    "run.app",
    "scw.cloud",
    "sslip.io",
    "surge.sh",
    "traefik.me",
    "trafficmanager.net",
    "trycloudflare.com",
    "ts.net",
    "vercel.app",
    "wasabisys.com",
    "web.app",
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
            ("a.jfrog.io", "a.jfrog.io"),
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
            ("a.jfrog.io", "b.jfrog.io"),
            ("a.westeurope.azurecontainer.io", "b.westeurope.azurecontainer.io"),
            ("a.azurestaticapps.net", "b.azurestaticapps.net"),
            ("a.web.app", "b.web.app"),
            ("a.firebaseapp.com", "b.firebaseapp.com"),
            ("a.functions.fnc.fr-par.scw.cloud", "b.functions.fnc.fr-par.scw.cloud"),
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
