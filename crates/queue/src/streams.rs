//! The two streams of a queue.
use async_nats::jetstream::{
    consumer::{AckPolicy, PullConsumer, pull},
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, LastRawMessageErrorKind, RetentionPolicy, Stream},
};

use crate::{Name, Queue, QueueError, Run};

/// The consumer that all workers share.
pub(crate) const CONSUMER: &str = "workers";
/// A stream that does not exist.
const NO_STREAM: u64 = 10059;

/// What there is of a queue.
pub(crate) struct Streams {
    pub(crate) work: Stream,
    pub(crate) run: Stream,
}

fn work(name: &Name) -> Config {
    Config {
        name: name.work_stream(),
        description: Some("transship: images that are still to be copied".to_owned()),
        subjects: vec![name.work()],
        retention: RetentionPolicy::WorkQueue,
        // A planner that takes over another's run puts an item again, which must not be twice in the queue.
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        ..Config::default()
    }
}

fn run(name: &Name) -> Config {
    Config {
        name: name.run_stream(),
        description: Some("transship: what came of a mirror's images".to_owned()),
        subjects: vec![name.plan(), name.done()],
        ..Config::default()
    }
}

impl Queue {
    /// The streams, made where they are not there.
    pub(crate) async fn make(&self, name: &Name) -> Result<Streams, QueueError> {
        let (work, run) = (self.stream(work(name)).await?, self.stream(run(name)).await?);
        Ok(Streams { work, run })
    }

    async fn stream(&self, config: Config) -> Result<Stream, QueueError> {
        let (name, subjects, retention) = (config.name.clone(), config.subjects.clone(), config.retention);
        let made = self.streams.get_or_create_stream(config).await;
        let stream = made.map_err(|why| match why.kind() {
            CreateStreamErrorKind::JetStreamUnavailable => self.without_streams(),
            CreateStreamErrorKind::JetStream(said) if matches!(said.error_code().0, 10039 | 10076) => {
                self.without_streams()
            }
            _ => self.failed(&format!("make the stream {name}"), why),
        })?;
        let found = &stream.cached_info().config;
        if found.subjects == subjects && found.retention == retention {
            return Ok(stream);
        }
        let message = format!("the stream {name} at the queue's server is another program's");
        Err(QueueError::usage(message).hint("choose another name with --queue-name"))
    }

    /// The streams, where a planner has made them.
    pub(crate) async fn find(&self, name: &Name) -> Result<Option<Streams>, QueueError> {
        let (work, run) = (self.found(&name.work_stream()).await?, self.found(&name.run_stream()).await?);
        Ok(work.zip(run).map(|(work, run)| Streams { work, run }))
    }

    async fn found(&self, name: &str) -> Result<Option<Stream>, QueueError> {
        match self.streams.get_stream(name).await {
            Ok(stream) => Ok(Some(stream)),
            Err(why) => match why.kind() {
                GetStreamErrorKind::JetStream(said) if said.error_code().0 == NO_STREAM => Ok(None),
                GetStreamErrorKind::JetStream(said) if matches!(said.error_code().0, 10039 | 10076) => {
                    Err(self.without_streams())
                }
                _ if why.to_string().contains("no responders") => Err(self.without_streams()),
                _ => Err(self.failed(&format!("find the stream {name}"), why)),
            },
        }
    }

    /// The run that was opened last, and where its page stands in the log; 0 where there is none.
    pub(crate) async fn last_run(
        &self,
        name: &Name,
        streams: &Streams,
    ) -> Result<(Option<Run>, u64), QueueError> {
        match streams.run.get_last_raw_message_by_subject(&name.plan()).await {
            Ok(message) => Ok((Some(Run::read(&message.payload)?), message.sequence)),
            Err(why) if why.kind() == LastRawMessageErrorKind::NoMessageFound => Ok((None, 0)),
            Err(why) => Err(self.failed("say which run is open", why)),
        }
    }

    /// The consumer that all workers share, with the patience that the planner wants.
    pub(crate) async fn consumer(&self, streams: &Streams, run: &Run) -> Result<PullConsumer, QueueError> {
        let config = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: run.patience(),
            // Workers count deliveries themselves: an item that is given up must leave a note.
            max_deliver: -1,
            max_ack_pending: -1,
            ..pull::Config::default()
        };
        streams.work.create_consumer(config).await.map_err(|why| self.failed("give out work", why))
    }
}
