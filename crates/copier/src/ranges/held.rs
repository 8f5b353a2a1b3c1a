//! What a segment has collected and not handed on: copied into blocks of its own, so that memory is what was asked for.
//! Chunks as they come may each keep a whole buffer of the HTTP library alive.
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use pace::Share;

/// How many bytes are kept together. Small enough that memory comes back while a segment is handed on, and that the
/// bytes on trial can keep their marks.
const BLOCK: usize = 256 * 1024;

/// Bytes in order, and the share of memory that they take. It comes back block by block, with the last of its bytes.
#[derive(Default)]
pub(super) struct Held {
    full: VecDeque<Bytes>,
    filling: BytesMut,
    /// For what is not in full blocks yet. None once bytes are handed on as they come.
    share: Option<Share>,
}

impl Held {
    /// Nothing yet, with a share for all that is to come.
    pub(super) fn in_share(share: Share) -> Self {
        Self { share: Some(share), ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.filling.is_empty()
    }

    /// Forgets what was kept.
    pub(super) fn empty(&mut self) {
        (self.full, self.filling) = (VecDeque::new(), BytesMut::new());
    }

    pub(super) fn keep(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filling.capacity() == 0 {
                self.filling.reserve(BLOCK);
            }
            let room = BLOCK.saturating_sub(self.filling.len());
            let (head, tail) = bytes.split_at(room.min(bytes.len()));
            self.filling.extend_from_slice(head);
            bytes = tail;
            if self.filling.len() >= BLOCK {
                self.close();
            }
        }
    }

    /// The next bytes; `None` when nothing is left, and from then on nothing is kept.
    pub(super) fn hand_on(&mut self) -> Option<Bytes> {
        if self.full.is_empty() && !self.filling.is_empty() {
            self.close();
        }
        let next = self.full.pop_front();
        if next.is_none() {
            self.share = None;
        }
        next
    }

    fn close(&mut self) {
        let block = std::mem::take(&mut self.filling);
        let share = self.share.as_mut().and_then(|share| share.split(block.len()));
        self.full.push_back(Bytes::from_owner(Lease { block, _share: share }));
    }
}

/// Bytes that give their share back when the last of them is dropped.
struct Lease {
    block: BytesMut,
    _share: Option<Share>,
}

impl AsRef<[u8]> for Lease {
    fn as_ref(&self) -> &[u8] {
        &self.block
    }
}

#[cfg(test)]
mod tests {
    use pace::Stock;

    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_and_memory_comes_back_with_each_block() {
        let stock = Stock::new(600_000);
        let mut held = Held::in_share(stock.try_take(600_000).unwrap());
        let bytes: Vec<u8> = (0..600_000_u32).map(|at| (at % 251) as u8).collect();
        bytes.chunks(70_001).for_each(|chunk| held.keep(chunk));
        let mut out = Vec::new();
        while let Some(block) = held.hand_on() {
            assert_eq!(stock.left(), out.len() as u64, "a block that is in use is not free");
            out.extend_from_slice(&block);
        }
        assert_eq!(out, bytes);
        assert_eq!((stock.left(), held.is_empty()), (600_000, true));
    }

    #[test]
    fn memory_comes_back_when_what_was_collected_is_of_no_use() {
        let stock = Stock::new(600_000);
        let mut held = Held::in_share(stock.try_take(600_000).unwrap());
        held.keep(&vec![0; 300_000]);
        drop(held);
        assert_eq!(stock.left(), 600_000);
    }
}
