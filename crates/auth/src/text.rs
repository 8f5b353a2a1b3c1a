//! Text from a server, made fit to be shown: short, and without control characters.

/// At most 300 characters of `text`, control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.trim().chars().enumerate() {
        if count == MAX_SHOWN {
            shown.push_str("..");
            break;
        }
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    shown
}

/// Neither a control character nor one that turns the direction of writing.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const MAX_SHOWN: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_length_is_bounded() {
        assert_eq!(shown("a\u{1b}[31m\u{202e}é"), "a\\u{1b}[31m\\u{202e}é");
        assert_eq!(shown("a\u{61c}b"), "a\\u{61c}b");
        assert_eq!(shown(&"x".repeat(1000)).len(), MAX_SHOWN + 2);
    }
}
