//! What an archive holds, and where: the result of one pass over its headers.
use std::collections::BTreeMap;

use content::{Fault, FaultKind, Step};
use reference::Digest;

use super::header::{Extent, Kind};

/// The members of an archive that make a layout. The later of two with one name wins, as it does for whoever unpacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) marker: Option<Extent>,
    pub(crate) index: Option<Extent>,
    pub(crate) blobs: BTreeMap<Digest, Extent>,
    /// Members of our own, by their paths: no part of the layout.
    pub(crate) ours: BTreeMap<String, Extent>,
    /// Whether there is what `docker save` writes beside no layout.
    docker: bool,
    /// Where the mark of the end is: the first block that no reader reads as a header.
    pub(crate) end: u64,
}

/// A path that means something in a layout.
enum Named {
    Marker,
    Index,
    Docker,
    Blob(Digest),
    Ours(String),
}

/// How the paths of members begin that are ours, and no part of a layout.
const OURS: &str = "transship-";

impl Table {
    /// Notes a member, if it belongs to a layout.
    pub(crate) fn note(&mut self, path: &[u8], kind: Kind, extent: Extent) -> Result<(), Fault> {
        let Some(named) = named(path) else { return Ok(()) };
        if kind != Kind::File {
            return Err(no_file(path, kind));
        }
        match named {
            Named::Marker => self.marker = Some(extent),
            Named::Index => self.index = Some(extent),
            Named::Docker => self.docker = true,
            Named::Ours(path) => {
                self.ours.insert(path, extent);
            }
            Named::Blob(digest) => {
                let before = self.blobs.insert(digest, extent);
                // A second one of the same size is how a damaged one is replaced; of another size, one of them lies.
                if before.is_some_and(|before| before.size != extent.size) {
                    return Err(twice(path));
                }
            }
        }
        Ok(())
    }

    /// Where `oci-layout` and `index.json` are.
    pub(crate) fn essentials(&self) -> Result<(Extent, Extent), Fault> {
        match (self.marker, self.index) {
            (Some(marker), Some(index)) => Ok((marker, index)),
            (None, _) if self.docker => {
                let what = "it is an archive of docker, not an OCI archive: it holds manifest.json and no oci-layout";
                Err(Fault::new(FaultKind::Refused, Step::OpenLayout, what)
                    .hint("make an OCI archive of it: skopeo copy docker-archive:FILE oci-archive:NEW"))
            }
            (None, _) => Err(lacks("oci-layout")),
            (_, None) => Err(lacks("index.json")),
        }
    }
}

fn lacks(name: &str) -> Fault {
    let what = format!("it is no OCI archive: it holds no {name}");
    Fault::new(FaultKind::Absent, Step::OpenLayout, what)
        .hint("an OCI archive is a tar file of an OCI image layout: oci-layout, index.json and blobs")
}

/// What a path means. One that leads out of the archive means nothing: nothing is ever unpacked.
fn named(path: &[u8]) -> Option<Named> {
    let path = std::str::from_utf8(path).ok()?;
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "." => {}
            // The first is empty where the path is absolute, the last where it is a directory's.
            "" | ".." => return None,
            name if names.len() < 3 => names.push(name),
            _ => return None,
        }
    }
    match names.as_slice() {
        ["oci-layout"] => Some(Named::Marker),
        ["index.json"] => Some(Named::Index),
        ["manifest.json"] => Some(Named::Docker),
        [first, ..] if first.starts_with(OURS) => Some(Named::Ours(names.join("/"))),
        ["blobs", algorithm, hex] => Some(Named::Blob(format!("{algorithm}:{hex}").parse().ok()?)),
        _ => None,
    }
}

fn no_file(path: &[u8], kind: Kind) -> Fault {
    let what = match kind {
        Kind::Node(what) => what,
        _ => "no plain file",
    };
    Fault::new(FaultKind::Refused, Step::OpenLayout, format!("a member of the archive is {what}"))
        .about(path.escape_ascii())
        .hint("make the archive of plain files: tar --dereference --hard-dereference")
}

fn twice(path: &[u8]) -> Fault {
    Fault::new(FaultKind::Untrue, Step::OpenLayout, "the archive holds a blob twice, with two sizes")
        .about(path.escape_ascii())
        .hint("make the archive again")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn noted(path: &str, kind: Kind) -> Result<Table, Fault> {
        let mut table = Table::default();
        table.note(path.as_bytes(), kind, Extent { at: 512, size: 3 })?;
        Ok(table)
    }

    #[test]
    fn paths_are_read_with_dots_before_them_and_none_that_leads_elsewhere() {
        for path in ["index.json", "./index.json", "././index.json"] {
            assert!(noted(path, Kind::File).unwrap().index.is_some(), "{path}");
        }
        for path in ["/index.json", "../index.json", "a/../index.json", "index.json/", "a/index.json", ""] {
            assert_eq!(noted(path, Kind::File).unwrap(), Table::default(), "{path}");
        }
        assert_eq!(noted(&format!("./blobs/sha256/{HEX}"), Kind::File).unwrap().blobs.len(), 1);
        for path in [format!("blobs/sha256/{HEX}/x"), format!("blobs/md5/{HEX}"), "blobs/sha256/..".into()] {
            assert_eq!(noted(&path, Kind::File).unwrap(), Table::default(), "{path}");
        }
    }

    #[test]
    fn a_link_in_place_of_a_file_is_refused_and_elsewhere_it_is_nothing() {
        let fault = noted("index.json", Kind::Node("a symbolic link")).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Refused);
        assert!(fault.to_string().contains("a symbolic link"), "{fault}");
        noted("notes/readme", Kind::Node("a symbolic link")).unwrap();
    }

    #[test]
    fn a_blob_that_comes_again_wins_and_one_of_another_size_is_refused() {
        let (mut table, path) = (Table::default(), format!("blobs/sha256/{HEX}"));
        table.note(path.as_bytes(), Kind::File, Extent { at: 512, size: 3 }).unwrap();
        table.note(path.as_bytes(), Kind::File, Extent { at: 2048, size: 3 }).unwrap();
        assert_eq!(table.blobs.values().next().unwrap().at, 2048);
        let fault = table.note(path.as_bytes(), Kind::File, Extent { at: 4096, size: 4 }).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Untrue);
    }
}
