//! `transship mirror`, from a file to what came of each image.
mod dry;
mod ledger;
mod meter;
mod papers;

use std::sync::Arc;

use copier::Side;
use mirror::{Config, Rules, Runner, Selection, receipt, tally::Tally, tally::Watch};
use registry::Farewells;

use super::{places::Places, world::Everywhere};
use crate::{
    args::{MirrorArgs, engine},
    failure::Failure,
    render::{Console, Finished},
    usage::Usage,
};
use ledger::Ledger;

/// The form of a configuration, for editors.
const SCHEMA: &str = include_str!("../../../../docs/mirror.schema.json");

/// Brings all images of a configuration to where they are to be.
pub(super) async fn mirror(
    args: &MirrorArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Finished, Failure> {
    if args.schema {
        return Ok(Finished::Printed(SCHEMA.to_owned()));
    }
    let (text, file) = papers::config(args).await?;
    let config = Config::read(&text, &file).map_err(unread)?;
    let run = Run::new(args, console, farewells)?;
    let selection = run.select(&config).await?;
    if args.dry_run {
        return dry::run(&run, &selection, console).await;
    }
    run.bring(args, &config, &selection, console).await
}

/// What a run works with.
pub(super) struct Run {
    runner: Runner,
    world: Arc<Everywhere>,
    /// Requests for no image: lists of tags, and farewells.
    rest: Arc<Tally>,
    at_once: usize,
}

impl Run {
    fn new(args: &MirrorArgs, console: &Console, farewells: &Farewells) -> Result<Self, Failure> {
        let rest = Arc::<Tally>::default();
        let places = Places::metered(&args.reach, farewells, Arc::new(meter::Metered(Arc::clone(&rest))))?;
        let observer = Arc::new(Watch(console.observer_of_many()));
        let engine = engine(&args.ahead, !args.no_journal, observer, places.traffic());
        let rules = Rules {
            limits: args.caps.of_copy(),
            foreign: args.foreign(),
            at_once: args.images_at_once,
            repair: args.repair,
            fail_fast: args.fail_fast,
        };
        let world = Arc::new(Everywhere::new(places));
        let runner = Runner::new(engine, Arc::<Everywhere>::clone(&world), rules);
        Ok(Self { runner, world, rest, at_once: args.images_at_once })
    }

    async fn select(&self, config: &Config) -> Result<Selection, Failure> {
        let selecting = mirror::select(config, &*self.world);
        self.rest.counting(Side::Source, Box::pin(selecting)).await.map_err(unread)
    }

    /// Brings what was selected, and writes all papers.
    async fn bring(
        self,
        args: &MirrorArgs,
        config: &Config,
        selection: &Selection,
        console: &Console,
    ) -> Result<Finished, Failure> {
        for warning in &selection.warnings {
            console.warn(warning);
        }
        let mut ledger = Ledger::open(args.receipt.as_deref(), about(config), console)?;
        for unselected in &selection.failures {
            ledger.unselected(unselected);
        }
        let state = papers::State::of(args);
        // What is doubted is asked for, whatever an earlier run has noted.
        let known = if args.repair { mirror::State::default() } else { state.read() };
        let runner = self.runner.with_state(known);
        runner.all(&selection.items, |item, outcome| ledger.image(item, &outcome)).await;
        state.write(&runner.state(), console);
        if let Some(path) = &args.lock {
            papers::write(path, &ledger.lock().text())?;
        }
        let mirrored = ledger.end(self.rest.requests())?;
        if mirrored.code == crate::exit::DONE {
            Ok(Finished::Mirrored(Box::new(mirrored)))
        } else {
            Err(Failure::Mirrored(Box::new(mirrored)))
        }
    }
}

/// What a run is, for its receipt.
fn about(config: &Config) -> receipt::Run {
    receipt::Run {
        receipt: receipt::VERSION,
        run: papers::run_id(),
        started: receipt::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.file.clone(),
        shard: None,
    }
}

fn unread(why: mirror::ConfigError) -> Failure {
    let place = format!("{}:{}", why.file, why.spot);
    Failure::Usage(Usage::about(place, why.what).hint(why.remedy))
}
