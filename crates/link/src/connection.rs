//! One connection, both ways.
use tokio::{net::TcpStream, time::Instant};

use crate::{
    Tally,
    conditions::{Conditions, later},
    pipe::{self, Pair},
};

/// Carries both ways until both have ended, or one side is gone; then the other is told as it was.
pub(crate) async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    conditions: Conditions,
    opened: Instant,
    tally: &Tally,
) {
    // Small writes go out at once. What fails here, the first read will tell.
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    // Whoever comes in sends at once, but would have had to wait for the handshake.
    let open = later(opened, conditions.rtt);
    let pair = Pair::default();
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = pipe::carry(from_client, to_server, conditions, open, &pair, &tally.up);
    let down = pipe::carry(from_server, to_client, conditions, open, &pair, &tally.down);
    if tokio::try_join!(up, down).is_err() {
        reset(&client);
        reset(&server);
    }
}

/// Lets the stream end with a reset when it is dropped.
pub(crate) fn reset(stream: &TcpStream) {
    // It fails for a stream that was reset by its peer.
    let _ = stream.set_zero_linger();
}
