//! The two limits of an import: how they are written, and when the one on layers binds.
use std::str::FromStr;

use copier::{LayerLimit, Limits, MAX_LAYER_BYTES, MAX_MANIFESTS};
use reference::Registry;

/// A limit as a flag gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cap<T> {
    /// So much passes, and no more.
    At(T),
    /// `none`: anything passes.
    None,
    /// Nothing was said: an environment variable that is set and empty.
    Unsaid,
}

/// Bytes: a number, or one with `KiB`, `MiB`, `GiB` or `TiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u64);

impl FromStr for Cap<usize> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(cap) = in_words(text) {
            return Ok(cap);
        }
        let number = text.parse().map_err(|_| "a whole number, or `none`".to_owned())?;
        if number == 0 { Err(ZERO.to_owned()) } else { Ok(Self::At(number)) }
    }
}

impl FromStr for Cap<Size> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(cap) = in_words(text) {
            return Ok(cap);
        }
        match size(text, SIZES)? {
            0 => Err(ZERO.to_owned()),
            bytes => Ok(Self::At(Size(bytes))),
        }
    }
}

fn in_words<T>(text: &str) -> Option<Cap<T>> {
    match text {
        "" => Some(Cap::Unsaid),
        _ if text.eq_ignore_ascii_case("none") => Some(Cap::None),
        _ => None,
    }
}

const ZERO: &str = "0 would refuse everything; `none` lifts the limit";

/// So many bytes; what has not the `form` of a size is told what has.
fn size(text: &str, form: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(form.to_owned()),
    };
    if number.is_empty() {
        return Err(form.to_owned());
    }
    let bytes = number.parse().ok().and_then(|number: u64| number.checked_mul(factor));
    bytes.ok_or_else(|| "that is more bytes than can be counted".to_owned())
}

const SIZES: &str = "bytes, as in 1048576, 512MiB or 4GiB, or `none`";

/// A size that is not nothing.
pub(crate) fn some_bytes(text: &str) -> Result<Size, String> {
    match size(text, "bytes, as in 1048576, 64KiB or 8MiB")? {
        0 => Err("1 or more".to_owned()),
        bytes => Ok(Size(bytes)),
    }
}

/// What a volume of a bundle may have.
pub(crate) fn volume_size(text: &str) -> Result<Size, String> {
    size(text, "bytes, as in 4294967296 or 4GiB").map(Size)
}

/// What ranges may take of memory: enough for one of them at least.
pub(crate) fn range_memory(text: &str) -> Result<Size, String> {
    let bytes = size(text, "bytes, as in 33554432 or 32MiB")?;
    if bytes < LEAST_MEMORY {
        Err("1MiB or more; `--ranges 1` does without".to_owned())
    } else {
        Ok(Size(bytes))
    }
}

const LEAST_MEMORY: u64 = 1 << 20;

/// An import's limits: both bind unless lifted; the one on layers only a public source, unless it was given.
/// `public` says why the source counts as public.
pub(crate) fn of_import(
    manifests: Option<Cap<usize>>,
    layer: Option<Cap<Size>>,
    public: Option<String>,
) -> Limits {
    let default = public.map(|because| LayerLimit { bytes: MAX_LAYER_BYTES, because });
    Limits {
        manifests: said(manifests).map_or(Some(MAX_MANIFESTS), bound),
        layer: said(layer).map_or(default, explicit),
    }
}

/// A copy's limits: none, unless given.
pub(crate) fn of_copy(manifests: Option<Cap<usize>>, layer: Option<Cap<Size>>) -> Limits {
    Limits { manifests: manifests.and_then(bound), layer: layer.and_then(explicit) }
}

fn said<T>(cap: Option<Cap<T>>) -> Option<Cap<T>> {
    cap.filter(|cap| !matches!(cap, Cap::Unsaid))
}

fn bound<T>(cap: Cap<T>) -> Option<T> {
    match cap {
        Cap::At(value) => Some(value),
        Cap::None | Cap::Unsaid => None,
    }
}

fn explicit(cap: Cap<Size>) -> Option<LayerLimit> {
    bound(cap).map(|size| LayerLimit { bytes: size.0, because: "--max-layer-size says so".to_owned() })
}

/// Registries that serve the public, whatever credentials are sent to them.
const PUBLIC: [&str; 6] =
    ["mcr.microsoft.com", "ghcr.io", "quay.io", "public.ecr.aws", "registry.k8s.io", "gcr.io"];

/// Why a source counts as public, if it does.
pub(crate) fn why_public(registry: &Registry, has_credential: bool) -> Option<String> {
    if registry.is_docker_hub() || PUBLIC.contains(&registry.host()) {
        return Some(format!("{registry} is a public registry"));
    }
    (!has_credential).then(|| format!("no credential was found for {registry}, so it counts as public"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(text: &str) -> Result<Cap<Size>, String> {
        text.parse()
    }

    fn manifests(text: &str) -> Result<Cap<usize>, String> {
        text.parse()
    }

    #[test]
    fn sizes_are_bytes_or_binary_units() {
        for (text, bytes) in [
            ("1", 1),
            ("2147483648", 2 << 30),
            ("4GiB", 4 << 30),
            ("4gib", 4 << 30),
            ("512 MiB", 512 << 20),
            ("1KiB", 1024),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(layer(text), Ok(Cap::At(Size(bytes))), "{text}");
        }
        for bad in ["GiB", "-1", "4G", "4GB", "1.5GiB", "many", "99999999999TiB"] {
            assert!(layer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_size_beyond_all_counting_is_called_so() {
        for text in ["99999999999TiB", "99999999999999999999"] {
            for why in
                [layer(text).unwrap_err(), some_bytes(text).unwrap_err(), range_memory(text).unwrap_err()]
            {
                assert_eq!(why, "that is more bytes than can be counted", "{text}");
            }
        }
    }

    #[test]
    fn none_lifts_a_limit_and_0_is_an_error() {
        assert_eq!(layer("none"), Ok(Cap::None));
        assert_eq!(manifests("none"), Ok(Cap::None));
        assert_eq!(manifests("51"), Ok(Cap::At(51)));
        for zero in ["0", "00"] {
            assert!(layer(zero).unwrap_err().contains("none"));
            assert!(manifests(zero).unwrap_err().contains("none"));
        }
        assert!(layer("0GiB").is_err());
    }

    #[test]
    fn the_default_is_50_manifests_and_2_gib_from_public_sources() {
        let limits = of_import(None, None, Some("it is public".to_owned()));
        assert_eq!(limits.manifests, Some(50));
        assert_eq!(
            limits.layer,
            Some(LayerLimit { bytes: 2_147_483_648, because: "it is public".to_owned() })
        );
    }

    #[test]
    fn an_empty_variable_leaves_the_default() {
        let public = || Some("it is public".to_owned());
        assert_eq!(of_import(manifests("").ok(), layer("").ok(), public()), of_import(None, None, public()));
        assert_eq!(of_copy(manifests("").ok(), layer("").ok()), Limits::none());
    }

    #[test]
    fn the_layer_limit_spares_sources_that_are_not_public() {
        assert_eq!(of_import(None, None, None).layer, None);
    }

    #[test]
    fn an_explicit_layer_limit_binds_every_source() {
        for public in [None, Some("it is public".to_owned())] {
            let limit = of_import(None, Some(Cap::At(Size(5))), public.clone()).layer.unwrap();
            assert_eq!(limit.bytes, 5);
            assert_eq!(of_import(None, Some(Cap::None), public).layer, None);
        }
    }

    #[test]
    fn copy_has_no_limits_unless_told() {
        assert_eq!(of_copy(None, None), Limits::none());
        assert_eq!(of_copy(Some(Cap::At(3)), None).manifests, Some(3));
        assert_eq!(of_copy(None, Some(Cap::At(Size(3)))).layer.unwrap().bytes, 3);
    }

    #[test]
    fn a_source_in_the_table_is_public_with_and_without_credentials() {
        for host in
            ["docker.io", "registry.hub.docker.com", "mcr.microsoft.com", "ghcr.io", "quay.io", "gcr.io"]
        {
            for has_credential in [true, false] {
                assert!(
                    why_public(&host.parse().unwrap(), has_credential).unwrap().contains("public registry")
                );
            }
        }
    }

    #[test]
    fn a_source_without_credentials_is_public_and_says_why() {
        let registry: Registry = "registry.example".parse().unwrap();
        assert_eq!(why_public(&registry, true), None);
        assert!(why_public(&registry, false).unwrap().contains("no credential"));
    }
}
