//! The page of a benchmark, as the binary writes it.
use super::run::Home;

const SMALL: [&str; 15] = [
    "bench",
    "--images",
    "1",
    "--layers",
    "1",
    "--layer-size",
    "1KiB",
    "--shared",
    "0",
    "--jobs",
    "2",
    "--ranges",
    "1",
    "--repeat",
    "1",
];

/// What it measured is on the page, with a command that the binary takes.
#[test]
fn a_benchmark_writes_a_page_that_says_how_to_repeat_it() {
    let home = Home::new();
    let file = home.path("bench.html");
    home.run(&[SMALL.as_slice(), &["--rtt", "1ms", "--html", &file]].concat()).exits(0);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("Measured with 2\u{a0}jobs and 1\u{a0}range."));
    let command = page.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(
        words,
        [["transship"].as_slice(), &SMALL[..9], &["--seed", "1"], &SMALL[9..], &["--rtt", "1ms"]].concat()
    );
    home.run(&[&words[1..], &["--dry-run"]].concat()).exits(0);
}

/// Nobody waits for numbers that have no place to go to.
#[test]
fn a_page_that_cannot_be_written_ends_a_benchmark_before_it_begins() {
    let home = Home::new();
    let file = home.path("nowhere/bench.html");
    let run = home.run(&[SMALL.as_slice(), &["--html", &file]].concat()).exits(9).says("nowhere/bench.html");
    assert!(!run.stderr.contains("round 1") && run.stdout.is_empty(), "{run}");
}

/// A file that was there is kept by a benchmark that comes to nothing, and replaced as a whole by another one.
#[test]
fn what_is_at_the_pages_path_stays_until_there_is_a_page() {
    let home = Home::new();
    let file = home.file("bench.html", "kept");
    let line = |more: &[&str]| home.run(&[SMALL.as_slice(), more, &["--html", &file]].concat());
    let read = || std::fs::read_to_string(&file).unwrap();
    line(&["--seed", "x"]).exits(2);
    line(&["--username", "me", "--password", "x"]).exits(2);
    home.run(&["bench", "127.0.0.1:1/app", "127.0.0.1:2/app", "--html", &file]).exits(7);
    line(&["--dry-run"]).exits(2);
    assert_eq!(read(), "kept");
    line(&[]).exits(0);
    assert!(read().starts_with("<!DOCTYPE html>"));
    let pages = std::fs::read_dir(home.path("")).unwrap().filter_map(Result::ok);
    let pages = pages.filter(|entry| entry.file_name().to_string_lossy().contains("bench.html"));
    assert_eq!(pages.count(), 1, "no draft is left");
}

/// What is no file keeps its place, whatever comes of the page.
#[cfg(unix)]
#[test]
fn a_link_at_the_pages_path_is_written_through_and_never_removed() {
    use std::os::unix::fs::symlink;
    let home = Home::new();
    let (file, link) = (home.file("page", "old"), home.path("link"));
    symlink(&file, &link).unwrap();
    let is_link = || std::fs::symlink_metadata(&link).unwrap().is_symlink();
    home.run(&["bench", "127.0.0.1:1/app", "127.0.0.1:2/app", "--html", &link]).exits(7);
    assert!(is_link() && std::fs::read_to_string(&file).unwrap() == "old");
    home.run(&[SMALL.as_slice(), &["--html", &link]].concat()).exits(0);
    assert!(is_link() && std::fs::read_to_string(&file).unwrap().starts_with("<!DOCTYPE html>"));
}

/// What was measured is worth more than its page.
#[cfg(target_os = "linux")]
#[test]
fn a_page_that_cannot_be_written_in_the_end_costs_no_numbers() {
    let home = Home::new();
    let full = home.path("full");
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let line = [SMALL.as_slice(), &["--html", &full]].concat();
    let ran = home.run(&line).exits(9).says("cannot write the page").says("No space left");
    assert!(ran.stdout.contains("fastest: --jobs 2"), "{ran}");
    let document = home.run(&[&line[..], &["-o", "json"]].concat()).exits(9).json();
    assert_eq!(document["cells"].as_array().unwrap().len(), 1);
    assert_eq!(document["error"]["kind"], "local");
}

#[test]
fn a_setting_that_is_named_twice_is_measured_once() {
    let line = [
        "bench",
        "--layer-size",
        "1KiB",
        "--jobs",
        "4,2,4",
        "--ranges",
        "1,1",
        "--repeat",
        "1",
        "-o",
        "json",
    ];
    let results = Home::new().run(&line).exits(0).json();
    let jobs: Vec<_> = results["cells"].as_array().unwrap().iter().map(|cell| cell["jobs"].clone()).collect();
    assert_eq!(jobs, [4, 2]);
}
