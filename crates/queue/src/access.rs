//! How a queue's server is reached.
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{
    ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr, ServerError,
    jetstream::{self, Context},
};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{QueueError, QueueErrorKind};

/// How long a server has to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Where a queue's server is, and as whom it is asked.
#[derive(Clone)]
pub struct Access {
    address: ServerAddr,
    shown: String,
    login: Login,
    credentials: Option<PathBuf>,
    authorities: Vec<PathBuf>,
}

/// Who the address says is asking.
#[derive(Clone)]
enum Login {
    Nobody,
    Token(String),
    User(String, String),
}

impl fmt::Debug for Access {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Access").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Login {
    fn of(url: &Url) -> Option<Self> {
        let text = |part: &str| percent_decode_str(part).decode_utf8().ok().map(std::borrow::Cow::into_owned);
        Some(match (url.username(), url.password()) {
            ("", None) => Self::Nobody,
            (token, None) => Self::Token(text(token)?),
            (user, Some(password)) => Self::User(text(user)?, text(password)?),
        })
    }
}

impl Access {
    /// A server at `nats://[USER:PASSWORD@]HOST[:PORT]`, or `tls://` the same; a name alone is a token. No error says
    /// what it was.
    pub fn parse(url: &str) -> Result<Self, QueueError> {
        let wrong = |why: &str| {
            QueueError::usage(format!("the queue's address {why}"))
                .hint("write nats://HOST:4222, or tls://HOST:4222")
        };
        let mut parsed = Url::parse(url).map_err(|_| wrong("is no URL"))?;
        if !matches!(parsed.scheme(), "nats" | "tls") {
            return Err(wrong("begins with neither nats:// nor tls://"));
        }
        let host = parsed.host_str().ok_or_else(|| wrong("has no host"))?;
        if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(wrong("has something behind its port"));
        }
        let shown = format!("{}://{host}:{}", parsed.scheme(), parsed.port().unwrap_or(4222));
        let login = Login::of(&parsed).ok_or_else(|| wrong("has a name or password that is no text"))?;
        // The client does not look there, and what it does not have it cannot log.
        let _ = (parsed.set_username(""), parsed.set_password(None));
        let address = ServerAddr::from_url(parsed).map_err(|_| wrong("is not understood"))?;
        Ok(Self { address, shown, login, credentials: None, authorities: Vec::new() })
    }

    /// With a file of credentials as `nsc` writes them.
    #[must_use]
    pub fn with_credentials(self, file: Option<PathBuf>) -> Self {
        Self { credentials: file, ..self }
    }

    /// Trusting these authorities, in PEM files, and no others; without any, those of the platform.
    #[must_use]
    pub fn trusting(self, authorities: Vec<PathBuf>) -> Self {
        Self { authorities, ..self }
    }

    /// The address without whom it is asked as.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Connects.
    pub async fn connect(&self) -> Result<Queue, QueueError> {
        let complaint = Complaint::default();
        let heard = complaint.clone();
        let mut options = ConnectOptions::new()
            .name("transship")
            .connection_timeout(ANSWER)
            .require_tls(self.address.tls_required())
            .ignore_discovered_servers()
            .event_callback(move |event| {
                heard.hear(&event);
                async {}
            });
        options = match self.login.clone() {
            Login::Nobody => options,
            Login::Token(token) => options.token(token),
            Login::User(user, password) => options.user_and_password(user, password),
        };
        if let Some(file) = &self.credentials {
            options = options.credentials_file(file).await.map_err(|why| {
                let message = format!("the queue's credentials in {} cannot be read: {why}", file.display());
                QueueError::new(QueueErrorKind::Local, message)
            })?;
        }
        for file in &self.authorities {
            options = options.add_root_certificates(file.clone());
        }
        let client = options.connect(self.address.clone()).await.map_err(|why| self.refused(&why))?;
        let streams = jetstream::ContextBuilder::new().timeout(ANSWER).ack_timeout(ANSWER).build(client);
        Ok(Queue { streams, complaint, shown: self.shown.clone() })
    }

    fn refused(&self, why: &ConnectError) -> QueueError {
        let at = &self.shown;
        match why.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                let message = format!("the queue's server at {at} refuses who asks");
                QueueError::new(QueueErrorKind::Authentication, message)
                    .hint("give nats://USER:PASSWORD@HOST in TRANSSHIP_QUEUE, or --queue-creds FILE")
            }
            ConnectErrorKind::Tls => self.untrusted(why),
            ConnectErrorKind::Io if why.to_string().contains("certificate") => self.untrusted(why),
            _ => {
                let message = format!("the queue's server at {at} cannot be reached: {why}");
                QueueError::new(QueueErrorKind::Unreachable, message)
                    .hint("is nats-server running there, and is that its address?")
            }
        }
    }

    fn untrusted(&self, why: &ConnectError) -> QueueError {
        let message = format!("no trusted connection to the queue's server at {}: {why}", self.shown);
        QueueError::new(QueueErrorKind::Authentication, message)
            .hint("--ca-file FILE trusts its authority; tls:// asks for TLS")
    }
}

/// What the server last complained about: permissions show in no answer, only beside them.
#[derive(Debug, Clone, Default)]
struct Complaint(Arc<Mutex<Option<String>>>);

impl Complaint {
    fn hear(&self, event: &Event) {
        match event {
            Event::ServerError(ServerError::Other(words)) => {
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(words.clone());
            }
            Event::Disconnected => tracing::warn!("the connection to the queue's server is lost"),
            Event::Connected => tracing::debug!("connected to the queue's server"),
            other => tracing::debug!("the queue's server: {other}"),
        }
    }

    fn of_permissions(&self) -> Option<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.clone().filter(|words| words.to_ascii_lowercase().contains("permissions violation"))
    }
}

/// A server that holds queues.
#[derive(Clone)]
pub struct Queue {
    pub(crate) streams: Context,
    complaint: Complaint,
    shown: String,
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").field("shown", &self.shown).finish_non_exhaustive()
    }
}

impl Queue {
    /// The server did not do something. Where it complained of permissions, that is why.
    pub(crate) fn failed(&self, doing: &str, why: impl fmt::Display) -> QueueError {
        if let Some(words) = self.complaint.of_permissions() {
            let message = format!("the queue's server at {} does not let us {doing}: {words}", self.shown);
            return QueueError::new(QueueErrorKind::Authentication, message)
                .hint("the user needs transship.>, $JS.API.>, $JS.ACK.> and _INBOX.>");
        }
        QueueError::unreachable(doing, why)
    }

    /// The server has no `JetStream`, or not for this account.
    pub(crate) fn without_streams(&self) -> QueueError {
        let message = format!("the queue's server at {} offers no JetStream", self.shown);
        QueueError::new(QueueErrorKind::WithoutStreams, message)
            .hint("start it with `nats-server -js -sd DIRECTORY`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_makes_no_sense_is_not_repeated() {
        for (url, why) in [
            ("user:hunter2", "is no URL"),
            ("hunter2", "is no URL"),
            ("http://user:hunter2@host", "neither nats:// nor tls://"),
            ("nats://user:hunter2@host/stream", "behind its port"),
            ("nats://user:hunter2@host?x", "behind its port"),
        ] {
            let error = Access::parse(url).unwrap_err();
            let said = format!("{error} {error:?}");
            assert!(said.contains("the queue's address"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
            assert_eq!(error.kind(), QueueErrorKind::Usage, "{why}");
        }
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let access = Access::parse("nats://user:hunter2@queue.example").unwrap();
        assert_eq!(access.shown(), "nats://queue.example:4222");
        assert!(!format!("{access:?}").contains("hunter2"));
        assert!(matches!(&access.login, Login::User(user, word) if user == "user" && word == "hunter2"));
        let access = Access::parse("nats://a%40b:c%2Fd@queue.example").unwrap();
        assert!(matches!(&access.login, Login::User(user, word) if user == "a@b" && word == "c/d"));
        let access = Access::parse("nats://hunter2@queue.example").unwrap();
        assert!(matches!(&access.login, Login::Token(token) if token == "hunter2"));
        assert_eq!(Access::parse("tls://[::1]:4333").unwrap().shown(), "tls://[::1]:4333");
    }
}
