//! The board: what came of all runs so far.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::text;

/// What came of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// It was brought.
    Copied,
    /// It was there.
    Unchanged,
    /// It is not there, or not as it should be.
    Failed,
    /// It was removed.
    Pruned,
}

/// What came of a run, beside its images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Round {
    /// Requests to read.
    pub source: u64,
    /// Requests to write.
    pub target: u64,
    /// How long it took.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum End {
    /// Everything is as it should be.
    #[default]
    Done,
    /// Some of it is.
    Partly,
    /// Nothing is known to be.
    Failed,
}

/// Numbers of images, by what came of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Images {
    pub(crate) copied: u64,
    pub(crate) unchanged: u64,
    pub(crate) failed: u64,
    pub(crate) pruned: u64,
}

impl Images {
    fn count(&mut self, image: Image) {
        let number = match image {
            Image::Copied => &mut self.copied,
            Image::Unchanged => &mut self.unchanged,
            Image::Failed => &mut self.failed,
            Image::Pruned => &mut self.pruned,
        };
        *number = number.saturating_add(1);
    }
}

/// All there is to tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) done: u64,
    pub(crate) partly: u64,
    pub(crate) failed: u64,
    pub(crate) under_way: bool,
    pub(crate) images: Images,
    pub(crate) last_images: Images,
    pub(crate) bytes: u64,
    pub(crate) source: u64,
    pub(crate) target: u64,
    pub(crate) took: Duration,
    /// Seconds since 1970 of the last run that left everything as it should be.
    pub(crate) success: Option<u64>,
    ready: bool,
    now: Images,
}

/// What came of all runs so far. Clones are one board.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<Mutex<Figures>>);

impl Board {
    fn figures(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run begins.
    pub fn begin(&self) {
        let mut figures = self.figures();
        figures.under_way = true;
        figures.now = Images::default();
    }

    /// Something came of an image, and so many bytes were sent for it.
    pub fn image(&self, image: Image, bytes: u64) {
        let mut figures = self.figures();
        figures.images.count(image);
        figures.now.count(image);
        figures.bytes = figures.bytes.saturating_add(bytes);
    }

    /// A run is over.
    pub fn end(&self, round: &Round) {
        let mut figures = self.figures();
        let number = match round.end {
            End::Done => &mut figures.done,
            End::Partly => &mut figures.partly,
            End::Failed => &mut figures.failed,
        };
        *number = number.saturating_add(1);
        figures.source = figures.source.saturating_add(round.source);
        figures.target = figures.target.saturating_add(round.target);
        figures.took = round.took;
        figures.last_images = figures.now;
        figures.under_way = false;
        figures.ready = round.end != End::Failed;
        if round.end == End::Done {
            figures.success = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|age| age.as_secs());
        }
    }

    /// Whether a run is over, and the last one did not fail as a whole.
    pub fn is_ready(&self) -> bool {
        self.figures().ready
    }

    /// All figures, in the text format of Prometheus, 0.0.4.
    pub fn text(&self) -> String {
        let figures = self.figures().clone();
        text::write(&figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(end: End) -> Round {
        Round { source: 2, target: 3, took: Duration::from_millis(1500), end }
    }

    #[test]
    fn a_mirror_is_ready_after_its_first_run_and_not_after_one_that_failed_as_a_whole() {
        let board = Board::default();
        assert!(!board.is_ready());
        board.begin();
        assert!(!board.is_ready());
        board.end(&round(End::Partly));
        assert!(board.is_ready());
        board.begin();
        assert!(board.is_ready(), "a run under way takes nothing away");
        board.end(&round(End::Failed));
        assert!(!board.is_ready());
        board.end(&round(End::Done));
        assert!(board.is_ready());
    }

    #[test]
    fn figures_are_of_all_runs_and_the_last_ones_of_the_last() {
        let board = Board::default();
        for images in [[Image::Copied, Image::Copied], [Image::Unchanged, Image::Failed]] {
            board.begin();
            for image in images {
                board.image(image, 100);
            }
            board.end(&round(End::Partly));
        }
        let text = board.text();
        for line in [
            "transship_mirror_runs_total{result=\"partly\"} 2",
            "transship_mirror_runs_total{result=\"done\"} 0",
            "transship_mirror_images_total{result=\"copied\"} 2",
            "transship_mirror_images_total{result=\"failed\"} 1",
            "transship_mirror_last_run_images{result=\"copied\"} 0",
            "transship_mirror_last_run_images{result=\"unchanged\"} 1",
            "transship_mirror_bytes_total 400",
            "transship_mirror_requests_total{side=\"source\"} 4",
            "transship_mirror_requests_total{side=\"target\"} 6",
            "transship_mirror_last_run_duration_seconds 1.500",
            "transship_mirror_in_progress 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(!text.contains("last_success"), "nothing succeeded yet: {text}");
    }

    #[test]
    fn a_success_has_its_time() {
        let board = Board::default();
        board.end(&round(End::Done));
        let text = board.text();
        let line =
            text.lines().find(|line| line.starts_with("transship_mirror_last_success_timestamp_seconds "));
        let seconds: u64 = line.unwrap().rsplit_once(' ').unwrap().1.parse().unwrap();
        assert!(seconds > 1_700_000_000, "{seconds}");
    }
}
