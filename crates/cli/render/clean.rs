//! Text from servers and files, made fit for a terminal.
/// The text with control characters, and those that turn the writing direction, escaped. Nothing that a server says
/// can move a cursor, colour a screen or begin a line of its own.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if turns || character.is_control() {
            clean.extend(character.escape_default());
        } else {
            clean.push(character);
        }
    }
    clean
}

/// So many bytes, in words: `532 B`, `1.5 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut tenths = u128::from(count) * 10 / 1024;
    let mut unit = "KiB";
    for next in UNITS.into_iter().skip(1) {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = next;
    }
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// So many things, in words: `1 blob`, `3 blobs`.
pub(crate) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_letters_are_not() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n\u{9b}é✓"), "a\\u{1b}[2Jb\\r\\n\\u{9b}é✓");
        assert_eq!(clean("\u{202e}txt"), "\\u{202e}txt");
        assert_eq!(clean("\u{61c}txt"), "\\u{61c}txt");
    }

    #[test]
    fn bytes_are_shown_in_binary_units() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (1 << 20, "1.0 MiB"),
            (2 << 30, "2.0 GiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            let shown = bytes(count);
            assert!(shown == text || count == u64::MAX, "{shown}");
        }
    }
}
