//! The journal: what one run leaves, the next goes on with, and nobody believes it.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use content::{Descriptor, FaultKind, Journal, Mark, Marks, Page, Place, Unfinished};
use copier::{CopyError, Engine, Job, Report, Silent};
use pace::{Level, Traffic};

use crate::{
    images::{LAYER, image, job},
    memory::{Memory, Repository},
};

const MIB: usize = 1024 * 1024;
const SIZE: usize = 12 * MIB;
/// The config comes first, and whole.
const CONFIG: usize = MIB;

/// What is written of each upload: its location and its marks.
type Pages = HashMap<String, (String, Vec<Mark>)>;

#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Pages>>);

struct Sheet(Notes, String);

impl Journal for Notes {
    fn page(&self, place: &Place, blob: &Descriptor) -> Option<Arc<dyn Page>> {
        Some(Arc::new(Sheet(self.clone(), format!("{place} {}", blob.digest))))
    }
}

impl Sheet {
    fn with<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        change(&mut self.0.0.lock().unwrap())
    }
}

impl Page for Sheet {
    fn read(&self) -> Option<Unfinished> {
        let (location, noted) = self.with(|pages| pages.get(&self.1).cloned())?;
        let mut marks = Marks::default();
        for mark in &noted {
            marks.set(mark);
        }
        let reached = noted.last()?.clone();
        Some(Unfinished { location, marks, reached, bound: None })
    }

    fn moved(&self, location: &str) {
        self.with(|pages| location.clone_into(&mut pages.entry(self.1.clone()).or_default().0));
    }

    fn reached(&self, mark: &Mark) {
        self.with(|pages| pages.entry(self.1.clone()).or_default().1.push(mark.clone()));
    }

    fn went_back(&self, _offset: u64) {}

    fn discard(&self) {
        self.with(|pages| pages.remove(&self.1));
    }
}

impl Notes {
    fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }

    /// The hashes of all marks are of other bytes.
    fn spoil(&self) {
        for (_, marks) in self.0.lock().unwrap().values_mut() {
            for mark in marks {
                let mut saved = mark.save();
                saved[0] ^= 1;
                *mark = Mark::restore(reference::Algorithm::Sha256, mark.at(), &saved).unwrap();
            }
        }
    }
}

/// `app:v1`, an image with one large layer.
fn large(memory: &Memory) -> Arc<Repository> {
    let app = memory.repository("app");
    let bytes: Vec<u8> = (0..SIZE).map(|at| u8::try_from(at % 253).unwrap()).collect();
    let layer = app.put_blob(&bytes, LAYER);
    app.put_manifest(&image(&app, "a", &[layer]), Some("v1"));
    app
}

async fn run(job: &Job, notes: &Notes) -> Result<Report, CopyError> {
    Engine::new(Arc::new(Silent), Traffic::new(Level::exactly(1)))
        .with_journal(Arc::new(notes.clone()))
        .run(job)
        .await
}

/// A run whose source is gone for good after 8 MiB of the layer.
async fn stranded(job: &Job, source: &Memory, notes: &Notes) {
    source.break_reads(&[CONFIG, 8 * MIB, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let report = run(job, notes).await.unwrap();
    assert_eq!(report.outcomes[0].result.as_ref().unwrap_err().kind(), FaultKind::Unreachable);
    source.break_reads(&[]);
}

/// From which offsets the layer was read.
fn reads(source: &Memory) -> Vec<usize> {
    let ledger = source.ledger();
    let from = ledger.iter().filter_map(|line| line.strip_prefix("GET ")?.split_once(" from "));
    let mut from: Vec<usize> = from.map(|(_, from)| from.parse().unwrap()).collect();
    from.dedup();
    from
}

#[tokio::test(start_paused = true)]
async fn what_a_run_that_reached_nobody_left_is_gone_on_with() {
    let (source, target, notes) = (Memory::new("a"), Memory::new("b"), Notes::default());
    let job = job(&large(&source), &target, &[("app", &["v1"])]);
    stranded(&job, &source, &notes).await;
    assert_eq!(target.count("CANCEL"), 0);
    let before = source.ledger().len();
    run(&job, &notes).await.unwrap().outcomes[0].result.as_ref().unwrap();
    let ledger = source.ledger();
    let from = ledger[before..]
        .iter()
        .find_map(|line| Some(line.strip_prefix("GET sha256:")?.split_once(" from ")?.1));
    let from: usize = from.unwrap().parse().unwrap();
    assert!(from > 7 * MIB && from <= 8 * MIB, "{from}");
    assert_eq!((target.count("POST"), target.count("REOPEN")), (2, 1), "{:?}", target.ledger());
    assert!(target.tag("app", "v1").is_some());
    assert!(notes.is_empty(), "what is done needs no page");
}

#[tokio::test(start_paused = true)]
async fn a_wrong_page_costs_one_restart() {
    let (source, target, notes) = (Memory::new("a"), Memory::new("b"), Notes::default());
    let job = job(&large(&source), &target, &[("app", &["v1"])]);
    stranded(&job, &source, &notes).await;
    notes.spoil();
    run(&job, &notes).await.unwrap().outcomes[0].result.as_ref().unwrap();
    assert_eq!(target.count("REOPEN"), 1);
    assert_eq!(target.count("CANCEL"), 1, "the upload that got wrong bytes is given up");
    assert_eq!(reads(&source), [0, 8 * MIB, 0], "on from where it was, then once more from the start");
    assert!(target.tag("app", "v1").is_some() && notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_the_target_has_forgotten_begins_again() {
    let (source, target, notes) = (Memory::new("a"), Memory::new("b"), Notes::default());
    let job = job(&large(&source), &target, &[("app", &["v1"])]);
    stranded(&job, &source, &notes).await;
    target.forget_left();
    run(&job, &notes).await.unwrap().outcomes[0].result.as_ref().unwrap();
    assert!(target.tag("app", "v1").is_some() && notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn bytes_that_stay_wrong_leave_no_upload_and_no_page() {
    let (source, target, notes) = (Memory::new("a"), Memory::new("b"), Notes::default());
    let app = large(&source);
    let layer: Vec<u8> = (0..SIZE).map(|at| u8::try_from(at % 253).unwrap()).collect();
    source.corrupt(&crate::memory::sha256(&layer));
    let report = run(&job(&app, &target, &[("app", &["v1"])]), &notes).await.unwrap();
    assert_eq!(report.outcomes[0].result.as_ref().unwrap_err().kind(), FaultKind::Untrue);
    assert_eq!(target.count("CANCEL"), 2);
    assert!(notes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_dropped_gives_its_upload_up() {
    let (source, target, notes) = (Memory::new("a"), Memory::new("b"), Notes::default());
    let job = job(&large(&source), &target, &[("app", &["v1"])]);
    source.break_reads(&[CONFIG, 8 * MIB, 0, 0, 0]);
    // All that takes time is the wait for the source to come back.
    let dropped = tokio::time::timeout(std::time::Duration::from_millis(1), run(&job, &notes)).await;
    assert!(dropped.is_err());
    assert_eq!(target.count("CANCEL"), 1, "{:?}", target.ledger());
    assert!(notes.is_empty());
}
