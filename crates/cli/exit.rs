//! Exit codes: the one table.
use content::FaultKind;
use queue::{QueueError, QueueErrorKind};

use verify::Proof;

use crate::{
    failure::{Failure, Partly, Signal},
    render::Proven,
};

/// Done.
pub(crate) const DONE: u8 = 0;
/// Usage: reference, flag, request content.
pub(crate) const USAGE: u8 = 2;
/// A local file, disk or lock.
pub(crate) const LOCAL: u8 = 9;
/// Some of several destinations failed.
pub(crate) const PARTLY: u8 = 10;

/// The exit code of a failure.
pub(crate) fn code(failure: &Failure) -> u8 {
    match failure {
        Failure::Usage(_) => USAGE,
        Failure::Copy(error) => of_kind(error.kind()),
        Failure::Neither(fault) => of_kind(fault.kind()),
        Failure::File { .. } | Failure::Page { .. } | Failure::Paper { .. } => of_kind(FaultKind::Local),
        Failure::Queue(error) => of_queue(error).map_or(USAGE, of_kind),
        Failure::Mirrored(mirrored) => mirrored.code,
        Failure::Planned(planned) => planned.code(),
        Failure::Bundled(_) => PARTLY,
        Failure::Partly(partly) => common_kind(partly).map_or(PARTLY, of_kind),
        Failure::Unproven(proven) => verdict(proven).map_or(PARTLY, of_kind),
        Failure::Interrupted(Signal::Hangup) => 129,
        Failure::Interrupted(Signal::Interrupt) => 130,
        Failure::Interrupted(Signal::Terminate) => 143,
    }
}

/// The kind of the one error, or of all; none where some failed and others did not, or failed otherwise.
fn common_kind(partly: &Partly) -> Option<FaultKind> {
    if let Some(error) = partly.error() {
        return Some(error.kind());
    }
    let outcomes = partly.done.report.outcomes.iter();
    in_common(outcomes.map(|outcome| Some(outcome.result.as_ref().err()?.kind())))
}

/// What is wrong with the one image, or with all.
fn verdict(proven: &Proven) -> Option<FaultKind> {
    in_common(proven.proofs.iter().map(Proof::verdict))
}

/// The kind that all have in common, none where some have none.
fn in_common(mut kinds: impl Iterator<Item = Option<FaultKind>>) -> Option<FaultKind> {
    let first = kinds.next()??;
    kinds.all(|kind| kind.is_some_and(|kind| of_kind(kind) == of_kind(first))).then_some(first)
}

/// What an error of a queue would be as a fault; none where it is used in a way that makes no sense.
fn of_queue(error: &QueueError) -> Option<FaultKind> {
    match error.kind() {
        QueueErrorKind::Usage => None,
        QueueErrorKind::Authentication => Some(FaultKind::Authentication),
        QueueErrorKind::Unreachable | QueueErrorKind::WithoutStreams => Some(FaultKind::Unreachable),
        QueueErrorKind::Local => Some(FaultKind::Local),
        QueueErrorKind::Protocol => Some(FaultKind::Protocol),
    }
}

/// The exit code of a kind of fault.
pub(crate) fn of_kind(kind: FaultKind) -> u8 {
    match kind {
        FaultKind::Authentication => 3,
        FaultKind::Absent => 4,
        FaultKind::Untrue => 5,
        FaultKind::Refused => 6,
        FaultKind::Unreachable => 7,
        FaultKind::Conflict => 8,
        FaultKind::Local => LOCAL,
        // A protocol broken, an address refused, and kinds that have no code yet.
        _ => 1,
    }
}

/// The kind as it stands in `error.kind` of the JSON document.
pub(crate) fn kind_name(failure: &Failure) -> &'static str {
    match failure {
        Failure::Usage(_) => "usage",
        Failure::Copy(error) => name_of(error.kind()),
        Failure::Neither(fault) => name_of(fault.kind()),
        Failure::File { .. } | Failure::Page { .. } | Failure::Paper { .. } => name_of(FaultKind::Local),
        Failure::Queue(error) => of_queue(error).map_or("usage", name_of),
        Failure::Mirrored(_) | Failure::Planned(_) | Failure::Bundled(_) => "partly",
        Failure::Partly(partly) => common_kind(partly).map_or("partly", name_of),
        Failure::Unproven(proven) => verdict(proven).map_or("partly", name_of),
        Failure::Interrupted(_) => "interrupted",
    }
}

/// The kind of a fault as it stands in the JSON document.
pub(crate) fn name_of(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Address => "address",
        FaultKind::Authentication => "authentication",
        FaultKind::Absent => "absent",
        FaultKind::Untrue => "untrue",
        FaultKind::Refused => "refused",
        FaultKind::Unreachable => "unreachable",
        FaultKind::Conflict => "conflict",
        FaultKind::Local => "local",
        _ => "protocol",
    }
}

#[cfg(test)]
mod tests {
    use content::{Descriptor, Fault, MediaType, Place, Step};
    use copier::{CopyError, Delivered, Outcome, Report, Side, Ties};

    use super::*;
    use crate::{render::Done, usage::Usage};

    fn failed(kind: FaultKind) -> CopyError {
        CopyError::Failed { side: Side::Target, fault: Fault::new(kind, Step::Publish, "no") }
    }

    fn partly(ties: Ties, results: Vec<Result<Delivered, CopyError>>) -> Failure {
        let digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let outcome = |result| Outcome {
            place: Place::new("https://registry.example", "registry.example/app", None),
            names: Vec::new(),
            written: Vec::new(),
            result,
        };
        let report = Report {
            root: Descriptor::new(MediaType::new(""), digest, 0),
            narrowed: None,
            extent: None,
            skipped: Vec::new(),
            outcomes: results.into_iter().map(outcome).collect(),
        };
        let done = Done { verb: "copied", source: "a".to_owned(), asked: Vec::new(), report };
        Failure::Partly(Box::new(Partly { done, ties }))
    }

    #[test]
    fn every_kind_of_failure_has_its_code() {
        for (kind, expected) in [
            (FaultKind::Protocol, 1),
            (FaultKind::Address, 1),
            (FaultKind::Authentication, 3),
            (FaultKind::Absent, 4),
            (FaultKind::Untrue, 5),
            (FaultKind::Refused, 6),
            (FaultKind::Unreachable, 7),
            (FaultKind::Conflict, 8),
            (FaultKind::Local, 9),
        ] {
            assert_eq!(code(&Failure::Copy(failed(kind))), expected, "{kind:?}");
        }
        assert_eq!(code(&Failure::Usage(Usage::new("no"))), 2);
        assert_eq!(code(&Failure::Interrupted(Signal::Hangup)), 129);
        assert_eq!(code(&Failure::Interrupted(Signal::Interrupt)), 130);
        assert_eq!(code(&Failure::Interrupted(Signal::Terminate)), 143);
    }

    #[test]
    fn some_of_several_is_10_and_all_alike_keep_their_own_code() {
        let absent = || Err(failed(FaultKind::Absent));
        let apart = |results| code(&partly(Ties::Apart, results));
        assert_eq!(apart(vec![Ok(Delivered::default()), absent()]), 10);
        assert_eq!(apart(vec![absent(), absent()]), 4);
        assert_eq!(apart(vec![absent(), Err(failed(FaultKind::Local))]), 10);
        assert_eq!(apart(vec![absent()]), 4);
        assert_eq!(kind_name(&partly(Ties::Apart, vec![absent(), absent()])), "absent");
    }

    #[test]
    fn an_import_that_fails_in_part_has_the_code_of_what_failed() {
        let conflict = || vec![Ok(Delivered::default()), Err(failed(FaultKind::Conflict))];
        assert_eq!(code(&partly(Ties::Together, conflict())), 8);
        assert_eq!(kind_name(&partly(Ties::Together, conflict())), "conflict");
    }
}
