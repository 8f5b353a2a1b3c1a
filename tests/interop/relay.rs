//! A relay that reads along: which requests passed, what was answered, and how many bytes of their bodies went by.
use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// One request and its answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Where the bytes begin that are asked for, or sent.
    pub(crate) from: u64,
    /// Bytes of the request's body.
    pub(crate) sent: u64,
    /// The answer's status; 0 while there is none.
    pub(crate) status: u16,
    /// How many bytes an upload session says that it holds.
    pub(crate) held: Option<u64>,
    /// Bytes of the answer's body.
    pub(crate) got: u64,
}

type Exchanges = Arc<Mutex<Vec<Exchange>>>;

/// A running relay; dropping it lets nobody in any more.
#[derive(Debug)]
pub(crate) struct Relay {
    address: SocketAddr,
    exchanges: Exchanges,
    ended: Arc<AtomicBool>,
}

impl Relay {
    /// To a server on this machine.
    pub(crate) fn to(host: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (exchanges, ended) = (Exchanges::default(), Arc::new(AtomicBool::new(false)));
        let (seen, over, host) = (Arc::clone(&exchanges), Arc::clone(&ended), host.to_owned());
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::SeqCst) {
                    return;
                }
                // Whoever cannot be reached behind the relay cannot be reached through it.
                if let (Ok(client), Ok(server)) = (stream, TcpStream::connect(&host)) {
                    connect(client, server, &seen);
                }
            }
        });
        Self { address, exchanges, ended }
    }

    /// `127.0.0.1:PORT/name`.
    pub(crate) fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// What passed so far, or since it was last forgotten.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.exchanges).clone()
    }

    /// Those of a method whose path holds this.
    pub(crate) fn of(&self, method: &str, path: &str) -> Vec<Exchange> {
        let mut exchanges = self.exchanges();
        exchanges.retain(|exchange| exchange.method == method && exchange.path.contains(path));
        exchanges
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // It waits for somebody to come in.
        drop(TcpStream::connect(self.address));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// Both ways of one connection. Answers come in the order of requests.
fn connect(client: TcpStream, server: TcpStream, exchanges: &Exchanges) {
    let (from_client, from_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let waiting = Arc::new(Mutex::new(VecDeque::new()));
    let (seen, asked) = (Arc::clone(exchanges), Arc::clone(&waiting));
    let mut current = 0;
    thread::spawn(move || {
        pump(from_client, server, |passed| match passed {
            Passed::Head(head) => {
                let (mut exchanges, new) = (lock(&seen), request(head));
                current = exchanges.len();
                lock(&asked).push_back(current);
                exchanges.push(new);
                length(head)
            }
            Passed::Body(count) => {
                lock(&seen)[current].sent += count;
                0
            }
        });
    });
    let seen = Arc::clone(exchanges);
    let mut current = 0;
    thread::spawn(move || {
        pump(from_server, client, |passed| match passed {
            Passed::Head(head) => {
                current = lock(&waiting).pop_front().unwrap();
                let exchange = &mut lock(&seen)[current];
                exchange.status = head.split(' ').nth(1).unwrap().parse().unwrap();
                exchange.held = header(head, "range").and_then(|range| {
                    Some(range.trim_start_matches("bytes=").strip_prefix("0-")?.parse::<u64>().ok()? + 1)
                });
                if exchange.method == "HEAD" { 0 } else { length(head) }
            }
            Passed::Body(count) => {
                lock(&seen)[current].got += count;
                0
            }
        });
    });
}

fn request(head: &str) -> Exchange {
    let mut words = head.split(' ').map(str::to_owned);
    let range = header(head, "range").or_else(|| header(head, "content-range")).unwrap_or_default();
    let first = range.trim_start_matches("bytes=").split('-').next().unwrap();
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    Exchange { method, path, from: first.parse().unwrap_or(0), ..Exchange::default() }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

fn length(head: &str) -> u64 {
    assert!(header(head, "transfer-encoding").is_none(), "the relay knows no chunks: {head}");
    header(head, "content-length").map_or(0, |length| length.parse().unwrap())
}

/// What went by: a head, which is answered with the length of its body, or bytes of a body.
enum Passed<'a> {
    Head(&'a str),
    Body(u64),
}

/// Hands on what comes, and tells what it was once it has gone.
fn pump(mut from: TcpStream, mut to: TcpStream, mut told: impl FnMut(Passed<'_>) -> u64) {
    let (mut buffer, mut head, mut due) = (vec![0; 256 * 1024], Vec::new(), 0);
    let mut pass = || -> io::Result<bool> {
        let count = from.read(&mut buffer)?;
        let mut rest = &buffer[..count];
        // A request is known before its answer can come.
        while !rest.is_empty() {
            let taken = if due > 0 {
                let taken = rest.len().min(usize::try_from(due).unwrap());
                to.write_all(&rest[..taken])?;
                told(Passed::Body(taken as u64));
                due -= taken as u64;
                taken
            } else {
                let before = head.len();
                head.extend_from_slice(rest);
                let end = head.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
                let taken = end.unwrap_or(head.len()) - before;
                if let Some(end) = end {
                    due = told(Passed::Head(&String::from_utf8_lossy(&head[..end])));
                    head.clear();
                }
                to.write_all(&rest[..taken])?;
                taken
            };
            rest = &rest[taken..];
        }
        Ok(count > 0)
    };
    let ended = loop {
        match pass() {
            Ok(true) => {}
            Ok(false) => break Shutdown::Write,
            Err(_) => break Shutdown::Both,
        }
    };
    // The other side may be gone.
    drop(to.shutdown(ended));
    if ended == Shutdown::Both {
        drop(from.shutdown(ended));
    }
}
