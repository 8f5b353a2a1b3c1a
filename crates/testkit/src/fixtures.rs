//! The fixture layout: a multi-platform image, an artifact with a referrer, and a Docker manifest list.
//!
//! Made from the files in `fixtures/sources` alone, and the same bytes every time.
use std::{fs, io, io::Write, path::Path};

use content::{Descriptor, Hasher};
use flate2::{Compression, GzBuilder};
use reference::Algorithm;
use serde_json::{Value, json};

use crate::{
    elf::{Machine, program},
    images::{
        Content, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, Entry, OCI_CONFIG, OCI_EMPTY,
        OCI_INDEX, OCI_LAYER, OCI_MANIFEST, to_json,
    },
};

/// When everything in the fixtures was made, in seconds since 1970: they have no other clock.
const EPOCH: u64 = 1_767_225_600;
const CREATED: &str = "2026-01-01T00:00:00Z";
const MACHINES: [Machine; 2] = [Machine::Amd64, Machine::Arm64];
const TEXT: &str = "text/plain";
const SPDX: &str = "application/spdx+json";

/// The annotation with which a layout of many repositories says whose an entry without a name is.
pub const REPOSITORY: &str = "io.transship.repository";

/// Makes the layout at `dir` from the files in `sources`. What was there before goes.
///
/// # Errors
/// What the file system says.
pub fn make(sources: &Path, dir: &Path) -> io::Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir)?;
    }
    let mut content = Content::new();
    let rootfs = Rootfs::read(sources)?;
    let hello = rootfs.image(&mut content, &OCI)?;
    let docker = rootfs.image(&mut content, &DOCKER)?;
    let note = note(&mut content, fs::read(sources.join("note.txt"))?);
    let referrer = referrer(&mut content, &note);
    let untagged = vec![(REPOSITORY.to_owned(), "note".to_owned())];
    content.write_layout(
        dir,
        &[
            Entry::named(&hello, "hello:v1"),
            Entry::named(&docker, "hello-docker:v1"),
            Entry::named(&note, "note:v1"),
            Entry { root: referrer, annotations: untagged },
        ],
    )
}

/// The media types of one family of images.
struct Family {
    list: &'static str,
    manifest: &'static str,
    config: &'static str,
    layer: &'static str,
}

const OCI: Family = Family { list: OCI_INDEX, manifest: OCI_MANIFEST, config: OCI_CONFIG, layer: OCI_LAYER };
const DOCKER: Family =
    Family { list: DOCKER_LIST, manifest: DOCKER_MANIFEST, config: DOCKER_CONFIG, layer: DOCKER_LAYER };

/// What the image is made of.
struct Rootfs {
    greeting: String,
    licence: Vec<u8>,
}

/// A layer, compressed, and the digest of what was compressed.
struct Layer {
    bytes: Vec<u8>,
    diff_id: String,
}

impl Rootfs {
    fn read(sources: &Path) -> io::Result<Self> {
        Ok(Self {
            greeting: fs::read_to_string(sources.join("greeting.txt"))?,
            licence: fs::read(sources.join("licence.txt"))?,
        })
    }

    /// A list of one image a machine. All share their first layer.
    fn image(&self, content: &mut Content, family: &Family) -> io::Result<Descriptor> {
        let shared = layer(&[("usr/share/doc/hello/licence.txt", &self.licence, 0o644)])?;
        let mut entries = Vec::new();
        for machine in MACHINES {
            let text = self.greeting.replace("MACHINE", machine.as_str());
            let own = layer(&[("hello", &program(machine, &text), 0o755)])?;
            let manifest = manifest(content, family, machine, &[&shared, &own]);
            let mut entry = to_json(&manifest);
            entry["platform"] = json!({"architecture": machine.as_str(), "os": "linux"});
            entries.push(entry);
        }
        let list = json!({"schemaVersion": 2, "mediaType": family.list, "manifests": entries});
        Ok(content.document(family.list, &list))
    }
}

fn manifest(content: &mut Content, family: &Family, machine: Machine, layers: &[&Layer]) -> Descriptor {
    let diff_ids: Vec<&str> = layers.iter().map(|layer| layer.diff_id.as_str()).collect();
    let config = json!({
        "architecture": machine.as_str(),
        "os": "linux",
        "created": CREATED,
        "config": {"Cmd": ["/hello"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [
            {"created": CREATED, "created_by": "licence.txt"},
            {"created": CREATED, "created_by": "greeting.txt"},
        ],
    });
    let config = content.document(family.config, &config);
    let layers: Vec<Value> =
        layers.iter().map(|layer| to_json(&content.add(family.layer, layer.bytes.clone()))).collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": family.manifest,
        "config": to_json(&config),
        "layers": layers,
    });
    content.document(family.manifest, &manifest)
}

/// An artifact: no image, a text with a type.
fn note(content: &mut Content, text: Vec<u8>) -> Descriptor {
    let text = content.add(TEXT, text);
    artifact(content, "application/vnd.transship.note.v1", &text, None)
}

/// A bill of materials about the note.
fn referrer(content: &mut Content, subject: &Descriptor) -> Descriptor {
    let bill = json!({
        "spdxVersion": "SPDX-2.3",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "note",
        "dataLicense": "CC0-1.0",
        "creationInfo": {"created": CREATED, "creators": ["Tool: make-fixtures"]},
        "documentNamespace": format!("https://transship.invalid/{}", subject.digest.hex()),
        "packages": [],
    });
    let bill = content.document(SPDX, &bill);
    artifact(content, SPDX, &bill, Some(subject))
}

fn artifact(
    content: &mut Content,
    artifact_type: &str,
    blob: &Descriptor,
    subject: Option<&Descriptor>,
) -> Descriptor {
    let empty = content.add(OCI_EMPTY, "{}");
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": to_json(&empty),
        "layers": [to_json(blob)],
        "annotations": {"org.opencontainers.image.created": CREATED},
    });
    if let Some(subject) = subject {
        manifest["subject"] = to_json(subject);
    }
    content.document(OCI_MANIFEST, &manifest)
}

/// A tar archive of `files` (path, bytes, permissions), compressed by gzip.
fn layer(files: &[(&str, &[u8], u32)]) -> io::Result<Layer> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_mtime(EPOCH);
        archive.append_data(&mut header, path, *bytes)?;
    }
    let archive = archive.into_inner()?;
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&archive)?;
    let diff_id = Hasher::digest(Algorithm::Sha256, &archive).to_string();
    Ok(Layer { bytes: gzip.finish()?, diff_id })
}
