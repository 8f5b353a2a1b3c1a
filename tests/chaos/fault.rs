//! Faults at random: at which door of which registry, to which of the requests there, and what.
use std::time::Duration;

use fastrand::Rng;
use http::Method;
use reference::Digest;
use testkit::{Byte, End, Mishap, Misrange};

/// Where a fault waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Door {
    Resolve,
    ReadManifest,
    ReadBlob,
    /// Of blobs, at the other origin that the source leads to.
    Mirror,
    SourceAny,
    SourceToken,
    FindTag,
    Begin,
    Send,
    Patch,
    Status,
    Cancel,
    HasBlob,
    /// Uploads, at the other origin that the target leads to.
    Depot,
    PutManifest,
    PutTag,
    TargetAny,
    TargetToken,
}

/// Which registry a door belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Mirror,
    Target,
    Depot,
}

/// What happens there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum How {
    /// Seconds before the request is read.
    Delay(u64),
    /// Seconds before the answer's body.
    DelayBody(u64),
    CutHead(u64, End),
    CutBody(u64, End),
    CutRequest(u64, End),
    Chunked,
    Unended,
    LengthOff(i64),
    Corrupt(u64),
    /// Bytes at a time, and seconds for each time.
    SlowAnswer(usize, u64),
    SlowRequest(usize, u64),
    Status(u16),
    Retry(u16, &'static str),
    /// A status after so many bytes of the request.
    Early(u16, u64),
    Code(u16, &'static str),
    Html,
    Without(&'static str),
    With(&'static str, &'static str),
    Misrange(Misrange),
    /// To the other origin.
    Elsewhere,
    LoseSession,
    ShiftRange(i64),
    ExpireTokens,
    /// Says 200 to HEAD, whatever is there.
    SayPresent(u64),
    /// The tag moves to the other image.
    MoveTag,
    /// A piece is deleted: which of them.
    Forget(usize),
}

/// One fault: it strikes `times` requests, from the `nth` at its door on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) door: Door,
    pub(crate) nth: usize,
    pub(crate) times: usize,
    pub(crate) how: How,
}

const DOORS: [Door; 18] = [
    Door::Resolve,
    Door::ReadManifest,
    Door::ReadBlob,
    Door::Mirror,
    Door::SourceAny,
    Door::SourceToken,
    Door::FindTag,
    Door::Begin,
    Door::Send,
    Door::Patch,
    Door::Status,
    Door::Cancel,
    Door::HasBlob,
    Door::Depot,
    Door::PutManifest,
    Door::PutTag,
    Door::TargetAny,
    Door::TargetToken,
];

impl Door {
    pub(crate) fn side(self) -> Side {
        match self {
            Self::Resolve | Self::ReadManifest | Self::ReadBlob | Self::SourceAny | Self::SourceToken => {
                Side::Source
            }
            Self::Mirror => Side::Mirror,
            Self::Depot => Side::Depot,
            _ => Side::Target,
        }
    }

    fn mishap(self) -> Mishap {
        match self {
            Self::Resolve => Mishap::on(Method::HEAD, "/v2/lib/*/manifests/"),
            Self::ReadManifest => Mishap::on(Method::GET, "/v2/lib/*/manifests/"),
            Self::ReadBlob | Self::Mirror => Mishap::on(Method::GET, "/v2/lib/*/blobs/sha"),
            Self::SourceAny => Mishap::any("/v2/lib/"),
            Self::SourceToken | Self::TargetToken => Mishap::any("/token"),
            Self::FindTag => Mishap::on(Method::HEAD, "/v2/to/*/manifests/"),
            Self::Begin => Mishap::on(Method::POST, "/v2/to/*/blobs/uploads/"),
            Self::Send => Mishap::on(Method::PUT, "/v2/to/*/blobs/uploads/"),
            Self::Patch => Mishap::on(Method::PATCH, "/v2/to/*/blobs/uploads/"),
            Self::Status => Mishap::on(Method::GET, "/v2/to/*/blobs/uploads/"),
            Self::Cancel => Mishap::on(Method::DELETE, "/v2/to/*/blobs/uploads/"),
            Self::HasBlob => Mishap::on(Method::HEAD, "/v2/to/*/blobs/sha"),
            Self::Depot => Mishap::any("/v2/to/*/blobs/uploads/"),
            Self::PutManifest => Mishap::on(Method::PUT, "/v2/to/*/manifests/"),
            Self::PutTag => Mishap::on(Method::PUT, "/v2/to/*/manifests/v1"),
            Self::TargetAny => Mishap::any("/v2/to/"),
        }
    }

    fn sends_a_body(self) -> bool {
        matches!(
            self,
            Self::Send | Self::Patch | Self::Depot | Self::PutManifest | Self::PutTag | Self::TargetAny
        )
    }

    fn is_upload(self) -> bool {
        matches!(self, Self::Send | Self::Patch | Self::Status | Self::Depot)
    }
}

impl Fault {
    pub(crate) fn random(random: &mut Rng) -> Self {
        // Most of what happens, happens to blobs.
        let door = match random.u32(0..10) {
            0..3 => Door::ReadBlob,
            3..6 => Door::Send,
            _ => random.choice(DOORS).unwrap_or(Door::SourceAny),
        };
        let times = match random.u32(0..20) {
            0..12 => 1,
            12..17 => random.usize(2..5),
            17..19 => random.usize(5..9),
            _ => usize::MAX,
        };
        let nth = if random.u32(0..4) > 0 { random.usize(1..3) } else { random.usize(3..9) };
        Self { door, nth, times, how: How::random(random, door) }
    }

    /// What the registry at this door is told. `other` is its other origin, `tag` where its tag moves, `pieces` what it
    /// may lose.
    pub(crate) fn mishap(&self, other: Option<&str>, moved: &Digest, pieces: &[Digest]) -> Mishap {
        let mishap = self.door.mishap().nth(self.nth).times(self.times);
        self.how.on(mishap, self.door, other, moved, pieces)
    }

    /// Whether every copy must live through this: it happens once, and what follows is honest.
    pub(crate) fn is_mild(&self) -> bool {
        let honest = match self.how {
            How::Delay(seconds) | How::DelayBody(seconds) => seconds < 50,
            How::CutHead(..)
            | How::CutBody(..)
            | How::CutRequest(..)
            | How::Chunked
            | How::ExpireTokens
            | How::LoseSession => true,
            How::Unended | How::Corrupt(_) | How::Misrange(_) => self.door == Door::ReadBlob,
            How::Status(status) => [500, 502, 503, 504].contains(&status),
            How::Retry(_, after) => after != "1000000",
            _ => false,
        };
        self.times == 1 && honest
    }
}

/// What else a header may say.
const TWISTS: [(&str, &str); 13] = [
    ("Docker-Content-Digest", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
    ("Docker-Content-Digest", "nonsense"),
    ("Content-Type", "application/json"),
    ("Content-Type", "text/html"),
    ("Content-Encoding", "gzip"),
    ("Location", "/v2/to/app/blobs/uploads/nowhere"),
    ("Location", "nowhere"),
    ("Location", "http://169.254.169.254/latest"),
    ("Location", "://"),
    ("Range", "0-0"),
    ("Range", "0-26"),
    ("Range", "bytes=0-1"),
    ("OCI-Chunk-Min-Length", "1000000000"),
];
const UNSAID: [&str; 6] =
    ["Docker-Content-Digest", "Content-Type", "Location", "Range", "Content-Range", "Docker-Upload-UUID"];
const STATUSES: [u16; 22] = [
    200, 202, 301, 304, 307, 400, 401, 403, 404, 405, 408, 409, 410, 413, 416, 422, 429, 500, 502, 503, 504,
    522,
];
const CODES: [(u16, &str); 9] = [
    (404, "BLOB_UPLOAD_UNKNOWN"),
    (400, "BLOB_UPLOAD_INVALID"),
    (400, "DIGEST_INVALID"),
    (404, "MANIFEST_BLOB_UNKNOWN"),
    (404, "NAME_UNKNOWN"),
    (400, "MANIFEST_INVALID"),
    (429, "TOOMANYREQUESTS"),
    (403, "DENIED"),
    (416, "RANGE_INVALID"),
];
const WAITS: [&str; 8] =
    ["0", "1", "20", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "1746136938", "1000000"];

impl How {
    fn random(random: &mut Rng, door: Door) -> Self {
        loop {
            let how = Self::any(random);
            if how.fits(door) {
                return how;
            }
        }
    }

    fn any(random: &mut Rng) -> Self {
        let end = random.choice([End::Reset, End::Fin, End::Stall]).unwrap_or(End::Fin);
        // Most blobs are small.
        let after = match random.u32(0..8) {
            0..2 => random.u64(0..3),
            2..4 => random.u64(0..30),
            4 => random.u64(0..300),
            5..7 => random.u64(0..70_000),
            _ => random.u64(0..3_000_000),
        };
        match random.u32(0..31) {
            30 => Self::Corrupt(random.u64(0..300)),
            0 => Self::Delay(random.u64(0..400)),
            1 => Self::DelayBody(random.u64(0..200)),
            2..4 => Self::CutHead(random.u64(0..100), end),
            4..7 => Self::CutBody(after, end),
            7..10 => Self::CutRequest(after, end),
            10 => Self::Chunked,
            11 => Self::Unended,
            12 => Self::LengthOff(random.i64(-20..20)),
            13 => Self::Corrupt(after),
            14 => Self::SlowAnswer(random.usize(1024..65_536), random.u64(0..90)),
            15 => Self::SlowRequest(random.usize(1024..65_536), random.u64(0..90)),
            16 => Self::Status(random.choice(STATUSES).unwrap_or(500)),
            17 => {
                let status = random.choice([429, 503, 500]).unwrap_or(503);
                Self::Retry(status, random.choice(WAITS).unwrap_or("1"))
            }
            18 => Self::Early(random.choice(STATUSES).unwrap_or(413), after),
            19 => random.choice(CODES).map_or(Self::Html, |(status, code)| Self::Code(status, code)),
            20 => Self::Html,
            21 => Self::Without(random.choice(UNSAID).unwrap_or("Location")),
            22 => random.choice(TWISTS).map_or(Self::Html, |(name, value)| Self::With(name, value)),
            23 => Self::Misrange(random.choice(Misrange::ALL).unwrap_or(Misrange::Whole)),
            24 => Self::Elsewhere,
            25 => Self::LoseSession,
            26 => Self::ShiftRange(random.i64(-70_000..70_000)),
            27 => Self::ExpireTokens,
            28 => Self::SayPresent(after),
            _ if random.bool() => Self::MoveTag,
            _ => Self::Forget(random.usize(0..20)),
        }
    }

    /// Whether this can happen at `door`, and a copy can be judged after it. What no client could ever see through is
    /// left out: a target that says "done" and has done nothing, or that a tag is not there which is.
    fn fits(&self, door: Door) -> bool {
        let writes = |door| {
            matches!(door, Door::Send | Door::Depot | Door::PutManifest | Door::PutTag | Door::TargetAny)
        };
        match self {
            Self::CutRequest(..) | Self::SlowRequest(..) | Self::Early(..) if !door.sends_a_body() => false,
            Self::Status(404) | Self::Code(404, _) => !matches!(door, Door::FindTag | Door::TargetAny),
            Self::Status(status) | Self::Early(status, _) => *status > 299 || !writes(door),
            Self::Misrange(_) => matches!(door, Door::ReadBlob | Door::Mirror | Door::SourceAny),
            Self::LoseSession | Self::ShiftRange(_) => door.is_upload(),
            Self::SayPresent(_) => matches!(door, Door::HasBlob | Door::Resolve),
            Self::MoveTag | Self::Forget(_) => door.side() == Side::Source,
            Self::Elsewhere => matches!(door, Door::ReadBlob | Door::Begin | Door::Send),
            _ => true,
        }
    }

    fn on(
        &self,
        mishap: Mishap,
        door: Door,
        other: Option<&str>,
        moved: &Digest,
        pieces: &[Digest],
    ) -> Mishap {
        let seconds = Duration::from_secs;
        match self {
            Self::Delay(wait) => mishap.delay(seconds(*wait)),
            Self::DelayBody(wait) => mishap.delay_body(seconds(*wait)),
            Self::CutHead(after, end) => mishap.cut_head(*after, *end),
            Self::CutBody(after, end) => mishap.cut(*after, *end),
            Self::CutRequest(after, end) => mishap.cut_request(*after, *end),
            Self::Chunked => mishap.chunked(),
            Self::Unended => mishap.unended(),
            Self::LengthOff(by) => mishap.length(*by),
            Self::Corrupt(at) => mishap.corrupt(Byte::At(*at)),
            Self::SlowAnswer(bytes, every) => mishap.trickle(*bytes, seconds(*every)),
            Self::SlowRequest(bytes, every) => mishap.read(*bytes, seconds(*every)),
            Self::Status(status) => mishap.status(*status),
            Self::Retry(status, after) => mishap.status(*status).with("Retry-After", after),
            Self::Early(status, after) => mishap.status(*status).early(*after),
            Self::Code(status, code) => mishap.error(*status, code),
            Self::Html => mishap.html(),
            Self::Without(name) => mishap.without(name),
            Self::With(name, value) => mishap.with(name, value),
            Self::Misrange(how) => mishap.misrange(*how),
            Self::Elsewhere => match (door, other) {
                (_, None) => mishap,
                (Door::Begin, Some(other)) => mishap.relocate(other),
                (_, Some(other)) => mishap.redirect(other),
            },
            Self::LoseSession => mishap.lose_session(),
            Self::ShiftRange(by) => mishap.shift_range(*by),
            Self::ExpireTokens => mishap.expire_tokens(),
            Self::SayPresent(size) => mishap.say_present(*size),
            Self::MoveTag => mishap.move_tag("lib/app:v1", moved),
            Self::Forget(which) => match pieces.get(which % pieces.len().max(1)) {
                Some(piece) => mishap.forget(piece),
                None => mishap,
            },
        }
    }
}
