//! `transship copy`, from locations to a report.
use std::sync::Arc;

use copier::{Destination, Existing, Job, Ties};
use reference::Registry;
use registry::Farewells;

use super::{
    Telling, places,
    places::{Keys, Places},
    sides::{location, origin, read, registry, source_keys, source_words, target_keys, target_words},
    strays,
};
use crate::{
    args::CopyArgs,
    failure::Failure,
    landing::{self, Landing, Spot},
    render::{Console, Done},
};

/// Copies one image.
pub(crate) async fn copy(args: &CopyArgs, console: &Console, farewells: &Farewells) -> Result<Done, Failure> {
    let source = location("SRC", &args.source)?;
    let targets =
        args.destinations.iter().map(|text| location("DST", text)).collect::<Result<Vec<_>, _>>()?;
    landing::check(&targets, origin(&source).as_ref())?;
    let from = source_words(&args.common.source_login, &source, console).await?;
    let to = target_words(&args.common.target_login, &targets).await?;
    let places = Places::new(&args.common.means.reach, [], farewells)?;
    let sides: Vec<&Registry> = targets.iter().chain([&source]).filter_map(registry).collect();
    for warning in strays::all_warnings(&args.common.means.reach, &sides)? {
        console.warn(&warning);
    }
    let to = target_keys(&places, to, &targets)?;
    let from = source_keys(&places, from, &source)?;
    let read = read(&places, "SRC", &source, &from).await?;
    let landings = landing::all(&targets, &read.origin)?;
    for warning in landings.iter().filter_map(Landing::warning) {
        console.warn(&warning);
    }
    let asked = landings.iter().map(|landing| as_given(args, landing)).collect();
    let job = Job {
        source: read.source,
        version: read.version,
        destinations: destinations(&places, &to, landings)?,
        existing: existing(args),
        limits: args.common.means.caps.of_copy(),
        foreign: args.common.foreign(),
        referrers: args.extent.referrers(),
        platforms: args.extent.platforms(),
        ties: Ties::Apart,
    };
    let telling = Telling { verb: "copied", source: read.shown, asked };
    super::run(&job, args.common.engine(console.observer(), places.traffic()), telling, console).await
}

/// What becomes of tags that exist.
fn existing(args: &CopyArgs) -> Existing {
    match (args.no_clobber, args.allow_same, args.repair) {
        (false, _, false) => Existing::Move,
        (false, _, true) => Existing::RepairOrMove,
        (true, false, _) => Existing::Refuse,
        (true, true, false) => Existing::RefuseUnlessSame,
        (true, true, true) => Existing::RepairOrRefuse,
    }
}

/// A landing in the words of the command line.
fn as_given(args: &CopyArgs, landing: &Landing) -> String {
    let words = landing.given.iter().filter_map(|number| args.destinations.get(*number));
    words.map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn destinations(places: &Places, keys: &Keys, landings: Vec<Landing>) -> Result<Vec<Destination>, Failure> {
    let mut destinations = Vec::new();
    for Landing { spot, names, expect, .. } in landings {
        let target = match spot {
            Spot::Registry(registry, repository) => Arc::new(places.repository(&registry, &repository, keys)),
            Spot::Layout(dir, repository) => places::layout_target(&dir, repository)?,
            Spot::Archive(file, repository) => places.archive_target(&file, repository)?,
        };
        destinations.push(Destination { target, names, expect });
    }
    Ok(destinations)
}
