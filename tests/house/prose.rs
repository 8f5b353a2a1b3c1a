//! Prose: pages and comments fit the columns that code is formatted to.
use std::fs;

use super::{none, root, sources};

const COLUMNS: usize = 120;

/// Tables and addresses cannot be broken.
fn is_free(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['/', '!']).trim_start();
    line.starts_with('|') || line.contains("://")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn prose_fits_120_columns() {
    let mut lines = Vec::new();
    for folder in ["", "docs"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                lines.extend(text.lines().enumerate().map(|(at, line)| (path.clone(), at, line.to_owned())));
            }
        }
    }
    for folder in ["crates", "tests", "benches", "fuzz"] {
        for (path, text) in sources(folder) {
            let comments = text.lines().enumerate().filter(|(_, line)| is_comment(line));
            lines.extend(comments.map(|(at, line)| (path.clone(), at, line.to_owned())));
        }
    }
    let long = lines.iter().filter(|(_, _, line)| line.chars().count() > COLUMNS && !is_free(line));
    let broken: Vec<String> =
        long.map(|(path, at, _)| format!("{}:{}: more than {COLUMNS}", path.display(), at + 1)).collect();
    none(&broken);
}
