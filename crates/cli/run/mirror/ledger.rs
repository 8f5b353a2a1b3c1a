//! The ledger: what came of each image, told as soon as it is known.
use std::{
    collections::BTreeSet,
    fs::{File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use content::Fault;
use copier::Side;
use mirror::{
    Item, Name, Outcome, Unselected,
    lock::{Lock, Locked},
    receipt::{self, Blobs, End, Failure as Why, Image, Line, Requests, Run},
};
use status::Board;

use crate::{
    exit,
    failure::Failure,
    render::{Console, Mirrored},
};

/// What came of the images so far.
pub(super) struct Ledger<'a> {
    console: &'a Console,
    receipt: Option<(PathBuf, File)>,
    /// Why the receipt is not whole.
    torn: Option<io::Error>,
    run: Run,
    end: End,
    /// For a document at the end, where one is wanted.
    images: Vec<Image>,
    locked: Vec<Locked>,
    /// The codes of those that failed, each once.
    codes: Vec<u8>,
    failed: BTreeSet<Name>,
    board: &'a Board,
}

impl<'a> Ledger<'a> {
    /// Begins the receipt, where one is wanted.
    pub(super) fn open(
        path: Option<&Path>,
        run: Run,
        console: &'a Console,
        board: &'a Board,
    ) -> Result<Self, Failure> {
        let failed = |why| Failure::Paper { path: path.unwrap_or(Path::new("")).display().to_string(), why };
        let file = path.map(begin).transpose().map_err(failed)?;
        let receipt = path.map(Path::to_owned).zip(file);
        let mut ledger = Self {
            console,
            receipt,
            torn: None,
            end: End::default(),
            run: run.clone(),
            images: Vec::new(),
            locked: Vec::new(),
            codes: Vec::new(),
            failed: BTreeSet::new(),
            board,
        };
        ledger.write(&Line::Run(run));
        match ledger.torn.take() {
            Some(why) => Err(failed(why)),
            None => Ok(ledger),
        }
    }

    /// What came of an image.
    pub(super) fn image(&mut self, item: &Item, outcome: &Outcome) {
        warn(item, outcome, self.console);
        let hint = outcome.result.as_ref().err().and_then(copier::CopyError::hint);
        self.noted(item, line(item, outcome), hint.as_deref());
    }

    /// What came of an image, as whoever brought it has written it down.
    pub(super) fn noted(&mut self, item: &Item, image: Image, hint: Option<&str>) {
        let destination = item.destination.clone();
        match (&image.digest, image.result) {
            (_, receipt::Outcome::Failed) => drop(self.failed.insert(destination)),
            (Some(digest), _) => {
                let (source, digest) = (item.source.clone(), digest.clone());
                self.locked.push(Locked { source, digest, destination });
            }
            (None, _) => {}
        }
        self.add(image, hint);
    }

    /// So many images were not begun.
    pub(super) fn leave(&mut self, left: usize) {
        self.end.left = left as u64;
    }

    /// How many were not begun.
    pub(super) fn left(&self) -> u64 {
        self.end.left
    }

    /// The destinations that failed.
    pub(super) fn failed(&self) -> &BTreeSet<Name> {
        &self.failed
    }

    /// Something of which nobody could say what it selects.
    pub(super) fn unselected(&mut self, unselected: &Unselected) {
        let Unselected { source, destination, fault, .. } = unselected;
        let image = failed(source.clone(), destination.clone(), why(fault, Side::Source));
        self.add(image, fault.hint_text());
    }

    /// The lock file of what is at its destination.
    pub(super) fn lock(&self) -> Lock {
        let mut images = self.locked.clone();
        images.sort_by(|a, b| a.destination.cmp(&b.destination));
        Lock::new(images)
    }

    /// The end of the receipt, and all that is to be told at the end.
    pub(super) fn end(mut self, rest: Requests) -> Result<Mirrored, Failure> {
        let all = &mut self.end.requests;
        all.source = all.source.saturating_add(rest.source);
        all.target = all.target.saturating_add(rest.target);
        self.end.ended = receipt::now();
        self.write(&Line::End(self.end.clone()));
        if let (Some(why), Some((path, _))) = (self.torn.take(), &self.receipt) {
            return Err(Failure::Paper { path: path.display().to_string(), why });
        }
        let code = match (self.codes.as_slice(), self.end.failed == self.end.images && self.end.left == 0) {
            ([], _) => exit::DONE,
            // All failed, and for one reason: that is what there is to say.
            ([only], true) => *only,
            _ => exit::PARTLY,
        };
        Ok(Mirrored { run: self.run, images: self.images, end: self.end, code })
    }

    /// One line of the receipt, that is counted, printed and told.
    pub(super) fn add(&mut self, image: Image, hint: Option<&str>) {
        self.end.count(&image);
        self.board.image(on_board(image.result), image.bytes);
        let all = &mut self.end.requests;
        all.source = all.source.saturating_add(image.requests.source);
        all.target = all.target.saturating_add(image.requests.target);
        if let Some(why) = image.error.as_ref().filter(|why| !self.codes.contains(&why.code)) {
            self.codes.push(why.code);
        }
        self.console.image(&image, hint);
        if self.console.wants_document() {
            self.images.push(image.clone());
        }
        self.write(&Line::Image(Box::new(image)));
    }

    /// One line of the receipt. After one that could not be written, no more are.
    fn write(&mut self, line: &Line) {
        let Some((_, file)) = self.receipt.as_mut().filter(|_| self.torn.is_none()) else { return };
        self.torn = file.write_all(line.text().as_bytes()).and_then(|()| file.flush()).err();
    }
}

/// A receipt of which nothing is written yet. Two runs do not write to one file.
fn begin(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.is_file() {
        // Where there are no locks, nobody is kept off.
        if matches!(file.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(io::Error::new(
                io::ErrorKind::WouldBlock,
                "another run is writing its receipt there",
            ));
        }
        file.set_len(0)?;
    }
    Ok(file)
}

/// What watchers are told of an image.
pub(super) fn on_board(result: receipt::Outcome) -> status::Image {
    match result {
        receipt::Outcome::Copied => status::Image::Copied,
        receipt::Outcome::Unchanged => status::Image::Unchanged,
        receipt::Outcome::Failed => status::Image::Failed,
        receipt::Outcome::Pruned => status::Image::Pruned,
    }
}

/// The line of an image in the receipt.
pub(super) fn line(item: &Item, outcome: &Outcome) -> Image {
    let delivered = outcome.result.as_ref().copied().unwrap_or_default();
    let number = |count: usize| count as u64;
    Image {
        source: item.source.to_string(),
        destination: item.destination.to_string(),
        digest: outcome.digest.as_ref().map(ToString::to_string),
        result: match &outcome.result {
            Ok(delivered) if delivered.already_there => receipt::Outcome::Unchanged,
            Ok(_) => receipt::Outcome::Copied,
            Err(_) => receipt::Outcome::Failed,
        },
        bytes: delivered.bytes,
        blobs: Blobs {
            copied: number(delivered.copied),
            mounted: number(delivered.mounted),
            present: number(delivered.present),
        },
        manifests: number(outcome.manifests),
        requests: outcome.requests,
        attempts: outcome.attempts,
        milliseconds: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        error: outcome.result.as_ref().err().map(|error| Why {
            kind: exit::name_of(error.kind()).to_owned(),
            side: Some(error.side().as_str().to_owned()),
            step: Some(error.step().as_str().to_owned()),
            message: error.to_string(),
            code: exit::of_kind(error.kind()),
        }),
    }
}

/// Warns of what was left out of an image.
pub(super) fn warn(item: &Item, outcome: &Outcome, console: &Console) {
    for layer in &outcome.skipped {
        console.warn(&format!(
            "{}: the foreign layer {} was left out; --include-foreign copies such layers too",
            item.source, layer.digest
        ));
    }
}

/// The line of what failed before anything was known of it.
pub(super) fn failed(source: String, destination: String, why: Why) -> Image {
    Image {
        source,
        destination,
        digest: None,
        result: receipt::Outcome::Failed,
        bytes: 0,
        blobs: Blobs::default(),
        manifests: 0,
        requests: Requests::default(),
        attempts: 1,
        milliseconds: 0,
        error: Some(why),
    }
}

/// Why something failed that was no copy.
pub(super) fn why(fault: &Fault, side: Side) -> Why {
    Why {
        kind: exit::name_of(fault.kind()).to_owned(),
        side: Some(side.as_str().to_owned()),
        step: Some(fault.step().as_str().to_owned()),
        message: fault.to_string(),
        code: exit::of_kind(fault.kind()),
    }
}
