//! Exit codes: the one table.
use content::FaultKind;

use crate::failure::{Failure, Signal};

/// Done.
pub(crate) const DONE: u8 = 0;
/// Usage: reference, flag, request content.
pub(crate) const USAGE: u8 = 2;
/// Some of several destinations failed.
pub(crate) const PARTLY: u8 = 10;

/// The exit code of a failure.
pub(crate) fn code(failure: &Failure) -> u8 {
    match failure {
        Failure::Usage(_) => USAGE,
        Failure::Copy(error) => of_kind(error.kind()),
        Failure::Neither(fault) => of_kind(fault.kind()),
        Failure::File { .. } => of_kind(FaultKind::Local),
        Failure::Partly(report) => {
            let mut codes = report.outcomes.iter().map(|outcome| match &outcome.result {
                Ok(_) => DONE,
                Err(error) => of_kind(error.kind()),
            });
            let first = codes.next().unwrap_or(PARTLY);
            if codes.all(|code| code == first) { first } else { PARTLY }
        }
        Failure::Interrupted(Signal::Interrupt) => 130,
        Failure::Interrupted(Signal::Terminate) => 143,
    }
}

fn of_kind(kind: FaultKind) -> u8 {
    match kind {
        FaultKind::Authentication => 3,
        FaultKind::Absent => 4,
        FaultKind::Untrue => 5,
        FaultKind::Refused => 6,
        FaultKind::Unreachable => 7,
        FaultKind::Conflict => 8,
        FaultKind::Local => 9,
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
        Failure::File { .. } => name_of(FaultKind::Local),
        Failure::Partly(_) => "partly",
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
    use copier::{CopyError, Delivered, Outcome, Report, Side};

    use super::*;
    use crate::usage::Usage;

    fn failed(kind: FaultKind) -> CopyError {
        CopyError::Failed { side: Side::Target, fault: Fault::new(kind, Step::Publish, "no") }
    }

    fn partly(results: Vec<Result<Delivered, CopyError>>) -> Failure {
        let digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let outcome = |result| Outcome {
            place: Place::new("https://registry.example", "registry.example/app", None),
            names: Vec::new(),
            written: Vec::new(),
            result,
        };
        Failure::Partly(Box::new(Report {
            root: Descriptor::new(MediaType::new(""), digest, 0),
            extent: None,
            skipped: Vec::new(),
            outcomes: results.into_iter().map(outcome).collect(),
        }))
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
        assert_eq!(code(&Failure::Interrupted(Signal::Interrupt)), 130);
        assert_eq!(code(&Failure::Interrupted(Signal::Terminate)), 143);
    }

    #[test]
    fn some_of_several_is_10_and_all_alike_keep_their_own_code() {
        let absent = || Err(failed(FaultKind::Absent));
        assert_eq!(code(&partly(vec![Ok(Delivered::default()), absent()])), 10);
        assert_eq!(code(&partly(vec![absent(), absent()])), 4);
        assert_eq!(code(&partly(vec![absent(), Err(failed(FaultKind::Local))])), 10);
        assert_eq!(code(&partly(vec![absent()])), 4);
    }
}
