//! A TCP relay that is as slow as a distant network: every byte comes later, and each connection has a rate.
//!
//! Knows nothing of what passes. A link lives in the caller's runtime, so a test may let its clock stand still.
//!
//! What it leaves out of a real network: loss, slow start, and the sharing of one rate by several connections.
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking"))]
mod conditions;
mod connection;
mod pipe;

pub use conditions::Conditions;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep},
};

/// A running relay; dropping it closes its listener and cuts every connection.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    tally: Arc<Tally>,
    runs: AbortHandle,
}

/// What has passed through a link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were let in.
    pub connections: u64,
    /// Bytes that were handed to the upstream.
    pub up: u64,
    /// Bytes that were handed to those who came in.
    pub down: u64,
}

#[derive(Debug, Default)]
struct Tally {
    connections: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
}

impl Link {
    /// A link to `upstream` on a free port of the loopback interface.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn start(upstream: SocketAddr, conditions: Conditions) -> io::Result<Self> {
        Self::listen((Ipv4Addr::LOCALHOST, 0).into(), upstream, conditions).await
    }

    /// A link to `upstream` that listens on `address`; port 0 is any free one.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn listen(
        address: SocketAddr,
        upstream: SocketAddr,
        conditions: Conditions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let tally = Arc::new(Tally::default());
        let runs = tokio::spawn(serve(listener, upstream, conditions, Arc::clone(&tally))).abort_handle();
        Ok(Self { address, tally, runs })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has passed so far.
    pub fn counts(&self) -> Counts {
        let Tally { connections, up, down } = &*self.tally;
        let [connections, up, down] = [connections, up, down].map(|count| count.load(Ordering::Relaxed));
        Counts { connections, up, down }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.runs.abort();
    }
}

/// Lets in whoever comes. The connections end with this future: the set aborts them.
async fn serve(listener: TcpListener, upstream: SocketAddr, conditions: Conditions, tally: Arc<Tally>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            arrived = listener.accept() => match arrived {
                Ok((client, _)) => {
                    tally.connections.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(relay(client, upstream, conditions, Arc::clone(&tally)));
                }
                // Too many open files, say: others may close some.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries one connection to its end.
async fn relay(client: TcpStream, upstream: SocketAddr, conditions: Conditions, tally: Arc<Tally>) {
    let opened = Instant::now();
    if let Ok(server) = TcpStream::connect(upstream).await {
        connection::carry(client, server, conditions, opened, &tally).await;
    } else {
        // The client counts as connected, so a refusal can only be a reset; it takes as long as a real one.
        sleep(conditions.rtt).await;
        connection::reset(&client);
    }
}
