//! Serving: requests of one connection after another, answered, and spoilt as the mishaps want it.
use std::sync::{Arc, atomic::Ordering};

use bytes::Bytes;
use http::{Method, request::Parts};
use tokio::{net::TcpStream, time::sleep};

use super::{
    Inner,
    answer::Answer,
    api,
    course::Course,
    line::{Came, Line},
    mishap::End,
    route::Route,
    uploads,
};

/// Serves a connection to its end.
pub(super) async fn serve(inner: Arc<Inner>, stream: TcpStream) {
    let mut line = Line::new(stream);
    while let Some(parts) = line.head().await {
        let exchange = Exchange::new(&inner, parts);
        if let Some(end) = exchange.run(&mut line).await {
            return line.end(end).await;
        }
    }
}

/// One request on its way through.
struct Exchange<'a> {
    inner: &'a Inner,
    number: usize,
    course: Course,
    parts: Parts,
    /// Whether it came while there were enough.
    beyond: bool,
}

impl<'a> Exchange<'a> {
    fn new(inner: &'a Inner, parts: Parts) -> Self {
        let number = inner.ledger.arrive(&parts);
        let effects = inner.strike(&parts);
        inner.befall(&parts, &effects);
        let beyond = inner.busy.fetch_add(1, Ordering::Relaxed) >= inner.at_once;
        Self { inner, number, course: Course::of(effects), parts, beyond }
    }

    /// Answers; how the connection ends, unless it goes on.
    async fn run(&self, line: &mut Line) -> Option<End> {
        // As servers do: by the head of a request, however long its body takes.
        let refusal = self.turned_away();
        if let Some(wait) = self.course.delay {
            sleep(wait).await;
        }
        if let (Some(after), Some(answer)) = (self.course.early, self.scripted()) {
            self.read(line, after.min(self.length())).await;
            return self.write(line, answer).await.or(Some(End::Fin));
        }
        let body = match self.request(line).await {
            Ok(body) => body,
            Err(end) => return Some(end),
        };
        let answer = self.scripted().or(refusal).unwrap_or_else(|| self.honest(&body));
        self.write(line, answer).await
    }

    /// The whole body of the request, or how the connection ends before it is there.
    async fn request(&self, line: &mut Line) -> Result<Bytes, End> {
        let length = self.length();
        let due = self.course.cut_request.map_or(length, |(after, _)| after.min(length));
        let came = self.read(line, due).await;
        let end = match self.course.cut_request {
            Some((_, end)) => end,
            None if came.whole => return Ok(came.body),
            None => End::Fin,
        };
        uploads::broken(&mut self.inner.shelves(), &self.parts, &came.body);
        Err(end)
    }

    fn length(&self) -> u64 {
        let told = self.parts.headers.get("content-length").and_then(|value| value.to_str().ok());
        told.and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    async fn read(&self, line: &mut Line, due: u64) -> Came {
        let (ledger, number) = (&self.inner.ledger, self.number);
        let heard = |count| ledger.update(number, |request| request.received += count);
        line.body(due, self.course.reading, heard).await
    }

    /// What a mishap puts in the place of an answer.
    fn scripted(&self) -> Option<Answer> {
        if self.beyond {
            return Some(Answer::new(429));
        }
        if let Some(origin) = &self.course.redirect {
            return Some(Answer::new(307).with("Location", format!("{origin}{}", self.parts.uri)));
        }
        if let Some((status, body)) = &self.course.answer {
            let answer = Answer::new(*status).body(body.clone());
            return Some(if body.is_empty() {
                answer
            } else {
                answer.with("Content-Type", "application/json")
            });
        }
        let present = self.course.present.filter(|_| self.parts.method == Method::HEAD)?;
        let answer = Answer::new(200).with("Content-Type", "application/octet-stream");
        Some(Answer { size: Some(present), ..answer })
    }

    /// The answer to whoever has no token, or one that has run out.
    fn turned_away(&self) -> Option<Answer> {
        let wants_token = !self.is_for_a_token();
        self.inner.tickets().as_ref().filter(|_| wants_token)?.refusal(&self.parts, &self.inner.host)
    }

    fn is_for_a_token(&self) -> bool {
        Route::of(self.parts.uri.path()) == Route::Token
    }

    /// What the registry answers by itself.
    fn honest(&self, body: &Bytes) -> Answer {
        if let Some(tickets) = self.inner.tickets().as_mut().filter(|_| self.is_for_a_token()) {
            return tickets.give();
        }
        api::answer(&mut self.inner.shelves(), &self.parts, body, self.course.misrange)
    }

    /// Sends the answer; how the connection ends after it, if it does.
    async fn write(&self, line: &mut Line, mut answer: Answer) -> Option<End> {
        self.course.twist(&mut answer);
        let body = self.course.spoil(answer.body.clone());
        let bodiless = self.parts.method == Method::HEAD || answer.status == 204;
        let length = answer.size.unwrap_or(body.len() as u64);
        let length = length.saturating_add_signed(self.course.off_by.unwrap_or(0));
        let chunked = self.course.chunked && !bodiless;
        let head = answer.head((!chunked).then_some(length));
        if let Some((after, end)) = self.course.cut_head {
            let after = usize::try_from(after).unwrap_or(usize::MAX).min(head.len());
            let _ = line.write(&head[..after]).await;
            return Some(end);
        }
        self.inner.ledger.update(self.number, |request| request.status = Some(answer.status));
        if line.write(&head).await.is_err() {
            return Some(End::Fin);
        }
        if bodiless {
            return None;
        }
        if let Some(end) = self.write_body(line, body, chunked).await {
            return Some(end);
        }
        (self.course.unended || self.course.off_by.is_some()).then_some(End::Fin)
    }

    async fn write_body(&self, line: &mut Line, mut body: Bytes, chunked: bool) -> Option<End> {
        let cut = self.course.cut_body;
        if let Some((after, _)) = cut {
            body.truncate(usize::try_from(after).unwrap_or(usize::MAX));
        }
        if let Some(wait) = self.course.delay_body {
            sleep(wait).await;
        }
        let (ledger, number) = (&self.inner.ledger, self.number);
        let said = |count| ledger.update(number, |request| request.sent += count);
        let mut written = line.write_body(body, chunked, self.course.sending, said).await;
        if chunked && cut.is_none() && !self.course.unended && written.is_ok() {
            written = line.write(b"0\r\n\r\n").await;
        }
        if written.is_err() { Some(End::Fin) } else { cut.map(|(_, end)| end) }
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        self.inner.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
