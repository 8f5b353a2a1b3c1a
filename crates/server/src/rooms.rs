//! What the end-points share.
use std::time::Duration;

use crate::{links::Links, sessions::Sessions};

/// What the end-points share.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) links: Links,
    pub(crate) sessions: Sessions,
    pub(crate) sparse: bool,
    pub(crate) writable: bool,
    /// How long a client may keep silent in the middle of a body.
    pub(crate) body_idle: Option<Duration>,
    /// How long a new connection may take to bring its first request.
    pub(crate) greeting: Duration,
}
