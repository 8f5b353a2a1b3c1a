//! Notes: what earlier runs found out. Hints, which save requests; none of them is believed alone.
//!
//! They are lines of JSON, each added as soon as something is known, so that a run that is killed has kept what it did;
//! a line that is torn is no line. A later line about the same takes the place of an earlier one.
use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use content::{Descriptor, MediaType};
use copier::{Platforms, Recall};
use jiff::Timestamp;
use reference::Digest;
use serde::{Deserialize, Serialize};

use crate::{Home, Item, Name};

/// How many images that arrived are kept from one run to the next: the last ones.
const MOST_ARRIVED: usize = 100_000;
/// How many notes of each other kind. They are of digests, and those of yesterday's images help nobody.
const MOST_OTHERS: usize = 20_000;
/// So many more may stand there before it is worth writing all anew.
const SLACK: usize = 5_000;

/// The first line of a file of notes. One that begins otherwise is something else.
pub const HEADER: &str = "{\"notes\":1}\n";

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Note {
    /// An image arrived that can only be the same tomorrow.
    Arrived { home: String, destination: String, image: Arrived },
    /// It may not be there any more.
    Doubted { home: String, destination: String },
    /// Nothing may be there any more that was noted of this home before.
    Uncertain { home: String },
    /// What became of an index of which these platforms were chosen.
    Made { from: String, platforms: String, made: Made },
    /// When an image was made; null where it does not say.
    Dated { digest: String, created: Option<String> },
}

/// An image that arrived, and under which rules: under others it might not be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Arrived {
    source: String,
    digest: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    platforms: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    referrers: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    foreign: bool,
}

/// A descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    #[serde(rename = "type")]
    media_type: String,
    digest: String,
    size: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What a note is about.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Destination(String),
    Home(String),
    Made(String, String),
    Dated(String),
}

impl Note {
    fn key(&self) -> Key {
        match self {
            Self::Arrived { destination, .. } | Self::Doubted { destination, .. } => {
                Key::Destination(destination.clone())
            }
            Self::Uncertain { home } => Key::Home(home.clone()),
            Self::Made { from, platforms, .. } => Key::Made(from.clone(), platforms.clone()),
            Self::Dated { digest, .. } => Key::Dated(digest.clone()),
        }
    }

    fn line(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Where notes are kept for the next run.
pub trait Keep: Send + Sync {
    /// Adds lines. Those that are `firm` have to be there whatever happens next.
    fn add(&self, lines: &str, firm: bool);
}

/// What is noted.
#[derive(Default)]
pub struct Notes {
    known: Mutex<Known>,
    keep: Option<Box<dyn Keep>>,
    disbelieved: bool,
}

/// When an image was made; not every one says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dated(pub(crate) Option<Timestamp>);

#[derive(Debug, Default)]
struct Known {
    /// By home, and by destination.
    arrived: HashMap<String, HashMap<String, Arrived>>,
    made: HashMap<(String, String), Made>,
    dated: HashMap<String, Option<String>>,
}

impl Notes {
    /// What earlier runs wrote. What cannot be read says nothing: then it is asked for.
    pub fn read(text: &str) -> Self {
        let mut known = Known::default();
        notes(text).for_each(|note| known.take(note));
        Self { known: Mutex::new(known), ..Self::default() }
    }

    /// The same, of which nothing is believed: they are there to be taken back.
    #[must_use]
    pub fn disbelieved(self) -> Self {
        let arrived = std::mem::take(&mut self.known().arrived);
        let known = Mutex::new(Known { arrived, ..Known::default() });
        Self { known, keep: self.keep, disbelieved: true }
    }

    /// Everything that is noted from now on is also given to `keep`.
    #[must_use]
    pub fn kept(self, keep: impl Keep + 'static) -> Self {
        Self { keep: Some(Box::new(keep)), ..self }
    }

    /// Whether anything is said to have arrived there.
    pub(crate) fn know(&self, home: &Home) -> bool {
        !self.disbelieved && self.known().arrived.contains_key(&home.plain().to_string())
    }

    /// The digest that arrived, where the image came from the same name under the same rules, and can only be the same
    /// today.
    pub(crate) fn arrived(&self, item: &Item, foreign: bool) -> Option<Digest> {
        let known = self.known();
        let (home, destination) = place(&item.destination);
        let seen = known.arrived.get(&home)?.get(&destination)?;
        let digest = seen.digest.parse().ok()?;
        (settled(item) && *seen == Arrived::new(item, &digest, foreign)).then_some(digest)
    }

    /// Notes that an image has arrived, unless it may move tomorrow.
    pub(crate) fn note_arrived(&self, item: &Item, digest: &Digest, foreign: bool) {
        if settled(item) {
            let (home, destination) = place(&item.destination);
            self.note(Note::Arrived { home, destination, image: Arrived::new(item, digest, foreign) });
        }
    }

    /// Takes back what is noted of destinations that are to be written or removed, and all that is noted of their
    /// homes unless those are `certain`. When this returns, no later run believes any of it.
    pub fn doubt<'a>(&self, destinations: impl Iterator<Item = &'a Name>, certain: impl Fn(&Home) -> bool) {
        let doubted = destinations.map(|name| {
            let (home, destination) = place(name);
            if certain(&Home::of(name)) {
                Note::Doubted { home, destination }
            } else {
                Note::Uncertain { home }
            }
        });
        let mut known = self.known();
        let mut lines = String::new();
        for note in doubted {
            if !known.has(&note) {
                lines.push_str(&note.line());
                known.take(note);
            }
        }
        self.keep(&lines, true);
    }

    /// When the image of this digest was made, where that is known.
    pub(crate) fn created(&self, digest: &Digest) -> Option<Dated> {
        match self.known().dated.get(&digest.to_string())? {
            None => Some(Dated(None)),
            Some(text) => text.parse().ok().map(|created| Dated(Some(created))),
        }
    }

    /// Notes when it was made.
    pub(crate) fn note_created(&self, digest: &Digest, created: Option<Timestamp>) {
        let created = created.map(|created| created.to_string());
        self.note(Note::Dated { digest: digest.to_string(), created });
    }

    /// Takes something down, unless it stands there already.
    fn note(&self, note: Note) {
        let mut known = self.known();
        if !known.has(&note) {
            self.keep(&note.line(), false);
            known.take(note);
        }
    }

    fn keep(&self, lines: &str, firm: bool) {
        if let Some(keep) = self.keep.as_ref().filter(|_| !lines.is_empty()) {
            keep.add(lines, firm);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recall for Notes {
    fn made_of(&self, from: &Digest, chosen: &Platforms) -> Option<Descriptor> {
        let known = self.known();
        let made = known.made.get(&(from.to_string(), chosen.to_string()))?;
        Some(Descriptor::new(MediaType::new(&made.media_type), made.digest.parse().ok()?, made.size))
    }

    fn made(&self, from: &Digest, chosen: &Platforms, made: &Descriptor) {
        let Descriptor { media_type, digest, size, .. } = made;
        let made = Made { media_type: media_type.to_string(), digest: digest.to_string(), size: *size };
        self.note(Note::Made { from: from.to_string(), platforms: chosen.to_string(), made });
    }
}

impl Known {
    fn take(&mut self, note: Note) {
        match note {
            Note::Arrived { home, destination, image } => {
                self.arrived.entry(home).or_default().insert(destination, image);
            }
            Note::Doubted { home, destination } => {
                if let Some(there) = self.arrived.get_mut(&home) {
                    there.remove(&destination);
                }
            }
            Note::Uncertain { home } => drop(self.arrived.remove(&home)),
            Note::Made { from, platforms, made } => drop(self.made.insert((from, platforms), made)),
            Note::Dated { digest, created } => drop(self.dated.insert(digest, created)),
        }
    }

    /// Whether a note says nothing new.
    fn has(&self, note: &Note) -> bool {
        let arrived = |home, destination| self.arrived.get(home).and_then(|there| there.get(destination));
        match note {
            Note::Arrived { home, destination, image } => arrived(home, destination) == Some(image),
            Note::Doubted { home, destination } => arrived(home, destination).is_none(),
            Note::Uncertain { home } => !self.arrived.contains_key(home),
            Note::Made { from, platforms, made } => {
                self.made.get(&(from.clone(), platforms.clone())) == Some(made)
            }
            Note::Dated { digest, created } => self.dated.get(digest) == Some(created),
        }
    }
}

impl Arrived {
    fn new(item: &Item, digest: &Digest, foreign: bool) -> Self {
        let (source, digest) = (item.source.to_string(), digest.to_string());
        Self { source, digest, platforms: item.platforms.clone(), referrers: item.referrers, foreign }
    }
}

/// The home and the destination, as notes call them whichever way leads there.
fn place(name: &Name) -> (String, String) {
    let name = name.plain();
    (Home::of(&name).to_string(), name.to_string())
}

/// The lines that can be read.
fn notes(text: &str) -> impl DoubleEndedIterator<Item = Note> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// The same notes in fewer lines, where most of them say nothing any more, or there are too many.
pub fn shorter(text: &str) -> Option<String> {
    let (mut seen, mut last, mut dropped) = (HashSet::new(), Vec::new(), 0_usize);
    let (mut arrived, mut made, mut dated) = (0..MOST_ARRIVED, 0..MOST_OTHERS, 0..MOST_OTHERS);
    for note in notes(text).rev() {
        let room = match &note {
            note if !seen.insert(note.key()) => continue,
            Note::Doubted { .. } | Note::Uncertain { .. } => continue,
            Note::Arrived { home, .. } if seen.contains(&Key::Home(home.clone())) => continue,
            Note::Arrived { .. } => arrived.next(),
            Note::Made { .. } => made.next(),
            Note::Dated { .. } => dated.next(),
        };
        match room {
            Some(_) => last.push(note.line()),
            None => dropped = dropped.saturating_add(1),
        }
    }
    let stale = text.lines().count().saturating_sub(last.len()) > last.len().saturating_add(64);
    let worth = stale || dropped > SLACK;
    worth.then(|| [HEADER.to_owned()].into_iter().chain(last.into_iter().rev()).collect())
}

/// Whether what the source's name stands for never changes. Something without a name at its destination has nothing
/// to be looked for by.
fn settled(item: &Item) -> bool {
    (item.immutable || item.source.digest.is_some()) && item.destination.name.is_some()
}

impl std::fmt::Debug for Notes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notes").field("known", &self.known()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
