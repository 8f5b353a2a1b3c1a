//! What a pax header says: records `LENGTH KEY=VALUE\n`, where the length counts the whole record.
//!
//! The crate `tar` reads them line by line, and fails on a value with a line break in it, as any binary one may have.

/// The records of a pax header: keys and values. `None` ends it, for bytes that are no record.
pub(crate) fn records(bytes: &[u8]) -> impl Iterator<Item = Option<(&[u8], &[u8])>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        // Some pad the last block.
        if rest.is_empty() || rest.first() == Some(&0) {
            return None;
        }
        let first = first(rest);
        rest = first.map_or(&[], |(_, _, rest)| rest);
        Some(first.map(|(key, value, _)| (key, value)))
    })
}

fn first(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(length)?;
    let text = record.get(space.checked_add(1)?..)?.strip_suffix(b"\n")?;
    let equals = text.iter().position(|byte| *byte == b'=')?;
    Some((text.get(..equals)?, text.get(equals.checked_add(1)?..)?, rest))
}

/// One record.
pub(crate) fn record(key: &str, value: &str) -> String {
    let text = format!(" {key}={value}\n");
    let mut length = text.len();
    // The length counts its own digits.
    while length != text.len().saturating_add(length.to_string().len()) {
        length = text.len().saturating_add(length.to_string().len());
    }
    format!("{length}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_also_with_line_breaks_in_it() {
        for value in
            ["", "x", "two\nlines\n", &"v".repeat(88), &"v".repeat(89), &"v".repeat(90), &"v".repeat(991)]
        {
            let both = record("some.key", value) + &record("path", "a/b") + "\0\0";
            let found: Vec<_> = records(both.as_bytes()).collect();
            let expected = [(&b"some.key"[..], value.as_bytes()), (b"path", b"a/b")];
            assert_eq!(found, expected.map(Some));
        }
    }

    #[test]
    fn what_is_no_record_ends_the_reading() {
        for bytes in ["x", "5", "4 a=\n", "99 a=b\n", "6 a=b", "7 a_bc\n", " a=b\n", "0 a=b\n"] {
            assert_eq!(records(bytes.as_bytes()).next(), Some(None), "{bytes}");
            assert_eq!(records(bytes.as_bytes()).count(), 1, "{bytes}");
        }
    }
}
