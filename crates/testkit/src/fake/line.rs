//! The line: one connection, read and written by hand.
use std::{io, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use http::{Request, request::Parts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use super::mishap::{End, Trickle};

/// The most bytes of a request's head.
const HEAD: usize = 64 * 1024;
/// How much is read or written at a time.
const PIECE: usize = 64 * 1024;

/// One connection, and what has come of the next request.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    buffer: BytesMut,
}

/// How a body came.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) body: Bytes,
    pub(super) whole: bool,
}

impl Line {
    pub(super) fn new(stream: TcpStream) -> Self {
        // An answer that waits for an acknowledgement would wait in real time.
        let _ = stream.set_nodelay(true);
        Self { stream, buffer: BytesMut::new() }
    }

    /// The next request's head; `None` when the peer has gone, or talks nonsense.
    pub(super) async fn head(&mut self) -> Option<Parts> {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.buffer.len() > HEAD || !self.fill().await {
                return None;
            }
        };
        let head = self.buffer.split_to(end);
        let text = std::str::from_utf8(&head).ok()?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let mut request = Request::builder().method(first.next()?).uri(first.next()?);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            request = request.header(name, value.trim());
        }
        Some(request.body(()).ok()?.into_parts().0)
    }

    /// Up to `due` bytes of a request's body; `heard` is told of each piece.
    pub(super) async fn body(&mut self, due: u64, pace: Option<Trickle>, mut heard: impl FnMut(u64)) -> Came {
        let mut body = BytesMut::new();
        loop {
            let missing = usize::try_from(due).unwrap_or(usize::MAX).saturating_sub(body.len());
            if missing == 0 {
                return Came { body: body.freeze(), whole: true };
            }
            let most = match pace {
                Some(pace) => {
                    sleep(pace.every).await;
                    pace.bytes.max(1)
                }
                None => PIECE,
            };
            if self.buffer.is_empty() && !self.fill_up_to(most).await {
                return Came { body: body.freeze(), whole: false };
            }
            let piece = self.buffer.split_to(self.buffer.len().min(missing).min(most));
            heard(piece.len() as u64);
            body.extend_from_slice(&piece);
        }
    }

    /// Whether anything came.
    async fn fill(&mut self) -> bool {
        self.fill_up_to(PIECE).await
    }

    async fn fill_up_to(&mut self, most: usize) -> bool {
        let mut piece = vec![0; most.min(PIECE)];
        match self.stream.read(&mut piece).await {
            Ok(count) if count > 0 => {
                self.buffer.extend_from_slice(&piece[..count]);
                true
            }
            _ => false,
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Writes a body; `said` is told of each piece.
    pub(super) async fn write_body(
        &mut self,
        mut body: Bytes,
        chunked: bool,
        pace: Option<Trickle>,
        mut said: impl FnMut(u64),
    ) -> io::Result<()> {
        while body.has_remaining() {
            let most = match pace {
                Some(pace) => {
                    sleep(pace.every).await;
                    pace.bytes.max(1)
                }
                None => PIECE,
            };
            let piece = body.split_to(body.len().min(most));
            if chunked {
                self.write(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            }
            self.write(&piece).await?;
            if chunked {
                self.write(b"\r\n").await?;
            }
            said(piece.len() as u64);
        }
        Ok(())
    }

    /// Ends the connection.
    pub(super) async fn end(mut self, how: End) {
        match how {
            End::Reset => {
                let _ = self.stream.set_zero_linger();
            }
            End::Fin => {
                let _ = self.stream.shutdown().await;
                // Closed with bytes unread, a socket sends a reset: read them, but wait for none.
                let drained = async {
                    while self.fill().await {
                        self.buffer.clear();
                    }
                };
                let _ = tokio::time::timeout(Duration::from_millis(5), drained).await;
            }
            End::Stall => {
                // Until the peer has had enough; on a clock that skips the waiting, a peer that never has is soon
                // known.
                let mut pause = Duration::from_secs(1);
                while self.is_open() {
                    sleep(pause).await;
                    pause = pause.saturating_mul(2).min(Duration::from_secs(3600));
                }
            }
        }
    }

    /// Whether the peer is still there, as far as can be told without waiting.
    fn is_open(&self) -> bool {
        match self.stream.try_read(&mut [0; 1]) {
            Ok(count) => count > 0,
            Err(why) => why.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
