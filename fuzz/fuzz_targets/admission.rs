//! URLs that a server names: where they lead, and whether credentials go along. Four lines: the registry's origin, the
//! URL whose answer named the other one, `realm|redirect|location|link|foreign` and maybe `bare`, and the URL.
#![no_main]

use auth::{Admission, Context, Origin, Purpose, admit, admit_address};
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(4, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (registry, base, how, named) = (next(), next(), next(), next());
    let (Ok(registry), Ok(base)) = (Url::parse(registry), Url::parse(base)) else { return };
    let Some(registry) = Origin::of(&registry) else { return };
    let purpose = match how.split(' ').next() {
        Some("realm") => Purpose::Realm,
        Some("redirect") => Purpose::Redirect,
        Some("location") => Purpose::Location,
        Some("link") => Purpose::Link,
        _ => Purpose::Foreign,
    };
    let context = Context { registry: &registry, base: &base, purpose, credentials: !how.ends_with("bare") };
    match admit(named, &context) {
        Ok(admission) => check(&admission, &context),
        Err(refusal) => fuzz::fits_a_line(&refusal.to_string(), 20_000),
    }
});

fn check(admission: &Admission, context: &Context<'_>) {
    let Admission { url, origin, credentials } = admission;
    let registry = context.registry;
    assert_eq!(Origin::of(url).as_ref(), Some(origin));
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{url}");
    assert!(origin.https || !registry.https, "{url}: a downgrade");
    assert!(context.purpose != Purpose::Link || origin == registry, "{url}: another origin's page");
    if is_ordinary(registry) {
        assert!(is_ordinary(origin), "{url}: for {registry}");
        if let Some(Host::Ipv4(address)) = url.host() {
            assert_eq!(admit_address(address.into(), &origin.host, registry), Ok(()), "{url}");
        }
    }
    if *credentials {
        assert!(context.credentials, "{url}: credentials came back");
        match context.purpose {
            Purpose::Realm => assert!(belong_together(registry, origin), "{url}: for {registry}"),
            Purpose::Foreign => panic!("{url}: credentials at a foreign layer"),
            _ => assert!(origin == registry && Origin::of(context.base).as_ref() == Some(registry), "{url}"),
        }
    }
    // What was admitted is admitted again, and not more than before.
    let again = admit(url.as_str(), context).expect("the same URL");
    assert_eq!((&again.url, again.credentials), (url, *credentials));
}

/// Neither this machine nor its neighbours, however the host is written.
fn is_ordinary(origin: &Origin) -> bool {
    let url = Url::parse(&format!("https://{}/", origin.host)).expect("an origin's host");
    match url.host().expect("it has one") {
        Host::Ipv4(address) => !fuzz::is_forbidden(address.into()),
        Host::Ipv6(address) => !fuzz::is_forbidden(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let last = name.rsplit('.').next().unwrap_or_default();
            last != "localhost" && name != "metadata.google.internal"
        }
    }
}

/// One host, one known pair, or two names of one domain.
fn belong_together(registry: &Origin, realm: &Origin) -> bool {
    let pairs = ["registry-1.docker.io auth.docker.io", "lscr.io ghcr.io", "registry.gitlab.com gitlab.com"];
    let [one, other] = [registry, realm].map(|origin| origin.host.trim_end_matches('.'));
    let domain = |host: &str| {
        let is_name = host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
        let labels: Vec<&str> = host.rsplitn(3, '.').collect();
        (is_name && labels.len() >= 2).then(|| format!("{}.{}", labels[1], labels[0]))
    };
    let shared = ["github.io", "co.uk", "com.au", "herokuapp.com"];
    let same = domain(one).filter(|domain| !shared.contains(&domain.as_str()) || labels(one) > 3);
    one == other
        || pairs.contains(&format!("{one} {other}").as_str())
        || same.is_some_and(|same| domain(other) == Some(same))
        || (registry.is_loopback() && realm.is_loopback())
}

fn labels(host: &str) -> usize {
    host.split('.').count()
}
