//! Facts: in which way a registry product departs from what all others do. A table with a source for each entry;
//! nothing in the rest of this crate knows a product by name.
use reference::Registry;

use crate::rung::Rung;

/// What is known of a product before the first request.
#[derive(Debug)]
pub(crate) struct Facts {
    /// The ends of host names that this entry is about.
    hosts: &'static [&'static str],
    /// The largest blob that goes in one PUT, in bytes.
    pub(crate) largest_put: u64,
    /// The lowest rung of the ladder that works.
    pub(crate) lowest: Rung,
    /// Whether a mount from the same repository tells a blob that is there: 201.
    pub(crate) mounts_itself: bool,
    /// Whether an interrupted upload can be continued.
    pub(crate) resumes: bool,
}

const MIB: u64 = 1024 * 1024;

/// A registry of which nothing is known: what distribution 2.8 and 3 do.
const UNKNOWN: Facts =
    Facts { hosts: &[], largest_put: u64::MAX, lowest: Rung::Chunks, mounts_itself: true, resumes: true };

const TABLE: &[Facts] = &[
    // Azure Container Registry: a PUT above some 20 MB may be answered 413 (goharbor/harbor#23015, #21640); sessions
    // do not survive a reset (Azure/acr#866).
    Facts {
        hosts: &[".azurecr.io", ".azurecr.cn", ".azurecr.us"],
        largest_put: 16 * MIB,
        resumes: false,
        ..UNKNOWN
    },
    // GitHub: a second PATCH overwrites the first (oras-project/rust-oci-client#35); 416 on chunks above 4 MiB
    // (ocx-sh/ocx#237).
    Facts { hosts: &["ghcr.io"], lowest: Rung::Patch, resumes: false, ..UNKNOWN },
    // Google Artifact Registry and gcr.io: no chunked uploads (dotnet/sdk-container-builds#287).
    Facts { hosts: &["-docker.pkg.dev", "gcr.io"], lowest: Rung::Patch, resumes: false, ..UNKNOWN },
    // Amazon ECR: the Range of a status stands still after the first chunk (aws/containers-roadmap#2831); a mount is
    // 202 unless switched on, and then only after a manifest names the blob (ECR user guide, "Blob mounting").
    Facts {
        hosts: &[".amazonaws.com", ".amazonaws.com.cn"],
        mounts_itself: false,
        resumes: false,
        ..UNKNOWN
    },
    // ECR Public: 500 to chunks (dotnet/sdk-container-builds#472); mounts fail.
    Facts {
        hosts: &["public.ecr.aws"],
        mounts_itself: false,
        lowest: Rung::Patch,
        resumes: false,
        ..UNKNOWN
    },
    // JFrog: no mounts; old versions answer 404 to a PUT after POST (docker/buildx#196), which the ladder learns.
    Facts { hosts: &[".jfrog.io"], mounts_itself: false, ..UNKNOWN },
];

impl Facts {
    /// The entry for a registry, by its host.
    pub(crate) fn of(registry: &Registry) -> &'static Self {
        let host = registry.host();
        let known = |facts: &&Self| facts.hosts.iter().any(|end| is_below(host, end));
        TABLE.iter().find(known).unwrap_or(&UNKNOWN)
    }
}

/// Whether `host` is `end`, or lies below it.
fn is_below(host: &str, end: &str) -> bool {
    let Some(rest) = host.strip_suffix(end) else { return false };
    rest.is_empty() || end.starts_with(['.', '-']) || rest.ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_known_by_the_end_of_its_host() {
        let put = |name: &str| Facts::of(&name.parse().unwrap()).largest_put;
        assert_eq!(put("contoso.azurecr.io"), 16 * MIB);
        assert_eq!(put("azurecr.io.example.com"), u64::MAX);
        let lowest = |name: &str| Facts::of(&name.parse().unwrap()).lowest;
        assert_eq!(lowest("eu.gcr.io"), Rung::Patch);
        assert_eq!(lowest("europe-docker.pkg.dev"), Rung::Patch);
        assert_eq!(lowest("notgcr.io"), Rung::Chunks);
    }
}
