//! Errands: what one run is to do, and what it has to tell, as two processes say it to each other.
use std::net::SocketAddr;

use content::{Fault, FaultKind, Step};
use copier::{CopyError, Side};
use serde::{Deserialize, Serialize};

use crate::results::Run;

/// One run: images from one repository to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// Where they are read.
    pub source: Spot,
    /// Where they are written.
    pub target: Spot,
    /// Their digests.
    pub images: Vec<String>,
    /// Transfers at a time at one registry.
    pub jobs: usize,
    /// Ranges of one blob that are read at a time.
    pub ranges: usize,
}

/// A repository, and the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// `HOST[:PORT]`.
    pub registry: String,
    /// `path/of/the/repository`.
    pub repository: String,
    /// A link that is before the registry.
    pub via: Option<SocketAddr>,
}

/// What a run found out, also when it failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The figures, as far as it came.
    pub run: Run,
    /// What ended it early.
    pub failure: Option<Told>,
}

/// A failure, as another process tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    at_target: bool,
    kind: String,
    step: String,
    place: String,
    subject: String,
    what: String,
    hint: Option<String>,
}

impl Told {
    /// Puts a failure into words that [`Self::error`] understands.
    pub fn of(error: &CopyError) -> Self {
        let (place, subject, what) = match error {
            CopyError::Failed { fault, .. } => {
                (fault.place().to_owned(), fault.subject().to_owned(), fault.what().to_owned())
            }
            other => (String::new(), String::new(), other.to_string()),
        };
        Self {
            at_target: error.side() == Side::Target,
            kind: format!("{:?}", error.kind()),
            step: format!("{:?}", error.step()),
            place,
            subject,
            what,
            hint: error.hint(),
        }
    }

    /// The failure.
    pub fn error(&self) -> CopyError {
        let kind = KINDS.into_iter().find(|kind| format!("{kind:?}") == self.kind);
        let step = STEPS.into_iter().find(|step| format!("{step:?}") == self.step);
        let (kind, step) = (kind.unwrap_or(FaultKind::Protocol), step.unwrap_or(Step::SendBlob));
        let mut fault = Fault::new(kind, step, &*self.what).at(&self.place).about(&self.subject);
        if let Some(hint) = &self.hint {
            fault = fault.hint(hint);
        }
        CopyError::Failed { side: if self.at_target { Side::Target } else { Side::Source }, fault }
    }
}

const KINDS: [FaultKind; 9] = [
    FaultKind::Protocol,
    FaultKind::Address,
    FaultKind::Authentication,
    FaultKind::Absent,
    FaultKind::Untrue,
    FaultKind::Refused,
    FaultKind::Unreachable,
    FaultKind::Conflict,
    FaultKind::Local,
];

const STEPS: [Step; 10] = [
    Step::Resolve,
    Step::ReadManifest,
    Step::ReadBlob,
    Step::BeginUpload,
    Step::SendBlob,
    Step::CheckTag,
    Step::Publish,
    Step::Remove,
    Step::Authenticate,
    Step::OpenLayout,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_the_same_on_the_other_side_of_the_pipe() {
        for kind in KINDS {
            for step in STEPS {
                let fault = Fault::new(kind, step, "no").at("registry.example/app").about("v1").hint("try");
                let error = CopyError::Failed { side: Side::Target, fault };
                let told = serde_json::to_string(&Told::of(&error)).unwrap();
                let again = serde_json::from_str::<Told>(&told).unwrap().error();
                assert_eq!(again.to_string(), error.to_string());
                assert_eq!((again.kind(), again.step(), again.side()), (kind, step, Side::Target));
                assert_eq!(again.hint(), error.hint());
            }
        }
    }
}
