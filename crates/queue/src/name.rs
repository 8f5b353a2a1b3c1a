//! Names of queues, and of what is in them.
use std::{fmt, str::FromStr};

use crate::QueueError;

/// The name of a queue: letters, digits, `-` and `_`, which is what a stream may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// What an item is called, within a run: the same characters. The same item has the same name in every run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item(String);

/// The longest of either.
const MAX: usize = 128;

fn checked(what: &str, text: &str) -> Result<String, QueueError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || text.len() > MAX || !text.bytes().all(plain) {
        return Err(QueueError::usage(format!("{text:?} is no name for {what}"))
            .hint(format!("use up to {MAX} letters, digits, - and _")));
    }
    Ok(text.to_owned())
}

impl FromStr for Name {
    type Err = QueueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked("a queue", text).map(Self)
    }
}

impl FromStr for Item {
    type Err = QueueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        checked("an item", text).map(Self)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Name {
    pub(crate) fn work_stream(&self) -> String {
        format!("transship-{self}")
    }

    pub(crate) fn run_stream(&self) -> String {
        format!("transship-{self}-run")
    }

    pub(crate) fn plan(&self) -> String {
        format!("transship.{self}.plan")
    }

    /// What is to be done of every run.
    pub(crate) fn work(&self) -> String {
        format!("transship.{self}.work.>")
    }

    pub(crate) fn work_of(&self, run: &str) -> String {
        format!("transship.{self}.work.{run}.*")
    }

    pub(crate) fn task(&self, run: &str, item: &Item) -> String {
        format!("transship.{self}.work.{run}.{item}")
    }

    /// What came of every run.
    pub(crate) fn done(&self) -> String {
        format!("transship.{self}.done.>")
    }

    pub(crate) fn done_of(&self, run: &str) -> String {
        format!("transship.{self}.done.{run}.*")
    }

    pub(crate) fn note(&self, run: &str, item: &Item) -> String {
        format!("transship.{self}.done.{run}.{item}")
    }
}

/// The run and the item at the end of a subject; none where the message is not ours.
pub(crate) fn tail(subject: &str) -> Option<(&str, Item)> {
    let mut parts = subject.rsplit('.');
    let item = parts.next()?.parse().ok()?;
    Some((parts.next()?, item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_stream_may_be_called() {
        for good in ["a", "mirror-1", "A_b", "0123456789abcdef"] {
            assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        }
        for bad in ["", "a b", "a.b", "a*", ">", "ä", &"a".repeat(129)] {
            let why = bad.parse::<Name>().unwrap_err();
            assert!(why.remedy().unwrap().contains("letters, digits"), "{why}");
        }
    }

    #[test]
    fn the_end_of_a_subject_is_its_run_and_item() {
        let name: Name = "n".parse().unwrap();
        let item: Item = "i".parse().unwrap();
        assert_eq!(tail(&name.note("r", &item)).unwrap(), ("r", item.clone()));
        assert_eq!(tail(&name.task("r", &item)).unwrap(), ("r", item));
        for foreign in ["x", "transship.n.work.r.a$b", "transship.n.work.r."] {
            assert_eq!(tail(foreign), None);
        }
    }
}
