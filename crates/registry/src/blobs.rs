//! Blobs on their way in: a GET, with a range where a transfer is resumed.
use std::ops::Range;

use auth::Scopes;
use content::{Descriptor, Fault, FaultKind, Incoming, Step};
use futures::{StreamExt, TryStreamExt};
use http::{HeaderValue, Method, StatusCode, header::RANGE};

use crate::{
    Repository,
    body::{drain, timed},
    client::Call,
    content_range::ContentRange,
    foreign::is_foreign,
    later::Later,
    refusal::{Refusal, is_page, web_page},
    said::{check_said, said_digest},
    wire::Reply,
};

impl Repository {
    /// A blob's bytes from `span.start`, or from 0 where the server does not serve ranges.
    pub(crate) async fn open_blob(&self, blob: &Descriptor, span: Range<u64>) -> Result<Incoming, Fault> {
        let mut call = self.blob_call(Method::GET, blob, self.pull(), Step::ReadBlob)?;
        // Whoever reads a blob goes on where it broke, and counts the attempts: repeats in here would multiply them.
        call.once = true;
        let own = self.open_by(&call, blob, span.clone()).await;
        match own {
            Err(fault) if fault.kind() == FaultKind::Absent && is_foreign(blob) => {
                self.open_foreign(blob, span, fault).await
            }
            _ => own,
        }
    }

    /// A blob's bytes by `call`, a GET without a range.
    pub(crate) async fn open_by(
        &self,
        call: &Call,
        blob: &Descriptor,
        span: Range<u64>,
    ) -> Result<Incoming, Fault> {
        if span.start == 0 && span.end >= blob.size {
            return self.open_whole(call, blob).await;
        }
        let last = span.end.min(blob.size).saturating_sub(1);
        let range = if span.end >= blob.size {
            format!("bytes={}-", span.start)
        } else {
            format!("bytes={}-{last}", span.start)
        };
        let mut ranged = call.clone();
        if let Ok(value) = HeaderValue::from_str(&range) {
            ranged = ranged.header(RANGE, value);
        }
        let reply = self.client.send(&ranged).await?;
        match reply.status {
            StatusCode::OK => self.incoming(blob, 0, reply),
            StatusCode::PARTIAL_CONTENT if is_asked_for(&reply, &span, blob.size) => {
                self.incoming(blob, span.start, reply)
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND if !reply.elsewhere => {
                Err(self.refused(reply, Step::ReadBlob).await)
            }
            // It was sent again as often as that helps: another way of asking would only double the load.
            status if is_later(status) => Err(self.refused(reply, Step::ReadBlob).await),
            // A range that is answered in no way that can be used: a link to storage that has expired, a wrong
            // Content-Range, a 416. The whole blob is asked for, once more from where the call began.
            _ => {
                drain(reply).await;
                self.open_whole(call, blob).await
            }
        }
    }

    async fn open_whole(&self, call: &Call, blob: &Descriptor) -> Result<Incoming, Fault> {
        let reply = self.client.send(call).await?;
        if reply.status != StatusCode::OK {
            return Err(self.refused(reply, Step::ReadBlob).await);
        }
        self.incoming(blob, 0, reply)
    }

    /// Whether the repository holds the blob, by HEAD.
    pub(crate) async fn has_blob(&self, blob: &Descriptor, step: Step) -> Result<bool, Fault> {
        let call = self.blob_call(Method::HEAD, blob, self.push(), step)?;
        let reply = self.client.send(&call).await?;
        match reply.status {
            StatusCode::OK => Ok(reply.length().is_none_or(|length| length == blob.size)),
            StatusCode::NOT_FOUND if is_page(&reply) => Err(web_page(step, reply.status)),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(false),
            _ => Err(self.refused(reply, step).await),
        }
    }

    /// How many bytes of the blob the repository says that it holds, by HEAD. A GET has the last word where that says
    /// nothing, or that the blob is absent: some registries know a blob by GET alone.
    pub(crate) async fn size_of_blob(&self, blob: &Descriptor) -> Result<Option<u64>, Fault> {
        let step = Step::CheckBlob;
        let reply = self.client.send(&self.blob_call(Method::HEAD, blob, self.pull(), step)?).await?;
        let length = reply.length().filter(|length| *length > 0 || blob.size == 0);
        match (reply.status, length) {
            (StatusCode::OK, Some(length)) if !is_page(&reply) => {
                check_said(&blob.digest, said_digest(&reply).as_ref(), step)?;
                return Ok(Some(length));
            }
            (status, _) if is_later(status) || (is_shut(status) && !reply.elsewhere) => {
                return Err(self.refused(reply, step).await);
            }
            _ => drain(reply).await,
        }
        let call = self.blob_call(Method::GET, blob, self.pull(), step)?;
        match self.open_by(&call, blob, 0..1).await {
            Ok(_) => Ok(Some(blob.size)),
            Err(fault) if fault.kind() == FaultKind::Absent => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn blob_call(
        &self,
        method: Method,
        blob: &Descriptor,
        scopes: Scopes,
        step: Step,
    ) -> Result<Call, Fault> {
        self.call(method, &format!("blobs/{}", blob.digest), scopes, step)
    }

    /// The failure that an answer stands for.
    pub(crate) async fn refused(&self, reply: Reply, step: Step) -> Fault {
        let later = Later::asked_by(&reply).filter(|_| reply.elsewhere);
        let fault = Refusal::read(reply, self.client.options.timeouts.headers).await.fault(step);
        match later {
            // At the registry itself the gate is closed for as long.
            Some(Later::After(pause)) => fault.after(pause),
            _ => fault,
        }
    }

    fn incoming(&self, blob: &Descriptor, at: u64, reply: Reply) -> Result<Incoming, Fault> {
        let step = Step::ReadBlob;
        check_said(&blob.digest, said_digest(&reply).as_ref(), step)?;
        let encoding = reply
            .header("content-encoding")
            .filter(|encoding| !encoding.eq_ignore_ascii_case("identity"))
            .map(crate::text::shown);
        // A part is as long as its Content-Range says, or it would not have been accepted.
        let due = blob.size;
        let offered = reply.length().filter(|length| reply.status == StatusCode::OK && *length != due);
        if let Some(length) = offered {
            let what = match &encoding {
                None => format!("the registry offers {length} bytes where its descriptor says {due}"),
                Some(encoding) => format!(
                    "the server compressed it on the way (Content-Encoding: {encoding}): it offers {length} bytes \
                     where its descriptor says {due}"
                ),
            };
            return Err(Fault::new(FaultKind::Untrue, step, what));
        }
        if let Some(encoding) = encoding {
            tracing::warn!(digest = %blob.digest, encoding, "the server names a Content-Encoding; the digest decides");
        }
        let client = std::sync::Arc::clone(&self.client);
        let (place, digest) = (self.name.clone(), blob.digest.clone());
        let bytes = timed(reply.body, self.client.options.timeouts.idle).map_err(move |broken| {
            let place = format!("{}/{place}", client.registry);
            client.broken(step, &broken).at(place).about(&digest).momentary()
        });
        Ok(Incoming { at, bytes: bytes.boxed() })
    }
}

/// Whether a status says that this user may not look.
fn is_shut(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
}

/// Whether a status says that the server cannot answer now.
fn is_later(status: StatusCode) -> bool {
    let now = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || now.contains(&status)
}

/// Whether a 206 is what was asked for: RFC 9110, "Combining Parts", leaves no room for guesses. Less than all that is
/// left of a blob takes the copy further; less than a part of it would be a hole between that and the next.
fn is_asked_for(reply: &Reply, span: &Range<u64>, size: u64) -> bool {
    let range = reply.header("content-range").and_then(ContentRange::parse);
    range.is_some_and(|range| {
        let end = range.last.saturating_add(1);
        let length = end.saturating_sub(range.first);
        range.first == span.start
            && range.last < size
            && (span.end >= size || end >= span.end)
            && range.total.is_none_or(|total| total == size)
            && reply.length().is_none_or(|said| said == length)
    })
}
