//! The table of promises: every row is there, and every test that it names exists.
use std::fs;

use super::{none, root};

const PAGE: &str = "docs/promises.md";
/// The promises have these numbers, without a gap.
const LAST: usize = 31;

/// A row of the table: its number, and the tests that it names.
fn row(line: &str) -> Option<(usize, Vec<&str>)> {
    let mut cells = line.strip_prefix("| AT-")?.split(" |");
    let number = cells.next()?.trim().parse().ok()?;
    let tests = cells.nth(1)?.split('`').skip(1).step_by(2);
    Some((number, tests.collect()))
}

/// Whether `test`, `path::name`, is a function of its file.
fn exists(test: &str) -> bool {
    let Some((path, name)) = test.split_once("::") else { return false };
    let code = fs::read_to_string(root().join(path)).unwrap_or_default();
    code.contains(&format!("fn {name}("))
}

#[test]
fn every_promise_has_its_row_and_every_test_in_it_exists() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let rows: Vec<_> = page.lines().filter_map(row).collect();
    let numbers: Vec<_> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=LAST).collect::<Vec<_>>(), "{PAGE} has one row for each, in order");
    let mut broken = Vec::new();
    for (number, tests) in rows {
        if tests.is_empty() {
            broken.push(format!("AT-{number} names no test"));
        }
        let missing = tests.iter().filter(|test| !exists(test));
        broken.extend(missing.map(|test| format!("AT-{number}: there is no {test}")));
    }
    none(&broken);
}
