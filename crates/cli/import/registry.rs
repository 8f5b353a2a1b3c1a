//! The registry of a source or target, in all the ways that people name one.
//!
//! Login servers, Azure resource ids, Azure registry names, and the `registryUri` of a request.
use reference::{Registry, RepositoryName};

use super::Field;
use crate::usage::Usage;

/// A registry that was named apart from its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// Which.
    pub(crate) registry: Registry,
    /// What goes before every repository: the path of a `registryUri`.
    pub(crate) prefix: Option<RepositoryName>,
    /// Whether it was named in a way that only Azure has.
    pub(crate) acr: bool,
}

/// What an Azure registry's name becomes a login server with, unless told otherwise.
pub(crate) const ACR_SUFFIX: &str = "azurecr.io";

/// Reads `--registry`: a login server, a resource id or an Azure registry name.
pub(crate) fn any(field: &Field, suffix: &str) -> Result<Named, Usage> {
    if field.text.starts_with('/') {
        return resource_id(field, suffix);
    }
    if !looks_like_host(after_scheme(&field.text)) {
        return acr_name(field, suffix);
    }
    uri(field)
}

/// Reads `registryUri`: `[https://]host[:port][/prefix]`.
pub(crate) fn uri(field: &Field) -> Result<Named, Usage> {
    let text = field.text.as_str();
    if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http://")) {
        let host = text.get(7..).unwrap_or_default().split('/').next().unwrap_or_default();
        return Err(Usage::about(&field.name, "plain HTTP is not asked for here")
            .hint(format!("write `{host}`, and --plain-http {host} if it does not speak TLS")));
    }
    let rest = after_scheme(text);
    let (host, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    let prefix = (!prefix.is_empty()).then(|| prefix.parse()).transpose();
    let registry: Registry = host.parse().map_err(|why| Usage::parse(&field.name, &why))?;
    if rest.len() < text.len() && registry.is_loopback() {
        return Err(Usage::about(&field.name, "TLS at loopback is not asked for here")
            .hint(format!("write `{registry}`, and --tls {registry} if it speaks TLS")));
    }
    Ok(Named { registry, prefix: prefix.map_err(|why| Usage::parse(&field.name, &why))?, acr: false })
}

/// Reads an Azure resource id: `/subscriptions/../registries/NAME`.
pub(crate) fn resource_id(field: &Field, suffix: &str) -> Result<Named, Usage> {
    let parts: Vec<&str> = field.text.trim_end_matches('/').split('/').collect();
    let same = |at: usize, word: &str| parts.get(at).is_some_and(|part| part.eq_ignore_ascii_case(word));
    let shaped = parts.len() == 9
        && same(0, "")
        && same(1, "subscriptions")
        && same(3, "resourceGroups")
        && same(5, "providers")
        && same(6, "Microsoft.ContainerRegistry")
        && same(7, "registries");
    match parts.last() {
        Some(name) if shaped => acr_name(&Field::new(&field.name, *name), suffix),
        _ => Err(Usage::about(&field.name, "this is not the resource id of a container registry").hint(
            "it looks like /subscriptions/ID/resourceGroups/GROUP/providers/Microsoft.ContainerRegistry/registries/NAME",
        )),
    }
}

/// Reads an Azure registry name, which stands for its login server.
pub(crate) fn acr_name(field: &Field, suffix: &str) -> Result<Named, Usage> {
    let name = field.text.as_str();
    let fits = (5..=50).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !name.eq_ignore_ascii_case("localhost");
    if !fits {
        let message = format!("`{name}` is no login server, and no Azure registry name either");
        return Err(Usage::about(&field.name, message).hint(
            "a login server has a dot or a port (registry.example, localhost:5000); an Azure registry name has 5 to 50 letters and digits",
        ));
    }
    let server = format!("{}.{}", name.to_ascii_lowercase(), suffix.trim_start_matches('.'));
    let registry = server.parse().map_err(|why| Usage::parse("--acr-suffix", &why))?;
    Ok(Named { registry, prefix: None, acr: true })
}

/// Whether the first component of `text` can only be a host: it has a dot or a port, or is `localhost`.
pub(crate) fn looks_like_host(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    first.contains(['.', ':']) || first == "localhost"
}

fn after_scheme(text: &str) -> &str {
    match text.split_at_checked(8) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https://") => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Field {
        Field::new("--registry", text)
    }

    fn host(text: &str) -> String {
        any(&field(text), ACR_SUFFIX).unwrap().registry.to_string()
    }

    #[test]
    fn tls_at_loopback_is_asked_for_by_a_flag_and_never_passed_over() {
        let refused = any(&field("https://127.0.0.1:5000"), ACR_SUFFIX).unwrap_err();
        assert!(format!("{refused:?}").contains("--tls 127.0.0.1:5000"), "{refused:?}");
    }

    #[test]
    fn a_login_server_is_itself() {
        assert_eq!(host("registry.example"), "registry.example");
        assert_eq!(host("localhost:5000"), "localhost:5000");
        assert_eq!(host("localhost"), "localhost");
        assert_eq!(host("[::1]:5000"), "[::1]:5000");
        assert!(!any(&field("registry.example"), ACR_SUFFIX).unwrap().acr);
    }

    #[test]
    fn an_azure_name_is_its_login_server_in_lower_case() {
        assert_eq!(host("MyRegistry"), "myregistry.azurecr.io");
        assert!(any(&field("MyRegistry"), ACR_SUFFIX).unwrap().acr);
    }

    #[test]
    fn a_suffix_replaces_azures_own() {
        let named = any(&field("contoso"), "azurecr.cn").unwrap();
        assert_eq!(named.registry.to_string(), "contoso.azurecr.cn");
    }

    #[test]
    fn an_azure_name_has_5_to_50_letters_and_digits() {
        for good in ["abcde".to_owned(), "a".repeat(50)] {
            assert!(any(&field(&good), ACR_SUFFIX).is_ok(), "{good}");
        }
        for bad in ["abcd".to_owned(), "a".repeat(51), "my-registry".to_owned(), String::new()] {
            assert!(any(&field(&bad), ACR_SUFFIX).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_resource_id_is_the_registry_at_its_end() {
        let id = "/subscriptions/1/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/SourceRegistry";
        assert_eq!(host(id), "sourceregistry.azurecr.io");
        assert_eq!(host(&id.to_lowercase()), "sourceregistry.azurecr.io");
        for bad in ["/subscriptions/1", "/subscriptions/1/resourceGroups/g/providers/Other/registries/abcdef"]
        {
            assert!(any(&field(bad), ACR_SUFFIX).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_registry_uri_may_have_a_scheme_and_a_prefix() {
        let named = uri(&field("https://registry.example:8443/team/images/")).unwrap();
        assert_eq!(named.registry.to_string(), "registry.example:8443");
        assert_eq!(named.prefix.unwrap().as_str(), "team/images");
    }

    #[test]
    fn a_registry_uri_with_http_is_refused_and_points_to_the_flag() {
        let why = uri(&field("http://registry.example/team")).unwrap_err();
        assert!(why.hint.unwrap().contains("--plain-http registry.example"));
    }

    #[test]
    fn docker_hub_has_four_names() {
        for name in ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"] {
            assert!(any(&field(name), ACR_SUFFIX).unwrap().registry.is_docker_hub(), "{name}");
        }
    }
}
