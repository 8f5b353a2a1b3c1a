//! The receipt of a run: JSON lines, one as soon as an image is done.
//!
//! ```text
//! {"kind":"run",...}            once, first
//! {"kind":"image",...}          for each image
//! {"kind":"end",...}            once, last; a receipt without it is of a run that was ended
//! ```
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The version of the form.
pub const VERSION: u32 = 1;

/// One line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// What the run is.
    Run(Run),
    /// What came of one image.
    Image(Box<Image>),
    /// What came of all.
    End(End),
}

/// What a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The version of the form: [`VERSION`].
    pub receipt: u32,
    /// Tells this run from others.
    pub run: String,
    /// When it began, as RFC 3339 says.
    pub started: String,
    /// The version of the program.
    pub version: String,
    /// The configuration, as it was named.
    pub config: String,
    /// Which part of it: `1/4`; `null` for all of it.
    pub shard: Option<String>,
}

/// What came of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Where it was read: `docker.io/library/alpine:3.22`.
    pub source: String,
    /// Where it was written.
    pub destination: String,
    /// Its digest; `null` when that was not found out.
    pub digest: Option<String>,
    /// How it ended.
    pub result: Outcome,
    /// Bytes of blobs that were sent.
    pub bytes: u64,
    /// What became of its blobs.
    pub blobs: Blobs,
    /// Its manifests, the root included; 0 where they were not looked at.
    pub manifests: u64,
    /// Requests on its behalf.
    pub requests: Requests,
    /// 1, and one more for each transfer that was interrupted and taken up again.
    pub attempts: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// How an image ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was brought.
    Copied,
    /// It was there.
    Unchanged,
    /// It is not there, or not as it should be.
    Failed,
    /// The source no longer has it, and so its destination no longer does.
    Pruned,
}

/// What became of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blobs {
    /// Sent.
    pub copied: u64,
    /// Mounted from another repository.
    pub mounted: u64,
    /// There already.
    pub present: u64,
}

/// Requests to the two sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// To read.
    pub source: u64,
    /// To write.
    pub target: u64,
}

/// Why an image failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure: `absent`, `unreachable`.
    pub kind: String,
    /// `source` or `target`; `null` where neither is to blame.
    pub side: Option<String>,
    /// What was being done.
    pub step: Option<String>,
    /// What happened.
    pub message: String,
    /// The exit code that the failure would have alone.
    pub code: u8,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Images, and entries of which nobody could say what they select.
    pub images: u64,
    /// How many were brought.
    pub copied: u64,
    /// How many were there.
    pub unchanged: u64,
    /// How many failed.
    pub failed: u64,
    /// How many were removed.
    pub pruned: u64,
    /// How many were not begun, since others failed; they are none of the images above.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left: u64,
    /// Bytes of blobs that were sent.
    pub bytes: u64,
    /// All requests, those for lists of tags and for permission included.
    pub requests: Requests,
    /// When it ended, as RFC 3339 says.
    pub ended: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl End {
    /// Counts one image.
    pub fn count(&mut self, image: &Image) {
        let number = match image.result {
            Outcome::Copied => &mut self.copied,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Failed => &mut self.failed,
            Outcome::Pruned => &mut self.pruned,
        };
        *number = number.saturating_add(1);
        self.images = self.images.saturating_add(1);
        self.bytes = self.bytes.saturating_add(image.bytes);
    }
}

impl Line {
    /// The line as JSON, with its end.
    pub fn text(&self) -> String {
        // Nothing in a line can fail to be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Reads the lines of a receipt. The last one may be torn, where a run was killed: it is left out.
    ///
    /// # Errors
    /// The number, from 1, of the first line that is none, and why.
    pub fn read(text: &str) -> Result<Vec<Self>, (usize, String)> {
        let mut lines = Vec::new();
        let count = text.lines().count();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(line) => lines.push(line),
                Err(_) if number.saturating_add(1) == count && !text.ends_with('\n') => {}
                Err(why) => return Err((number.saturating_add(1), why.to_string())),
            }
        }
        Ok(lines)
    }
}

/// Now, as RFC 3339 writes it, to the second.
pub fn now() -> String {
    at(SystemTime::now())
}

fn at(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map(|age| age.as_secs()).unwrap_or_default();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(result: Outcome) -> Image {
        Image {
            source: "docker.io/library/alpine:3.22".to_owned(),
            destination: "inside.example/alpine:3.22".to_owned(),
            digest: None,
            result,
            bytes: 7,
            blobs: Blobs { copied: 1, mounted: 2, present: 3 },
            manifests: 1,
            requests: Requests { source: 4, target: 5 },
            attempts: 1,
            milliseconds: 12,
            error: None,
        }
    }

    #[test]
    fn a_line_is_read_again_as_it_was_written() {
        let run = Run {
            receipt: VERSION,
            run: "1".to_owned(),
            started: at(UNIX_EPOCH),
            version: "0.1.0".to_owned(),
            config: "mirror.yaml".to_owned(),
            shard: None,
        };
        let lines = vec![
            Line::Run(run),
            Line::Image(Box::new(image(Outcome::Copied))),
            Line::End(End { ended: now(), ..End::default() }),
        ];
        let text: String = lines.iter().map(Line::text).collect();
        assert!(
            text.starts_with(r#"{"kind":"run","receipt":1,"run":"1","started":"1970-01-01T00:00:00Z""#),
            "{text}"
        );
        assert!(text.contains(r#""result":"copied","bytes":7,"blobs":{"copied":1,"mounted":2,"present":3}"#));
        assert_eq!(Line::read(&text), Ok(lines));
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_any_other_is_named() {
        let text = Line::Image(Box::new(image(Outcome::Failed))).text();
        let torn = format!("{text}{}", text.get(..20).unwrap());
        assert_eq!(Line::read(&torn).unwrap().len(), 1);
        assert_eq!(Line::read(&format!("{torn}\n{text}")).unwrap_err().0, 2);
    }

    #[test]
    fn the_end_adds_up() {
        let mut end = End::default();
        for result in [Outcome::Copied, Outcome::Unchanged, Outcome::Failed, Outcome::Pruned, Outcome::Copied]
        {
            end.count(&image(result));
        }
        assert_eq!((end.images, end.copied, end.unchanged, end.failed, end.pruned), (5, 2, 1, 1, 1));
        assert_eq!(end.bytes, 35);
    }
}
