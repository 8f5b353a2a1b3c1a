//! Bytes on trial: whatever is fed, cut, repeated or rewound, a target never holds a complete body that is not true;
//! and once true bytes are fed from where they are asked for, it does hold it.
#![no_main]

use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, MediaType, Step, Verified};
use futures::{StreamExt, stream};
use libfuzzer_sys::fuzz_target;
use reference::Algorithm;

#[derive(Debug, Arbitrary)]
struct Trial {
    size: u16,
    sha512: bool,
    acts: Vec<Act>,
}

#[derive(Debug, Arbitrary)]
enum Act {
    /// Feeds bytes from where they are asked for.
    Feed { chunks: Vec<u16>, spoilt: Option<u32>, shift: i8, cut: Option<u32>, fails: bool, more: u8 },
    /// Polls so many times.
    Poll(u8),
    /// The target lost what it held beyond this, or holds it still.
    Rewind(u32),
}

fuzz_target!(|trial: Trial| {
    // Under fuzzing, marks are 16 bytes apart and 8 are kept.
    let size = usize::from(trial.size % 2048);
    let body = body(size);
    let algorithm = if trial.sha512 { Algorithm::Sha512 } else { Algorithm::Sha256 };
    let blob = Descriptor::new(MediaType::new(""), Hasher::digest(algorithm, &body), size as u64);
    let mut verified = Verified::new(&blob);
    let mut held = Vec::new();
    for act in trial.acts.iter().take(32) {
        match act {
            Act::Feed { .. } => feed(&mut verified, &body, act),
            Act::Poll(times) => poll(&mut verified, &mut held, &body, usize::from(*times)),
            Act::Rewind(to) => {
                held.truncate(*to as usize);
                verified.rewind(held.len() as u64);
            }
        }
        assert!(!verified.is_true() || verified.at() == size as u64);
    }
    // Whatever happened: from the start, with true bytes, it arrives.
    held.clear();
    verified.rewind(0);
    if !verified.is_true() {
        let from = usize::try_from(verified.at()).expect("within the body");
        verified.feed(stream::iter([Ok(body.slice(from..))]).boxed());
        poll(&mut verified, &mut held, &body, 4);
        assert!(verified.is_true(), "{:?}", verified.fault());
        assert_eq!(held, body);
    }
});

/// A target that takes what is yielded: whenever it holds all bytes, they are the true ones.
fn poll(verified: &mut Verified, held: &mut Vec<u8>, body: &Bytes, times: usize) {
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        match verified.poll_next_unpin(&mut context) {
            Poll::Ready(Some(Ok(chunk))) => {
                assert!(!chunk.is_empty() || body.is_empty() || !verified.is_true());
                held.extend_from_slice(&chunk);
            }
            Poll::Ready(None) => assert!(verified.is_true()),
            Poll::Ready(Some(Err(_))) | Poll::Pending => assert!(!verified.is_true()),
        }
        assert!(held.len() <= body.len(), "more than there is");
        if held.len() == body.len() && !body.is_empty() {
            assert!(held == body, "a complete body came that is not true");
        }
        assert!(verified.remaining() <= body.len() as u64);
    }
}

fn feed(verified: &mut Verified, body: &Bytes, act: &Act) {
    let Act::Feed { chunks, spoilt, shift, cut, fails, more } = act else { return };
    let from =
        usize::try_from(verified.at()).expect("within the body").saturating_add_signed((*shift).into());
    let mut bytes = body.get(from..).unwrap_or_default().to_vec();
    bytes.truncate(cut.map_or(usize::MAX, |cut| cut as usize));
    if let Some(at) = spoilt.map(|at| at as usize % bytes.len().max(1)).filter(|at| *at < bytes.len()) {
        bytes[at] ^= 1;
    }
    bytes.extend(vec![0; usize::from(*more)]);
    let mut rest = Bytes::from(bytes);
    let mut pieces = Vec::new();
    for length in chunks {
        pieces.push(Ok(rest.split_to(usize::from(*length).min(rest.len()))));
    }
    pieces.push(Ok(rest));
    if *fails {
        pieces.push(Err(Fault::new(FaultKind::Unreachable, Step::ReadBlob, "cut")));
    }
    verified.feed(stream::iter(pieces).boxed());
}

/// Bytes that differ from place to place.
fn body(size: usize) -> Bytes {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}
