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
