//! Openings: requests that may open an upload session, and what ends a session that nobody wants any more.
//!
//! Registries keep an unfinished upload for days. So a session that is given up is cancelled, and the answer to a
//! request that may have opened one is heard out; a program that ends waits for that a while.
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use content::Step;
use futures::future::BoxFuture;
use http::{Method, StatusCode};

use crate::{
    body::drain,
    client::{Call, Client},
    location::SessionUrl,
    wire::{Broken, Reply, Request},
};

/// How long the answer to a cancellation may take.
const CANCEL_TIME: Duration = Duration::from_secs(5);

/// Cancels a session: distribution-spec, end-14. Not worth a repeat, nor a long wait.
pub(crate) fn cancellation(client: &Client, at: &SessionUrl, scopes: auth::Scopes) -> Call {
    let mut call = Call::new(Method::DELETE, at.url.clone(), scopes, Step::SendBlob);
    (call.own, call.once) = (at.own, true);
    call.patience = Some(client.options.timeouts.headers.min(CANCEL_TIME));
    call
}

/// A request that may open a session. When it is dropped before its answer is there, the answer is heard out, and the
/// session that it names is cancelled: nobody else knows of it.
pub(crate) struct Opening {
    client: Arc<Client>,
    call: Call,
    sending: Option<BoxFuture<'static, Result<Reply, Broken>>>,
}

impl Opening {
    /// Sends `request`, which says what `call` does.
    pub(crate) fn new(client: &Arc<Client>, call: &Call, request: Request) -> Self {
        let http = Arc::clone(&client.http);
        let sending = Box::pin(async move { http.send(request).await });
        Self { client: Arc::clone(client), call: call.clone(), sending: Some(sending) }
    }
}

impl Future for Opening {
    type Output = Result<Reply, Broken>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(sending) = &mut self.sending else { return Poll::Pending };
        let sent = ready!(sending.as_mut().poll(context));
        self.sending = None;
        Poll::Ready(sent)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        let Some(sending) = self.sending.take() else { return };
        let (client, call) = (Arc::clone(&self.client), self.call.clone());
        self.client.farewells.say(async move {
            let Ok(reply) = sending.await else { return };
            let named = SessionUrl::of(&reply, &call.url, call.own, &client.origin, call.step);
            let opened = reply.status == StatusCode::ACCEPTED;
            drain(reply).await;
            if let Ok(at) = named.as_ref()
                && opened
            {
                client.send_last(&cancellation(&client, at, call.scopes)).await;
            }
        });
    }
}
