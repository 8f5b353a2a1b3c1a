//! The fixtures in the repository are what the command makes, to the byte, and they are what they claim to be.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use std::{collections::BTreeMap, fs, path::Path, process::Command};

use testkit::{
    elf::{Machine, program},
    fixtures::make,
};

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(next) = dirs.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().display().to_string();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn making_the_fixtures_again_gives_the_same_bytes() {
    let again = tempfile::tempdir().unwrap();
    make(&fixtures().join("sources"), again.path()).unwrap();
    let (kept, made) = (tree(&fixtures().join("images")), tree(again.path()));
    assert_eq!(kept.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
    assert_eq!(kept, made);
    assert!(kept.values().map(Vec::len).sum::<usize>() < 64 * 1024);
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
fn the_program_in_the_image_runs_and_prints_its_text() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello");
    fs::write(&path, program(Machine::Amd64, "Hello.\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(&path).output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"Hello.\n");
}
