//! Later: answers after which the same request may come again, and when.
use std::time::{Duration, SystemTime};

use pace::{RetryAfter, retry_after};

use crate::wire::Reply;

/// When a registry wants a request to come again.
pub(crate) enum Later {
    /// It does not say.
    Soon,
    /// After so long.
    After(Duration),
    /// After longer than we wait.
    TooLong(Duration),
}

/// Answers after which the same request may be sent again.
const LATER: [u16; 7] = [408, 429, 500, 502, 503, 504, 522];

impl Later {
    /// Whether, and when, the request that got `reply` may come again.
    pub(crate) fn asked_by(reply: &Reply) -> Option<Self> {
        if !LATER.contains(&reply.status.as_u16()) {
            return None;
        }
        let asked = reply.header("retry-after");
        Some(match asked.and_then(|value| retry_after(value, reply.header("date"), SystemTime::now())) {
            None => Self::Soon,
            Some(RetryAfter::Wait(pause)) => Self::After(pause),
            Some(RetryAfter::TooLong(pause)) => Self::TooLong(pause),
        })
    }

    /// How long to wait before the next try: what the server asks for, and never less than the `backoff` that it
    /// would be without: `Retry-After: 0` is no leave to come in a burst.
    pub(crate) fn pause(&self, backoff: Duration) -> Duration {
        match self {
            Self::Soon => backoff,
            Self::After(asked) | Self::TooLong(asked) => backoff.max(*asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_wait_counts() {
        let (short, long) = (Duration::from_millis(10), Duration::from_secs(1));
        assert_eq!(Later::After(Duration::ZERO).pause(short), short);
        assert_eq!(Later::After(long).pause(short), long);
        assert_eq!(Later::Soon.pause(short), short);
    }
}
