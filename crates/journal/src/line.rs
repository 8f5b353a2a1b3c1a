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
    /// What the page is about: a place and a digest, in one word. Always the first.
    Page(String),
    /// How far the blob was read, and the state of its hash. Always the second, of one length, and written over.
    Reached(String, String),
    /// The upload is there from now on.
    Upload(String),
    /// A mark on the way.
    Mark(u64, String),
    /// The reading has gone back: all that stands before vouches for so many bytes and no more.
    Back(u64),
    /// It has come again to where it was: the second line is of this reading.
    On,
}

impl Line {
    pub(crate) fn mark(mark: &Mark) -> Self {
        Self::Mark(mark.at(), BASE64_STANDARD.encode(mark.save()))
    }

    pub(crate) fn reached(mark: &Mark) -> Self {
        Self::Reached(format!("{:020}", mark.at()), BASE64_STANDARD.encode(mark.save()))
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
    let restored = |at, state: &str| Mark::restore(algorithm, at, &BASE64_STANDARD.decode(state).ok()?);
    if lines.next() != Some(Line::Page(subject.to_owned())) {
        return None;
    }
    let Some(Line::Reached(at, state)) = lines.next() else { return None };
    let reached = restored(at.parse().ok()?, &state)?;
    let (mut location, mut marks, mut bound) = (None, Marks::default(), None);
    for line in lines {
        match line {
            Line::Page(_) | Line::Reached(..) => {}
            Line::Upload(now) => location = Some(now),
            Line::Mark(at, state) => {
                if let Some(mark) = restored(at, &state) {
                    marks.set(&mark);
                }
            }
            Line::Back(offset) => {
                marks.forget_after(offset);
                bound = Some(offset);
            }
            Line::On => bound = None,
        }
    }
    Some(Unfinished { location: location?, marks, reached, bound })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_foreign_lines_are_skipped() {
        let text = |line: Line| String::from_utf8(line.bytes()).unwrap();
        let page = text(Line::Page("here sha256:00".into()));
        let upload = text(Line::Upload("http://here/1".into()));
        let reached = text(Line::reached(&Mark::start(Algorithm::Sha256)));
        let read = |text: &str| unfinished(text.as_bytes(), "here sha256:00", Algorithm::Sha256);
        let whole = format!("{page}{reached}{upload}what is this\n{{\"mark\":[9,\"AAAA\"]}}\n{{\"upl");
        assert_eq!(read(&whole).unwrap().location, "http://here/1");
        assert!(read(&format!("{page}{reached}")).is_none());
        assert!(read(&format!("{page}{upload}{upload}")).is_none());
        assert!(read(&upload).is_none());
        assert!(read("").is_none());
        assert!(unfinished(whole.as_bytes(), "there sha256:00", Algorithm::Sha256).is_none());
    }
}
