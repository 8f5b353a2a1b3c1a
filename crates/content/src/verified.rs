//! Bytes on trial: a blob's bytes that cannot complete unless they match their descriptor.
//!
//! The verdict falls on the chunk that completes the size, and a wrong chunk is withheld: over HTTP/1.1 with a
//! `Content-Length`, a client stops asking at the last byte, and an error raised after it would never be seen.
//!
//! Where an upload breaks, the target holds bytes of a reading that has ended, and the verdict falls on another one. So
//! what is read again is compared with what the earlier reading came to: two readings that differ are untrue.
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use futures::{Stream, StreamExt, stream::BoxStream};
use reference::Digest;

use crate::{Descriptor, Fault, FaultKind, Mark, Marks, Step};

/// The hash state of one blob, and the stream it is fed from. It outlives connections: streams are fed to it.
pub struct Verified {
    digest: Digest,
    size: u64,
    now: Mark,
    /// Points to which an upload can go back; each at a chunk's end.
    marks: Marks,
    /// What earlier readings came to of which the target holds bytes; nearest first. This one must come to the same.
    vouchers: Vec<Mark>,
    witness: Option<Box<dyn Witness>>,
    /// The first byte that the upload still wants; bytes before it are hashed, not yielded.
    wanted: u64,
    feed: Option<BoxStream<'static, Result<Bytes, Fault>>>,
    verdict: Verdict,
}

/// Is told how far a blob has been read, so that another run can go on.
pub trait Witness: Send {
    /// All bytes before `mark` have been read and agree with what the target may hold of them. Called before the last
    /// of them are handed on: the target never holds more.
    fn reached(&mut self, mark: &Mark);

    /// The reading goes back: until it has reached what it had reached before, what was told vouches for no more than
    /// the first `offset` bytes.
    fn went_back(&mut self, offset: u64);
}

#[derive(Debug, Clone)]
enum Verdict {
    Open,
    True,
    Failed(Fault),
}

impl Verified {
    /// A blob of which nothing has come yet. An empty blob has no chunk on which a verdict could fall: it is judged
    /// here.
    pub fn new(blob: &Descriptor) -> Self {
        let mut new = Self {
            digest: blob.digest.clone(),
            size: blob.size,
            now: Mark::start(blob.digest.algorithm()),
            marks: Marks::default(),
            vouchers: Vec::new(),
            witness: None,
            wanted: 0,
            feed: None,
            verdict: Verdict::Open,
        };
        if blob.size == 0 {
            new.judge();
        }
        new
    }

    /// Goes on where an earlier reading of the blob ended: at `reached`, with `marks` on the way. They are not
    /// believed: wrong ones end in a wrong digest.
    #[must_use]
    pub fn going_on(mut self, marks: Marks, reached: Mark) -> Self {
        (self.marks, self.now) = (marks, reached);
        self
    }

    /// Tells `witness` from now on.
    pub fn attest(&mut self, witness: impl Witness + 'static) {
        self.witness = Some(Box::new(witness));
    }

    /// The offset from which the next bytes must be fed.
    pub fn at(&self) -> u64 {
        self.now.at
    }

    /// How many bytes are still to be yielded.
    pub fn remaining(&self) -> u64 {
        self.size.saturating_sub(self.wanted.max(self.now.at))
    }

    /// Whether all bytes have come and match.
    pub fn is_true(&self) -> bool {
        matches!(self.verdict, Verdict::True)
    }

    /// What ended the stream, when it was not its end: the source's fault, or the bytes' own.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.verdict {
            Verdict::Failed(fault) => Some(fault),
            Verdict::Open | Verdict::True => None,
        }
    }

    /// Goes back to where an upload stands that holds `offset` bytes. Feeding goes on at [`Self::at`], which may be
    /// earlier: the bytes in between are hashed again and not yielded.
    pub fn rewind(&mut self, offset: u64) {
        self.feed = None;
        if self.is_true() && offset >= self.size {
            self.wanted = self.size;
            return;
        }
        let goes_back = self.now.at > offset || !matches!(self.verdict, Verdict::Open);
        self.vouch(offset, goes_back);
        if goes_back {
            self.now = Mark::start(self.digest.algorithm());
        }
        self.marks.forget_after(offset);
        if let Some(mark) = self.marks.before(offset).filter(|mark| mark.at > self.now.at) {
            self.now = mark.clone();
        }
        self.wanted = offset;
        self.verdict = Verdict::Open;
        if self.size == 0 {
            self.judge();
        }
    }

    /// Keeps what a reading that is given up came to, at or behind the `offset` up to which the target holds it.
    fn vouch(&mut self, offset: u64, given_up: bool) {
        if offset == 0 {
            self.vouchers.clear();
        } else if given_up {
            let voucher = self.marks.from(offset).unwrap_or(&self.now).clone();
            let place = self.vouchers.partition_point(|other| other.at <= voucher.at);
            self.vouchers.insert(place, voucher);
        }
        if (given_up || !self.vouchers.is_empty())
            && let Some(witness) = &mut self.witness
        {
            witness.went_back(offset);
        }
    }

    /// Takes bytes from `stream` from now on; its first byte is the one at [`Self::at`].
    pub fn feed(&mut self, stream: BoxStream<'static, Result<Bytes, Fault>>) {
        self.feed = Some(stream);
    }

    /// Lets go of the stream that it takes bytes from, until it is fed again.
    pub fn starve(&mut self) {
        self.feed = None;
    }

    fn judge(&mut self) {
        let actual = self.now.hasher.clone().finish();
        self.verdict = if !self.vouchers.is_empty() {
            Verdict::Failed(self.differs())
        } else if actual == self.digest {
            Verdict::True
        } else {
            let what = format!("its {} bytes have the digest {actual}", self.size);
            Verdict::Failed(self.untrue(what))
        };
    }

    fn untrue(&self, what: String) -> Fault {
        Fault::new(FaultKind::Untrue, Step::ReadBlob, what).about(&self.digest)
    }

    fn differs(&self) -> Fault {
        self.untrue(format!("its first {} bytes were not the same twice", self.now.at))
    }

    fn cut_short(&self) -> Fault {
        let what = format!("the body ended at byte {} of {}", self.now.at, self.size);
        Fault::new(FaultKind::Untrue, Step::ReadBlob, what).about(&self.digest)
    }

    fn fail(&mut self, fault: Fault) -> Poll<Option<Result<Bytes, Fault>>> {
        self.feed = None;
        self.verdict = Verdict::Failed(fault.clone());
        Poll::Ready(Some(Err(fault)))
    }

    /// Hashes a chunk; what of it is to be yielded, if anything, or why not.
    fn admit(&mut self, mut chunk: Bytes) -> Result<Option<Bytes>, Fault> {
        let start = self.now.at;
        let end = start.saturating_add(chunk.len() as u64);
        if end > self.size {
            return Err(self.untrue(format!("more than its {} bytes came", self.size)));
        }
        self.take_in(&chunk)?;
        if end == self.size {
            self.judge();
            if let Verdict::Failed(fault) = &self.verdict {
                return Err(fault.clone());
            }
        } else {
            self.marks.set(&self.now);
        }
        if self.vouchers.is_empty()
            && let Some(witness) = &mut self.witness
        {
            witness.reached(&self.now);
        }
        if end <= self.wanted {
            return Ok(None);
        }
        let known = usize::try_from(self.wanted.saturating_sub(start)).unwrap_or(usize::MAX);
        chunk.advance(known.min(chunk.len()));
        Ok(Some(chunk))
    }

    /// Hashes a chunk, and compares on the way what earlier readings came to.
    fn take_in(&mut self, mut chunk: &[u8]) -> Result<(), Fault> {
        let end = self.now.at.saturating_add(chunk.len() as u64);
        while let Some(voucher) = self.vouchers.first().filter(|voucher| voucher.at <= end).cloned() {
            let due = usize::try_from(voucher.at.saturating_sub(self.now.at)).unwrap_or(usize::MAX);
            let (head, tail) = chunk.split_at(due.min(chunk.len()));
            self.now.hash(head);
            if !self.now.agrees(&voucher) {
                return Err(self.differs());
            }
            self.vouchers.remove(0);
            chunk = tail;
        }
        self.now.hash(chunk);
        Ok(())
    }
}

impl Stream for Verified {
    type Item = Result<Bytes, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &self.verdict {
                Verdict::True => return Poll::Ready(None),
                Verdict::Failed(fault) => return Poll::Ready(Some(Err(fault.clone()))),
                Verdict::Open => {}
            }
            let Some(feed) = &mut self.feed else {
                let fault = Fault::new(FaultKind::Protocol, Step::ReadBlob, "nothing feeds this blob");
                return self.fail(fault);
            };
            let step = match ready!(feed.poll_next_unpin(context)) {
                Some(Ok(chunk)) => self.admit(chunk),
                Some(Err(fault)) => Err(fault),
                None => Err(self.cut_short()),
            };
            match step {
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(None) => {}
                Err(fault) => return self.fail(fault),
            }
        }
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Verified");
        shown.field("digest", &self.digest).field("at", &self.now.at).field("verdict", &self.verdict);
        shown.finish_non_exhaustive()
    }
}
