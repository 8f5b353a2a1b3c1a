//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use std::{ops::Range, path::Path};

use http::{Request, Uri};
use layout::Entry;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reference::{RepositoryName, Tag};

use crate::{
    names,
    query::Query,
    range,
    range::Wanted,
    routes::{Pointer, Route},
};

/// The plain path that means what `path` means; `None` when it means nothing.
pub fn route(path: &str) -> Option<String> {
    Some(match Route::parse(path).ok()? {
        Route::Base => "/v2/".to_owned(),
        Route::Catalog => "/v2/_catalog".to_owned(),
        Route::Blob(name, digest) => format!("/v2/{name}/blobs/{digest}"),
        Route::Uploads(name) => format!("/v2/{name}/blobs/uploads/"),
        Route::Upload(name, id) => {
            format!("/v2/{name}/blobs/uploads/{}", utf8_percent_encode(&id, NON_ALPHANUMERIC))
        }
        Route::Manifest(name, Pointer::Tag(tag)) => format!("/v2/{name}/manifests/{tag}"),
        Route::Manifest(name, Pointer::Digest(digest)) => format!("/v2/{name}/manifests/{digest}"),
        Route::Tags(name) => format!("/v2/{name}/tags/list"),
        Route::Referrers(name, digest) => format!("/v2/{name}/referrers/{digest}"),
    })
}

/// The values of a parameter, the first one first by both ways to ask.
pub fn values(uri: Uri, key: &str) -> Vec<String> {
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let query = Query::of(&request);
    let first = query.first(key).into_iter();
    first.chain(query.all(key).skip(1)).map(str::to_owned).collect()
}

/// The bytes that a `Range` header asks of a blob; `None` for those that there are not.
pub fn wanted(header: &str, size: u64) -> Option<Range<u64>> {
    match Wanted::parse(Some(header), size) {
        Wanted::All => Some(0..size),
        Wanted::Part(range) => Some(range),
        Wanted::Nothing => None,
    }
}

/// The bytes of an upload that a `Content-Range` announces.
pub fn chunk(header: &str) -> Option<Range<u64>> {
    range::chunk(header)
}

/// How the `Range` of an upload says that it holds so many bytes.
pub fn held(bytes: u64) -> String {
    range::held(bytes)
}

/// The repository and the tag that an entry of `index.json` belongs to.
pub fn belonging(entry: &Entry, fallback: Option<&RepositoryName>) -> Option<(RepositoryName, Option<Tag>)> {
    names::belonging(entry, fallback).map(|found| (found.repository, found.tag))
}

/// The ref name of a tag.
pub fn ref_name(repository: &RepositoryName, tag: &Tag) -> String {
    names::ref_name(repository, tag).to_string()
}

/// A repository name made of a directory's.
pub fn named_after(dir: &Path) -> Option<RepositoryName> {
    names::named_after(dir)
}
