//! The target of an import: one registry, or one layout.
use std::path::PathBuf;

use reference::{LayoutForm, LayoutLocation, Location, Registry};

use super::{
    Field,
    registry::{self, looks_like_host},
};
use crate::usage::Usage;

/// What to write where there is no target.
pub(crate) const MISSING: &str = "add --target HOST, --target oci:DIR or --target oci-archive:FILE";

/// Where an import writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A registry.
    Registry {
        /// Which.
        registry: Registry,
        /// Whether it was named in a way that only Azure has.
        acr: bool,
    },
    /// A layout; its repositories are told apart by ref names `repo:tag`.
    Layout(PathBuf),
    /// An archive, in the same way.
    Archive(PathBuf),
}

/// Reads `--target`: a registry's host or a layout, never an Azure registry name.
pub(crate) fn read(text: &str) -> Result<Place, Usage> {
    if text.is_empty() {
        return Err(Usage::about("--target", "the target is empty").hint(MISSING));
    }
    let layout =
        ["oci-archive:", "docker-archive:", "ocidir://"].iter().any(|scheme| text.starts_with(scheme))
            || (text.starts_with("oci:") && !text.starts_with("oci://"));
    if layout {
        return layout_dir(text);
    }
    let host = text.strip_prefix("docker://").or_else(|| text.strip_prefix("oci://")).unwrap_or(text);
    let field = Field::new("--target", host);
    let bare = host.strip_prefix("https://").unwrap_or(host);
    if !bare.starts_with("http://") && !looks_like_host(bare) {
        let message = format!("`{host}` is not a registry's host: it has no dot and no port");
        return Err(Usage::about("--target", message).hint(format!(
            "for an Azure registry's name write --name {host}; for a host write it out, as in --target {host}.azurecr.io or --target {host}:5000"
        )));
    }
    let named = registry::uri(&field)?;
    match named.prefix {
        Some(path) => Err(Usage::about("--target", "a target is a registry, without a repository")
            .hint(format!("write --target {} -t {path}", named.registry))),
        None => Ok(Place::Registry { registry: named.registry, acr: false }),
    }
}

/// Reads `-n/--name`: an Azure registry's name. As with az, its login server does too.
pub(crate) fn by_name(name: &str, suffix: &str) -> Result<Place, Usage> {
    let end = format!(".{}", suffix.trim_start_matches('.'));
    let (short, rest) = name.split_at_checked(name.len().saturating_sub(end.len())).unwrap_or((name, ""));
    let short = if rest.eq_ignore_ascii_case(&end) { short } else { name };
    let named = registry::acr_name(&Field::new("--name", short), suffix)
        .map_err(|why| why.hint("--name is an Azure registry's name; any other registry is --target HOST"))?;
    Ok(Place::Registry { registry: named.registry, acr: named.acr })
}

fn layout_dir(text: &str) -> Result<Place, Usage> {
    match text.parse() {
        Ok(Location::Layout(LayoutLocation { form, dir, name: None })) => Ok(match form {
            LayoutForm::Directory => Place::Layout(dir),
            LayoutForm::Archive => Place::Archive(dir),
        }),
        Ok(_) => Err(Usage::about(
            "--target",
            "a target layout is a directory or an archive, without the name of an entry",
        )
        .hint("write the repository and tag with -t; it becomes the entry's name")),
        Err(why) => Err(Usage::parse("--target", &why)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(place: Result<Place, Usage>) -> String {
        match place.unwrap() {
            Place::Registry { registry, .. } => registry.to_string(),
            Place::Layout(dir) => format!("layout {}", dir.display()),
            Place::Archive(file) => format!("archive {}", file.display()),
        }
    }

    #[test]
    fn a_target_is_a_host_or_a_layout() {
        assert_eq!(host(read("registry.example")), "registry.example");
        assert_eq!(host(read("localhost")), "localhost");
        assert_eq!(host(read("docker://registry:5000")), "registry:5000");
        assert_eq!(host(read("https://registry.example/")), "registry.example");
        assert_eq!(host(read("oci://registry.example")), "registry.example");
        assert_eq!(host(read("oci:some/dir")), "layout some/dir");
        assert_eq!(host(read("oci-archive:some/file.tar")), "archive some/file.tar");
    }

    #[test]
    fn a_target_is_never_read_as_an_azure_name() {
        let why = read("myregistry").unwrap_err().hint.unwrap();
        assert!(why.contains("--name myregistry") && why.contains("--target myregistry.azurecr.io"), "{why}");
    }

    #[test]
    fn a_name_is_an_azure_registry() {
        assert_eq!(host(by_name("MyRegistry", "azurecr.io")), "myregistry.azurecr.io");
        assert_eq!(host(by_name("myregistry.azurecr.io", "azurecr.io")), "myregistry.azurecr.io");
        assert_eq!(host(by_name("myRegistry.AZURECR.io", "azurecr.io")), "myregistry.azurecr.io");
        assert_eq!(host(by_name("myregistry", "azurecr.us")), "myregistry.azurecr.us");
        assert!(by_name("registry.example", "azurecr.io").unwrap_err().hint.unwrap().contains("--target"));
    }

    #[test]
    fn a_target_is_not_empty() {
        assert!(read("oci-archive:").unwrap_err().message.contains("file is missing"));
        assert!(read("").unwrap_err().message.contains("empty"));
    }

    #[test]
    fn a_target_with_a_repository_points_to_the_image_flag() {
        assert!(read("registry.example/team").unwrap_err().hint.unwrap().contains("-t team"));
        assert!(read("oci-archive:x.tar:app:v1").unwrap_err().hint.unwrap().contains("-t"));
        assert!(read("oci:dir:app:v1").unwrap_err().hint.unwrap().contains("-t"));
    }

    #[test]
    fn a_target_with_http_points_to_the_flag() {
        assert!(read("http://registry.example").unwrap_err().hint.unwrap().contains("--plain-http"));
    }
}
