//! What a registry says when it begins to listen.
use std::net::SocketAddr;

use serde_json::json;
use server::Survey;

use super::{
    clean::{clean, count},
    json,
};

/// A registry that listens from now on.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Where.
    pub(crate) address: SocketAddr,
    /// The same with its scheme.
    pub(crate) url: String,
    /// Whether it takes pushes.
    pub(crate) writable: bool,
    /// What it serves, as it was named.
    pub(crate) layouts: Vec<String>,
    /// What was found in there.
    pub(crate) survey: Survey,
}

impl Opening {
    /// One line for people.
    pub(super) fn text(&self) -> String {
        let how = if self.writable { "writable" } else { "read-only" };
        let repositories = match self.survey.repositories {
            1 => "1 repository".to_owned(),
            number => format!("{number} repositories"),
        };
        let tags = count(self.survey.tags, "tag");
        format!(
            "serving {} on {}, {how}: {repositories}, {tags}\n",
            clean(&self.layouts.join(", ")),
            self.url
        )
    }

    /// One line for programs.
    pub(super) fn json(&self, warnings: &[String]) -> String {
        json::line(json!({
            "listening": self.address.to_string(),
            "url": self.url,
            "writable": self.writable,
            "layouts": self.layouts,
            "repositories": self.survey.repositories,
            "tags": self.survey.tags,
            "warnings": warnings,
        }))
    }
}
