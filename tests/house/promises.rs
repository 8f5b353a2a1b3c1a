//! The table of promises: every row is there, and every test that it names exists.
use std::fs;

use super::{none, root};

const PAGE: &str = "docs/promises.md";
/// The promises of each table have these numbers, without a gap.
const TABLES: [(&str, usize); 7] =
    [("AT", 35), ("SERVE", 9), ("MIRROR", 7), ("VERIFY", 7), ("ARCHIVE", 6), ("BUNDLE", 12), ("SCALE", 11)];

/// A row of a table: its number, and the tests that it names.
fn row<'a>(line: &'a str, table: &str) -> Option<(usize, Vec<&'a str>)> {
    let mut cells = line.strip_prefix(&format!("| {table}-"))?.split(" |");
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
    let mut broken = Vec::new();
    for (table, last) in TABLES {
        let rows: Vec<_> = page.lines().filter_map(|line| row(line, table)).collect();
        let numbers: Vec<_> = rows.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "{PAGE} has one row for each, in order");
        for (number, tests) in rows {
            if tests.is_empty() {
                broken.push(format!("{table}-{number} names no test"));
            }
            let missing = tests.iter().filter(|test| !exists(test));
            broken.extend(missing.map(|test| format!("{table}-{number}: there is no {test}")));
        }
    }
    none(&broken);
}
