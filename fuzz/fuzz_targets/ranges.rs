//! `Content-Range` of answers, `Range` of an upload's status, and what our own server makes of both: a header, and a
//! size in the second line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use registry::fuzzing::{content_range, held};

fuzz_target!(|text: &str| {
    let (header, size) = text.split_once('\n').unwrap_or((text, ""));
    let size: u64 = size.trim().parse().unwrap_or_default();
    if let Some((first, last, total)) = content_range(header) {
        assert!(first <= last && total.is_none_or(|total| last < total));
        let total = total.map_or("*".to_owned(), |total| total.to_string());
        assert!(content_range(&format!("bytes {first}-{last}/{total}")).is_some());
    }
    if let Some(bytes) = held(header) {
        assert_eq!(held(&server::fuzzing::held(bytes)), Some(if bytes == 1 { 0 } else { bytes }));
    }
    if let Some(range) = server::fuzzing::wanted(header, size) {
        assert!(range.start <= range.end && range.end <= size, "{range:?} of {size}");
    }
    if let Some(range) = server::fuzzing::chunk(header) {
        assert!(range.start < range.end);
        let last = range.end - 1;
        assert_eq!(server::fuzzing::chunk(&format!("{}-{last}", range.start)), Some(range));
    }
});
