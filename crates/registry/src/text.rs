//! Text from a server, made fit to be shown: bounded, and without control characters.

/// The most characters of a server's text in a message.
const SHOWN: usize = 300;

/// `text` on one line, cut to what a message can bear.
pub(crate) fn shown(text: &str) -> String {
    let mut line = String::new();
    let mut count = 0_usize;
    for character in text.trim().chars() {
        if count == SHOWN {
            line.push_str("...");
            break;
        }
        count = count.saturating_add(1);
        match character {
            '\n' | '\r' | '\t' => line.push(' '),
            control if control.is_control() || is_odd(control) => line.extend(control.escape_default()),
            other => line.push(other),
        }
    }
    line
}

/// Characters that end a line, or turn the direction of text around, so that a message reads as another.
fn is_odd(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_cannot_steer_the_terminal() {
        assert_eq!(shown("\u{1b}[2Jgone\r\nnext"), "\\u{1b}[2Jgone  next");
        assert_eq!(shown("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shown("a\u{61c}b\u{2028}c"), "a\\u{61c}b\\u{2028}c");
    }

    #[test]
    fn a_servers_text_is_cut() {
        assert_eq!(shown(&"x".repeat(10_000)).len(), SHOWN + 3);
    }
}
