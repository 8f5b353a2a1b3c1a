//! Benchmarks: what they report is what the registries saw; and the user's registries are left as they were.
use http::Method;
use serde_json::Value;
use testkit::{Authority, Content, Ledger, Offer, Registry, Request, Rule, ignores_hangups};

use crate::transship;

/// Small content, a few runs.
const SMALL: [&str; 12] = [
    "--images",
    "2",
    "--layers",
    "3",
    "--layer-size",
    "3000",
    "--jobs",
    "1,4",
    "--repeat",
    "2",
    "--output",
    "json",
];

fn bench<'a>(places: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["bench"], places, &SMALL[..], more].concat()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The runs of all settings.
fn runs(results: &Value) -> Vec<&Value> {
    let cells = results["cells"].as_array().unwrap();
    cells.iter().flat_map(|cell| cell["runs"].as_array().unwrap()).collect()
}

/// What the registry saw: requests, bytes that came, bytes that went.
fn seen(ledger: &Ledger) -> [u64; 3] {
    let all = ledger.all();
    let sum = |of: fn(&Request) -> u64| all.iter().map(of).sum();
    [all.len() as u64, sum(|request| request.received), sum(|request| request.sent)]
}

fn reported(side: &Value) -> [u64; 3] {
    ["requests", "sent", "received"].map(|key| number(&side[key]))
}

/// Whether nothing of a benchmark is there: another one with the same content would refuse.
fn is_clean(source: &str, target: &str, seed: &str) {
    transship().run(&bench(&[source, target], &["--seed", seed])).exits(0);
}

#[test]
fn what_a_benchmark_reports_is_what_both_registries_saw() {
    let (source, target) = (Registry::start(), Registry::start());
    let (from, to) = (source.reference("a/b"), target.reference("c"));
    let results = transship().run(&bench(&[&from, &to], &["--ranges", "1"])).exits(0).json();
    assert_eq!((&results["source"], &results["target"]), (&Value::from(from), &Value::from(to)));
    for (side, registry) in [("source", &source), ("target", &target)] {
        assert_eq!(reported(&results["totals"][side]), seen(registry.ledger()), "{}", registry.ledger());
    }
    // One layer in common, two of each image's own, and a configuration each.
    assert_eq!(number(&results["workload"]["blobs"]), 1 + 2 * 2 + 2);
    assert_eq!(runs(&results).len(), 2 * 2);
    for run in runs(&results) {
        assert_eq!(run["bytes"], results["workload"]["bytes"]);
        assert!(number(&run["source"]["received"]) > number(&run["bytes"]), "and the manifests: {run}");
        assert!(number(&run["target"]["connections"]) > 0);
        assert!(run["wall_s"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn a_benchmark_leaves_both_repositories_as_they_were() {
    let (source, target) = (Registry::start(), Registry::start());
    let (from, to) = (source.reference("a/b"), target.reference("c"));
    let results = transship().run(&bench(&[&from, &to], &["--seed", "5"])).exits(0).json();
    assert_eq!(results["left"], Value::Array(Vec::new()));
    let removed = |ledger: &Ledger| ledger.count(|r| r.method == Method::DELETE && r.status == Some(202));
    // Two manifests and seven blobs, once at the source and after each of eight runs at the target.
    assert_eq!((removed(source.ledger()), removed(target.ledger())), (9, 8 * 9));
    is_clean(&from, &to, "5");
    for (registry, repository) in [(&source, "/v2/a/b/"), (&target, "/v2/c/")] {
        let elsewhere = registry.ledger().pick(|request| !request.path.starts_with(repository));
        assert!(elsewhere.is_empty(), "{elsewhere:?}");
        let tagged = |r: &Request| r.method == Method::PUT && r.is_manifest() && !r.path.contains("sha256:");
        assert_eq!(registry.ledger().count(tagged), 0, "{}", registry.ledger());
    }
}

#[test]
fn a_target_that_removes_nothing_gets_other_content_each_run_and_keeps_it() {
    let refuse = Rule::on(Method::DELETE, "/v2/").status(405);
    let (source, target) = (Registry::start(), Registry::setup().rule(refuse).start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let ran = transship().run(&bench(&[&from, &to], &["--ranges", "1"])).exits(0).says("removes nothing");
    let results = ran.json();
    for run in runs(&results) {
        assert_eq!(run["bytes"], results["workload"]["bytes"], "each run has something to move");
    }
    let left = results["left"].as_array().unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    let words = left[0].as_str().unwrap();
    assert!(words.starts_with(&format!("{to}: 8 manifests and 28 blobs, ")), "{words}");
    for (side, registry) in [("source", &source), ("target", &target)] {
        assert_eq!(reported(&results["totals"][side]), seen(registry.ledger()), "{}", registry.ledger());
    }
}

#[test]
fn an_image_of_the_users_is_read_and_the_target_is_emptied_after_each_run() {
    let (content, root) = Content::fleet(2, 3, 1000);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let (from, to) = (source.reference("app:v1"), target.reference("scratch"));
    let line = ["bench", &from, &to, "--jobs", "4", "--ranges", "1", "--repeat", "3", "-o", "json"];
    let results = transship().run(&line).exits(0).json();
    assert_eq!(source.ledger().writes().len(), 0, "{}", source.ledger());
    assert_eq!((number(&results["workload"]["manifests"]), number(&results["workload"]["blobs"])), (3, 8));
    for run in runs(&results) {
        assert_eq!(run["bytes"], results["workload"]["bytes"]);
    }
    let removed = target.ledger().count(|r| r.method == Method::DELETE && r.status == Some(202));
    assert_eq!(removed, 3 * (3 + 8), "{}", target.ledger());
}

#[test]
fn runs_that_would_move_nothing_are_refused_before_anything_is_written() {
    let (content, root) = Content::fleet(1, 1, 1000);
    let refuse = Rule::on(Method::DELETE, "/v2/").status(405);
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::setup().rule(refuse).start();
    let (from, to) = (source.reference("app:v1"), target.reference("scratch"));
    transship().run(&["bench", &from, &to]).exits(6).says("only the first of 30 runs");
    assert!(target.is_empty());
    let once = ["bench", &from, &to, "--jobs", "4", "--ranges", "1", "--repeat", "1"];
    let ran = transship().run(&once).exits(0);
    assert!(ran.stdout.contains(&format!("left behind in {to}: 2 manifests and 2 blobs")), "{ran}");
    assert!(target.holds(&content));
}

#[test]
fn what_a_target_holds_already_is_neither_measured_nor_removed() {
    let (content, root) = Content::fleet(1, 1, 1000);
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::with(&content, &root, "app:kept");
    let (from, to) = (source.reference("app:v1"), target.reference("app"));
    transship().run(&["bench", &from, &to]).exits(8).says("holds this already");
    assert_eq!(target.ledger().writes().len(), 0, "{}", target.ledger());
}

#[test]
fn a_benchmark_says_beforehand_what_it_will_write() {
    let (source, target) = (Registry::start(), Registry::start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let ran = transship().run(&bench(&[&from, &to], &["--dry-run"])).exits(0);
    ran.says(&format!("{from}: 2 images will be written first: 7 blobs, "));
    let ran = transship().run(&bench(&[&from, &to], &["--dry-run"])).exits(0);
    ran.says(&format!("{to}: 2 images will be written by each of 8 runs: 7 blobs, "));
    assert_eq!(seen(source.ledger()), [0, 0, 0]);
    assert_eq!(seen(target.ledger()), [0, 0, 0]);
}

#[test]
fn an_interrupted_benchmark_removes_what_it_wrote() {
    let signals = [("INT", 130), ("TERM", 143), ("HUP", 129)];
    for (signal, code) in signals.into_iter().filter(|(name, _)| *name != "HUP" || !ignores_hangups()) {
        let slow = Rule::on(Method::PUT, "/v2/app/manifests/").delay(std::time::Duration::from_millis(300));
        let (source, target) = (Registry::start(), Registry::setup().rule(slow).start());
        let (from, to) = (source.reference("app"), target.reference("app"));
        let program = transship();
        let running = program.start(&bench(&[&from, &to], &["--seed", "5"]));
        testkit::until("a blob at the target", || {
            target.ledger().count(|r| r.method == Method::PUT && r.status == Some(201)) > 0
        });
        running.signal(signal);
        let ran = running.wait();
        ran.exits(code);
        target.behave();
        is_clean(&from, &to, "5");
    }
}

#[test]
fn a_benchmark_that_fails_removes_what_it_wrote_and_says_who_failed() {
    let broken = Rule::on(Method::PUT, "/v2/app/manifests/").status(400);
    let (source, target) = (Registry::start(), Registry::setup().rule(broken).start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let failed = transship().run(&bench(&[&from, &to], &["--seed", "5"])).exits(1).json();
    assert_eq!(
        (&failed["error"]["side"], &failed["error"]["step"]),
        (&"target".into(), &"publish manifest".into())
    );
    target.behave();
    is_clean(&from, &to, "5");
}

#[test]
fn a_link_is_before_both_registries_and_changes_nothing_of_what_they_see() {
    let (source, target) = (Registry::start(), Registry::start());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let link = ["--rtt", "1ms", "--rate", "100MiB", "--ranges", "1"];
    let results = transship().run(&bench(&[&from, &to], &link)).exits(0).json();
    assert_eq!(results["link"], serde_json::json!({"rtt_ms": 1.0, "rate": 100 << 20}));
    for (side, registry) in [("source", &source), ("target", &target)] {
        let ledger = registry.ledger();
        assert_eq!(reported(&results["totals"][side]), seen(ledger), "{ledger}");
        assert!(
            ledger.all().iter().all(|request| request.header("host") == Some(&registry.host())),
            "{ledger}"
        );
    }
}

#[test]
fn runs_are_given_the_credentials_and_nobody_else_sees_them() {
    let password = format!("{}-bench", testkit::CANARY);
    let guarded = || Registry::setup().basic("me", &password).start();
    let (source, target) = (guarded(), guarded());
    let (from, to) = (source.reference("app"), target.reference("app"));
    let program = transship();
    let file = program.home().join("password");
    std::fs::write(&file, &password).unwrap();
    let file = file.display().to_string();
    let login = [
        "--username",
        "me",
        "--password-file",
        &file,
        "--target-username",
        "me",
        "--target-password-file",
        &file,
        "--ranges",
        "1",
    ];
    let results = program.run(&bench(&[&from, &to], &login)).exits(0).json();
    assert_eq!(reported(&results["totals"]["target"]), seen(target.ledger()), "{}", target.ledger());
}

#[test]
fn without_registries_a_benchmark_has_its_own() {
    let results = transship().run(&bench(&[], &["--ranges", "1,8"])).exits(0).json();
    assert_eq!((&results["source"], &results["target"]), (&"embedded".into(), &"embedded".into()));
    let cells = results["cells"].as_array().unwrap();
    let settings: Vec<_> =
        cells.iter().map(|cell| [number(&cell["jobs"]), number(&cell["ranges"])]).collect();
    assert_eq!(settings, [[1, 1], [1, 8], [4, 1], [4, 8]]);
    for run in runs(&results) {
        assert_eq!(run["bytes"], results["workload"]["bytes"]);
        assert!(number(&run["peak_bytes"]) > 0 && run["cpu_s"].as_f64().unwrap() > 0.0);
    }
    // Each run has a target of its own, to which nobody else says anything.
    let sum = |key| runs(&results).iter().map(|run| number(&run["target"][key])).sum::<u64>();
    assert_eq!(reported(&results["totals"]["target"]), ["requests", "sent", "received"].map(sum));
    assert_eq!(number(&results["workload"]["seed"]), 1);
}

#[test]
fn results_are_a_table_and_a_page_too() {
    let program = transship();
    let page = program.home().join("bench.html").display().to_string();
    let line =
        ["bench", "--images", "1", "--layer-size", "1000", "--jobs", "2", "--repeat", "1", "--html", &page];
    let ran = program.run(&line).exits(0);
    assert!(ran.stdout.contains("fastest: --jobs 2 --ranges "), "{ran}");
    assert!(std::fs::read_to_string(&page).unwrap().starts_with("<!DOCTYPE html>"));
    program.run(&["bench", "--html", "no/such/folder/bench.html"]).exits(9).says("cannot write the page");
}

#[test]
fn an_interrupted_benchmark_leaves_no_file_behind() {
    let mut program = transship();
    let dir = program.home().join("tmp");
    std::fs::create_dir(&dir).unwrap();
    program.set("TMPDIR", &dir);
    let running = program.start(&["bench", "--images", "1", "--layer-size", "8MiB"]);
    running.says("round 1 of 5");
    running.signal("INT");
    let id = running.id();
    running.wait().exits(130);
    assert!(std::fs::read_dir(&dir).unwrap().next().is_none());
    let ours = |entry: &std::fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with(&format!("transship-bench-{id}-"))
    };
    let shared = std::fs::read_dir("/dev/shm").into_iter().flatten().filter_map(Result::ok);
    assert_eq!(shared.filter(ours).count(), 0);
}

#[test]
fn a_link_before_a_registry_that_speaks_tls_keeps_the_name_that_its_certificate_is_for() {
    let authority = Authority::new();
    let side = || Registry::setup().tls(&authority, Offer::Http1).start();
    let (source, target) = (side(), side());
    let program = transship();
    std::fs::write(program.home().join("root.pem"), authority.root_pem()).unwrap();
    let host = |registry: &Registry| registry.host().replace("127.0.0.1", "localhost");
    let (from, to) = (format!("{}/app", host(&source)), format!("{}/app", host(&target)));
    let hosts = [host(&source), host(&target)];
    let flags = ["--ca-file", "root.pem", "--tls", &hosts[0], "--tls", &hosts[1], "--rtt", "1ms"];
    let results = program.run(&bench(&[&from, &to], &flags)).exits(0).json();
    for (side, registry) in [("source", &source), ("target", &target)] {
        let ledger = registry.ledger();
        assert_eq!(reported(&results["totals"][side]), seen(ledger), "{ledger}");
        assert!(ledger.all().iter().all(|r| r.header("host") == Some(&host(registry))), "{ledger}");
    }
}
