//! Platforms: an index made anew of those of its entries that were chosen. The one case in which what arrives is not
//! what was sent, and so never without being asked for.
use std::{collections::HashSet, fmt, str::FromStr, sync::Arc};

use content::{
    Descriptor, Fault, FaultKind, Hasher, MAX_MANIFEST_BYTES, Manifest, Platform, Role, Shape, Source, Step,
};
use futures::TryStreamExt;
use reference::Digest;

use crate::{CopyError, steady};

/// The annotation by which `BuildKit` says what an attestation is about.
const ATTESTED: &str = "vnd.docker.reference.digest";
/// The most platforms that one choice names.
const MAX_CHOSEN: usize = 64;

/// Which platforms of an image are copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Platforms {
    /// All of them: nothing is written anew, and digests stay.
    #[default]
    All,
    /// These; at least one. An index that has others too becomes another, with a digest of its own.
    Only(Vec<Platform>),
}

/// How an index was made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// The digest of the index at the source.
    pub from: Digest,
    /// The platforms that it still has.
    pub kept: Vec<Platform>,
    /// How many of its entries were left out, attestations included.
    pub left_out: usize,
}

impl Platforms {
    /// What is copied of `root`: itself, or an index made of its chosen entries.
    pub(crate) async fn choose(
        &self,
        source: &Arc<dyn Source>,
        root: Manifest,
    ) -> Result<(Manifest, Option<Narrowed>), CopyError> {
        let Self::Only(chosen) = self else { return Ok((root, None)) };
        match root.shape() {
            Shape::Index { entries } => narrow(&root, entries, chosen)
                .map_err(|fault| CopyError::source(fault.at(source.place()).about(root.digest()))),
            Shape::Image { config: Some(config), .. } if config.media_type.role() == Role::Config => {
                let fits = judge(source, config, chosen).await;
                fits.map_err(|fault| CopyError::source(fault.at(source.place()).about(root.digest())))?;
                Ok((root, None))
            }
            // A chart, a signature: what runs nowhere runs anywhere.
            Shape::Image { .. } | Shape::Opaque => Ok((root, None)),
        }
    }
}

/// The index with the entries that were chosen, and attestations of these.
fn narrow(
    root: &Manifest,
    entries: &[Descriptor],
    chosen: &[Platform],
) -> Result<(Manifest, Option<Narrowed>), Fault> {
    let platforms = root.platforms();
    let named: Vec<&Platform> = platforms.iter().flatten().collect();
    let missing: Vec<&Platform> =
        chosen.iter().filter(|choice| !named.iter().any(|platform| choice.takes(platform))).collect();
    if !missing.is_empty() {
        return Err(absent(&missing, &named));
    }
    let is_chosen = |platform: &Platform| chosen.iter().any(|choice| choice.takes(platform));
    let images: Vec<(&Descriptor, &Platform)> = entries
        .iter()
        .zip(&platforms)
        .filter_map(|(entry, platform)| Some((entry, platform.as_ref().filter(|one| is_chosen(one))?)))
        .collect();
    let digests: HashSet<String> = images.iter().map(|(entry, _)| entry.digest.to_string()).collect();
    let stays = |entry: &Descriptor| {
        digests.contains(&entry.digest.to_string())
            || entry.annotations.get(ATTESTED).is_some_and(|subject| digests.contains(subject))
    };
    let left_out = entries.iter().filter(|entry| !stays(entry)).count();
    if left_out == 0 {
        return Ok((root.clone(), None));
    }
    let narrowed = root.with_entries(|number| entries.get(number).is_some_and(stays))?;
    let mut kept: Vec<Platform> = images.into_iter().map(|(_, platform)| platform.clone()).collect();
    kept.sort_unstable();
    kept.dedup();
    Ok((narrowed, Some(Narrowed { from: root.digest().clone(), kept, left_out })))
}

/// Whether an image that is no index is for any of the chosen platforms: it cannot be for more than one.
async fn judge(source: &Arc<dyn Source>, config: &Descriptor, chosen: &[Platform]) -> Result<(), Fault> {
    if config.size > MAX_MANIFEST_BYTES {
        let what = format!(
            "the config has {} bytes, {MAX_MANIFEST_BYTES} are read to learn its platform",
            config.size
        );
        return Err(Fault::new(FaultKind::Refused, Step::ReadBlob, what));
    }
    let stream = steady::read(Arc::clone(source), config.clone()).await?;
    let bytes = stream.try_fold(Vec::new(), async |mut whole, chunk| {
        whole.extend_from_slice(&chunk);
        Ok(whole)
    });
    let bytes = bytes.await?;
    if Hasher::digest(config.digest.algorithm(), &bytes) != config.digest {
        let what = format!("the bytes of the config {} do not have that digest", config.digest);
        return Err(Fault::new(FaultKind::Untrue, Step::ReadBlob, what));
    }
    match Platform::of_config(&bytes) {
        Some(platform) if chosen.iter().any(|choice| choice.takes(&platform)) => Ok(()),
        given => Err(absent(&chosen.iter().collect::<Vec<_>>(), &given.iter().collect::<Vec<_>>())),
    }
}

fn absent(missing: &[&Platform], named: &[&Platform]) -> Fault {
    let list = |platforms: &[&Platform]| {
        let mut words: Vec<String> = platforms.iter().map(ToString::to_string).collect();
        words.sort_unstable();
        words.dedup();
        words.join(", ")
    };
    let (has, hint) = if named.is_empty() {
        ("it names no platform".to_owned(), "without a choice of platforms, all of it is copied")
    } else {
        (format!("it has {}", list(named)), "choose of these with --platform, or leave it out")
    };
    let what = format!("the image is not there for {}: {has}", list(missing));
    Fault::new(FaultKind::Absent, Step::ReadManifest, what).hint(hint)
}

impl FromStr for Platforms {
    type Err = String;

    /// `linux/amd64,linux/arm64`, or `all`.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let mut chosen = Vec::new();
        for one in text.split(',') {
            let platform = one.trim().parse()?;
            if !chosen.contains(&platform) {
                chosen.push(platform);
            }
        }
        if chosen.len() > MAX_CHOSEN {
            return Err(format!("{} platforms are more than {MAX_CHOSEN}", chosen.len()));
        }
        Ok(Self::Only(chosen))
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Only(chosen) => {
                let names: Vec<String> = chosen.iter().map(Platform::to_string).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_as_it_is_shown() {
        for (text, shown) in [
            ("all", "all"),
            ("linux/amd64", "linux/amd64"),
            ("linux/amd64, linux/arm/v7,linux/x86_64", "linux/amd64,linux/arm/v7"),
        ] {
            assert_eq!(text.parse::<Platforms>().unwrap().to_string(), shown);
        }
        for text in ["", "linux/amd64,", "amd64"] {
            assert!(text.parse::<Platforms>().is_err(), "{text}");
        }
    }
}
