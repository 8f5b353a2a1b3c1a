//! What the end-points share.
use crate::{links::Links, sessions::Sessions};

/// What the end-points share.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) links: Links,
    pub(crate) sessions: Sessions,
    pub(crate) sparse: bool,
    pub(crate) writable: bool,
}
