//! Reads the tables of `fixtures/references`.
use std::{fs, path::Path};

/// The rows of a table, their cells expanded; comments and empty lines are left out.
pub(crate) fn rows(file: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/references").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split('\t').map(expand).collect()).collect()
}

/// `{x*N}` is x, N times over; `\u{..}` is a character.
fn expand(cell: &str) -> String {
    let Some((before, rest)) = cell.split_once('{') else { return cell.to_owned() };
    let (inside, after) = rest.split_once('}').unwrap();
    let expanded = match (before.strip_suffix("\\u"), inside.split_once('*')) {
        (Some(before), _) => {
            let code = u32::from_str_radix(inside, 16).unwrap();
            format!("{before}{}", char::from_u32(code).unwrap())
        }
        (None, Some((text, times))) => format!("{before}{}", text.repeat(times.parse().unwrap())),
        (None, None) => panic!("{cell}: what is {{{inside}}}?"),
    };
    expanded + &expand(after)
}
