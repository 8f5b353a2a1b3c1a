//! Stocks: so many bytes of memory, shared by whoever can do with less, or with none.
use std::{fmt, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A stock of bytes; a clone is the same stock. Nobody can wait for it: whoever holds a share never keeps another from
/// going on.
#[derive(Clone)]
pub struct Stock(Arc<Semaphore>);

impl Stock {
    /// A stock of so many bytes.
    pub fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(bytes)))
    }

    /// A share of so many bytes, if they are there now. No share has 4 GiB or more.
    pub fn try_take(&self, bytes: u64) -> Option<Share> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).ok().map(|permit| Share { permit })
    }

    /// How many bytes nobody has taken.
    pub fn left(&self) -> u64 {
        self.0.available_permits() as u64
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stock").field("left", &self.left()).finish()
    }
}

/// A share of a stock; dropping it gives it back.
#[derive(Debug)]
#[must_use = "a share is given back when dropped"]
pub struct Share {
    permit: OwnedSemaphorePermit,
}

impl Share {
    /// Cuts so many bytes off, to be given back on their own; all that is left, where that is less.
    pub fn split(&mut self, bytes: usize) -> Option<Self> {
        let bytes = bytes.min(self.permit.num_permits());
        self.permit.split(bytes).map(|permit| Self { permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_gives_no_more_than_it_has_and_takes_back_what_is_dropped() {
        let stock = Stock::new(10);
        let share = stock.try_take(6).unwrap();
        assert!(stock.try_take(5).is_none());
        assert_eq!(stock.left(), 4);
        drop(share);
        assert!(stock.clone().try_take(10).is_some());
        assert_eq!(stock.left(), 10);
    }

    #[test]
    fn a_share_can_be_given_back_in_parts() {
        let stock = Stock::new(10);
        let mut share = stock.try_take(10).unwrap();
        drop(share.split(4));
        assert_eq!(stock.left(), 4);
        let rest = share.split(100);
        drop(share);
        assert_eq!(stock.left(), 4, "what was cut off is held on its own");
        drop(rest);
        assert_eq!(stock.left(), 10);
    }

    #[test]
    fn no_number_is_too_large() {
        assert!(Stock::new(u64::MAX).try_take(u64::MAX).is_none());
        assert!(Stock::new(u64::MAX).try_take(1 << 30).is_some());
    }
}
