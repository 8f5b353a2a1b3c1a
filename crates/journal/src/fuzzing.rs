//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use content::Unfinished;
use reference::Algorithm;

/// What the lines of a page about `subject` add up to.
pub fn unfinished(page: &[u8], subject: &str, algorithm: Algorithm) -> Option<Unfinished> {
    crate::line::unfinished(page, subject, algorithm)
}

/// The first line of a page about `subject`.
pub fn first_line(subject: &str) -> Vec<u8> {
    crate::line::Line::Page(subject.to_owned()).bytes()
}
