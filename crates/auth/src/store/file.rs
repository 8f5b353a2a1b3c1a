//! Credential files: Docker's `config.json` and podman's `auth.json`, which share one format.
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::Path,
};

use reference::{Registry, RepositoryName};
use serde::Deserialize;

use super::entry::Entry;
use crate::{AuthError, Credential};

/// A credential file as read.
#[derive(Debug, Default)]
pub(crate) struct File {
    /// What messages call it.
    pub(crate) name: String,
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

/// What a file says about a repository.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The credential itself.
    Credential(Credential),
    /// A helper knows, by this name.
    Helper(String),
    /// Nothing.
    Nothing,
}

impl File {
    /// Reads a file; `None` when it is not there.
    pub(crate) fn read(path: &Path, name: String, legacy: bool) -> Result<Option<Self>, AuthError> {
        match read_capped(path) {
            Ok(bytes) => Self::parse(&bytes, name, legacy).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(AuthError::File { file: name, what: error.to_string() }),
        }
    }

    /// Reads the text of a file. `legacy` is `~/.dockercfg`, which has entries only.
    pub(crate) fn parse(bytes: &[u8], name: String, legacy: bool) -> Result<Self, AuthError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        if bytes.is_empty() {
            return Ok(Self { name, content: Content::default() });
        }
        let content = if legacy {
            serde_json::from_slice(bytes).map(|auths| Content { auths: Some(auths), ..Content::default() })
        } else {
            serde_json::from_slice(bytes)
        };
        match content {
            Ok(content) => Ok(Self { name, content }),
            Err(error) => Err(AuthError::File { file: name, what: describe(&error) }),
        }
    }

    /// What this file says about `repository`.
    ///
    /// The order of containers/image: the registry's own helper; the most specific key; a key that means the same
    /// registry; the helper for everything.
    pub(crate) fn look_up(
        &self,
        registry: &Registry,
        repository: Option<&RepositoryName>,
    ) -> Result<Answer, AuthError> {
        let names = names(registry);
        let helpers = self.content.helpers.as_ref();
        if let Some(helper) = helpers.and_then(|helpers| names.iter().find_map(|name| helpers.get(name))) {
            return Ok(Answer::Helper(helper.clone()));
        }
        let exact = keys(&names, repository).into_iter();
        let scanned = self.entries().map(|(key, _)| key).filter(|key| names.contains(&normalised(key)));
        for key in exact.chain(scanned.cloned()) {
            if let Some(credential) = self.entry(&key)? {
                return Ok(Answer::Credential(credential));
            }
        }
        let store = self.content.store.as_ref().filter(|store| !store.is_empty());
        Ok(store.map_or(Answer::Nothing, |store| Answer::Helper(store.clone())))
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Option<Entry>)> {
        self.content.auths.iter().flatten()
    }

    fn entry(&self, key: &str) -> Result<Option<Credential>, AuthError> {
        let auths = self.content.auths.as_ref();
        let Some(Some(entry)) = auths.and_then(|auths| auths.get(key)) else { return Ok(None) };
        let file = || self.name.clone();
        entry.credential().map_err(|what| AuthError::File { file: file(), what: format!("{key}: {what}") })
    }
}

/// The bytes of a regular file. A FIFO would never end to open, and a device never to read.
fn read_capped(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        // The one device that people name on purpose, to say that there are no credentials.
        if path.canonicalize()? == Path::new("/dev/null") {
            return Ok(Vec::new());
        }
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_FILE.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

/// The names under which tools keep one registry.
fn names(registry: &Registry) -> Vec<String> {
    if registry.is_docker_hub() {
        HUB_NAMES.iter().map(|&name| name.to_owned()).collect()
    } else {
        vec![registry.to_string()]
    }
}

/// The keys that may hold the credential, most specific first: `host/a/b`, `host/a`, `host`.
fn keys(names: &[String], repository: Option<&RepositoryName>) -> Vec<String> {
    let mut path = repository.map(RepositoryName::as_str);
    let mut keys = Vec::new();
    while let Some(prefix) = path {
        keys.extend(names.iter().map(|name| format!("{name}/{prefix}")));
        path = prefix.rsplit_once('/').map(|(parent, _)| parent);
    }
    keys.extend(names.iter().cloned());
    keys
}

/// A key without its scheme and, if it had one, without its path.
fn normalised(key: &str) -> String {
    let bare = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let host = bare.map_or(key, |url| url.split('/').next().unwrap_or_default());
    host.to_ascii_lowercase()
}

/// Where the JSON is wrong, without quoting it: it is full of secrets.
fn describe(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "not the shape of a Docker configuration",
        _ => "not JSON",
    };
    format!("line {}: {what}", error.line())
}

/// The most bytes of a credential file: thousands of registries.
const MAX_FILE: u64 = 1024 * 1024;

/// The last is Docker's own key.
const HUB_NAMES: [&str; 5] = [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
    "https://index.docker.io/v1/",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, registry: &str, repository: &str) -> String {
        let file = File::parse(text.as_bytes(), "f".to_owned(), false).unwrap();
        match file.look_up(&registry.parse().unwrap(), Some(&repository.parse().unwrap())).unwrap() {
            Answer::Credential(credential) => credential.login().unwrap().1.expose().to_owned(),
            Answer::Helper(name) => format!("helper {name}"),
            Answer::Nothing => "nothing".to_owned(),
        }
    }

    fn file(keys: &[&str]) -> String {
        let entry = |key: &&str| format!(r#""{key}":{{"username":"u","password":"{key}"}}"#);
        format!(r#"{{"auths":{{{}}}}}"#, keys.iter().map(entry).collect::<Vec<_>>().join(","))
    }

    #[test]
    fn the_most_specific_key_wins() {
        let text = file(&["quay.io", "quay.io/a", "quay.io/a/b"]);
        assert_eq!(answer(&text, "quay.io", "a/b/image"), "quay.io/a/b");
        assert_eq!(answer(&text, "quay.io", "a/b"), "quay.io/a/b");
        assert_eq!(answer(&text, "quay.io", "a/bb"), "quay.io/a");
        assert_eq!(answer(&text, "quay.io", "c"), "quay.io");
        assert_eq!(answer(&text, "quay.io:8443", "a/b"), "nothing");
    }

    #[test]
    fn a_key_that_means_the_same_registry_is_found() {
        for (key, registry) in [
            ("https://r.example", "r.example"),
            ("http://r.example:5000/v1/", "r.example:5000"),
            ("https://R.Example/v2/", "r.example"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("https://docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io", "docker.io"),
            ("docker.io/library", "docker.io"),
        ] {
            assert_eq!(answer(&file(&[key]), registry, "library/alpine"), key);
        }
        assert_eq!(answer(&file(&["r.example/other"]), "r.example", "a"), "nothing");
        assert_eq!(answer(&file(&["https://r.example"]), "r.example:5000", "a"), "nothing");
    }

    #[test]
    fn helpers_come_before_and_after_the_entries() {
        let text = r#"{"auths":{"a.example":{"username":"u","password":"file"},"b.example":{}},
            "credHelpers":{"a.example":"one"},"credsStore":"all"}"#;
        assert_eq!(answer(text, "a.example", "x"), "helper one");
        assert_eq!(answer(text, "b.example", "x"), "helper all");
        assert_eq!(answer(text, "c.example", "x"), "helper all");
        let text = r#"{"auths":{"a.example":{"username":"u","password":"file"}},"credsStore":"all"}"#;
        assert_eq!(answer(text, "a.example", "x"), "file");
        let hub = r#"{"credHelpers":{"docker.io":"one"}}"#;
        assert_eq!(answer(hub, "docker.io", "library/x"), "helper one");
    }

    #[test]
    fn empty_files_and_null_fields_say_nothing() {
        for text in ["", " \n\t", "\u{feff}", "{}", r#"{"auths":null,"credHelpers":null,"credsStore":""}"#] {
            assert_eq!(answer(text, "a.example", "x"), "nothing", "{text}");
        }
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_not_quoted() {
        for text in
            ["{\n\"auths\": canary}", "{\n\"auths\": \"canary\"}", "{\n\"auths\": {\"h\": [\"canary\"]}}"]
        {
            let error = File::parse(text.as_bytes(), "the file".to_owned(), false).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("credential file the file: line 2: not"), "{message}");
            assert!(!format!("{error:?}").contains("canary"));
        }
    }

    #[test]
    fn the_legacy_file_has_entries_only() {
        let text = br#"{"https://index.docker.io/v1/":{"auth":"dTpw","email":"e"}}"#;
        let file = File::parse(text, "f".to_owned(), true).unwrap();
        let found = file.look_up(&Registry::docker_hub(), Some(&"library/x".parse().unwrap())).unwrap();
        assert!(matches!(found, Answer::Credential(_)));
    }
}
