//! What [`content::Verified`] promises: no chunk that completes a blob is handed on unless all of it is true.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use content::{Descriptor, Fault, FaultKind, Hasher, Lent, Mark, Marks, MediaType, Step, Verified, Witness};
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

/// What a witness was told.
#[derive(Default)]
struct Told {
    reached: Vec<Mark>,
    back: Vec<u64>,
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Told>>);

impl Witness for Ear {
    fn reached(&mut self, mark: &Mark) {
        self.0.lock().unwrap().reached.push(mark.clone());
    }

    fn went_back(&mut self, offset: u64) {
        self.0.lock().unwrap().back.push(offset);
    }
}

#[test]
fn an_earlier_reading_is_gone_on_from_and_never_believed() {
    let bytes = vec![7; 3_000_000];
    let (described, ear) = (describe(&bytes), Ear::default());
    let mut earlier = Verified::new(&described);
    earlier.attest(ear.clone());
    feed(&mut earlier, cut(&bytes[..2_000_000], &[100_000]));
    drain(&mut earlier);
    for spoilt in [false, true] {
        let told = ear.0.lock().unwrap();
        let restore = |mark: &Mark| {
            let mut saved = mark.save();
            saved[0] ^= u8::from(spoilt);
            Mark::restore(Algorithm::Sha256, mark.at(), &saved).unwrap()
        };
        let mut marks = Marks::default();
        for mark in &told.reached {
            marks.set(&restore(mark));
        }
        let reached = restore(told.reached.last().unwrap());
        assert_eq!(reached.at(), 2_000_000, "told before the last of it was handed on");
        drop(told);
        let mut verified = Verified::new(&described).going_on(marks, reached);
        verified.rewind(1_900_000);
        let at = usize::try_from(verified.at()).unwrap();
        assert!((1_300_000..=1_900_000).contains(&at), "{at}");
        feed(&mut verified, cut(&bytes[at..], &[100_000]));
        let (yielded, fault) = drain(&mut verified);
        assert_eq!((fault.is_some(), yielded.len() == 1_100_000), (spoilt, !spoilt));
    }
}

#[test]
fn a_reading_that_differs_from_the_one_that_the_target_holds_is_untrue() {
    let bytes = vec![7; 3_000_000];
    let mut wrong = bytes.clone();
    wrong[1_500_000] ^= 1;
    for offset in [1_600_000_usize, 1_999_999] {
        let mut verified = Verified::new(&describe(&bytes));
        let ear = Ear::default();
        verified.attest(ear.clone());
        // The target holds the wrong byte; it is right when it is read again.
        feed(&mut verified, cut(&wrong[..2_000_000], &[100_000]));
        drain(&mut verified);
        verified.rewind(offset as u64);
        assert_eq!(ear.0.lock().unwrap().back, [offset as u64]);
        let told = ear.0.lock().unwrap().reached.len();
        let at = usize::try_from(verified.at()).unwrap();
        feed(&mut verified, cut(&bytes[at..], &[70_000]));
        let (yielded, fault) = drain(&mut verified);
        assert_eq!(fault.unwrap().kind(), FaultKind::Untrue);
        assert!(yielded.len() < 3_000_000 - offset && !verified.is_true());
        // Behind the mark at 1.8 MB the wrong byte is in both readings, and the digest shows it.
        let noticed = ear.0.lock().unwrap().reached.len() == told;
        assert_eq!(noticed, offset < 1_800_000);
    }
}

#[test]
fn several_breaks_in_a_row_are_all_compared() {
    let bytes = vec![7; 3_000_000];
    let mut wrong = bytes.clone();
    wrong[650_000] ^= 1;
    let mut verified = Verified::new(&describe(&bytes));
    feed(&mut verified, cut(&bytes[..900_000], &[100_000]));
    drain(&mut verified);
    // The second reading breaks before it has come to where the first one was, and its bytes are wrong.
    verified.rewind(600_000);
    let at = usize::try_from(verified.at()).unwrap();
    let mut second = cut(&wrong[at..700_000], &[50_000]);
    second.push(Err(Fault::new(FaultKind::Unreachable, Step::ReadBlob, "reset")));
    feed(&mut verified, second);
    drain(&mut verified);
    verified.rewind(690_000);
    let at = usize::try_from(verified.at()).unwrap();
    feed(&mut verified, cut(&bytes[at..], &[50_000]));
    assert_eq!(drain(&mut verified).1.unwrap().kind(), FaultKind::Untrue);
}

/// Found by the fuzz target `verified`: nothing vouched for a target that holds exactly what was read.
#[test]
fn a_target_that_holds_all_that_was_read_wrong_is_never_completed_by_a_right_reading() {
    let bytes = vec![7; 1000];
    let mut wrong = bytes[..11].to_vec();
    wrong[0] ^= 1;
    for broken in [Some(FaultKind::Unreachable), None] {
        let mut verified = Verified::new(&describe(&bytes));
        let mut chunks = cut(&wrong, &[4]);
        // A break, or more bytes than there are.
        chunks.push(match broken {
            Some(kind) => Err(Fault::new(kind, Step::ReadBlob, "reset")),
            None => Ok(vec![7; 1000].into()),
        });
        feed(&mut verified, chunks);
        assert_eq!(drain(&mut verified).0, wrong);
        verified.rewind(11);
        let at = usize::try_from(verified.at()).unwrap();
        feed(&mut verified, cut(&bytes[at..], &[100]));
        let (yielded, fault) = drain(&mut verified);
        assert_eq!(fault.unwrap().kind(), FaultKind::Untrue);
        assert!(yielded.is_empty() && !verified.is_true(), "{yielded:?}");
        // From the start, nothing is held any more that could be wrong.
        verified.rewind(0);
        feed(&mut verified, cut(&bytes, &[100]));
        assert_eq!(drain(&mut verified).0, bytes);
    }
}

#[test]
fn a_witness_is_told_of_a_new_beginning_too() {
    let bytes = vec![7; 3_000_000];
    let (mut verified, ear) = (Verified::new(&describe(&bytes)), Ear::default());
    verified.attest(ear.clone());
    feed(&mut verified, cut(&bytes[..2_000_000], &[100_000]));
    drain(&mut verified);
    // The upload begins again: marks of this reading say nothing of what another one sends.
    verified.rewind(0);
    assert_eq!((ear.0.lock().unwrap().back.as_slice(), verified.at()), (&[0][..], 0));
}
