//! What [`content::Verified`] promises: no chunk that completes a blob is handed on unless all of it is true.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, Lent, Mark, Marks, MediaType, Step, Verified};
use futures::{StreamExt, executor::block_on, stream};
use proptest::{collection::vec, prelude::*};
use reference::Algorithm;

fn describe(bytes: &[u8]) -> Descriptor {
    let digest = Hasher::digest(Algorithm::Sha256, bytes);
    Descriptor::new(MediaType::new("application/octet-stream"), digest, bytes.len() as u64)
}

fn feed(verified: &mut Verified, chunks: Vec<Result<Bytes, Fault>>) {
    verified.feed(stream::iter(chunks).boxed());
}

/// What comes out, and the fault that ended it.
fn drain(verified: &mut Verified) -> (Vec<u8>, Option<Fault>) {
    let mut yielded = Vec::new();
    loop {
        match block_on(verified.next()) {
            Some(Ok(chunk)) => yielded.extend_from_slice(&chunk),
            Some(Err(fault)) => return (yielded, Some(fault)),
            None => return (yielded, None),
        }
    }
}

fn cut(bytes: &[u8], sizes: &[usize]) -> Vec<Result<Bytes, Fault>> {
    let mut chunks = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle().map(|size| size.max(&1)) {
        if rest.is_empty() {
            break;
        }
        let (head, tail) = rest.split_at((*size).min(rest.len()));
        chunks.push(Ok(Bytes::copy_from_slice(head)));
        rest = tail;
    }
    chunks
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_verdict(
        bytes in vec(any::<u8>(), 1..4000),
        sizes in vec(1_usize..600, 1..8),
        wrong in any::<Option<prop::sample::Index>>(),
    ) {
        let mut verified = Verified::new(&describe(&bytes));
        let mut sent = bytes.clone();
        if let Some(at) = wrong {
            let at = at.index(sent.len());
            sent[at] ^= 0x40;
        }
        feed(&mut verified, cut(&sent, &sizes));
        let (yielded, fault) = drain(&mut verified);
        prop_assert_eq!(fault.is_some(), wrong.is_some());
        prop_assert_eq!(verified.is_true(), wrong.is_none());
        if wrong.is_some() {
            prop_assert!(yielded.len() < bytes.len(), "the chunk that completes the size is withheld");
        } else {
            prop_assert_eq!(yielded, bytes);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn going_back_yields_exactly_what_the_upload_still_wants(
        len in 1_usize..5_000_000,
        cut_at in any::<prop::sample::Index>(),
        offset in any::<prop::sample::Index>(),
    ) {
        let bytes: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut verified = Verified::new(&describe(&bytes));
        let read = cut_at.index(len);
        let mut first = cut(&bytes[..read], &[300_000]);
        first.push(Err(Fault::new(FaultKind::Unreachable, Step::ReadBlob, "reset")));
        feed(&mut verified, first);
        drain(&mut verified);
        let offset = offset.index(len);
        verified.rewind(offset as u64);
        let at = usize::try_from(verified.at()).unwrap();
        prop_assert!(at <= offset);
        prop_assert!(offset > read || offset - at < 1024 * 1024, "marks are no further apart");
        feed(&mut verified, cut(&bytes[at..], &[300_000]));
        prop_assert_eq!(verified.remaining(), (len - offset) as u64);
        let (yielded, fault) = drain(&mut verified);
        prop_assert!(fault.is_none());
        prop_assert_eq!(&yielded[..], &bytes[offset..]);
    }
}

#[test]
fn more_bytes_than_described_are_untrue() {
    let mut verified = Verified::new(&describe(b"four"));
    feed(&mut verified, vec![Ok(Bytes::from_static(b"fo")), Ok(Bytes::from_static(b"ur and more"))]);
    let (yielded, fault) = drain(&mut verified);
    assert_eq!((yielded.as_slice(), fault.unwrap().kind()), (b"fo".as_slice(), FaultKind::Untrue));
}

#[test]
fn fewer_bytes_than_described_are_untrue() {
    let mut verified = Verified::new(&describe(b"four"));
    feed(&mut verified, vec![Ok(Bytes::from_static(b"fou"))]);
    assert_eq!(drain(&mut verified).1.unwrap().kind(), FaultKind::Untrue);
    assert!(!verified.is_true());
}

#[test]
fn an_empty_blob_is_judged_before_anything_is_sent() {
    assert!(Verified::new(&describe(b"")).is_true());
    let lie = Descriptor { size: 0, ..describe(b"not empty") };
    assert_eq!(Verified::new(&lie).fault().unwrap().kind(), FaultKind::Untrue);
}

#[test]
fn lent_bytes_come_home_however_the_transport_ends() {
    let bytes = vec![5; 3000];
    let mut verified = Verified::new(&describe(&bytes));
    feed(&mut verified, cut(&bytes, &[1000]));
    let (mut lent, home) = Lent::new(verified);
    assert_eq!(lent.remaining(), 3000);
    block_on(lent.next()).unwrap().unwrap();
    drop(lent);
    let verified = block_on(home).unwrap();
    assert_eq!((verified.at(), verified.remaining()), (1000, 2000));
}

#[test]
fn marks_of_an_earlier_reading_are_gone_on_from_and_never_believed() {
    let bytes = vec![7; 3_000_000];
    let (described, seen) = (describe(&bytes), std::sync::Arc::new(std::sync::Mutex::new(Vec::new())));
    let mut earlier = Verified::new(&described);
    let told = std::sync::Arc::clone(&seen);
    earlier.attest(move |mark| told.lock().unwrap().push(mark.clone()));
    feed(&mut earlier, cut(&bytes[..2_000_000], &[100_000]));
    drain(&mut earlier);
    let marks = |spoilt: bool| {
        let mut marks = Marks::default();
        for mark in seen.lock().unwrap().iter() {
            let mut saved = mark.save();
            saved[0] ^= u8::from(spoilt);
            assert!(marks.set(&Mark::restore(Algorithm::Sha256, mark.at(), &saved).unwrap()));
        }
        marks
    };
    for spoilt in [false, true] {
        let mut verified = Verified::new(&described).with_marks(marks(spoilt));
        verified.rewind(1_900_000);
        let at = usize::try_from(verified.at()).unwrap();
        assert!((1_000_000..=1_900_000).contains(&at), "{at}");
        feed(&mut verified, cut(&bytes[at..], &[100_000]));
        let (yielded, fault) = drain(&mut verified);
        assert_eq!((fault.is_some(), yielded.len() == 1_100_000), (spoilt, !spoilt));
    }
}
