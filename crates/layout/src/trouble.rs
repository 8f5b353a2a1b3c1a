//! A failure of the disk, in our words, with what to do about it.
use std::io::{self, ErrorKind};

use content::{Fault, FaultKind, Step};

/// The fault of a layout, `shown` as the user named it, for an error of its disk.
pub(crate) fn fault(shown: &str, step: Step, what: &str, error: io::Error) -> Fault {
    local(shown, step, what, error, "what is whole is kept")
}

/// The same of an archive: what it holds of an image or a bundle that is not finished, nobody finds again.
pub(crate) fn in_archive(shown: &str, step: Step, what: &str, error: io::Error) -> Fault {
    local(shown, step, what, error, "nothing is kept of what was not finished")
}

fn local(shown: &str, step: Step, what: &str, error: io::Error, kept: &str) -> Fault {
    let hint = remedy(&error, kept);
    Fault::new(FaultKind::Local, step, format!("{what}: {error}")).at(shown).because(error).hint(hint)
}

/// The fault of a layout whose work on another thread did not come to an end.
pub(crate) fn stopped(shown: &str, step: Step, stopped: tokio::task::JoinError) -> Fault {
    Fault::new(FaultKind::Local, step, "the work on disk was stopped").at(shown).because(stopped)
}

fn remedy(error: &io::Error, kept: &str) -> String {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            return format!("free some space on that disk, then run this again: {kept}");
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "name a directory that this user may read, and write where it is the target"
        }
        // What `disk` refuses, before it is opened or while it is.
        ErrorKind::InvalidInput | ErrorKind::NotADirectory => {
            "take it away: in a layout, links are not followed, and only plain files and directories are opened"
        }
        ErrorKind::FileTooLarge => {
            "see what made that file so large, or lift this user's limit on file sizes"
        }
        _ => return format!("see whether that disk is sound, then run this again: {kept}"),
    };
    remedy.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_a_disk_says_where_it_was_and_what_to_do() {
        for (kind, word) in [
            (ErrorKind::StorageFull, "free some space"),
            (ErrorKind::QuotaExceeded, "free some space"),
            (ErrorKind::ReadOnlyFilesystem, "may read"),
            (ErrorKind::InvalidInput, "take it away"),
            (ErrorKind::Other, "sound"),
        ] {
            let fault = fault("oci:images", Step::SendBlob, "cannot write a blob", kind.into());
            assert_eq!(fault.kind(), FaultKind::Local);
            assert!(fault.to_string().starts_with("oci:images: send blob: cannot write a blob: "), "{fault}");
            assert!(fault.hint_text().is_some_and(|hint| hint.contains(word)), "{kind:?}");
        }
    }

    #[test]
    fn only_a_directory_is_said_to_keep_what_is_whole() {
        for kind in [ErrorKind::StorageFull, ErrorKind::Other] {
            let [directory, archive] =
                [fault, in_archive].map(|of| of("images", Step::SendBlob, "cannot write", kind.into()));
            assert!(directory.hint_text().unwrap().ends_with("what is whole is kept"), "{kind:?}");
            assert!(archive.hint_text().unwrap().contains("nothing is kept"), "{kind:?}");
        }
    }
}
