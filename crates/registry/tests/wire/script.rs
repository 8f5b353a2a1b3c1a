//! A server whose every answer is scripted in raw bytes, and a ledger of what it was asked.
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth::{Credential, Found, Given, Secret};
use content::{Descriptor, Hasher, Lent, MediaType, Returned, Verified};
use futures::StreamExt;
use reference::Algorithm;
use registry::{Options, Registries, Repository};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// One request, as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query, to the letter.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether as many bytes came as `Content-Length` said.
    pub(crate) complete: bool,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn length(&self) -> usize {
        self.header("content-length").map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// How a connection goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum End {
    Keep,
    Close,
    Reset,
    Hang,
    /// One byte after another, for ever.
    Trickle,
}

/// What the server does with one request.
pub(crate) struct Act {
    /// How much of the body is read before the answer; all of it by default.
    pub(crate) read: usize,
    pub(crate) answer: Vec<u8>,
    pub(crate) end: End,
    /// How many pieces of a body, the request's or the answer's, take their time, and how large they are.
    pub(crate) slow: (usize, usize),
}

/// An answer with a `Content-Length`; `extra` are header lines without their line ends.
pub(crate) fn answer(status: u16, extra: &[&str], body: impl AsRef<[u8]>) -> Act {
    let body = body.as_ref();
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    let own_length = extra.iter().any(|line| line.to_ascii_lowercase().starts_with("content-length:"));
    for line in extra {
        head.push_str(line);
        head.push_str("\r\n");
    }
    if !own_length && status != 204 {
        head.push_str("Content-Length: ");
        head.push_str(&body.len().to_string());
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    Act { read: usize::MAX, answer: bytes, end: End::Keep, slow: (0, 0) }
}

/// No answer at all, after `read` bytes of the request's body.
pub(crate) fn silence(read: usize, end: End) -> Act {
    Act { read, answer: Vec::new(), end, slow: (0, 0) }
}

impl Act {
    pub(crate) fn reading(mut self, bytes: usize) -> Self {
        self.read = bytes;
        self
    }

    pub(crate) fn then(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    /// Takes and gives the first `pieces` of a body one a second, each of `bytes`, and the rest at once.
    pub(crate) fn slowly(mut self, pieces: usize, bytes: usize) -> Self {
        self.slow = (pieces, bytes);
        self
    }
}

/// A running server.
pub(crate) struct Script {
    pub(crate) host: String,
    ledger: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    /// `plan` is asked for every request, with its head and how many came before it.
    pub(crate) async fn start(plan: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(None, plan).await
    }

    /// As [`Self::start`], behind TLS.
    pub(crate) async fn start_with(
        tls: Option<TlsAcceptor>,
        plan: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let ledger = Arc::new(Mutex::new(Vec::new()));
        let (plan, seen) = (Arc::new(plan), Arc::clone(&ledger));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (plan, seen) = (Arc::clone(&plan), Arc::clone(&seen));
                tokio::spawn(greet(stream, tls.clone(), plan, seen));
            }
        });
        Self { host, ledger, task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.ledger.lock().unwrap().clone()
    }

    /// Method and target of every request, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }

    pub(crate) fn repository(&self, name: &str) -> Repository {
        self.repository_with(name, Options::default())
    }

    pub(crate) fn repository_with(&self, name: &str, options: Options) -> Repository {
        let registries = Registries::new(options).unwrap();
        let registry = self.host.parse().unwrap();
        registries.repository(&registry, name.parse().unwrap(), Arc::new(Given(None)))
    }

    /// The repository as `me`, whose password is a canary.
    pub(crate) fn repository_as_me(&self, name: &str) -> Repository {
        let credential = Credential::Basic { username: "me".into(), password: Secret::new("canary") };
        let found = Found { credential, from: "a test".into() };
        let registries = Registries::new(Options::default()).unwrap();
        let registry = self.host.parse().unwrap();
        registries.repository(&registry, name.parse().unwrap(), Arc::new(Given(Some(found))))
    }
}

/// What a connection is made of.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn greet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    plan: Arc<impl Fn(&Seen, usize) -> Act + Send + Sync>,
    ledger: Arc<Mutex<Vec<Seen>>>,
) {
    let Some(tls) = tls else { return serve(stream, plan, ledger).await };
    if let Ok(stream) = tls.accept(stream).await {
        serve(stream, plan, ledger).await;
    }
}

async fn serve(
    mut stream: impl Wire,
    plan: Arc<impl Fn(&Seen, usize) -> Act + Send + Sync>,
    ledger: Arc<Mutex<Vec<Seen>>>,
) {
    let mut buffer = Vec::new();
    while let Some(mut seen) = head(&mut stream, &mut buffer).await {
        let index = {
            let mut ledger = ledger.lock().unwrap();
            ledger.push(seen.clone());
            ledger.len() - 1
        };
        let act = plan(&seen, index);
        let due = seen.length().min(act.read);
        read(&mut stream, &mut buffer, due, act.slow).await;
        let rest = buffer.split_off(due.min(buffer.len()));
        seen.body = std::mem::replace(&mut buffer, rest);
        seen.complete = seen.body.len() == seen.length();
        let whole = seen.body.len() == due;
        ledger.lock().unwrap()[index] = seen;
        if !whole || write(&mut stream, &act.answer, act.slow).await.is_err() {
            return;
        }
        match act.end {
            End::Keep => {}
            End::Close => return,
            End::Reset => {
                stream.socket().set_zero_linger().unwrap();
                return;
            }
            End::Hang => std::future::pending().await,
            End::Trickle => loop {
                if stream.write_all(b" ").await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
        }
    }
}

/// Reads a request's body until `due` bytes of it are there.
async fn read(stream: &mut impl Wire, buffer: &mut Vec<u8>, due: usize, slow: (usize, usize)) {
    let (mut pieces, bytes) = slow;
    let mut chunk = vec![0; 64 * 1024];
    while buffer.len() < due {
        let room = if pieces > 0 { bytes } else { chunk.len() };
        match stream.read(&mut chunk[..room]).await {
            Ok(count) if count > 0 => buffer.extend_from_slice(&chunk[..count]),
            _ => return,
        }
        if pieces > 0 {
            pieces -= 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Writes an answer: at once, or its head and then its body.
async fn write(stream: &mut impl Wire, answer: &[u8], slow: (usize, usize)) -> std::io::Result<()> {
    let (pieces, bytes) = slow;
    if pieces == 0 {
        return stream.write_all(answer).await;
    }
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    let mut written = head;
    stream.write_all(&answer[..head]).await?;
    for piece in answer[head..].chunks(bytes.max(1)).take(pieces) {
        stream.write_all(piece).await?;
        written += piece.len();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stream.write_all(&answer[written..]).await
}

async fn head(stream: &mut impl Wire, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut chunk = vec![0; 4096];
        match stream.read(&mut chunk).await {
            Ok(count) if count > 0 => buffer.extend_from_slice(&chunk[..count]),
            _ => return None,
        }
    };
    let rest = buffer.split_off(end + 4);
    let text = String::from_utf8(std::mem::replace(buffer, rest)).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned()));
    Some(Seen { method, target, headers: headers.collect(), ..Seen::default() })
}

/// A blob of `bytes`.
pub(crate) fn blob(bytes: &[u8]) -> Descriptor {
    let digest = Hasher::digest(Algorithm::Sha256, bytes);
    Descriptor::new(MediaType::new("application/vnd.oci.image.layer.v1.tar"), digest, bytes.len() as u64)
}

/// `sent`, lent as what should be `blob`.
pub(crate) fn lend(blob: &Descriptor, sent: &[u8], chunk: usize) -> (Lent, Returned) {
    lend_from(blob, sent, chunk, 0)
}

/// As [`lend`], to a target that holds `offset` bytes.
pub(crate) fn lend_from(blob: &Descriptor, sent: &[u8], chunk: usize, offset: u64) -> (Lent, Returned) {
    let chunks: Vec<_> = sent.chunks(chunk).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
    let mut verified = Verified::new(blob);
    verified.rewind(offset);
    verified.feed(futures::stream::iter(chunks).boxed());
    Lent::new(verified)
}
