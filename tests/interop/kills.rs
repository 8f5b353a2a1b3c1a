//! Killed: `kill -9` at random instants leaves no tag that is not whole, and the next run goes on with what arrived.
use std::{
    thread,
    time::{Duration, Instant},
};

use reference::Digest;
use testkit::noise;

use crate::{
    http::ask,
    large::{MIB, eight_layers, one_layer, read_back, size},
    registries::{Registry, distribution, distribution_3},
    relay::Relay,
    transship_quiet,
    watching::{bytes_below, settled, until},
};

/// Instants, and whatever else is left to chance. `INTEROP_SEED` brings another run back.
pub(crate) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    pub(crate) fn new() -> Self {
        let seed = std::env::var("INTEROP_SEED").map_or(7, |seed| seed.parse().unwrap());
        println!("INTEROP_SEED={seed}");
        Self { seed, drawn: 0 }
    }

    /// A part of `whole`.
    pub(crate) fn part_of(&mut self, whole: u64) -> u64 {
        self.drawn += 1;
        let bytes = noise(self.seed.wrapping_mul(1_000_003) + self.drawn, 8);
        u64::from_le_bytes(bytes[..].try_into().unwrap()) % whole.max(1)
    }
}

const KILLS: usize = 50;

/// How many of the blobs a repository holds.
fn arrived(target: &Registry, repository: &str) -> usize {
    let path = |blob: &Digest| format!("/v2/{repository}/blobs/{blob}");
    let blobs = eight_layers().blobs.iter();
    blobs.filter(|blob| ask("HEAD", &target.host(), &path(blob), "").status == 200).count()
}

/// How often a commit of each blob was answered with success.
fn commits(target: &Registry, repository: &str) -> Vec<usize> {
    let puts = target.requests(&["PUT"]);
    let done = |hex: &str| {
        let done = |line: &&String| {
            line.contains(&format!("/v2/{repository}/blobs/"))
                && line.contains(hex)
                && line.contains("\" 201 ")
        };
        puts.iter().filter(done).count()
    };
    eight_layers().blobs.iter().map(|blob| done(blob.hex())).collect()
}

#[test]
fn fifty_kills_leave_no_tag_in_part_and_no_blob_is_committed_twice() {
    let image = eight_layers();
    let (source, target) = (distribution().holding(image).start(), distribution().start());
    let (program, from) = (transship_quiet(), source.reference("large:v1"));
    let copy = |repository: &str| {
        ["copy", "-q", &from, &target.reference(&format!("{repository}:v1"))].map(str::to_owned)
    };
    let started = Instant::now();
    program.run(&copy("undisturbed")).exits(0);
    let whole = started.elapsed();
    assert_eq!(commits(&target, "undisturbed"), vec![1; image.blobs.len()]);
    let (mut chance, mut killed, mut number) = (Chance::new(), 0, 0);
    while killed < KILLS {
        number += 1;
        let repository = format!("copied-{number}");
        loop {
            // What is left takes as long as its part of the whole; beside that, each run has to look around.
            let missing = image.blobs.len() - arrived(&target, &repository);
            let left = whole * u32::try_from(missing).unwrap() / u32::try_from(image.blobs.len()).unwrap();
            let left = u64::try_from((left + whole / 8).as_micros()).unwrap();
            let running = program.start(&copy(&repository));
            thread::sleep(Duration::from_micros(chance.part_of(left)));
            let run = running.kill();
            let found = read_back(&target.host(), &repository, "v1");
            assert!(found.is_none() || found.as_ref() == Some(&image.root), "{found:?}");
            if run.code == 0 {
                break;
            }
            assert_eq!(run.code, -1, "{run}");
            killed += 1;
            // A commit that is under way is no blob yet, and the next run would send that one again.
            settled(|| target.unfinished());
            // This registry goes on with no upload that was cut, and those of fifty runs would fill a disk.
            target.sweep(&repository);
            if killed == KILLS || found.is_some() {
                break;
            }
        }
        program.run(&copy(&repository)).exits(0);
        assert_eq!(read_back(&target.host(), &repository, "v1").as_ref(), Some(&image.root));
        // A commit that nobody waits for any more may be logged as something else.
        let commits = commits(&target, &repository);
        assert!(commits.iter().all(|count| *count <= 1), "{commits:?}");
        target.sweep(&repository);
    }
    println!("{KILLS} kills over {number} copies, of {} ms each", whole.as_millis());
}

/// Kills a copy of one layer several times. Each run after a kill reads what the target does not hold, and little more.
fn goes_on(host: &str, unfinished: impl Fn() -> u64) {
    const MORE: u64 = 16 * MIB;
    let source = distribution().holding(one_layer()).start();
    let (program, to, mut chance) = (transship_quiet(), format!("{host}/copied:v1"), Chance::new());
    let read = |relay: &Relay| relay.exchanges().iter().map(|exchange| exchange.got).sum::<u64>();
    let mut held = 0;
    for _ in 0..3 {
        // Killed somewhere before nine tenths; on a busy machine that may have been later already.
        let Some(left) = (size() / 10 * 9).checked_sub(held) else { break };
        let relay = Relay::to(&source.host());
        let goal = held + chance.part_of(left);
        let running = program.start(&["copy", "-q", "--ranges", "1", &relay.reference("large:v1"), &to]);
        until(&running, || unfinished() > goal);
        assert_eq!(running.kill().code, -1);
        let before = std::mem::replace(&mut held, settled(&unfinished));
        println!("killed: {before} and then {held} bytes were held, {} were read", read(&relay));
        assert_eq!(ask("GET", host, "/v2/copied/manifests/v1", "").status, 404);
        // A server may hold some that are not on its disk yet.
        let layer = relay.of("GET", one_layer().layer().hex());
        let from = layer[0].from;
        assert!(from <= before + 2 * MIB && from + MORE >= before, "{before} bytes were held: {layer:?}");
    }
    let relay = Relay::to(&source.host());
    program.run(&["copy", "-q", "--ranges", "1", &relay.reference("large:v1"), &to]).exits(0);
    assert_eq!(read_back(host, "copied", "v1").as_ref(), Some(&one_layer().root));
    println!("the last run: {held} bytes were held, {} were read", read(&relay));
    assert!(held > 0 && read(&relay) <= size() - held + MORE, "{held} bytes were held");
}

#[test]
fn a_killed_upload_goes_on_at_distribution_3() {
    let target = distribution_3().start();
    goes_on(&target.host(), || target.unfinished());
}

#[test]
fn a_killed_upload_goes_on_at_the_embedded_server() {
    let target = testkit::Registry::start();
    goes_on(&target.host(), || bytes_below(target.dir(), ".transship"));
}
