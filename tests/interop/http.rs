//! HTTP as plain as it gets, for what must not depend on our own client: HTTP/1.0, one connection a request.
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use content::Hasher;
use reference::{Algorithm, Digest};

/// Bodies up to this size are kept.
const KEPT: u64 = 4 * 1024 * 1024;

/// An answer that came to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The body; empty when it is large.
    pub(crate) body: Vec<u8>,
    /// The digest of the body.
    pub(crate) digest: Digest,
}

/// Asks a server on this machine.
pub(crate) fn ask(method: &str, host: &str, path: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(host).unwrap();
    let accept = content::MediaType::accepted().collect::<Vec<_>>().join(", ");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAccept: {accept}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut stream = BufReader::with_capacity(256 * 1024, stream);
    let status = line(&mut stream).split(' ').nth(1).unwrap().parse().unwrap();
    let mut due: Option<u64> = None;
    loop {
        let header = line(&mut stream).to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        due = header.strip_prefix("content-length:").map(|length| length.trim().parse().unwrap()).or(due);
    }
    let (mut hasher, mut kept, mut size) = (Hasher::new(Algorithm::Sha256), Vec::new(), 0);
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let count = stream.read(&mut chunk).unwrap();
        if count == 0 {
            break;
        }
        hasher.update(&chunk[..count]);
        size += count as u64;
        if size <= KEPT {
            kept.extend_from_slice(&chunk[..count]);
        }
    }
    assert!(
        method == "HEAD" || due.is_none_or(|due| due == size),
        "{method} {path}: {size} of {due:?} bytes"
    );
    Answer { status, body: if size <= KEPT { kept } else { Vec::new() }, digest: hasher.finish() }
}

fn line(stream: &mut impl BufRead) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
