//! The source of an import: which image, at which registry or in which layout.
use reference::{LayoutLocation, LayoutName, Location, RefName, Reference, RepositoryName, Tag};

use super::{
    Field,
    registry::{Named, looks_like_host},
};
use crate::usage::Usage;

/// Where an import reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// An image at a registry. Without tag and digest, `latest` is read.
    Registry {
        /// Registry, repository, tag and digest, as written.
        reference: Reference,
        /// Whether the registry was named in a way that only Azure has.
        acr: bool,
    },
    /// An entry of a layout.
    Layout(LayoutLocation),
}

/// What a source's name says about the names at the target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The repository, where the source has one.
    pub(crate) repository: Option<RepositoryName>,
    /// The tag, where the source has one.
    pub(crate) tag: Option<Tag>,
    /// The whole ref name, where the source is an entry of a layout.
    pub(crate) ref_name: Option<RefName>,
    /// Whether a digest decides what is read.
    pub(crate) by_digest: bool,
}

/// Reads the source image. With a registry named apart, the image is a repository of it.
pub(crate) fn read(
    image: &Field,
    registry: Option<&Named>,
    warnings: &mut Vec<String>,
) -> Result<Source, Usage> {
    if image.text.is_empty() {
        return Err(Usage::about(&image.name, "the source image is missing"));
    }
    match registry {
        Some(named) if is_layout(&image.text) && !could_be_repository(image, named) => Err(beside(image)),
        Some(named) => within(image, named, warnings),
        None => alone(image),
    }
}

/// A repository may be named `oci`, and `oci:v1` is a tag of it.
fn could_be_repository(image: &Field, named: &Named) -> bool {
    format!("{}/{}", named.registry, image.text).parse::<Reference>().is_ok()
}

/// A layout was given a registry.
fn beside(image: &Field) -> Usage {
    let flag = if image.name.starts_with("--") { "--registry" } else { "registry" };
    Usage::about(&image.name, format!("`{}` is a layout, which takes no {flag}", image.text))
        .hint("name the layout alone, without a registry beside it")
}

/// The image has its registry before it, or is in a layout.
fn alone(image: &Field) -> Result<Source, Usage> {
    if is_layout(&image.text) {
        return match image.text.parse() {
            Ok(Location::Layout(location)) => Ok(Source::Layout(location)),
            Ok(Location::Registry(reference)) => Ok(Source::Registry { reference, acr: false }),
            Err(why) => Err(Usage::parse(&image.name, &why)),
        };
    }
    let text = without_scheme(&image.text);
    if !text.contains('/') || !looks_like_host(text) {
        let library = if text.contains('/') { "" } else { "library/" };
        return Err(Usage::about(&image.name, format!("`{text}` does not say at which registry it is"))
            .hint(format!(
                "for Docker Hub write docker.io/{library}{text}; or name a registry with --registry"
            )));
    }
    let reference = text.parse().map_err(|why| Usage::parse(&image.name, &why))?;
    Ok(Source::Registry { reference, acr: false })
}

/// The image is a repository of `named`.
fn within(image: &Field, named: &Named, warnings: &mut Vec<String>) -> Result<Source, Usage> {
    let mut rest = without_scheme(&image.text);
    if rest.contains('/') && looks_like_host(rest) {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.parse() != Ok(named.registry.clone()) {
            let message = format!("`{host}` is another registry than {}", named.registry);
            return Err(Usage::about(&image.name, message)
                .hint("name the registry once: before the image, or apart from it"));
        }
        warnings.push(format!("{}: the registry is named twice; `{host}/` is left out", image.name));
        rest = path;
    }
    let text = match &named.prefix {
        Some(prefix) => format!("{}/{prefix}/{rest}", named.registry),
        None => format!("{}/{rest}", named.registry),
    };
    let reference = text.parse().map_err(|why| Usage::parse(&image.name, &why))?;
    Ok(Source::Registry { reference, acr: named.acr })
}

fn is_layout(text: &str) -> bool {
    // The last is none that we read; the location says what to do about it.
    let schemes = ["ocidir://", "oci-archive:", "docker-archive:"];
    schemes.iter().any(|scheme| text.starts_with(scheme)) || is_oci_dir(text)
}

/// `oci:DIR`, not Helm's `oci://HOST`.
fn is_oci_dir(text: &str) -> bool {
    text.starts_with("oci:") && !text.starts_with("oci://")
}

fn without_scheme(text: &str) -> &str {
    text.strip_prefix("docker://").or_else(|| text.strip_prefix("oci://")).unwrap_or(text)
}

impl Origin {
    /// What a reference says.
    pub(crate) fn of_reference(reference: &Reference) -> Self {
        Self {
            repository: Some(reference.repository.clone()),
            tag: reference.tag.clone(),
            ref_name: None,
            by_digest: reference.digest.is_some(),
        }
    }

    /// What the name of a layout's entry says: `repo:tag` gives both, a bare tag no repository.
    pub(crate) fn of_layout(name: Option<&LayoutName>) -> Self {
        match name {
            Some(LayoutName::RefName(name)) => Self::of_ref_name(name),
            Some(LayoutName::Pinned(name, _)) => Self { by_digest: true, ..Self::of_ref_name(name) },
            Some(LayoutName::Digest(_)) => Self { by_digest: true, ..Self::default() },
            None => Self::default(),
        }
    }

    fn of_ref_name(name: &RefName) -> Self {
        let (repository, tag) = match name.in_parts() {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (None, None),
        };
        Self { repository, tag, ref_name: Some(name.clone()), by_digest: false }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::registry::{ACR_SUFFIX, any, uri},
        *,
    };

    const DIGEST: &str = "sha256:4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865";

    fn image(text: &str) -> Field {
        Field::new("--source", text)
    }

    fn shown(source: Result<Source, Usage>) -> String {
        match source.unwrap() {
            Source::Registry { reference, .. } => reference.to_string(),
            Source::Layout(location) => format!("{location:?}"),
        }
    }

    fn at(registry: &str, text: &str) -> (Result<Source, Usage>, Vec<String>) {
        let named = any(&Field::new("--registry", registry), ACR_SUFFIX).unwrap();
        let mut warnings = Vec::new();
        (read(&image(text), Some(&named), &mut warnings), warnings)
    }

    fn bare(text: &str) -> Result<Source, Usage> {
        read(&image(text), None, &mut Vec::new())
    }

    #[test]
    fn a_source_is_a_repository_with_a_tag_a_digest_or_neither() {
        assert_eq!(shown(bare("registry.example/app")), "registry.example/app");
        assert_eq!(shown(bare("registry.example/app:v1")), "registry.example/app:v1");
        let both = format!("registry.example/app:v1@{DIGEST}");
        assert_eq!(shown(bare(&both)), both);
    }

    #[test]
    fn the_first_component_is_a_host_only_with_a_dot_a_port_or_localhost() {
        for good in ["registry.example/app", "registry:5000/app", "localhost/app", "[::1]:5000/app"] {
            assert_eq!(shown(bare(good)), good);
        }
        assert!(bare("team/app").is_err());
    }

    #[test]
    fn no_registry_at_all_suggests_docker_hub() {
        let hint = |text: &str| bare(text).unwrap_err().hint.unwrap();
        assert!(hint("hello-world").contains("docker.io/library/hello-world"));
        assert!(hint("team/app:v1").contains("docker.io/team/app:v1"));
        // Without a slash, what stands before the colon is no host.
        assert!(hint("registry.example:5000").contains("docker.io/library/registry.example:5000"));
    }

    #[test]
    fn with_a_registry_the_source_is_a_repository() {
        let (source, warnings) = at("registry.example", "team/app:v1");
        assert_eq!(shown(source), "registry.example/team/app:v1");
        assert!(warnings.is_empty());
        assert_eq!(shown(at("registry.example", "oci:v1").0), "registry.example/oci:v1");
    }

    #[test]
    fn an_equal_host_before_the_repository_is_dropped_with_a_warning() {
        let (source, warnings) = at("myregistry", "myregistry.azurecr.io/app:v1");
        assert_eq!(shown(source), "myregistry.azurecr.io/app:v1");
        assert_eq!(warnings.len(), 1);
        let (source, _) = at("docker.io", "registry.hub.docker.com/library/hello-world");
        assert_eq!(shown(source), "docker.io/library/hello-world");
    }

    #[test]
    fn a_different_host_before_the_repository_is_refused() {
        let (source, _) = at("registry.example", "other.example/app:v1");
        assert!(source.unwrap_err().message.contains("other.example"));
    }

    #[test]
    fn the_prefix_of_a_registry_uri_goes_before_the_repository() {
        let named = uri(&Field::new("registryUri", "https://registry.example/team")).unwrap();
        let source = read(&image("app:v1"), Some(&named), &mut Vec::new());
        assert_eq!(shown(source), "registry.example/team/app:v1");
    }

    #[test]
    fn a_layout_entry_named_repo_and_tag_gives_both() {
        let of = |text: &str| Origin::of_layout(Some(&LayoutName::RefName(RefName::new(text))));
        let origin = of("team/app:v1");
        assert_eq!(origin.repository.unwrap().as_str(), "team/app");
        assert_eq!(origin.tag.unwrap().as_str(), "v1");
    }

    #[test]
    fn a_layout_entry_named_by_a_bare_tag_gives_no_repository() {
        let origin = Origin::of_layout(Some(&LayoutName::RefName(RefName::new("v1"))));
        assert_eq!(origin.repository, None);
        assert_eq!(origin.ref_name.unwrap().as_str(), "v1");
        assert_eq!(origin.tag.unwrap().as_str(), "v1");
    }
}
