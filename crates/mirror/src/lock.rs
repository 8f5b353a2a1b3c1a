//! The lock file of a run: which digest each image had.
use serde::{Deserialize, Serialize};

use crate::Name;

/// The version of the form.
pub const VERSION: u32 = 1;

/// What a mirror held after a run, image by image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// The version of the form: [`VERSION`].
    pub lock: u32,
    /// Every image that is at its destination.
    pub images: Vec<Locked>,
}

/// One image of a lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Where it was read.
    pub source: Name,
    /// The digest that it had.
    pub digest: String,
    /// Where it is.
    pub destination: Name,
}

impl Lock {
    /// A lock file of these images.
    pub fn new(images: Vec<Locked>) -> Self {
        Self { lock: VERSION, images }
    }

    /// The file's text.
    pub fn text(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// What does not follow the form, with its line and column.
    pub fn read(text: &str) -> Result<Self, String> {
        let lock: Self = serde_json::from_str(text).map_err(|why| why.to_string())?;
        if lock.lock == VERSION {
            Ok(lock)
        } else {
            Err(format!("it has the form of version {}, and this program knows {VERSION}", lock.lock))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_read_again_as_it_was_written() {
        let locked = Locked {
            source: "docker.io/library/alpine:3.22".parse().unwrap(),
            digest: format!("sha256:{}", "0".repeat(64)),
            destination: "oci:dir:alpine:3.22".parse().unwrap(),
        };
        let lock = Lock::new(vec![locked]);
        assert_eq!(Lock::read(&lock.text()), Ok(lock));
        assert!(Lock::read(r#"{"lock":2,"images":[]}"#).unwrap_err().contains("version 2"));
        assert!(Lock::read("{").unwrap_err().contains("line 1"));
    }
}
