//! Entries of `index.json`: a descriptor, and what it is called.
use content::Descriptor;
use reference::{RefName, RepositoryName};
use serde_json::{Map, Value, json};

/// The annotation that names an entry (image-spec, "Pre-Defined Annotation Keys").
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Our annotation: the repository of an entry that has no ref name. Such an entry keeps content that was copied by
/// digest alone from being collected, and tells the server which repository it belongs to.
pub const REPOSITORY: &str = "io.transship.repository";

/// An entry of `index.json` that we can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it points to; its annotations are the entry's, not the manifest's.
    pub descriptor: Descriptor,
}

impl Entry {
    /// An entry that is found by `name`.
    pub fn named(descriptor: &Descriptor, name: &RefName) -> Self {
        Self::with(descriptor, Some((REF_NAME, name.as_str())))
    }

    /// An entry that is found by its digest alone.
    pub fn untagged(descriptor: &Descriptor, repository: Option<&RepositoryName>) -> Self {
        Self::with(descriptor, repository.map(|repository| (REPOSITORY, repository.as_str())))
    }

    fn with(descriptor: &Descriptor, annotation: Option<(&str, &str)>) -> Self {
        let bare = Descriptor::new(descriptor.media_type.clone(), descriptor.digest.clone(), descriptor.size);
        let annotations = annotation.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Self { descriptor: Descriptor { annotations: annotations.into_iter().collect(), ..bare } }
    }

    /// Its ref name, to the letter.
    pub fn name(&self) -> Option<&str> {
        self.descriptor.annotations.get(REF_NAME).map(String::as_str)
    }

    /// The repository of an entry without a ref name, where we wrote one.
    pub fn repository(&self) -> Option<&str> {
        self.descriptor.annotations.get(REPOSITORY).map(String::as_str)
    }

    /// Whether it keeps its content for `repository`: our annotation says so, or a ref name `repository:...`.
    pub fn belongs_to(&self, repository: &RepositoryName) -> bool {
        let named = self.name().and_then(|name| name.strip_prefix(repository.as_str()));
        self.repository() == Some(repository.as_str()) || named.is_some_and(|rest| rest.starts_with(':'))
    }

    pub(crate) fn to_json(&self) -> Value {
        let descriptor = &self.descriptor;
        let mut object = Map::new();
        object.insert("mediaType".into(), descriptor.media_type.as_str().into());
        object.insert("digest".into(), descriptor.digest.to_string().into());
        object.insert("size".into(), descriptor.size.into());
        if !descriptor.annotations.is_empty() {
            object.insert("annotations".into(), json!(descriptor.annotations));
        }
        Value::Object(object)
    }
}
