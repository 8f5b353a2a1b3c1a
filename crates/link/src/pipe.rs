//! One direction of a connection: what is read comes out later, in order, at the connection's rate.
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    sync::{
        OwnedSemaphorePermit, Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    },
    time::{Instant, sleep, sleep_until},
};

use crate::conditions::{Conditions, Narrows};

/// The connection is broken: nothing but resets is left to be told.
#[derive(Debug)]
pub(crate) struct Broken;

/// What the two directions of a connection know of each other.
#[derive(Debug, Default)]
pub(crate) struct Pair {
    /// One has come to its end.
    over: AtomicBool,
    /// One found nobody to hand its bytes to.
    gone: AtomicBool,
}

/// What is on its way.
enum Passing {
    /// The permit is the room that they take.
    Bytes(Box<[u8]>, OwnedSemaphorePermit),
    End,
    Reset,
}

type Due = (Instant, Passing);

/// Carries all that `from` says to `to`, and its end. Nothing arrives before `open` and the way from there.
pub(crate) async fn carry(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    conditions: Conditions,
    open: Instant,
    pair: &Pair,
    count: &AtomicU64,
) -> Result<(), Broken> {
    let (sender, receiver) = unbounded_channel();
    let take = async {
        take(from, conditions, Narrows::new(conditions, open), sender).await;
        Ok(())
    };
    let give = give(to, receiver, conditions, pair, count);
    tokio::try_join!(take, give).map(|_| ())
}

/// Takes what is said as soon as there is room for it.
async fn take(
    mut from: impl AsyncRead + Unpin,
    conditions: Conditions,
    mut narrows: Narrows,
    sender: UnboundedSender<Due>,
) {
    let slice = conditions.slice();
    let reserve = u32::try_from(slice).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(conditions.in_flight()));
    let mut buffer = Vec::with_capacity(slice);
    loop {
        // The semaphore is never closed, so there always is a permit.
        let Ok(mut permit) = Arc::clone(&room).acquire_many_owned(reserve).await else { return };
        buffer.clear();
        let read = (&mut from).take(reserve.into()).read_buf(&mut buffer).await;
        let last = match read {
            Ok(0) => Passing::End,
            Err(_) => Passing::Reset,
            Ok(bytes) => {
                let Some(permit) = permit.split(bytes) else { return };
                let passing = Passing::Bytes(buffer.as_slice().into(), permit);
                if sender.send((narrows.due(bytes), passing)).is_err() {
                    return;
                }
                continue;
            }
        };
        // Whoever gave up listening needs no end.
        drop(sender.send((narrows.due(0), last)));
        return;
    }
}

/// Hands on what is due.
async fn give(
    mut to: impl AsyncWrite + Unpin,
    mut receiver: UnboundedReceiver<Due>,
    conditions: Conditions,
    pair: &Pair,
    count: &AtomicU64,
) -> Result<(), Broken> {
    let mut listens = true;
    while let Some((due, passing)) = receiver.recv().await {
        // To ask the clock costs less than a timer.
        if due > Instant::now() {
            sleep_until(due).await;
        }
        match passing {
            Passing::Bytes(bytes, room) => {
                // What comes for a connection that is gone is thrown away, as a kernel does.
                if listens {
                    listens = to.write_all(&bytes).await.is_ok();
                }
                if listens {
                    count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                }
                drop(room);
            }
            Passing::End => return end(&mut to, pair).await,
            Passing::Reset => return Err(Broken),
        }
        if !listens && !pair.gone.swap(true, Ordering::Relaxed) && pair.over.load(Ordering::Relaxed) {
            // Nobody else is left to notice; the sender hears of it after the way back.
            sleep(conditions.way()).await;
            return Err(Broken);
        }
    }
    Err(Broken)
}

/// What a side said last comes before its end, even when it has been found gone meanwhile.
async fn end(to: &mut (impl AsyncWrite + Unpin), pair: &Pair) -> Result<(), Broken> {
    if pair.gone.load(Ordering::Relaxed) {
        return Err(Broken);
    }
    pair.over.store(true, Ordering::Relaxed);
    // It fails for a side that is gone, of which a read tells.
    let _: io::Result<()> = to.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{future::pending, num::NonZeroU64, time::Duration};

    use tokio::{io::duplex, time::timeout};

    use super::*;

    const PIECE: usize = 512;

    /// How many bytes a pipe takes that nobody reads from.
    async fn taken(conditions: Conditions) -> usize {
        let ((mut sender, from), (to, _receiver)) = (duplex(PIECE), duplex(PIECE));
        let (pair, count) = (Pair::default(), AtomicU64::new(0));
        let carry = carry(from, to, conditions, Instant::now(), &pair, &count);
        let mut taken = 0;
        let send = async {
            while sender.write_all(&[0; PIECE]).await.is_ok() {
                taken += PIECE;
            }
        };
        let both = async { tokio::join!(carry, send) };
        assert!(timeout(Duration::from_secs(3600), both).await.is_err(), "a pipe takes for ever");
        taken
    }

    #[tokio::test(start_paused = true)]
    async fn a_sender_waits_when_nobody_reads() {
        for (rate, rtt) in [(1 << 10, 0), (1 << 20, 100), (5 << 20, 50)] {
            let conditions = Conditions { rtt: Duration::from_millis(rtt), rate: NonZeroU64::new(rate) };
            let (most, way) = (conditions.in_flight(), usize::try_from(rate * rtt / 1000).unwrap());
            let taken = taken(conditions).await;
            assert!(taken <= most + 2 * PIECE, "{taken} bytes were taken, for {most}");
            assert!(taken + conditions.slice() >= way, "{taken} bytes were taken, for {way} on the way");
        }
    }

    /// The client asks a server that is gone `asked` after the start, and a read there comes to a plain end after
    /// `ended`: how the connection ends.
    async fn with_nobody_behind(asked: Duration, ended: Duration) -> Result<((), ()), Broken> {
        let ((mut client, from_client), (to_server, _)) = (duplex(PIECE), duplex(PIECE));
        let ((server, from_server), (to_client, _client)) = (duplex(PIECE), duplex(PIECE));
        let (pair, count) = (Pair::default(), AtomicU64::new(0));
        let (conditions, open) = (Conditions { rtt: Duration::from_millis(50), rate: None }, Instant::now());
        let ask = async {
            sleep(asked).await;
            client.write_all(b"question").await.unwrap();
        };
        let end = async {
            sleep(ended).await;
            drop(server);
        };
        let up = carry(from_client, to_server, conditions, open, &pair, &count);
        let down = carry(from_server, to_client, conditions, open, &pair, &count);
        tokio::select! {
            ends = async { tokio::try_join!(up, down) } => ends,
            _ = async { tokio::join!(ask, end, pending::<()>()) } => Ok(((), ())),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_is_gone_has_not_ended_well() {
        let [soon, late] = [1, 2].map(Duration::from_secs);
        for (asked, ended) in [(soon, late), (late, soon)] {
            let ends = timeout(3 * late, with_nobody_behind(asked, ended)).await;
            assert!(matches!(ends, Ok(Err(Broken))), "asked after {asked:?}: {ends:?}");
        }
    }
}
