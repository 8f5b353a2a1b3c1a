//! `transship mirror`, from a file to what came of each image.
mod dry;
mod hall;
mod ledger;
mod meter;
mod notebook;
mod papers;
mod plan;
mod prune;
mod shard;
mod watch;
mod work;

use std::sync::Arc;

use copier::Side;
use mirror::{Config, Item, Notes, Rules, Runner, Selection, Shard, receipt, tally::Tally, tally::Watch};
use registry::Farewells;
use status::Board;

use super::{places::Places, world::Everywhere};
use crate::{
    args::{MirrorArgs, engine},
    failure::Failure,
    render::{Console, Finished},
    usage::Usage,
};
use hall::Hall;
use ledger::Ledger;
use notebook::Notebook;

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
    papers::distinct(args)?;
    if args.works() {
        return Box::pin(work::work(args, console, farewells)).await;
    }
    match args.watching.watch {
        Some(period) => Box::pin(watch::watch(args, period.0, console, farewells)).await,
        None => Box::pin(round(args, console, farewells, &Board::default())).await,
    }
}

/// One run.
async fn round(
    args: &MirrorArgs,
    console: &Console,
    farewells: &Farewells,
    board: &Board,
) -> Result<Finished, Failure> {
    let (text, file) = papers::config(args).await?;
    let config = Config::read(&text, &file).map_err(unread)?;
    let shard = shard::of(args)?;
    let hall = Hall::enter(args, &text).await?;
    let notebook = Notebook::of(args);
    let notes =
        notebook.as_ref().map(|notebook| if args.dry_run { notebook.read() } else { notebook.open() });
    let run = Run::new(args, console, farewells, notes)?;
    let selection = run.select(&config).await?;
    let items = shard::items(&selection, shard);
    let anew = || Run::new(args, console, farewells, None);
    let order =
        Order { args, config: &config, selection: &selection, shard, items: &items, board, anew: &anew };
    if args.dry_run {
        return dry::run(&run, &order, console).await;
    }
    let done = run.bring(&order, hall, console).await;
    if let Some(notebook) = notebook {
        notebook.close(console);
    }
    done
}

/// What a run is to do.
struct Order<'a> {
    args: &'a MirrorArgs,
    config: &'a Config,
    /// All that the configuration selects.
    selection: &'a Selection,
    shard: Option<Shard>,
    /// What is this process's to do of it.
    items: &'a [Item],
    board: &'a Board,
    /// An engine that has learnt nothing.
    anew: &'a Anew<'a>,
}

/// Makes what a run works with, which has learnt nothing yet.
type Anew<'a> = dyn Fn() -> Result<Run, Failure> + Sync + 'a;

/// What a run works with.
pub(super) struct Run {
    runner: Runner,
    world: Arc<Everywhere>,
    /// Requests for no image: lists of tags, and farewells.
    rest: Arc<Tally>,
    at_once: usize,
    /// What this run and earlier ones have found out, where that is kept.
    notes: Option<Arc<Notes>>,
}

impl Run {
    fn new(
        args: &MirrorArgs,
        console: &Console,
        farewells: &Farewells,
        notes: Option<Notes>,
    ) -> Result<Self, Failure> {
        let rest = Arc::<Tally>::default();
        let places =
            Places::metered(&args.means.reach, farewells, Arc::new(meter::Metered(Arc::clone(&rest))))?;
        let observer = Arc::new(Watch(console.observer_of_many()));
        let engine = engine(&args.means.ahead, !args.no_journal, observer, places.traffic());
        let rules = Rules {
            limits: args.means.caps.of_copy(),
            foreign: args.foreign(),
            at_once: args.images_at_once,
            repair: args.repair,
            fail_fast: args.fail_fast,
        };
        let world = Arc::new(Everywhere::new(places));
        let runner = Runner::new(engine, Arc::<Everywhere>::clone(&world), rules);
        let notes = notes.map(Arc::new);
        let runner = match &notes {
            Some(notes) => runner.with_notes(Arc::<Notes>::clone(notes)),
            None => runner,
        };
        Ok(Self { runner, world, rest, at_once: args.images_at_once, notes })
    }

    async fn select(&self, config: &Config) -> Result<Selection, Failure> {
        let selecting = mirror::select(config, &*self.world, self.notes.as_deref());
        self.rest.counting(Side::Source, Box::pin(selecting)).await.map_err(unread)
    }

    /// Brings what was selected, and writes all papers.
    async fn bring(
        self,
        order: &Order<'_>,
        hall: Option<Hall>,
        console: &Console,
    ) -> Result<Finished, Failure> {
        let Order { args, selection, .. } = order;
        for warning in selection.words() {
            console.warn(warning);
        }
        let about = about(order);
        let id = about.run.clone();
        let mut ledger = Ledger::open(args.receipt.as_deref(), about, console, order.board)?;
        for unselected in &selection.failures {
            ledger.unselected(unselected);
        }
        if let Some(hall) = hall {
            Box::pin(plan::plan(&self, order, &hall, id, &mut ledger)).await?;
        } else {
            let left = self.runner.all(order.items, |item, outcome| ledger.image(item, &outcome)).await;
            ledger.leave(left);
        }
        if args.pruning.prune {
            prune::prune(&self, order, &mut ledger, console).await;
        }
        let locked = match &args.lock {
            Some(path) => papers::write(path, &ledger.lock().text()),
            None => Ok(()),
        };
        // A receipt has its end, whatever became of the other papers.
        let mirrored = ledger.end(self.rest.requests())?;
        locked?;
        if mirrored.code == crate::exit::DONE {
            Ok(Finished::Mirrored(Box::new(mirrored)))
        } else {
            Err(Failure::Mirrored(Box::new(mirrored)))
        }
    }
}

/// What a run is, for its receipt.
fn about(order: &Order<'_>) -> receipt::Run {
    receipt::Run {
        receipt: receipt::VERSION,
        run: papers::run_id(),
        started: receipt::now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: order.config.file.clone(),
        shard: order.shard.map(|shard| shard.to_string()),
    }
}

fn unread(why: mirror::ConfigError) -> Failure {
    let place = format!("{}:{}", why.file, why.spot);
    Failure::Usage(Usage::about(place, why.what).hint(why.remedy))
}
