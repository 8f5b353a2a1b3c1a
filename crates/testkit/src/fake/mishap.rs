//! Mishaps: which requests to a [`crate::Fake`] go wrong, and how.
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use reference::Digest;

use crate::{Byte, pattern::Pattern};

/// Which requests, which of them, and what happens to them. Several mishaps may strike one request.
#[derive(Debug, Clone)]
pub struct Mishap {
    pub(super) pattern: Pattern,
    pub(super) effects: Vec<Effect>,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a reset (RST): what the peer has not read yet may be lost too.
    Reset,
    /// As if all were well (FIN).
    Fin,
    /// Not at all: it stays open, and nothing comes any more.
    Stall,
}

/// So many bytes at a time, and how long each time takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trickle {
    /// At least 1.
    pub(crate) bytes: usize,
    /// The pause before each of them.
    pub(crate) every: Duration,
}

/// How a request for a part of a blob is misunderstood. Requests without a `Range` are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misrange {
    /// 200, and all of it.
    Whole,
    /// 206 of a part that begins elsewhere, and says so.
    Elsewhere,
    /// 206 of a part that begins elsewhere, but says that it is what was asked for.
    Liar,
    /// 206 of half of what was asked for, and says so.
    Short,
    /// 206 without a `Content-Range`.
    Unsaid,
    /// 206 with a `Content-Range` that is none.
    Gibberish,
    /// 416.
    Unsatisfiable,
}

impl Misrange {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Whole,
        Self::Elsewhere,
        Self::Liar,
        Self::Short,
        Self::Unsaid,
        Self::Gibberish,
        Self::Unsatisfiable,
    ];
}

/// What happens to a request or to its answer.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    Delay(Duration),
    DelayBody(Duration),
    Read(Trickle),
    CutRequest { after: u64, end: End },
    Answer { status: u16, body: Bytes },
    Early { after: u64 },
    CutHead { after: u64, end: End },
    CutBody { after: u64, end: End },
    Send(Trickle),
    Corrupt(Byte),
    Chunked,
    Unended,
    Length(i64),
    Without(String),
    With(String, String),
    Redirect(String),
    Relocate(String),
    Misrange(Misrange),
    ShiftRange(i64),
    SayPresent { size: u64 },
    LoseSession,
    ExpireTokens,
    MoveTag { name: String, digest: Digest },
    Forget(Digest),
}

impl Mishap {
    /// Every request of `method` whose path and query hold `path`; a `*` in it stands for anything.
    pub fn on(method: Method, path: &str) -> Self {
        Self { pattern: Pattern::on(Some(method), path), effects: Vec::new() }
    }

    /// Every request whose path and query hold `path`.
    pub fn any(path: &str) -> Self {
        Self { pattern: Pattern::on(None, path), effects: Vec::new() }
    }

    /// Only the `nth` such request, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: usize) -> Self {
        self.pattern.nth(nth);
        self
    }

    /// Only the first `times` such requests; after a [`Self::nth`], as many from there on.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.pattern.times(times);
        self
    }

    /// Waits before the request's body is read.
    #[must_use]
    pub fn delay(self, wait: Duration) -> Self {
        self.then(Effect::Delay(wait))
    }

    /// Waits between the answer's head and its body.
    #[must_use]
    pub fn delay_body(self, wait: Duration) -> Self {
        self.then(Effect::DelayBody(wait))
    }

    /// Reads the request's body slowly.
    #[must_use]
    pub fn read(self, bytes: usize, every: Duration) -> Self {
        self.then(Effect::Read(Trickle { bytes, every }))
    }

    /// Ends the connection after so many bytes of the request's body. Beyond its length: when it is whole, before it is
    /// acted on.
    #[must_use]
    pub fn cut_request(self, after: u64, end: End) -> Self {
        self.then(Effect::CutRequest { after, end })
    }

    /// Ends the connection after so many bytes of the answer's head. What was asked for is done: with 0, a commit whose
    /// answer is lost.
    #[must_use]
    pub fn cut_head(self, after: u64, end: End) -> Self {
        self.then(Effect::CutHead { after, end })
    }

    /// Ends the connection after so many bytes of the answer's body, whatever its `Content-Length` says.
    #[must_use]
    pub fn cut(self, after: u64, end: End) -> Self {
        self.then(Effect::CutBody { after, end })
    }

    /// Sends the answer's body slowly.
    #[must_use]
    pub fn trickle(self, bytes: usize, every: Duration) -> Self {
        self.then(Effect::Send(Trickle { bytes, every }))
    }

    /// Turns over one byte of the answer's body.
    #[must_use]
    pub fn corrupt(self, byte: Byte) -> Self {
        self.then(Effect::Corrupt(byte))
    }

    /// Sends chunks instead of a length.
    #[must_use]
    pub fn chunked(self) -> Self {
        self.then(Effect::Chunked)
    }

    /// Sends chunks, but not the last one, and closes.
    #[must_use]
    pub fn unended(self) -> Self {
        self.then(Effect::Unended)
    }

    /// Tells a `Content-Length` that is wrong by so much, and closes after the true body.
    #[must_use]
    pub fn length(self, off_by: i64) -> Self {
        self.then(Effect::Length(off_by))
    }

    /// Answers with this status and nothing else; nothing is done.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.answer(status, "")
    }

    /// Answers with this status and body; nothing is done. The body is JSON unless [`Self::with`] says otherwise.
    #[must_use]
    pub fn answer(self, status: u16, body: impl Into<Bytes>) -> Self {
        self.then(Effect::Answer { status, body: body.into() })
    }

    /// Answers with the error of this code.
    #[must_use]
    pub fn error(self, status: u16, code: &str) -> Self {
        self.answer(status, format!(r#"{{"errors":[{{"code":"{code}","message":"a mishap"}}]}}"#))
    }

    /// Answers with a page for people, as a proxy's login does.
    #[must_use]
    pub fn html(self) -> Self {
        self.answer(200, "<!DOCTYPE html><html><body>Please log in</body></html>")
            .with("Content-Type", "text/html; charset=utf-8")
    }

    /// What [`Self::answer`] says comes after so many bytes of the request's body, and the connection closes.
    #[must_use]
    pub fn early(self, after: u64) -> Self {
        self.then(Effect::Early { after })
    }

    /// Leaves a header of the answer out.
    #[must_use]
    pub fn without(self, name: &str) -> Self {
        self.then(Effect::Without(name.to_owned()))
    }

    /// Sets a header of the answer.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        self.then(Effect::With(name.to_owned(), value.to_owned()))
    }

    /// Answers 307 to the same path at another origin, `http://HOST`.
    #[must_use]
    pub fn redirect(self, origin: &str) -> Self {
        self.then(Effect::Redirect(origin.to_owned()))
    }

    /// Tells a `Location` that lies at another origin, `http://HOST`.
    #[must_use]
    pub fn relocate(self, origin: &str) -> Self {
        self.then(Effect::Relocate(origin.to_owned()))
    }

    /// Misunderstands a request for a part.
    #[must_use]
    pub fn misrange(self, how: Misrange) -> Self {
        self.then(Effect::Misrange(how))
    }

    /// Says that an upload holds so many bytes more, or less, than it does.
    #[must_use]
    pub fn shift_range(self, by: i64) -> Self {
        self.then(Effect::ShiftRange(by))
    }

    /// Says 200 and this length to a HEAD, whatever is there.
    #[must_use]
    pub fn say_present(self, size: u64) -> Self {
        self.then(Effect::SayPresent { size })
    }

    /// Forgets the upload session that the request is about, before it is acted on.
    #[must_use]
    pub fn lose_session(self) -> Self {
        self.then(Effect::LoseSession)
    }

    /// From now on all tokens given out so far are refused.
    #[must_use]
    pub fn expire_tokens(self) -> Self {
        self.then(Effect::ExpireTokens)
    }

    /// Moves a tag, `repository:tag`, before the request is acted on.
    #[must_use]
    pub fn move_tag(self, name: &str, digest: &Digest) -> Self {
        self.then(Effect::MoveTag { name: name.to_owned(), digest: digest.clone() })
    }

    /// Forgets a piece of content in the repository that is asked, before the request is acted on.
    #[must_use]
    pub fn forget(self, digest: &Digest) -> Self {
        self.then(Effect::Forget(digest.clone()))
    }

    fn then(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}
