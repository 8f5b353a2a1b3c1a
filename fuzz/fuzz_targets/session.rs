//! Upload locations: the session's query is kept byte for byte, and credentials stay with the registry. Three lines:
//! the registry's URL, the URL that was asked, and the `Location`.
#![no_main]

use auth::Origin;
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use registry::fuzzing::{proxy_host, session};
use url::Url;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (home, base, location) = (next(), next(), next());
    fuzz::fits_a_line(&proxy_host(home).unwrap_or_default().escape_debug().to_string(), 100_000);
    let (Ok(home), Ok(base)) = (Url::parse(home), Url::parse(base)) else { return };
    let (Some(origin), Ok(location)) = (Origin::of(&home), HeaderValue::from_str(location)) else { return };
    let digest = format!("sha256:{}", "0".repeat(64)).parse().expect("a digest");
    for own in [true, false] {
        let Ok((url, kept, committing)) = session(location.clone(), &base, own, &origin, &digest) else {
            return;
        };
        assert!(own || !kept, "credentials came back at {url}");
        assert!(!kept || Origin::of(&url).as_ref() == Some(&origin), "credentials leave for {url}");
        let (open, query) = (url.as_str(), format!("digest={}", digest.to_string().replace(':', "%3A")));
        let expected = match url.query() {
            Some("") => format!("{open}{query}"),
            Some(_) => format!("{open}&{query}"),
            None => format!("{open}?{query}"),
        };
        assert_eq!(committing.as_str(), expected);
    }
});
