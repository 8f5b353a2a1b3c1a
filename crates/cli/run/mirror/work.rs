//! Who works for a queue: takes images, brings them, and writes down what came of each.
use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::try_join_all;
use mirror::{
    Config, Item,
    receipt::{self, End, Image},
};
use queue::{Next, QueueErrorKind, Task};
use registry::Farewells;
use serde_json::json;
use status::{Board, Round};
use tokio::time::{Instant, sleep, timeout};

use super::{Anew, Run, hall::Hall, ledger, papers, unread, watch};
use crate::{
    args::{MirrorArgs, Output},
    failure::Failure,
    render::{Console, Finished},
    usage::Usage,
};

/// How long a worker that stays waits for a plan before it reads its configuration anew.
const LOOK: Duration = Duration::from_secs(30);
/// How long it leaves a queue alone that is at work for another configuration.
const ASIDE: Duration = Duration::from_secs(10);

/// What came of a run here.
struct Worked {
    end: End,
    /// How many messages were no items.
    refused: u64,
}

/// Works until the run is over; with --watch, for every run that comes.
pub(super) async fn work(
    args: &MirrorArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Finished, Failure> {
    refuse(args)?;
    let board = Board::default();
    watch::listen(args, &board).await?;
    let mut hall = hall(args, None).await?;
    while args.watching.watch.is_some() {
        match next_run(args, &hall, console, farewells, &board).await {
            Ok(Some(end)) => console.note(in_words(args, &end).trim_end()),
            Ok(None) => {}
            // Of another configuration, at once or from some time on: it may be ours when that is read again.
            Err(Failure::Queue(why)) if why.kind() == QueueErrorKind::Usage => {
                console.warn(&why.to_string());
                console.forget();
                sleep(ASIDE).await;
            }
            Err(why) => return Err(why),
        }
        hall = self::hall(args, Some(hall)).await?;
    }
    let end = one_run(args, &hall, console, farewells, &board).await?;
    Ok(Finished::Printed(in_words(args, &end)))
}

/// The next run of somebody who stays; none where none has come for a while: the configuration may be another one by
/// now.
async fn next_run(
    args: &MirrorArgs,
    hall: &Hall,
    console: &Console,
    farewells: &Farewells,
    board: &Board,
) -> Result<Option<Worked>, Failure> {
    let Ok(come) = timeout(LOOK, hall.worker().waits()).await else { return Ok(None) };
    come?;
    one_run(args, hall, console, farewells, board).await.map(Some)
}

/// What only a planner can do.
fn refuse(args: &MirrorArgs) -> Result<(), Usage> {
    let planners = [
        ("--receipt", args.receipt.is_some()),
        ("--lock", args.lock.is_some()),
        ("--state", args.state.is_some()),
        ("--prune", args.pruning.prune),
        ("--dry-run", args.dry_run),
    ];
    match planners.iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(Usage::about(*flag, "is the planner's, and --role work only works")),
        None => Ok(()),
    }
}

/// The hall for the configuration as it is now: the same, with its connection, where that has not changed.
async fn hall(args: &MirrorArgs, before: Option<Hall>) -> Result<Hall, Failure> {
    let (text, file) = papers::config(args).await?;
    if let Some(same) = before.filter(|hall| hall.is_for(&text)) {
        return Ok(same);
    }
    // A worker asks nobody what the configuration means; but one that makes no sense is nobody's.
    Config::read(&text, &file).map_err(unread)?;
    Hall::enter(args, &text).await?.ok_or_else(|| Usage::new("no queue is named").into())
}

/// One run, with an engine of its own: what it has learnt is of that run.
async fn one_run(
    args: &MirrorArgs,
    hall: &Hall,
    console: &Console,
    farewells: &Farewells,
    board: &Board,
) -> Result<Worked, Failure> {
    let anew = || Run::new(args, console, farewells, None);
    let run = anew()?;
    let (end, begun) = (Mutex::new(End::default()), Instant::now());
    board.begin();
    let done = until_over(&run, &anew, hall, |image| {
        console.image(image, None);
        board.image(ledger::on_board(image.result), image.bytes);
        let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
        end.count(image);
        end.requests.source = end.requests.source.saturating_add(image.requests.source);
        end.requests.target = end.requests.target.saturating_add(image.requests.target);
    });
    let done = Box::pin(done).await;
    let end = end.into_inner().unwrap_or_else(PoisonError::into_inner);
    let how = match done {
        Ok(_) => watch::how(end.failed == 0, &end),
        Err(_) => status::End::Failed,
    };
    let (source, target) = (end.requests.source, end.requests.target);
    board.end(&Round { source, target, took: begun.elapsed(), end: how });
    done.map(|refused| Worked { end, refused })
}

/// The engine of each run that is worked for: what one has learnt of a destination need not be so in the next.
struct Engines<'a> {
    /// Of the run that was there first.
    first: (&'a Run, OnceLock<String>),
    /// Of the last one that came after it.
    last: Mutex<Option<(String, Arc<Run>)>>,
    anew: &'a Anew<'a>,
}

impl Engines<'_> {
    async fn bring(&self, task: &Task) -> Result<Image, Failure> {
        let (first, of) = &self.first;
        if of.get_or_init(|| task.run().to_owned()) == task.run() {
            return Ok(bring(first, task).await);
        }
        let later = self.later(task.run())?;
        Ok(bring(&later, task).await)
    }

    fn later(&self, of: &str) -> Result<Arc<Run>, Failure> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let engine = match last.take().filter(|(run, _)| run == of) {
            Some((_, engine)) => engine,
            None => Arc::new((self.anew)()?),
        };
        *last = Some((of.to_owned(), Arc::clone(&engine)));
        Ok(engine)
    }
}

/// Takes images, several at a time, until the run is over, and those that were opened meanwhile; what is of those is
/// brought by engines that are made `anew`. Returns how many messages were no items.
pub(super) async fn until_over(
    run: &Run,
    anew: &Anew<'_>,
    hall: &Hall,
    done: impl Fn(&Image) + Sync,
) -> Result<u64, Failure> {
    let (done, engines) = (&done, &Engines { first: (run, OnceLock::new()), last: Mutex::default(), anew });
    let hands = (0..run.at_once.max(1)).map(async |_| {
        let mut worker = hall.worker();
        loop {
            let Next::Task(task) = worker.next().await? else { return Ok::<u64, Failure>(worker.refused()) };
            let image = engines.bring(&task).await?;
            let note = serde_json::to_vec(&image).unwrap_or_default();
            task.done(note.into()).await?;
            done(&image);
        }
    });
    Ok(try_join_all(hands).await?.into_iter().sum())
}

async fn bring(run: &Run, task: &Task) -> Image {
    let item: Item = match serde_json::from_slice(task.words()) {
        Ok(item) => item,
        Err(why) => return nameless(&format!("the planner wrote what makes no sense: {why}")),
    };
    if task.is_spent() {
        let before = task.deliveries().saturating_sub(1);
        return given_up(&item, &format!("{before} workers had it, and none of them was heard of again"));
    }
    let outcome = task.during(run.runner.one(&item)).await;
    ledger::line(&item, &outcome)
}

/// The line of an image that no worker brings.
pub(super) fn given_up(item: &Item, why: &str) -> Image {
    Image { source: item.source.to_string(), destination: item.destination.to_string(), ..nameless(why) }
}

fn nameless(why: &str) -> Image {
    let why = receipt::Failure {
        kind: "protocol".to_owned(),
        side: None,
        step: None,
        message: why.to_owned(),
        code: 1,
    };
    ledger::failed(String::new(), String::new(), why)
}

fn in_words(args: &MirrorArgs, worked: &Worked) -> String {
    let Worked { end: End { images, copied, unchanged, failed, .. }, refused } = worked;
    match args.means.show.output {
        Output::Text => {
            let refused = match refused {
                0 => String::new(),
                number => format!("; took {number} messages out of the queue that were none"),
            };
            format!(
                "worked on {images} images of the queue: {copied} copied, {unchanged} unchanged, {failed} failed\
                 {refused}\n"
            )
        }
        Output::Json => {
            let end = json!({
                "images": images, "copied": copied, "unchanged": unchanged, "failed": failed, "refused": refused
            });
            format!("{}\n", json!({ "worked": end }))
        }
    }
}
