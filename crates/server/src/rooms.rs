//! What the end-points share.
use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{gate::Gate, links::Links, load::Load, sessions::Sessions, tls::Tls};

/// What the end-points share.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) links: Links,
    pub(crate) sessions: Sessions,
    pub(crate) load: Load,
    /// The connections that may still be opened.
    pub(crate) connections: Arc<Semaphore>,
    /// Without one everybody may come in.
    pub(crate) gate: Option<Gate>,
    pub(crate) sparse: bool,
    pub(crate) writable: bool,
    /// How long a client may keep silent in the middle of a body.
    pub(crate) body_idle: Option<Duration>,
    /// How long a connection may bring no requests.
    pub(crate) quiet: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub(crate) send_idle: Duration,
    pub(crate) tls: Option<Tls>,
}
