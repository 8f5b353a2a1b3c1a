//! Who plans: opens a run, puts what is to be done, and reads what came of it.
use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use async_nats::jetstream::consumer::pull;
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep};

use crate::{
    Item, Name, Queue, QueueError, Run, Terms, name::tail, office::Office, patience::patiently,
    streams::Streams,
};

/// How many items are on their way to the server before it has said that it has them.
const AT_ONCE: usize = 64;
/// How long nothing is heard, at least, before the planner looks whether anything is lost.
const QUIET: Duration = Duration::from_secs(30);
/// How often, within the patience of a run, its planner is heard of.
const BEATS: u32 = 3;
/// Before the notes are read anew.
const PAUSE: Duration = Duration::from_secs(1);

/// What came of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which item.
    pub item: Item,
    /// What its worker wrote.
    pub words: Bytes,
}

/// A run that is open.
pub struct Planner {
    office: Office,
    joined: bool,
    left: HashMap<Item, Bytes>,
    notes: Option<pull::Ordered>,
    beat: Interval,
    /// How often items were put again.
    rounds: u32,
    /// When the last note came, or was looked for.
    heard: Instant,
}

impl fmt::Debug for Planner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Planner")
            .field("run", self.run())
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Opens a run, or joins the one that is open for the same configuration: its planner may have died.
    pub async fn plan(&self, name: &Name, terms: &Terms) -> Result<Planner, QueueError> {
        let streams = patiently(|| self.make(name)).await?;
        let (last, sequence) = patiently(|| self.last_run(name, &streams)).await?;
        let (run, joined) = match last.filter(|run| run.open) {
            Some(run) if run.config == terms.config => (run, true),
            Some(run) if self.is_planned(name, &streams, &run, sequence).await? => {
                return Err(run
                    .belongs_to(&terms.config)
                    .err()
                    .unwrap_or_else(|| self.failed("open a run", "")));
            }
            // A page whose receipt was lost is found there by the next try, and joined as another's would be.
            _ => patiently(|| self.open(name, &streams, terms, sequence)).await?,
        };
        run.belongs_to(&terms.config)?;
        patiently(|| self.consumer(&streams, &run)).await?;
        let every = run.patience().checked_div(BEATS).unwrap_or(PAUSE);
        let mut beat = interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let office = Office { queue: self.clone(), name: name.clone(), streams, run };
        let heard = Instant::now();
        Ok(Planner { office, joined, left: HashMap::new(), notes: None, beat, rounds: 0, heard })
    }

    /// Whether the planner of a run is heard of, within the patience of that run.
    async fn is_planned(
        &self,
        name: &Name,
        streams: &Streams,
        run: &Run,
        sequence: u64,
    ) -> Result<bool, QueueError> {
        tracing::info!("the queue is open for {}; waiting whether anybody plans for that still", run.config);
        sleep(run.patience()).await;
        Ok(patiently(|| self.last_run(name, streams)).await?.1 != sequence)
    }
}

impl Planner {
    /// The run, and its terms: another planner's where one was open.
    pub fn run(&self) -> &Run {
        &self.office.run
    }

    /// Whether somebody else had opened the run.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// How many items have no note yet.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// Puts what is to be done, in this order. What a run that was joined has a note of is not put again; that note
    /// comes from [`Planner::next`] as all others do.
    pub async fn put(&mut self, items: Vec<(Item, Bytes)>) -> Result<(), QueueError> {
        let done = if self.joined { self.office.noted().await? } else { HashSet::new() };
        let open: Vec<_> = items.iter().filter(|(item, _)| !done.contains(item)).cloned().collect();
        for some in open.chunks(AT_ONCE) {
            self.office.send(some, 0).await?;
        }
        self.left.extend(items);
        Ok(())
    }

    /// The next note; none when every item has one. Of two notes of one item the first counts. Whoever stops waiting
    /// loses none.
    pub async fn next(&mut self) -> Result<Option<Note>, QueueError> {
        while !self.left.is_empty() {
            let notes = match &mut self.notes {
                Some(notes) => notes,
                none => none.insert(self.office.listen().await?),
            };
            let next = tokio::select! {
                biased;
                _ = self.beat.tick() => {
                    self.beat().await?;
                    continue;
                }
                next = notes.next() => next,
            };
            self.heard = Instant::now();
            match next {
                Some(Ok(message)) => {
                    // What is no note, somebody else put there.
                    if let Some((_, item)) = tail(&message.subject)
                        && self.left.remove(&item).is_some()
                    {
                        return Ok(Some(Note { item, words: message.payload.clone() }));
                    }
                }
                broken => {
                    tracing::debug!("the queue: reading what is done broke off: {broken:?}");
                    self.notes = None;
                    sleep(PAUSE).await;
                }
            }
        }
        Ok(None)
    }

    /// Lets others hear that the run has a planner, and looks after it when nothing was heard for a while.
    async fn beat(&mut self) -> Result<(), QueueError> {
        self.office.renew().await?;
        if self.heard.elapsed() < QUIET.max(self.office.run.patience()) {
            return Ok(());
        }
        self.heard = Instant::now();
        self.look_after().await
    }

    /// Puts again what is neither noted nor in the queue: somebody emptied it, or its server lost it.
    async fn look_after(&mut self) -> Result<(), QueueError> {
        let waiting = self.office.waiting().await?;
        if waiting > 0 {
            if self.office.is_deserted().await {
                tracing::warn!("nobody works for the queue, where {waiting} items wait: start workers");
            }
            return Ok(());
        }
        let done = self.office.noted().await?;
        let lost = self.left.iter().filter(|(item, _)| !done.contains(*item));
        let lost: Vec<_> = lost.map(|(item, words)| (item.clone(), words.clone())).collect();
        if lost.is_empty() {
            return Ok(());
        }
        tracing::warn!("the queue has lost {} items; they are put again", lost.len());
        self.rounds = self.rounds.saturating_add(1);
        self.office.send(&lost, self.rounds).await
    }

    /// Closes the run: workers that find nothing to do end, and the next planner opens another.
    pub async fn close(self) -> Result<(), QueueError> {
        self.office.close().await
    }
}
