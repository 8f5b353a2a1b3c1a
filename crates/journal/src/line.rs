//! Lines: one fact each, as JSON, so that a line that was torn by a kill spoils no other.
use std::io::BufRead;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use content::{Mark, Marks, Unfinished};
use reference::Algorithm;
use serde::{Deserialize, Serialize};

/// One line of a page.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Line {
    /// What the page is about: a place and a digest, in one word.
    Page(String),
    /// The upload is there from now on.
    Upload(String),
    /// So many bytes were read, and this is the state of their hash.
    Mark(u64, String),
}

impl Line {
    pub(crate) fn of(mark: &Mark) -> Self {
        Self::Mark(mark.at(), BASE64_STANDARD.encode(mark.save()))
    }

    /// The line with its end.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        // Strings and numbers are always JSON; an empty line would be skipped.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// What the lines of a page about `subject` add up to; lines that cannot be read are skipped.
pub(crate) fn unfinished(page: impl BufRead, subject: &str, algorithm: Algorithm) -> Option<Unfinished> {
    let lines = page.split(b'\n').map_while(Result::ok);
    let mut lines = lines.filter_map(|line| serde_json::from_slice(&line).ok());
    if lines.next() != Some(Line::Page(subject.to_owned())) {
        return None;
    }
    let (mut location, mut marks) = (None, Marks::default());
    for line in lines {
        match line {
            Line::Page(_) => {}
            Line::Upload(now) => location = Some(now),
            Line::Mark(at, state) => {
                let state = BASE64_STANDARD.decode(state).ok();
                if let Some(mark) = state.and_then(|state| Mark::restore(algorithm, at, &state)) {
                    marks.set(&mark);
                }
            }
        }
    }
    Some(Unfinished { location: location?, marks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_foreign_lines_are_skipped() {
        let text = |line: Line| String::from_utf8(line.bytes()).unwrap();
        let page = text(Line::Page("here sha256:00".into()));
        let upload = text(Line::Upload("http://here/1".into()));
        let read = |text: &str| unfinished(text.as_bytes(), "here sha256:00", Algorithm::Sha256);
        let whole = format!("{page}{upload}what is this\n{{\"mark\":[9,\"AAAA\"]}}\n{{\"upl");
        assert_eq!(read(&whole).unwrap().location, "http://here/1");
        assert!(read(&page).is_none());
        assert!(read(&upload).is_none());
        assert!(read("").is_none());
        assert!(unfinished(whole.as_bytes(), "there sha256:00", Algorithm::Sha256).is_none());
    }
}
