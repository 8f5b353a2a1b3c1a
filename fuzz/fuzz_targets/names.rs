//! Digests, tags, repositories, registries and destinations: each is written as it was read, and safe in a path.
#![no_main]

use std::{fmt::Display, str::FromStr};

use libfuzzer_sys::fuzz_target;
use reference::{Destination, Digest, ParseError, Registry, RepositoryName, Tag};

fuzz_target!(|text: &str| {
    let digest = same::<Digest>(text);
    assert!(digest.is_none_or(|digest| digest.to_string() == text && matches!(digest.hex().len(), 64 | 128)));
    let tag = same::<Tag>(text);
    assert!(tag.is_none_or(|tag| tag.to_string() == text && is_path_safe(text) && text.len() <= 128));
    let repository = same::<RepositoryName>(text);
    assert!(repository.is_none_or(|name| name.as_str() == text && text.split('/').all(is_path_safe)));
    if let Some(registry) = same::<Registry>(text) {
        let Ok(url) = url::Url::parse(&format!("https://{registry}/")) else {
            // No table of Unicode stands behind our names: what is no Punycode is found out later.
            return assert!(text.to_ascii_lowercase().contains("xn--"), "{registry} is no URL's host");
        };
        assert!(url.username().is_empty() && url.password().is_none() && url.path() == "/", "{url}");
        // One spelling a host: a URL parser must not read another one.
        assert!(registry.to_string().starts_with(url.host_str().expect("it has one")), "{registry} is {url}");
    }
    same::<Destination>(text);
});

/// What is read is written so that it reads the same.
fn same<T: FromStr<Err = ParseError> + Display + PartialEq>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(read) => {
            assert!(read.to_string().parse::<T>().is_ok_and(|again| again == read), "{text:?} became {read}");
            Some(read)
        }
        Err(why) => {
            assert!(why.at <= why.input.len(), "{why:?}");
            fuzz::fits_a_line(&why.to_string(), 4000);
            None
        }
    }
}

/// Neither a way up nor a second component.
fn is_path_safe(component: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !component.is_empty() && !component.starts_with('.') && component.bytes().all(plain)
}
