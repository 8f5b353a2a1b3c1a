//! What came of a mirror, and what would come of it.
use std::collections::BTreeSet;

use mirror::receipt::{End, Image, Outcome, Run};
use serde::Serialize;
use serde_json::{Value, json};

use super::clean::{bytes, clean, count};
use crate::exit;

/// What came of a mirror.
#[derive(Debug)]
pub(crate) struct Mirrored {
    /// What the run was.
    pub(crate) run: Run,
    /// Each image, where a document is wanted.
    pub(crate) images: Vec<Image>,
    /// What came of all.
    pub(crate) end: End,
    /// The exit code.
    pub(crate) code: u8,
}

/// What would come of a mirror.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// Each image.
    pub(crate) images: Vec<Foreseen>,
    /// Distinct blobs that would be sent.
    pub(crate) blobs: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The codes of what would fail.
    pub(crate) codes: BTreeSet<u8>,
}

/// What would come of one image.
#[derive(Debug, Serialize)]
pub(crate) struct Foreseen {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) digest: Option<String>,
    /// `copy`, `unchanged`, `prune` or `failed`.
    #[serde(rename = "result")]
    pub(crate) what: &'static str,
    pub(crate) manifests: usize,
    pub(crate) blobs: u64,
    pub(crate) bytes: u64,
    pub(crate) error: Option<String>,
}

impl Foreseen {
    /// Something that would fail.
    pub(crate) fn failed(source: String, destination: String, why: String) -> Self {
        Self {
            source,
            destination,
            digest: None,
            what: "failed",
            manifests: 0,
            blobs: 0,
            bytes: 0,
            error: Some(why),
        }
    }

    /// Something that would be removed.
    pub(crate) fn pruned(destination: String) -> Self {
        let nothing = Self::failed(String::new(), destination, String::new());
        Self { what: "prune", error: None, ..nothing }
    }

    fn line(&self) -> String {
        if self.what == "prune" {
            return format!("would prune   {}\n", clean(&self.destination));
        }
        let names = format!("{} -> {}", clean(&self.source), clean(&self.destination));
        match &self.error {
            Some(why) => format!("would fail    {names}: {}\n", clean(why)),
            None if self.what == "unchanged" => format!("unchanged     {names}\n"),
            None => {
                let blobs = count(usize::try_from(self.blobs).unwrap_or(usize::MAX), "blob");
                format!("would copy    {names}: {blobs} ({})\n", bytes(self.bytes))
            }
        }
    }
}

impl Planned {
    /// The exit code: as if it had been done.
    pub(crate) fn code(&self) -> u8 {
        let failed = self.failed();
        match self.codes.first() {
            None => exit::DONE,
            Some(only) if self.codes.len() == 1 && failed == self.images.len() => *only,
            Some(_) => exit::PARTLY,
        }
    }

    /// Where something would fail.
    pub(crate) fn failed_destinations(&self) -> BTreeSet<mirror::Name> {
        let failed = self.images.iter().filter(|image| image.error.is_some());
        failed.filter_map(|image| image.destination.parse().ok()).collect()
    }

    fn failed(&self) -> usize {
        self.images.iter().filter(|image| image.error.is_some()).count()
    }

    /// Line by line.
    pub(crate) fn text(&self) -> String {
        let lines: String = self.images.iter().map(Foreseen::line).collect();
        let copies = self.images.iter().filter(|image| image.what == "copy").count();
        let blobs = usize::try_from(self.blobs).unwrap_or(usize::MAX);
        let all = format!(
            "would copy {} of {}: at most {} ({}); nothing was written\n",
            copies,
            count(self.images.len(), "image"),
            count(blobs, "blob"),
            bytes(self.bytes)
        );
        lines + &all
    }

    /// For programs.
    pub(crate) fn document(&self) -> Value {
        json!({ "dryRun": true, "images": self.images, "blobs": self.blobs, "bytes": self.bytes })
    }

    /// What did not go well, in one line.
    pub(crate) fn headline(&self) -> String {
        format!("{} of {} would fail", self.failed(), count(self.images.len(), "image"))
    }
}

impl Mirrored {
    /// The last line.
    pub(crate) fn text(&self) -> String {
        let End { images, copied, unchanged, failed, pruned, left, bytes: sent, .. } = &self.end;
        let size = bytes(*sent);
        let mut parts = vec![format!("{copied} copied ({size})"), format!("{unchanged} unchanged")];
        for (number, what) in [(failed, "failed"), (pruned, "pruned")] {
            if *number > 0 {
                parts.push(format!("{number} {what}"));
            }
        }
        let images = count(usize::try_from(*images).unwrap_or(usize::MAX), "image");
        let left = match usize::try_from(*left).unwrap_or(usize::MAX) {
            0 => String::new(),
            left => format!("; {} not begun", count(left, "image")),
        };
        format!("mirrored {images}: {}{left}\n", parts.join(", "))
    }

    /// For programs: the receipt as one document.
    pub(crate) fn document(&self) -> Value {
        json!({ "run": self.run, "images": self.images, "end": self.end })
    }

    /// What did not go well, in one line.
    pub(crate) fn headline(&self) -> String {
        let images = count(usize::try_from(self.end.images).unwrap_or(usize::MAX), "image");
        format!("{} of {images} failed", self.end.failed)
    }
}

/// The line of an image that was brought; none for one that was there.
pub(super) fn done(image: &Image) -> Option<String> {
    let names = format!("{} -> {}", clean(&image.source), clean(&image.destination));
    let what = match image.result {
        Outcome::Copied => "copied",
        Outcome::Pruned => return Some(format!("pruned {}\n", clean(&image.destination))),
        Outcome::Unchanged | Outcome::Failed => return None,
    };
    let mut parts = Vec::new();
    let blobs = |number: u64| count(usize::try_from(number).unwrap_or(usize::MAX), "blob");
    if image.blobs.copied > 0 {
        parts.push(format!("{} copied ({})", blobs(image.blobs.copied), bytes(image.bytes)));
    }
    for (number, how) in [(image.blobs.mounted, "mounted"), (image.blobs.present, "there already")] {
        if number > 0 {
            parts.push(format!("{} {how}", blobs(number)));
        }
    }
    if parts.is_empty() {
        parts.push("manifests written".to_owned());
    }
    Some(format!("{what} {names}: {}\n", parts.join(", ")))
}

/// Why an image failed, on lines of its own.
pub(super) fn failed(image: &Image, hint: Option<&str>) -> Option<String> {
    let why = image.error.as_ref()?;
    let names = match image.source.as_str() {
        // What is to be removed has no source any more.
        "" => clean(&image.destination),
        source => format!("{} -> {}", clean(source), clean(&image.destination)),
    };
    let hint = hint.map(|hint| format!("\nhint: {}", clean(hint))).unwrap_or_default();
    Some(format!("failed: {names}: {}{hint}", clean(&why.message)))
}
