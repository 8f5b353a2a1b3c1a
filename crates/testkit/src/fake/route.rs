//! Routes: what a path of the distribution API is about.
use reference::Digest;
use url::form_urlencoded;

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// `/v2/`.
    Door,
    /// `/token`.
    Token,
    Blob {
        name: &'a str,
        digest: Digest,
    },
    Uploads {
        name: &'a str,
    },
    Session {
        name: &'a str,
        id: &'a str,
    },
    /// By tag or digest.
    Manifest {
        name: &'a str,
        reference: &'a str,
    },
    Tags {
        name: &'a str,
    },
    Unknown,
}

impl<'a> Route<'a> {
    /// Reads a path.
    pub(super) fn of(path: &'a str) -> Self {
        if path == "/token" {
            return Self::Token;
        }
        let Some(path) = path.strip_prefix("/v2/") else { return Self::Unknown };
        if path.is_empty() {
            return Self::Door;
        }
        if let Some((name, rest)) = path.split_once("/blobs/uploads/") {
            return if rest.is_empty() { Self::Uploads { name } } else { Self::Session { name, id: rest } };
        }
        if let Some((name, digest)) = path.split_once("/blobs/") {
            return digest.parse().map_or(Self::Unknown, |digest| Self::Blob { name, digest });
        }
        if let Some((name, reference)) = path.split_once("/manifests/") {
            return Self::Manifest { name, reference };
        }
        match path.strip_suffix("/tags/list") {
            Some(name) => Self::Tags { name },
            None => Self::Unknown,
        }
    }

    /// The repository that it is about.
    pub(super) fn name(&self) -> Option<&'a str> {
        match self {
            Self::Blob { name, .. }
            | Self::Uploads { name }
            | Self::Session { name, .. }
            | Self::Manifest { name, .. }
            | Self::Tags { name } => Some(name),
            Self::Door | Self::Token | Self::Unknown => None,
        }
    }
}

/// A value of a query.
pub(super) fn asked(query: &str, key: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.into_owned())
}
