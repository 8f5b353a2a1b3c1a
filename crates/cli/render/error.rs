//! Why a run did not succeed, for people: `error:`, `caused by:`, `hint:`.
use std::error::Error;

use content::Step;
use copier::{CopyError, Outcome};

use super::{clean::clean, proof, text::destinations};
use crate::{
    failure::{Failure, Partly, Signal},
    usage::Usage,
};

/// The failure, line by line.
pub(crate) fn text(failure: &Failure) -> String {
    let headline = match failure {
        // The drawing below shows the name and the place.
        Failure::Usage(Usage { field, parse: Some(why), .. }) => format!("{field}: {}", why.kind.reason()),
        _ => headline(failure),
    };
    let mut lines = vec![format!("error: {}", clean(&headline))];
    lines.extend(details(failure).into_iter().map(|line| format!("  {line}")));
    let mut said = headline;
    for cause in causes(failure) {
        if !said.contains(&cause) {
            lines.push(format!("caused by: {}", clean(&cause)));
        }
        said = cause;
    }
    lines.extend(hint(failure).map(|hint| format!("hint: {}", clean(&hint))));
    lines.join("\n") + "\n"
}

/// One line that says it all.
pub(crate) fn headline(failure: &Failure) -> String {
    match failure {
        Failure::Usage(usage) => usage.to_string(),
        Failure::Copy(CopyError::TagsExist(conflicts)) => {
            let what = if conflicts.len() == 1 { "a target tag exists" } else { "target tags exist" };
            format!("{what}; nothing was written")
        }
        Failure::Copy(error) => error.to_string(),
        Failure::Neither(fault) => fault.to_string(),
        Failure::Queue(error) => error.to_string(),
        Failure::File { path, .. } => format!("cannot read {path}"),
        Failure::Page { path, .. } => format!("cannot write the page {path}"),
        Failure::Paper { path, .. } => format!("cannot write {path}"),
        Failure::Mirrored(mirrored) => mirrored.headline(),
        Failure::Planned(planned) => planned.headline(),
        Failure::Bundled(_) => "the bundle was made without images that could not be read".to_owned(),
        Failure::Partly(partly) => {
            partly.error().map_or_else(|| some_of_several(partly), ToString::to_string)
        }
        Failure::Unproven(proven) => proof::headline(proven),
        Failure::Interrupted(Signal::Interrupt) => "interrupted".to_owned(),
        Failure::Interrupted(Signal::Terminate) => "terminated".to_owned(),
        Failure::Interrupted(Signal::Hangup) => "hung up".to_owned(),
    }
}

fn some_of_several(partly: &Partly) -> String {
    let all = partly.done.report.outcomes.len();
    format!("{} of {all} destinations failed", partly.errors().count())
}

/// What to do next.
pub(crate) fn hint(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Usage(usage) => usage.hint.clone(),
        Failure::Copy(error) => error.hint(),
        Failure::Neither(fault) => fault.hint_text().map(str::to_owned),
        Failure::Queue(error) => error.remedy().map(str::to_owned),
        Failure::Partly(partly) => {
            let own = partly.errors().find_map(CopyError::hint);
            let hints: Vec<String> = own.into_iter().chain(missing(partly)).collect();
            (!hints.is_empty()).then(|| hints.join("; "))
        }
        Failure::Bundled(_) => {
            Some("the next bundle against the same inventory brings them, once they can be read".to_owned())
        }
        // Of what is unproven, each finding has its own.
        _ => None,
    }
}

/// A target may refuse a manifest whose foreign layers it does not hold.
fn missing(partly: &Partly) -> Option<String> {
    let refused = partly.errors().any(|error| error.step() == Step::Publish);
    (refused && !partly.done.report.skipped.is_empty())
        .then(|| "foreign layers were left out; --include-foreign copies them too".to_owned())
}

fn details(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Usage(usage) => usage.parse.iter().flat_map(drawing).collect(),
        Failure::Copy(CopyError::TagsExist(conflicts)) => conflicts.iter().map(conflict).collect(),
        Failure::Partly(partly) => {
            let several = partly.done.report.outcomes.len() > 1;
            let lines = if several { destinations(partly) } else { Vec::new() };
            lines.into_iter().chain(partly.done.report.outcomes.iter().filter_map(left)).collect()
        }
        _ => Vec::new(),
    }
}

/// What was written before a destination failed, and stays.
fn left(outcome: &Outcome) -> Option<String> {
    if outcome.result.is_ok() || outcome.written.is_empty() {
        return None;
    }
    let place = clean(&outcome.place.to_string());
    let written = outcome.written.iter().map(|name| format!("{place}:{}", clean(name.as_str())));
    Some(format!("written before that, and left: {}", written.collect::<Vec<_>>().join(", ")))
}

fn conflict(conflict: &copier::Conflict) -> String {
    let same = if conflict.same { ", the source's own digest" } else { "" };
    let name = clean(&format!("{}:{}", conflict.place, conflict.name));
    format!("{name} is at {}{same}", conflict.digest)
}

/// The name, and a caret below the character that does not fit; the hint is printed with the others.
fn drawing(why: &reference::ParseError) -> Vec<String> {
    let pointed = why.pointed();
    let lines = pointed.lines().take(2).map(|line| line.split_once("^ ").map_or(line, |(space, _)| space));
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    if let Some(last) = lines.last_mut() {
        last.push('^');
    }
    lines
}

/// The errors below, nearest first.
pub(crate) fn causes(failure: &Failure) -> Vec<String> {
    let mut below: Option<&dyn Error> = match failure {
        Failure::Copy(error) => error.source(),
        Failure::Neither(fault) => fault.source(),
        Failure::File { why, .. } | Failure::Page { why, .. } | Failure::Paper { why, .. } => Some(why),
        Failure::Partly(partly) => partly.error().and_then(Error::source),
        _ => None,
    };
    let mut causes = Vec::new();
    while let Some(error) = below {
        causes.push(error.to_string());
        below = error.source();
    }
    causes
}

#[cfg(test)]
mod tests {
    use content::{Fault, FaultKind};
    use copier::Side;

    use super::*;

    #[test]
    fn a_failure_says_what_why_and_what_to_do_next() {
        let cause = std::io::Error::other("the\ncable is cut");
        let fault =
            Fault::new(FaultKind::Unreachable, Step::ReadBlob, "no answer").at("registry.example/app");
        let fault = fault.because(cause).hint("mend it");
        let expected = "error: source registry.example/app: read blob: no answer\n\
                        caused by: the\\ncable is cut\nhint: mend it\n";
        assert_eq!(text(&Failure::at(Side::Source, fault)), expected);
    }

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let cause = std::io::Error::other("disk full");
        let fault = Fault::new(FaultKind::Local, Step::SendBlob, "cannot write: disk full").because(cause);
        assert_eq!(text(&Failure::Neither(fault)), "error: send blob: cannot write: disk full\n");
    }
}
