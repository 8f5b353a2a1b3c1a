//! Who works: takes one item at a time, is heard of while it is at it, and writes a note when it is done.
use std::{convert::Infallible, fmt, time::Duration};

use async_nats::jetstream::{self, AckKind, consumer::PullConsumer, message::PublishMessage};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::sleep;

use crate::{Item, Name, Queue, QueueError, Run, name::tail, patience::patiently, streams::Streams};

/// How long a server may keep a request for work before it says that there is none.
const WAIT: Duration = Duration::from_secs(2);
/// How often somebody without a plan looks for one.
const LOOK: Duration = Duration::from_secs(1);

/// Somebody who takes work from a queue, run after run.
pub struct Worker {
    queue: Queue,
    name: Name,
    config: String,
    at: Option<Desk>,
    refused: u64,
}

/// Where the work of an open run is.
struct Desk {
    streams: Streams,
    consumer: PullConsumer,
    run: Run,
}

impl fmt::Debug for Worker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What there is to do.
#[derive(Debug)]
pub enum Next {
    /// An item, which this worker has until it says otherwise, or is not heard of.
    Task(Box<Task>),
    /// The run is over, and none was opened since.
    Over,
}

impl Queue {
    /// Somebody who works for this configuration.
    pub fn worker(&self, name: &Name, config: &str) -> Worker {
        Worker { queue: self.clone(), name: name.clone(), config: config.to_owned(), at: None, refused: 0 }
    }
}

impl Worker {
    /// The next item. Waits while there is no plan, and while others have all that is left: they may die.
    ///
    /// Whoever drops this before it is done may drop an item with it, which is nobody's then until it goes to another.
    pub async fn next(&mut self) -> Result<Next, QueueError> {
        loop {
            let Some(desk) = self.at.take() else {
                match self.arrive().await? {
                    Arrival::At(desk) => self.at = Some(*desk),
                    Arrival::Early => sleep(LOOK).await,
                    Arrival::Late => return Ok(Next::Over),
                }
                continue;
            };
            let Some(message) = patiently(|| self.pull(&desk.consumer)).await? else { continue };
            let Some((run, item)) = tail(&message.subject) else {
                self.refuse(&message).await;
                self.at = Some(desk);
                continue;
            };
            let desk =
                if run == desk.run.run { Some(desk) } else { self.follow(desk, run, &message).await? };
            let Some(desk) = desk else { continue };
            let task = self.task(item, message, &desk.run)?;
            self.at = Some(desk);
            return Ok(Next::Task(Box::new(task)));
        }
    }

    /// How many messages were no items, and were taken out of the queue.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes out of the queue what is no item: it would come back to every worker, and nobody waits for it.
    async fn refuse(&mut self, message: &jetstream::Message) {
        self.refused = self.refused.saturating_add(1);
        tracing::warn!("a message in the queue is not ours, and is taken out of it: {:?}", message.subject);
        if let Err(why) = message.ack_with(AckKind::Term).await {
            tracing::debug!("the queue: not heard that a message is taken out: {why}");
        }
    }

    /// Waits until a run is open: one that is over is not enough.
    pub async fn waits(&self) -> Result<(), QueueError> {
        while !matches!(self.arrive().await?, Arrival::At(_)) {
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Looks for an open run.
    async fn arrive(&self) -> Result<Arrival, QueueError> {
        patiently(|| async {
            let Some(streams) = self.queue.find(&self.name).await? else { return Ok(Arrival::Early) };
            let Some(run) = self.queue.last_run(&self.name, &streams).await?.0 else {
                return Ok(Arrival::Early);
            };
            if !run.open {
                let ours = run.belongs_to(&self.config).is_ok();
                return Ok(if ours { Arrival::Late } else { Arrival::Early });
            }
            run.belongs_to(&self.config)?;
            let consumer = self.queue.consumer(&streams, &run).await?;
            Ok(Arrival::At(Box::new(Desk { streams, consumer, run })))
        })
        .await
    }

    async fn pull(&self, from: &PullConsumer) -> Result<Option<jetstream::Message>, QueueError> {
        let failed = |why: String| self.queue.failed("give out work", why);
        let got = from.fetch().max_messages(1).expires(WAIT).messages().await;
        let got = got.map_err(|why| failed(why.to_string()))?.next().await;
        got.transpose().map_err(|why| failed(why.to_string()))
    }

    /// The desk of the run that an item is of, where that has been opened meanwhile. The item is done there: given
    /// back, it would go from one who waits for the last run to the next, and each would count as one who had it. Of a
    /// run that is over, nobody waits for it.
    async fn follow(
        &self,
        desk: Desk,
        run: &str,
        message: &jetstream::Message,
    ) -> Result<Option<Desk>, QueueError> {
        let let_go = async |kind| {
            message.ack_with(kind).await.map_err(|why| self.queue.failed("take an item back", why))
        };
        let page = patiently(|| self.queue.last_run(&self.name, &desk.streams)).await?.0;
        let Some(page) = page.filter(|page| page.open && page.run == run) else {
            let_go(AckKind::Term).await?;
            return Ok(None);
        };
        if let Err(why) = page.belongs_to(&self.config) {
            let_go(AckKind::Nak(None)).await?;
            return Err(why);
        }
        // With the patience that this run's planner wants.
        let consumer = patiently(|| self.queue.consumer(&desk.streams, &page)).await?;
        Ok(Some(Desk { streams: desk.streams, consumer, run: page }))
    }

    fn task(&self, item: Item, message: jetstream::Message, run: &Run) -> Result<Task, QueueError> {
        let info = message.info().map_err(|why| self.queue.failed("say how often it gave an item", why))?;
        let deliveries = u32::try_from(info.delivered).unwrap_or(u32::MAX);
        let (queue, name, run) = (self.queue.clone(), self.name.clone(), run.clone());
        Ok(Task { queue, name, run, item, deliveries, message })
    }
}

/// What somebody who looks for a run finds.
enum Arrival {
    At(Box<Desk>),
    /// There is no plan yet.
    Early,
    /// The run is over.
    Late,
}

/// An item that this worker has.
pub struct Task {
    queue: Queue,
    name: Name,
    run: Run,
    item: Item,
    deliveries: u32,
    message: jetstream::Message,
}

impl fmt::Debug for Task {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Task").field("item", &self.item).finish_non_exhaustive()
    }
}

impl Task {
    /// What it is called.
    pub fn item(&self) -> &Item {
        &self.item
    }

    /// The run that it is of.
    pub fn run(&self) -> &str {
        &self.run.run
    }

    /// What the planner wrote.
    pub fn words(&self) -> &Bytes {
        &self.message.payload
    }

    /// How many workers have had it, this one included.
    pub fn deliveries(&self) -> u32 {
        self.deliveries
    }

    /// Whether so many workers died of it that this one should give it up, and say so in its note.
    pub fn is_spent(&self) -> bool {
        self.deliveries > self.run.deliveries
    }

    /// Does the work; meanwhile the server hears three times in its patience that somebody is at it.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = self.stays_heard() => match never {},
        }
    }

    async fn stays_heard(&self) -> Infallible {
        let beat = self.run.patience().checked_div(3).unwrap_or(LOOK);
        loop {
            sleep(beat).await;
            if let Err(why) = self.message.ack_with(AckKind::Progress).await {
                tracing::debug!("the queue: not heard: {why}");
            }
        }
    }

    /// Writes what came of it, and only then lets go of it.
    pub async fn done(self, note: Bytes) -> Result<(), QueueError> {
        let subject = self.name.note(&self.run.run, &self.item);
        patiently(|| async {
            let id = format!("{}.{}", self.run.run, self.item);
            let message = PublishMessage::build().payload(note.clone()).message_id(id);
            let failed = |why| self.queue.failed("take down what came of an item", why);
            let sent = self.queue.streams.send_publish(subject.clone(), message).await.map_err(failed)?;
            sent.await.map_err(failed)
        })
        .await?;
        // Unheard, it goes to another worker, who finds it done.
        if let Err(why) = self.message.double_ack().await {
            tracing::debug!("the queue: not heard that an item is done: {why}");
        }
        Ok(())
    }
}
