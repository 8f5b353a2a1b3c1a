//! Chaos: thousands of copies between registries that do everything wrong, on a clock that skips the waiting. Each is
//! made from its seed alone; one that breaks a promise is named, and made as small as it can be.
//!
//! `CHAOS_SEEDS=10000 cargo test --release --test chaos` runs more of them, `CHAOS_FIRST=4711 CHAOS_SEEDS=1` one again.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod case;
mod fault;
mod image;
mod run;
mod watch;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use self::{
    case::{Case, shrink},
    fault::Door,
    run::{Broken, Promise, Tally, run},
    watch::Watch,
};

/// Seeds of an ordinary run of all tests.
const SEEDS: u64 = 300;
/// How many runs may be spent on making a case smaller.
const SHRINKING: usize = 400;

#[test]
fn whatever_happens_a_copy_is_whole_or_leaves_no_tag() {
    let number = |name, default| std::env::var(name).map_or(default, |value| value.parse::<u64>().unwrap());
    let (first, seeds) = (number("CHAOS_FIRST", 0), number("CHAOS_SEEDS", SEEDS));
    let (next, over) = (AtomicU64::new(first), AtomicBool::new(false));
    let (watch, total) = (Watch::default(), Mutex::new(Tally::default()));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..thread::available_parallelism().map_or(1, usize::from))
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + seeds || failed.lock().unwrap().len() >= 5 {
                            return;
                        }
                        match watch.over(seed, || steady(&Case::of(seed))) {
                            Ok(tally) => total.lock().unwrap().add(tally),
                            Err(broken) => failed.lock().unwrap().push((seed, broken)),
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Some(seed) = watch.look() {
                    eprintln!("seed {seed} hangs: {:#?}", Case::of(seed));
                    std::process::abort();
                }
                thread::sleep(Duration::from_millis(50));
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        over.store(true, Ordering::Relaxed);
    });
    eprintln!("{seeds} seeds from {first} on: {:?}", total.into_inner().unwrap());
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{}",
        failed.iter().map(|(seed, broken)| told(*seed, broken)).collect::<String>()
    );
}

/// A copy that fails although it should not have may be the clock's fault: it skips a wait when nothing is ready, and
/// bytes that the kernel has on its way are not ready yet. That hits one request, once; nobody is that unlucky three
/// times. A wrong byte is nobody's fault but ours.
fn steady(case: &Case) -> Result<Tally, Broken> {
    let excusable =
        |broken: &Broken| matches!(broken.promise, Promise::MildFaultsPass | Promise::NextRunHeals);
    match run(case) {
        Err(broken) if excusable(&broken) => {
            let again = run(case).or_else(|_| run(case));
            again.map(|tally| Tally { excused: 1, ..tally })
        }
        outcome => outcome,
    }
}

#[test]
fn a_case_that_fails_is_made_as_small_as_it_can_be() {
    let reads = |case: &Case| case.faults.iter().any(|fault| fault.door == Door::ReadBlob);
    let large = |case: &Case| format!("{:?}", case.image).contains("size: ");
    let fails = |case: &Case| reads(case) && large(case);
    let found =
        (0..1000).map(Case::of).find(|case| fails(case) && case.faults.len() > 5 && case.target.two).unwrap();
    let smallest = shrink(found, 10_000, fails);
    assert_eq!(smallest.faults.len(), 1, "{smallest:#?}");
    assert_eq!((smallest.faults[0].nth, smallest.faults[0].times), (1, 1));
    assert_eq!(format!("{:?}", smallest.image).matches("size: 0,").count(), 1, "{smallest:#?}");
    assert!(!smallest.target.two && smallest.width == 1 && smallest.cancel.is_none());
}

#[test]
fn a_seed_makes_the_same_case_again() {
    assert_eq!(Case::of(7), Case::of(7));
    assert_ne!(Case::of(7), Case::of(8));
}

/// A broken promise, with the smallest case that breaks it too.
fn told(seed: u64, broken: &Broken) -> String {
    let again = |case: &Case| steady(case).is_err_and(|other| other.promise == broken.promise);
    let smallest = shrink(Case::of(seed), SHRINKING, again);
    let what = steady(&smallest).err().map_or_else(|| broken.what.clone(), |broken| broken.what);
    format!(
        "\nseed {seed} breaks {:?}: CHAOS_FIRST={seed} CHAOS_SEEDS=1\n{smallest:#?}\n{what}\n",
        broken.promise
    )
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.done += other.done;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.mild += other.mild;
        self.excused += other.excused;
        self.struck += other.struck;
        self.ranges += other.ranges;
        self.requests = self.requests.max(other.requests);
        self.hours = self.hours.max(other.hours);
    }
}
