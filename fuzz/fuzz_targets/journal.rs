//! The journal of an upload: a page whose lines are hints. Whatever it says, a blob of true bytes arrives, and one that
//! is not true does not.
#![no_main]

use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use content::{Descriptor, Hasher, MediaType, Verified};
use futures::{StreamExt, stream};
use journal::fuzzing::{first_line, unfinished};
use libfuzzer_sys::fuzz_target;
use reference::Algorithm;

/// The blob that the page is about.
const BLOB: [u8; 200] = [7; 200];

fuzz_target!(|lines: &[u8]| {
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let page = [&first_line("subject"), lines].concat();
        let Some(left) = unfinished(&page, "subject", algorithm) else { continue };
        assert!(unfinished(&page, "another", algorithm).is_none());
        let digest = Hasher::digest(algorithm, &BLOB);
        let blob = Descriptor::new(MediaType::new(""), digest, BLOB.len() as u64);
        let offsets = [BLOB.len() as u64, 130, 64, 1].into_iter().filter(|held| left.vouches_for(*held));
        let offsets: Vec<u64> = offsets.collect();
        let mut verified = Verified::new(&blob).going_on(left.marks, left.reached);
        for held in offsets {
            verified.rewind(held);
            drain(&mut verified, true);
        }
        // A hint that is wrong costs one restart; then it has no say any more.
        for _ in 0..2 {
            verified.rewind(0);
            drain(&mut verified, true);
        }
        assert!(verified.is_true(), "{:?}", verified.fault());
        verified.rewind(0);
        drain(&mut verified, false);
        assert!(!verified.is_true());
    }
});

/// Feeds the rest of the blob, true or not, and takes what is yielded.
fn drain(verified: &mut Verified, truly: bool) {
    let from = usize::try_from(verified.at()).expect("within the blob");
    let mut rest = BLOB[from..].to_vec();
    if let Some(last) = rest.last_mut().filter(|_| !truly) {
        *last ^= 1;
    }
    verified.feed(stream::iter([Ok(Bytes::from(rest))]).boxed());
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(Ok(chunk))) = verified.poll_next_unpin(&mut context) {
        assert!(truly || chunk.len() < BLOB.len(), "a complete body came that is not true");
    }
}
