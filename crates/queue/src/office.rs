//! Where the planner of an open run sits: what it asks of the server, each for as long as a server may be away.
use std::collections::HashSet;

use async_nats::jetstream::{
    consumer::{DeliverPolicy, pull},
    context::{PublishAckFuture, PublishError, PublishErrorKind},
    message::PublishMessage,
};
use bytes::Bytes;
use futures::StreamExt as _;

use crate::{
    Item, Name, Queue, QueueError, Run, Terms,
    name::tail,
    patience::patiently,
    streams::{CONSUMER, Streams},
};

/// What the server says of an item that is in the queue already.
const THERE: &str = "maximum messages per subject exceeded";

/// An open run, as its planner has it.
pub(crate) struct Office {
    pub(crate) queue: Queue,
    pub(crate) name: Name,
    pub(crate) streams: Streams,
    pub(crate) run: Run,
}

impl Queue {
    /// Writes the page of a run, unless somebody else has written one meanwhile: then that one is joined.
    pub(crate) async fn open(
        &self,
        name: &Name,
        streams: &Streams,
        terms: &Terms,
        last: u64,
    ) -> Result<(Run, bool), QueueError> {
        let run = Run::opened(terms);
        let page = PublishMessage::build().payload(run.bytes()?.into()).expected_last_subject_sequence(last);
        let written = async { self.streams.send_publish(name.plan(), page).await?.await }.await;
        match written {
            Ok(written) => {
                if last == 0 {
                    // The first page of all: NATS would take "all before the first" for "all".
                    return Ok((run, false));
                }
                // What earlier runs left is nobody's any more.
                let old = streams.run.purge().sequence(written.sequence).await;
                old.map_err(|why| self.failed("forget the run before", why))?;
                Ok((run, false))
            }
            Err(why) if why.kind() == PublishErrorKind::WrongLastSequence => {
                let (other, _) = self.last_run(name, streams).await?;
                other.map(|run| (run, true)).ok_or_else(|| self.failed("open a run", why))
            }
            Err(why) => Err(self.failed("open a run", why)),
        }
    }
}

impl Office {
    /// Puts items, and waits until the server has them. `round` tells those that are put again from those that only
    /// seem to have been put twice, because an answer was lost.
    pub(crate) async fn send(&self, items: &[(Item, Bytes)], round: u32) -> Result<(), QueueError> {
        patiently(|| async {
            let mut sent = Vec::new();
            for (item, words) in items {
                sent.push(
                    self.publish(item, words, round)
                        .await
                        .map_err(|why| self.queue.failed("take work", why))?,
                );
            }
            for taken in sent {
                self.taken(taken.await.err())?;
            }
            Ok(())
        })
        .await
    }

    async fn publish(
        &self,
        item: &Item,
        words: &Bytes,
        round: u32,
    ) -> Result<PublishAckFuture, PublishError> {
        let id = format!("{}.{item}.{round}", self.run.run);
        let message = PublishMessage::build().payload(words.clone()).message_id(id);
        self.queue.streams.send_publish(self.name.task(&self.run.run, item), message).await
    }

    /// An item that is in the queue already is as good as one that was taken.
    fn taken(&self, refused: Option<PublishError>) -> Result<(), QueueError> {
        match refused {
            Some(why) if !why.to_string().contains(THERE) => Err(self.queue.failed("take work", why)),
            _ => Ok(()),
        }
    }

    /// What the run has a note of already.
    pub(crate) async fn noted(&self) -> Result<HashSet<Item>, QueueError> {
        let notes = self.name.done_of(&self.run.run);
        patiently(|| async {
            let failed = |why| self.queue.failed("say what is done", why);
            let mut subjects = self.streams.run.info_with_subjects(&notes).await.map_err(failed)?;
            let mut done = HashSet::new();
            while let Some(subject) = subjects.next().await {
                // What is no note, somebody else put there.
                done.extend(tail(&subject.map_err(failed)?.0).map(|(_, item)| item));
            }
            Ok(done)
        })
        .await
    }

    /// How many items are in the queue.
    pub(crate) async fn waiting(&self) -> Result<u64, QueueError> {
        patiently(|| async {
            let info = self.streams.work.get_info().await;
            info.map(|info| info.state.messages).map_err(|why| self.queue.failed("say what is left", why))
        })
        .await
    }

    /// Whether it is known that nobody has an item, and nobody asks for one.
    pub(crate) async fn is_deserted(&self) -> bool {
        let info = self.streams.work.consumer_info(CONSUMER).await;
        info.is_ok_and(|info| info.num_ack_pending == 0 && info.num_waiting == 0)
    }

    /// Reads all notes of the run, from the first, and waits for more.
    pub(crate) async fn listen(&self) -> Result<pull::Ordered, QueueError> {
        let config = || pull::OrderedConfig {
            filter_subject: self.name.done_of(&self.run.run),
            deliver_policy: DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        };
        patiently(|| async {
            let consumer = self.streams.run.create_consumer(config()).await;
            let consumer = consumer.map_err(|why| self.queue.failed("say what is done", why))?;
            consumer.messages().await.map_err(|why| self.queue.failed("say what is done", why))
        })
        .await
    }

    /// Writes the page of the run again, so that its place in the log shows that somebody plans; opens it again where
    /// another planner of it, who knew of less, has closed it.
    pub(crate) async fn renew(&self) -> Result<(), QueueError> {
        patiently(|| async {
            let (last, sequence) = self.queue.last_run(&self.name, &self.streams).await?;
            if last.is_none_or(|last| last.run != self.run.run) {
                let message = "another run was opened in this queue, since this one was not heard of";
                return Err(QueueError::usage(message).hint("run it again when that one has ended"));
            }
            self.turn(&self.run, sequence).await
        })
        .await
    }

    /// Writes a page, unless somebody else has just written one.
    async fn turn(&self, page: &Run, after: u64) -> Result<(), QueueError> {
        let message = PublishMessage::build().payload(page.bytes()?.into());
        let message = message.expected_last_subject_sequence(after);
        let streams = &self.queue.streams;
        let written = async { streams.send_publish(self.name.plan(), message).await?.await }.await;
        match written {
            Err(why) if why.kind() != PublishErrorKind::WrongLastSequence => {
                Err(self.queue.failed("say which run is open", why))
            }
            _ => Ok(()),
        }
    }

    /// Closes the run, unless somebody else has, and empties the queue of it: a worker that died between its note and
    /// its word that it was done has left an item there.
    pub(crate) async fn close(&self) -> Result<(), QueueError> {
        patiently(|| async {
            let (last, sequence) = self.queue.last_run(&self.name, &self.streams).await?;
            if last.is_none_or(|last| !last.open || last.run != self.run.run) {
                return Ok(());
            }
            self.turn(&self.run.closed(), sequence).await?;
            // A beat of another planner may have come between.
            let (last, _) = self.queue.last_run(&self.name, &self.streams).await?;
            match last {
                Some(last) if last.open && last.run == self.run.run => {
                    Err(self.queue.failed("close the run", "another planner has it"))
                }
                _ => Ok(()),
            }
        })
        .await?;
        patiently(|| async {
            let left = self.streams.work.purge().filter(self.name.work_of(&self.run.run)).await;
            left.map(drop).map_err(|why| self.queue.failed("empty the queue", why))
        })
        .await
    }
}
