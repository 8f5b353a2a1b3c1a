//! Who counts the requests of a run.
use std::{fmt, sync::Arc};

use copier::Side;
use mirror::tally::{Tally, request};
use registry::{Exchange, Meter};

/// Counts each request for the image that it is for; what is for none is counted apart.
pub(super) struct Metered(pub(super) Arc<Tally>);

impl Meter for Metered {
    fn connected(&self, _origin: &str) {}

    fn exchanged(&self, _exchange: &Exchange<'_>) {
        // What is sent when nobody waits any more, ends uploads.
        if !request() {
            self.0.request(Side::Target);
        }
    }
}

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metered")
    }
}
