//! The command that measures the same once more.
use std::fmt::Write as _;

use super::view::View;
use crate::results::{Link, Results, Workload};

const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];

/// The command, but for flags that say how a registry is reached, and who asks.
pub(super) fn command(view: &View<'_>) -> String {
    let results = view.results;
    let list = |values: Vec<usize>| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut text = "transship bench".to_owned();
    if named(results) {
        text.extend([&results.source, &results.target].map(|place| format!(" {}", quoted(place))));
    }
    if let Some(seed) = results.workload.seed {
        text += &content(&results.workload, seed);
    }
    // Writing into text does not fail.
    let _ = write!(text, " --jobs {}", list(view.values(|cell| cell.jobs)));
    let _ = write!(text, " --ranges {}", list(view.values(|cell| cell.ranges)));
    let _ = write!(text, " --repeat {}", view.runs().max(1));
    text + &results.link.map(link).unwrap_or_default()
}

/// Whether the user named the registries.
pub(super) fn named(results: &Results) -> bool {
    results.storage.is_none()
}

/// What content is made.
fn content(work: &Workload, seed: u64) -> String {
    let (images, layers, size) = (work.images, work.layers, size(work.layer_bytes));
    format!(" --images {images} --layers {layers} --layer-size {size} --shared {} --seed {seed}", work.shared)
}

fn link(link: Link) -> String {
    let rtt = (link.rtt_ms > 0.0).then(|| format!(" --rtt {}ms", link.rtt_ms));
    let rate = link.rate.map(|rate| format!(" --rate {}", size(rate)));
    rtt.into_iter().chain(rate).collect()
}

/// The size to the byte, in the largest unit that it is a multiple of.
fn size(bytes: u64) -> String {
    let fits = UNITS.iter().find_map(|(unit, name)| {
        let count =
            bytes.checked_div(*unit).filter(|count| *count > 0 && count.checked_mul(*unit) == Some(bytes));
        Some(format!("{}{name}", count?))
    });
    fits.unwrap_or_else(|| bytes.to_string())
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "._-/:@".contains(character);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact() {
        let shown = [1, 1000, 1024, 65_536, 5 << 20, (5 << 20) + 1, 3 << 30].map(size);
        assert_eq!(shown, ["1", "1000", "1KiB", "64KiB", "5MiB", "5242881", "3GiB"]);
    }

    #[test]
    fn a_place_is_one_word_whatever_is_in_it() {
        assert_eq!(quoted("host.example:5000/a/b:v1"), "host.example:5000/a/b:v1");
        assert_eq!(quoted("[::1]:5000/a"), "'[::1]:5000/a'", "zsh reads more into brackets");
        assert_eq!(quoted("a; rm -r 'b'"), "'a; rm -r '\\''b'\\'''");
    }
}
