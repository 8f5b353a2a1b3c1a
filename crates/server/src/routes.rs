//! Routes: from a path to what it names. No path of a request goes any further than this.
use percent_encoding::percent_decode_str;
use reference::{Digest, RepositoryName, Tag};

use crate::error::Refusal;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/v2/`.
    Base,
    /// `/v2/_catalog`, which no repository can be called.
    Catalog,
    /// `/v2/NAME/blobs/DIGEST`.
    Blob(RepositoryName, Digest),
    /// `/v2/NAME/blobs/uploads/`.
    Uploads(RepositoryName),
    /// `/v2/NAME/blobs/uploads/SESSION`.
    Upload(RepositoryName, String),
    /// `/v2/NAME/manifests/REFERENCE`.
    Manifest(RepositoryName, Pointer),
    /// `/v2/NAME/tags/list`.
    Tags(RepositoryName),
    /// `/v2/NAME/referrers/DIGEST`.
    Referrers(RepositoryName, Digest),
}

/// How a manifest is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pointer {
    Tag(Tag),
    Digest(Digest),
}

impl Route {
    pub(crate) fn parse(path: &str) -> Result<Self, Refusal> {
        let decoded = percent_decode_str(path).decode_utf8();
        let decoded = decoded.map_err(|_| Refusal::bad("NAME_INVALID", "the path is not UTF-8"))?;
        let Some(below) = decoded.strip_prefix("/v2") else { return Err(nowhere()) };
        let Some(below) = below.strip_prefix('/') else {
            return if below.is_empty() { Ok(Self::Base) } else { Err(nowhere()) };
        };
        let parts: Vec<&str> = below.split('/').collect();
        match parts.as_slice() {
            [""] => Ok(Self::Base),
            ["_catalog"] => Ok(Self::Catalog),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                Ok(Self::Uploads(repository(name)?))
            }
            [name @ .., "blobs", "uploads", id] => Ok(Self::Upload(repository(name)?, (*id).to_owned())),
            [name @ .., "blobs", text] => Ok(Self::Blob(repository(name)?, digest(text)?)),
            [name @ .., "manifests", text] => Ok(Self::Manifest(repository(name)?, pointer(text)?)),
            [name @ .., "tags", "list"] => Ok(Self::Tags(repository(name)?)),
            [name @ .., "referrers", text] => Ok(Self::Referrers(repository(name)?, digest(text)?)),
            _ => Err(nowhere()),
        }
    }
}

fn nowhere() -> Refusal {
    Refusal::unknown("UNSUPPORTED", "this path is no end-point of the distribution API")
}

fn repository(parts: &[&str]) -> Result<RepositoryName, Refusal> {
    let name = parts.join("/");
    name.parse().map_err(|why| Refusal::bad("NAME_INVALID", format!("{why}")))
}

/// A digest in a path or a parameter.
pub(crate) fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|why| Refusal::bad("DIGEST_INVALID", format!("{why}")))
}

/// Only digests hold a colon.
fn pointer(text: &str) -> Result<Pointer, Refusal> {
    if text.contains(':') {
        return digest(text).map(Pointer::Digest);
    }
    let tag = text.parse().map_err(|why| Refusal::bad("TAG_INVALID", format!("{why}")));
    tag.map(Pointer::Tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    #[test]
    fn every_end_point_is_found_below_names_of_any_depth() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let parsed: Digest = digest.parse().unwrap();
        for repository in ["app", "team/app", "blobs/uploads", "a/manifests/b/tags"] {
            let route = |end: &str| Route::parse(&format!("/v2/{repository}/{end}")).unwrap();
            let name = name(repository);
            assert_eq!(route(&format!("blobs/{digest}")), Route::Blob(name.clone(), parsed.clone()));
            assert_eq!(
                route(&format!("blobs/{}", digest.replace(':', "%3A"))),
                Route::Blob(name.clone(), parsed.clone())
            );
            assert_eq!(route("blobs/uploads/"), Route::Uploads(name.clone()));
            assert_eq!(route("blobs/uploads"), Route::Uploads(name.clone()));
            assert_eq!(route("blobs/uploads/x-1"), Route::Upload(name.clone(), "x-1".into()));
            assert_eq!(
                route("manifests/v1"),
                Route::Manifest(name.clone(), Pointer::Tag("v1".parse().unwrap()))
            );
            assert_eq!(route("tags/list"), Route::Tags(name.clone()));
            assert_eq!(route(&format!("referrers/{digest}")), Route::Referrers(name, parsed.clone()));
        }
        assert_eq!(Route::parse("/v2/").unwrap(), Route::Base);
        assert_eq!(Route::parse("/v2").unwrap(), Route::Base);
        assert_eq!(Route::parse("/v2/_catalog").unwrap(), Route::Catalog);
    }

    #[test]
    fn nothing_else_is() {
        for path in [
            "",
            "/",
            "/v1/",
            "/v2x",
            "/v2/app",
            "/v2/_catalog/",
            "/v2/app/_catalog",
            "/v2/APP/tags/list",
            "/v2/../../etc/manifests/passwd",
            "/v2//manifests/v1",
            "/v2/app/manifests/..%2f..%2fetc",
            "/v2/app/blobs/sha256:../../x",
            "/v2/app/blobs/sha256:abc",
            "/v2/app/manifests/sha256:baddigeststring",
            "/v2/app/manifests/-x",
            "/v2/app/%ff/tags/list",
        ] {
            assert!(Route::parse(path).is_err(), "{path}");
        }
    }
}
