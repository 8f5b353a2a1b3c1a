//! The ledger of a bundle that is being made: its plan, beside its volumes until all of them are whole.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use content::{Fault, FaultKind, Step};
use reference::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    BundleError, Plan, Volume,
    disk::{above, blocking, gone, replace, trouble},
};

/// Where the files of a bundle are.
#[derive(Debug, Clone)]
pub struct Ledger {
    output: PathBuf,
}

/// An image that was asked for and is not in a bundle, because it could not be read when that was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where it was to be read.
    pub source: String,
    /// Where it was to be.
    pub destination: String,
    /// Why it is not.
    pub why: String,
}

#[derive(Serialize, Deserialize)]
struct Written {
    /// The digest of all that the plan was made from.
    #[serde(with = "crate::text")]
    request: Digest,
    /// For whoever goes on with it: it is to be told at the end.
    left_out: Vec<LeftOut>,
    plan: Plan,
}

impl Ledger {
    /// The bundle that is written to `output`: to that file, or to numbered ones beside it.
    pub fn new(output: &Path) -> Self {
        Self { output: output.to_owned() }
    }

    /// Where a volume goes: `app.tar`, or `app.1.tar` and so on where there may be several.
    pub fn path(&self, plan: &Plan, volume: u32) -> PathBuf {
        if plan.volume_size.is_none() { self.output.clone() } else { self.numbered(&volume.to_string()) }
    }

    fn numbered(&self, number: &str) -> PathBuf {
        let stem = self.output.file_stem().unwrap_or_default().to_string_lossy();
        match self.output.extension() {
            Some(extension) => {
                self.output.with_file_name(format!("{stem}.{number}.{}", extension.to_string_lossy()))
            }
            None => self.output.with_file_name(format!("{stem}.{number}")),
        }
    }

    /// Where the plan is.
    pub fn plan_path(&self) -> PathBuf {
        let mut path = self.output.clone().into_os_string();
        path.push(".plan");
        path.into()
    }

    /// Makes sure that volumes, `numbered` or not, have a directory, and take the place of nothing but volumes.
    ///
    /// # Errors
    /// A directory that is not there, and a file that is no volume.
    pub async fn has_place(&self, numbered: bool) -> Result<(), BundleError> {
        let ledger = self.clone();
        let stranger = blocking(move || {
            let above = above(&ledger.output);
            if fs::metadata(above).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
                return Err(Fault::new(FaultKind::Local, Step::OpenLayout, "there is no such directory")
                    .at(above.display())
                    .hint(format!("make it: mkdir -p {}", above.display())));
            }
            let there = if numbered { ledger.all_numbered() } else { vec![ledger.output] };
            Ok(there.into_iter().find(|path| path.exists() && Volume::open(path).is_err()))
        });
        let Some(stranger) = stranger.await.map_err(BundleError::target)? else { return Ok(()) };
        let what = format!("{} is there, and no volume of a bundle: it would be lost", stranger.display());
        Err(BundleError::usage(what, "take it away, or name another file with --file"))
    }

    /// The plan of a run that did not come to its end, when it was asked for the same; and what is not in it.
    ///
    /// # Errors
    /// A file that cannot be read. One that is no plan, or of another request, is none.
    pub async fn unfinished(&self, request: &Digest) -> Result<Option<(Plan, Vec<LeftOut>)>, BundleError> {
        let written = self.read().await?.filter(|written| written.request == *request);
        Ok(written.map(|written| (written.plan, written.left_out)))
    }

    /// Writes the plan down.
    ///
    /// # Errors
    /// A disk that fails.
    pub async fn write(
        &self,
        request: &Digest,
        plan: &Plan,
        left_out: &[LeftOut],
    ) -> Result<(), BundleError> {
        let written = Written { request: request.clone(), left_out: left_out.to_vec(), plan: plan.clone() };
        let bytes = serde_json::to_vec(&written).unwrap_or_default();
        let path = self.plan_path();
        blocking(move || replace(&path, &bytes)).await.map_err(BundleError::target)
    }

    /// Removes the plan: all volumes are whole, and say themselves what it said.
    ///
    /// # Errors
    /// A disk that fails.
    pub async fn close(&self) -> Result<(), BundleError> {
        let path = self.plan_path();
        blocking(move || gone(&path, fs::remove_file(&path))).await.map_err(BundleError::target)
    }

    async fn read(&self) -> Result<Option<Written>, BundleError> {
        let path = self.plan_path();
        let bytes = blocking(move || match fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(trouble(&path, error)),
        });
        let bytes = bytes.await.map_err(BundleError::target)?;
        let written: Option<Written> = serde_json::from_slice(&bytes).ok();
        Ok(written.and_then(|written| Some(Written { plan: written.plan.checked().ok()?, ..written })))
    }

    /// What is known of a bundle of which a volume is to be made again: its plan, and the digests of ranges. From any
    /// other volume beside the output, the later the better; else from the plan of a run that did not come to its end.
    ///
    /// # Errors
    /// [`FaultKind::Absent`] when there is neither.
    pub async fn known(&self) -> Result<(Plan, Vec<Digest>), BundleError> {
        let ledger = self.clone();
        let latest = blocking(move || Ok(ledger.latest())).await;
        if let Some(volume) = latest.map_err(BundleError::target)? {
            return Ok((Plan::clone(volume.plan()), volume.header().ranges.clone()));
        }
        if let Some(written) = self.read().await? {
            return Ok((written.plan, Vec::new()));
        }
        let what = "there is no other volume of the bundle, and no plan of one";
        let fault = Fault::new(FaultKind::Absent, Step::OpenLayout, what).at(self.output.display());
        let hint = "put another volume of the bundle beside it: each says what is in all of them";
        Err(BundleError::source(fault.hint(hint)))
    }

    /// The last volume that is there, of the bundle of the first one met.
    fn latest(&self) -> Option<Volume> {
        let first = Volume::open(&self.output).ok().or_else(|| self.first_numbered())?;
        let later = first.number().saturating_add(1)..=first.plan().volumes;
        let open = |number| Volume::open(&self.path(first.plan(), number)).ok();
        let latest = later.rev().filter_map(open).find(|volume| volume.plan() == first.plan());
        Some(latest.unwrap_or(first))
    }

    /// Any volume that is there, of those that are numbered.
    fn first_numbered(&self) -> Option<Volume> {
        self.all_numbered().iter().find_map(|path| Volume::open(path).ok())
    }

    /// What is there under the numbered names of volumes.
    fn all_numbered(&self) -> Vec<PathBuf> {
        let sample = self.numbered("*");
        let name = sample.file_name().unwrap_or_default().to_string_lossy();
        let Some((before, after)) = name.split_once('*') else { return Vec::new() };
        let mut found: Vec<(u32, PathBuf)> = fs::read_dir(above(&self.output))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().to_str()?.to_owned();
                let number = name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()?;
                Some((number, entry.path()))
            })
            .collect();
        found.sort();
        found.into_iter().map(|(_, path)| path).collect()
    }
}
