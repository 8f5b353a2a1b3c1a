//! Archives as large as a test wants them, on a disk that has little room: what is zeros is a hole in the file.
use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use content::Hasher;
use reference::{Algorithm, Digest};
use serde_json::json;
use tar::Header;

/// An archive that is being written.
#[derive(Debug)]
pub struct Archive {
    file: File,
    /// The entries of its index.
    entries: Vec<serde_json::Value>,
}

/// An image of such an archive.
#[derive(Debug, Clone)]
pub struct Archived {
    /// Its manifest.
    pub manifest: Digest,
    /// Its one layer.
    pub layer: Digest,
}

impl Archive {
    /// A new one, in place of what is there.
    pub fn create(path: &Path) -> Self {
        let mut new = Self { file: File::create(path).expect("a file"), entries: Vec::new() };
        new.member("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
        new
    }

    /// Adds an image of one layer of `size` zeros, whose digest is said to be `layer`.
    pub fn image(&mut self, name: &str, size: u64, layer: Digest) -> Archived {
        let config = format!(r#"{{"architecture":"amd64","os":"linux","config":{{}},"name":"{name}"}}"#);
        let config_digest = self.blob(config.as_bytes());
        let piece = |kind: &str, digest: &Digest, size: u64| {
            let media_type = format!("application/vnd.oci.image.{kind}");
            json!({"mediaType": media_type, "digest": digest.to_string(), "size": size})
        };
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": piece("config.v1+json", &config_digest, config.len() as u64),
            "layers": [piece("layer.v1.tar", &layer, size)],
        });
        let manifest = manifest.to_string();
        let digest = self.blob(manifest.as_bytes());
        let mut entry = piece("manifest.v1+json", &digest, manifest.len() as u64);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        self.entries.push(entry);
        self.header(&path_of(&layer), size);
        self.skip(size.next_multiple_of(512));
        Archived { manifest: digest, layer }
    }

    /// Writes its index, which goes last here, and its end.
    pub fn finish(mut self) {
        let index = json!({"schemaVersion": 2, "manifests": self.entries});
        self.member("index.json", index.to_string().as_bytes());
        self.skip(1024);
        let end = self.file.stream_position().expect("a position");
        self.file.set_len(end).expect("room for a hole");
    }

    fn blob(&mut self, bytes: &[u8]) -> Digest {
        let digest = Hasher::digest(Algorithm::Sha256, bytes);
        self.member(&path_of(&digest), bytes);
        digest
    }

    fn member(&mut self, name: &str, bytes: &[u8]) {
        self.header(name, bytes.len() as u64);
        self.file.write_all(bytes).expect("room");
        self.skip((bytes.len() as u64).next_multiple_of(512) - bytes.len() as u64);
    }

    fn header(&mut self, name: &str, size: u64) {
        let mut header = Header::new_ustar();
        header.set_path(name).expect("a short name");
        header.set_size(size);
        header.set_mode(0o644);
        header.set_cksum();
        self.file.write_all(header.as_bytes()).expect("room");
    }

    fn skip(&mut self, size: u64) {
        let size = i64::try_from(size).expect("a size");
        self.file.seek(SeekFrom::Current(size)).expect("a file that can be as large");
    }
}

fn path_of(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}
