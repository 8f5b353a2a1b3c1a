//! Cases of a whole mirror: what its receipt, its lock file or its configuration says.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use content::{Source, Version};
use copier::Referrers;
use mirror::{
    Config, ConfigError, Item, Name, Unselected, World,
    lock::{Lock, Locked},
    receipt::{Line, Outcome},
    select,
};
use reference::{Digest, RefName};
use verify::{Case, Expected, Proof, Remedies};

use super::super::{apart::apart, places::Places, world::Everywhere};
use crate::{
    args::VerifyArgs,
    failure::Failure,
    render::{Console, count},
    usage::Usage,
};

/// What a list names.
#[derive(Default)]
pub(super) struct Listed {
    /// Images to be proven.
    pub(super) cases: Vec<Case>,
    /// Images, or entries, of which nobody can say what they should be.
    pub(super) unknown: Vec<Proof>,
}

/// Reads the one list that was named.
pub(super) async fn read(args: &VerifyArgs, places: Places, console: &Console) -> Result<Listed, Failure> {
    let world = Everywhere::new(places);
    match (&args.receipt, &args.lock, &args.config) {
        (Some(file), ..) => {
            let cases = of_receipt(file, &text(file).await?, console)?;
            Ok(opened(cases, &world, args))
        }
        (_, Some(file), _) => Ok(opened(of_lock(file, &text(file).await?)?, &world, args)),
        (_, _, Some(file)) => of_config(file, &world, args, console).await,
        _ => Err(Usage::new(
            "say what is to be proven: SRC and DST, a LOCATION, --receipt, --lock or --config",
        )
        .into()),
    }
}

/// An image that is said to have a digest at its destination.
struct Said {
    destination: Name,
    digest: Digest,
    /// Who says so.
    who: String,
    remedies: Remedies,
}

async fn text(file: &Path) -> Result<String, Failure> {
    let path = file.to_owned();
    apart(move || std::fs::read_to_string(path)).await.map_err(|why| Failure::file(file, why))
}

/// Every image that the receipt says arrived; the last line about a destination counts.
fn of_receipt(file: &Path, text: &str, console: &Console) -> Result<Vec<Said>, Usage> {
    let shown = file.display();
    let lines = Line::read(text).map_err(|(line, why)| {
        Usage::about("--receipt", format!("{shown}:{line}: {why}"))
            .hint("name a file that `mirror --receipt` wrote")
    })?;
    let (mut said, mut failed, mut ended) = (BTreeMap::new(), BTreeSet::new(), false);
    let mut remedies = again(None);
    for line in lines {
        match line {
            Line::Run(run) => remedies = again(Some(&run.config)),
            Line::End(_) => ended = true,
            Line::Image(image) => {
                let arrived = match (image.result, image.digest) {
                    (Outcome::Copied | Outcome::Unchanged, Some(digest)) => Some((digest, remedies.clone())),
                    (Outcome::Copied | Outcome::Unchanged, None) => {
                        return Err(Usage::about(
                            "--receipt",
                            format!("{shown} says that {} arrived, and not as what", image.destination),
                        )
                        .hint("name a file that `mirror --receipt` wrote, as it wrote it"));
                    }
                    (Outcome::Failed | Outcome::Pruned, _) => None,
                };
                if image.result == Outcome::Failed {
                    failed.insert(image.destination.clone());
                } else {
                    failed.remove(&image.destination);
                }
                said.insert(image.destination, arrived);
            }
        }
    }
    if !failed.is_empty() {
        let failed = count(failed.len(), "image");
        console.warn(&format!(
            "{shown} says that {failed} failed: nothing is proven of what it failed to bring"
        ));
    }
    if !ended {
        console.warn(&format!("{shown} has no end: its run was ended before it had done all"));
    }
    let known = said.into_iter().filter_map(|(destination, arrived)| Some((destination, arrived?)));
    known
        .map(|(destination, (digest, remedies))| {
            let destination = destination.parse().map_err(|why| Usage::parse("--receipt", &why))?;
            Ok(Said {
                destination,
                digest: digest_of("--receipt", &digest)?,
                who: format!("the receipt {shown}"),
                remedies,
            })
        })
        .collect()
}

fn of_lock(file: &Path, text: &str) -> Result<Vec<Said>, Usage> {
    let shown = file.display();
    let lock = Lock::read(text).map_err(|why| {
        Usage::about("--lock", format!("{shown}: {why}")).hint("name a file that `mirror --lock` wrote")
    })?;
    let said = |Locked { digest, destination, .. }: Locked| {
        let who = format!("the lock file {shown}");
        Ok(Said { digest: digest_of("--lock", &digest)?, destination, who, remedies: again(None) })
    };
    lock.images.into_iter().map(said).collect()
}

fn digest_of(field: &str, text: &str) -> Result<Digest, Usage> {
    text.parse().map_err(|why| Usage::parse(field, &why))
}

/// What helps images of a mirror. A plain run would trust roots, and tags that never move.
fn again(config: Option<&str>) -> Remedies {
    let config = config.map(|config| format!(": transship mirror --repair {config}"));
    let again = format!("run the mirror again{}", config.as_deref().unwrap_or(", with --repair"));
    Remedies { copy: again.clone(), repair: again }
}

fn opened(said: Vec<Said>, world: &dyn World, args: &VerifyArgs) -> Listed {
    let mut listed = Listed::default();
    for Said { destination, digest, who, remedies } in said {
        let Some(place) = listed.open(&destination, &destination, &remedies, world) else { continue };
        let version = version_of(&destination, &digest);
        let expected = Expected::Digest { digest, said_by: who };
        let (name, referrers) = (destination.to_string(), args.referrers());
        listed.cases.push(Case { name, place, version, expected, referrers, remedies });
    }
    listed
}

/// The name that a destination has, else its digest.
fn version_of(destination: &Name, digest: &Digest) -> Version {
    let name = |name: &RefName| Version::Name(name.clone());
    destination.name.as_ref().map_or_else(|| Version::Digest(digest.clone()), name)
}

async fn of_config(
    file: &Path,
    world: &dyn World,
    args: &VerifyArgs,
    console: &Console,
) -> Result<Listed, Failure> {
    let shown = file.display().to_string();
    let config = Config::read(&text(file).await?, &shown).map_err(refused)?;
    let selection = select(&config, world, None).await.map_err(refused)?;
    for warning in selection.words() {
        console.warn(warning);
    }
    let mut listed = Listed::default();
    let remedies = again(Some(&shown));
    for item in &selection.items {
        listed.add(item, args, &remedies, world);
    }
    listed.unknown.extend(selection.failures.iter().map(|failure| unselected(failure, &remedies)));
    Ok(listed)
}

impl Listed {
    /// Images that were named one by one.
    pub(super) fn of(cases: Vec<Case>) -> Self {
        Self { cases, unknown: Vec::new() }
    }

    /// An image that is to be what its source is now.
    fn add(&mut self, item: &Item, args: &VerifyArgs, remedies: &Remedies, world: &dyn World) {
        let Some(source) = self.open(&item.source, &item.destination, remedies, world) else { return };
        let Some(place) = self.open(&item.destination, &item.destination, remedies, world) else { return };
        let (name, version) = (item.destination.to_string(), item.version());
        let platforms = match item.chosen() {
            Ok(platforms) => platforms,
            Err(fault) => return self.unknown.push(Proof::unseen(name, &fault, remedies)),
        };
        self.cases.push(Case {
            name,
            place,
            version: item.names().into_iter().next().map_or_else(|| version.clone(), Version::Name),
            expected: Expected::Source { source, version, platforms, name: item.source.to_string() },
            referrers: if item.referrers { Referrers::Follow } else { args.referrers() },
            remedies: remedies.clone(),
        });
    }

    /// A place that is to be read; one that cannot be opened says nothing of the image at `destination`.
    fn open(
        &mut self,
        name: &Name,
        destination: &Name,
        remedies: &Remedies,
        world: &dyn World,
    ) -> Option<Arc<dyn Source>> {
        let opened = world.source(&name.site);
        opened
            .map_err(|fault| self.unknown.push(Proof::unseen(destination.to_string(), &fault, remedies)))
            .ok()
    }
}

/// A configuration that makes no sense.
fn refused(why: ConfigError) -> Failure {
    let place = format!("{}:{}", why.file, why.spot);
    Failure::Usage(Usage::about(place, why.what).hint(why.remedy))
}

/// An entry of which nobody can say what it selects.
fn unselected(failure: &Unselected, remedies: &Remedies) -> Proof {
    let Unselected { source, destination, fault, .. } = failure;
    Proof::unseen(format!("{destination}, from {source}"), fault, remedies)
}
