//! The page of a benchmark, as a file: whole, closed in itself, and true to the results.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken page stops the test"
)]
#[path = "page/fixture.rs"]
mod fixture;

use bench::page;

/// The page's tags in order, without their brackets; fails where one is not closed, or closes another.
fn tags(page: &str) -> Vec<&str> {
    let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let (head, rest) = body.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let tags: Vec<&str> = [head, body]
        .iter()
        .flat_map(|part| part.split('<').skip(1))
        .map(|tag| tag.split('>').next().unwrap())
        .collect();
    let mut open = Vec::new();
    for tag in &tags {
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{tag} closes another");
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
    }
    assert!(open.is_empty(), "{open:?} are open");
    tags
}

fn count(page: &str, what: &str) -> usize {
    page.matches(what).count()
}

#[test]
fn every_page_is_whole_whatever_was_measured() {
    for (name, results) in fixture::all() {
        let page = page(&results);
        let tags = tags(&page);
        assert_eq!(tags.iter().filter(|tag| **tag == "h1").count(), 1, "{name}");
        assert!(tags.len() > 100, "{name}");
        assert!(!page.contains("NaN") && !page.contains("inf\""), "{name}");
    }
}

#[test]
fn a_page_fetches_nothing_and_runs_nothing() {
    for (name, results) in fixture::all() {
        let page = page(&results);
        for tag in tags(&page) {
            let element = tag.split(' ').next().unwrap();
            assert!(
                !["script", "link", "img", "iframe", "object", "image", "use"].contains(&element),
                "{name}: {tag}"
            );
            for attribute in [" src=", " href=", " style=", " on"] {
                assert!(!tag.contains(attribute), "{name}: {tag}");
            }
        }
        let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("http"), "{name}");
    }
}

#[test]
fn names_from_outside_are_shown_and_never_obeyed() {
    let results = fixture::hostile();
    let page = page(&results);
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;document.title=&#39;owned&#39;&lt;/script&gt;"));
    assert!(page.contains("What was left") && page.contains("Warnings") && page.contains("0123456789abcdef"));
}

#[test]
fn every_plot_says_its_finding_in_words() {
    for (name, results) in fixture::all() {
        let page = page(&results);
        let plots = count(&page, "role=\"img\"");
        let words: Vec<&str> =
            page.split("<desc ").skip(1).map(|rest| rest.split("</desc>").next().unwrap()).collect();
        assert_eq!(words.len(), plots, "{name}");
        for text in words {
            assert!(text.split('>').nth(1).unwrap().len() > 9, "{name}: {text}");
        }
    }
}

#[test]
fn every_cell_has_its_row_in_every_plot_and_table() {
    // Two plots of latency, in two sizes; of time, CPU and memory, in one size; and in two with throughput where there
    // is no sweep.
    for (results, cells, plots) in
        [(fixture::one(), 1, 4 + 8), (fixture::typical(), 8, 7), (fixture::many(), 30, 7)]
    {
        let page = page(&results);
        let key = 1;
        assert_eq!(count(&page, "class=\"row") - key, cells * plots);
        assert_eq!(count(&page, "<tr"), 2 + cells + 3);
    }
}

#[test]
fn no_two_elements_have_one_name() {
    for (name, results) in fixture::all() {
        let page = page(&results);
        let mut ids: Vec<&str> =
            page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{name}");
    }
}

#[test]
fn every_run_is_a_dot() {
    let page = page(&fixture::typical());
    // In both sizes of the plot of throughput, and in those of time, CPU and memory.
    assert_eq!(count(&page, "class=\"run\""), 8 * 5 * (2 + 3));
}

#[test]
fn the_headline_is_the_fastest_cell() {
    let mut results = fixture::typical();
    let cell = &mut results.cells[5];
    cell.median.wall_s = 0.5;
    cell.median.bytes = 64 << 20;
    cell.median.cpu_s = 0.25;
    cell.median.peak_bytes = 12 << 20;
    cell.runs = vec![cell.median; 3];
    results.workload.blobs = 100;
    cell.median.source.requests = 101;
    cell.median.target.requests = 202;
    let page = page(&results);
    for words in [
        "Fastest with 4\u{a0}jobs and 8\u{a0}ranges; every run of it was faster than every run of the others.",
        "<dd class=\"value\">128\u{a0}<small>MiB/s</small></dd>",
        "<dd class=\"value\">4.00\u{a0}<small>s</small></dd>",
        "<dd class=\"value\">12.0\u{a0}<small>MiB</small></dd>",
        "<dd class=\"value\">3.03</dd>",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn what_is_not_known_is_not_drawn() {
    let page = page(&fixture::zeros());
    assert!(page.contains("No throughput is known."));
    assert_eq!(count(&page, "class=\"bar\""), 1 + 2 * 4, "the key of the latencies, and their rows");
    assert!(!page.contains("Throughput over"));
}

#[test]
fn the_page_has_the_command_that_measures_the_same_again() {
    let command =
        |results| page(&results).split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(
        command(fixture::typical()),
        "transship bench --images 20 --layers 5 --layer-size 64KiB --shared 0 --seed 1 --jobs 1,4,18,32 \
         --ranges 1,8 --repeat 5 --rtt 50ms --rate 5MiB"
    );
    assert_eq!(
        command(fixture::named()),
        "transship bench registry.example.com/team/app:v1 mirror.example.org/scratch/bench --jobs 1,4,18,32 \
         --ranges 1,8 --repeat 5"
    );
}
