//! Rust source as far as the house rules look at it: without comments and strings, its tests cut off, its functions
//! counted.

/// The source with comments and the contents of strings and characters blanked out; lines stay lines.
pub(crate) fn blank(source: &str) -> String {
    let mut text: Vec<char> = source.chars().collect();
    let mut at = 0;
    while at < text.len() {
        let end = span(&text, at);
        if end > at + 1 {
            text[at..end].iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
        }
        at = end.max(at + 1);
    }
    text.into_iter().collect()
}

/// Where the comment, string or character that begins at `at` ends; `at` when none does.
fn span(text: &[char], at: usize) -> usize {
    let next = |ahead: usize| text.get(at + ahead).copied().unwrap_or(' ');
    let in_word = at > 0 && (text[at - 1].is_alphanumeric() || text[at - 1] == '_');
    match text[at] {
        '/' if next(1) == '/' => find(text, at, |rest| rest[0] == '\n'),
        '/' if next(1) == '*' => block(text, at),
        '"' => string(text, at + 1),
        'r' if !in_word || text[at - 1] == 'b' => raw(text, at),
        '\'' if next(1) == '\\' => find(text, at + 3, |rest| rest[0] == '\'') + 1,
        '\'' if next(2) == '\'' => at + 3,
        _ => at,
    }
    .min(text.len())
}

fn find(text: &[char], from: usize, stop: impl Fn(&[char]) -> bool) -> usize {
    (from..text.len()).find(|at| stop(&text[*at..])).unwrap_or(text.len())
}

/// Block comments nest.
fn block(text: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &[char], mut at: usize) -> usize {
    while at < text.len() && text[at] != '"' {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw(text: &[char], start: usize) -> usize {
    let open = find(text, start + 1, |rest| rest[0] != '#');
    if text.get(open) != Some(&'"') {
        return start;
    }
    let mut close = vec!['"'];
    close.resize(open - start, '#');
    find(text, open + 1, |rest| rest.starts_with(&close)) + close.len()
}

/// The part before the file's tests.
pub(crate) fn without_tests(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod ").next().unwrap_or(source)
}

/// The functions of blanked source: the line each begins at, and how many lines of code its body has.
pub(crate) fn functions(code: &str) -> Vec<(usize, usize)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| {
        let before = code[..*at].chars().next_back();
        let named = code[at + 3..].starts_with(|c: char| c.is_alphabetic() || c == '_');
        named && before.is_none_or(|c| c.is_whitespace() || c == '(')
    });
    let measured = starts.filter_map(|(at, _)| {
        let body = body(&code[at..])?;
        let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
        Some((code[..at].matches('\n').count() + 1, lines))
    });
    measured.collect()
}

/// What stands between a function's braces; `None` when it has none.
fn body(code: &str) -> Option<&str> {
    let mut nested = 0_i32;
    let open = code.char_indices().find(|(_, c)| {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            _ => {}
        }
        nested == 0 && matches!(c, '{' | ';')
    })?;
    if open.1 == ';' {
        return None;
    }
    let mut depth = 0_i32;
    let close = code[open.0..].char_indices().find(|(_, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(&code[open.0 + 1..open.0 + close.0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_code_is_not() {
        let source =
            "let a = \"b } \\\" {\"; // c {\n/* d /* e */ f */ 'g': '{' '\\'' r#\"h \" {\"# r##i b\"{\" 'j>";
        let blanked = blank(source);
        assert_eq!(blanked.lines().count(), 2);
        let words: Vec<_> = blanked.split_whitespace().collect();
        assert_eq!(words, ["let", "a", "=", ";", ":", "r##i", "b", "'j>"]);
    }

    #[test]
    fn functions_are_measured_by_their_bodies() {
        let source = "fn one() -> [u8; 2] {\n    a;\n\n    b { c }\n}\ntrait T {\n    fn two(&self);\n    fn three() {}\n}\n";
        assert_eq!(functions(source), [(1, 2), (8, 0)]);
    }

    #[test]
    fn tests_at_the_end_do_not_count() {
        assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {}\n"), "a\n");
    }
}
