//! Archives: others read ours, before and after more was added, and we read theirs, and add to them.
use std::{
    path::Path,
    process::{Command, Output},
};

use crate::{
    clients::{digest_of, oras, skopeo},
    debian,
    registries::distribution,
    transship,
};

fn fixture(name: &str) -> String {
    format!("oci:{}/fixtures/images:{name}", env!("CARGO_MANIFEST_DIR"))
}

fn oci_archive(dir: &Path, name: &str) -> String {
    format!("oci-archive:{}/{name}", dir.display())
}

/// Runs podman with a store of its own.
fn podman(store: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("podman");
    command.args(["--storage-driver", "vfs", "--root"]).arg(store.join("root"));
    testkit::run(command.arg("--runroot").arg(store.join("run")).args(arguments))
}

#[test]
fn skopeo_oras_and_podman_read_our_archives_also_when_more_was_added() {
    let (source, target) = (distribution().start(), distribution().start());
    debian::push(&source.reference("debian"));
    let sent = digest_of(&format!("docker://{}", source.reference("debian:12")));
    let program = transship();
    let home = program.home();
    let ours = oci_archive(home, "ours.tar");
    let mut pushed = 0;
    let mut all_read_it = |name: &str| {
        let from = format!("{ours}:{name}");
        assert_eq!(digest_of(&from), sent, "{name}");
        pushed += 1;
        let to = target.reference(&format!("by-skopeo:{pushed}"));
        skopeo(&["copy", "-q", "--all", "--dest-tls-verify=false", &from, &format!("docker://{to}")]);
        assert_eq!(digest_of(&format!("docker://{to}")), sent, "{name}");
        let to = target.reference(&format!("by-oras:{pushed}"));
        let from = format!("{}/ours.tar:{name}", home.display());
        oras(&["copy", "--from-oci-layout", &from, "--to-plain-http", &to]);
        assert_eq!(digest_of(&format!("docker://{to}")), sent, "{name}");
        let store = tempfile::tempdir().unwrap();
        podman(store.path(), &["pull", "-q", &format!("{ours}:{name}")]);
    };
    program.run(&["copy", &source.reference("debian:12"), "oci-archive:ours.tar:v12"]).exits(0);
    all_read_it("v12");
    program.run(&["copy", &fixture("hello:v1"), "oci-archive:ours.tar:hello"]).exits(0);
    program.run(&["copy", &source.reference("debian:12"), "oci-archive:ours.tar:again"]).exits(0);
    all_read_it("v12");
    all_read_it("again");
    assert_eq!(digest_of(&format!("{ours}:hello")), digest_of(&fixture("hello:v1")));
}

#[test]
fn podman_loads_an_archive_whose_name_was_moved_and_we_read_what_it_saves() {
    let program = transship();
    let home = program.home();
    program.run(&["copy", &fixture("note:v1"), "oci-archive:one.tar:localhost/hello:v1"]).exits(0);
    program.run(&["copy", &fixture("hello-docker:v1"), "oci-archive:one.tar:localhost/hello:v1"]).exits(0);
    let store = tempfile::tempdir().unwrap();
    let file = home.join("one.tar");
    podman(store.path(), &["load", "-q", "-i", file.to_str().unwrap()]);
    let saved = home.join("saved.tar");
    let save = ["save", "-q", "--format", "oci-archive", "-o", saved.to_str().unwrap(), "localhost/hello:v1"];
    podman(store.path(), &save);
    program.run(&["copy", "oci-archive:saved.tar", "oci-archive:again.tar:x"]).exits(0);
    assert_eq!(
        digest_of(&oci_archive(home, "saved.tar:localhost/hello:v1")),
        digest_of(&oci_archive(home, "again.tar:x"))
    );
}

#[test]
fn we_read_the_archives_of_skopeo_and_of_tar_and_what_we_add_to_them_they_read() {
    let program = transship();
    let home = program.home();
    let hello = digest_of(&fixture("hello:v1"));
    let by_skopeo = oci_archive(home, "skopeo.tar:app:v1");
    skopeo(&["copy", "-q", "--all", &fixture("hello:v1"), &by_skopeo]);
    program.run(&["copy", &fixture("hello:v1"), "oci:layout:app:v1"]).exits(0);
    for (file, format) in [("gnu.tar", "gnu"), ("pax.tar", "pax"), ("ustar.tar", "ustar")] {
        let dir = home.join("layout");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(dir).args(["--exclude=.transship", "--format", format, "-cf"]);
        testkit::run(tar.arg(home.join(file)).arg("."));
    }
    for file in ["skopeo.tar", "gnu.tar", "pax.tar", "ustar.tar"] {
        let archive = format!("oci-archive:{file}");
        program.run(&["verify", "--deep", &format!("{archive}:app:v1")]).exits(0);
        program.run(&["copy", &fixture("note:v1"), &format!("{archive}:note")]).exits(0);
        program.run(&["verify", "--deep", &format!("{archive}:note")]).exits(0);
        assert_eq!(digest_of(&oci_archive(home, &format!("{file}:app:v1"))), hello, "{file}");
        assert_eq!(digest_of(&oci_archive(home, &format!("{file}:note"))), digest_of(&fixture("note:v1")));
    }
}

/// Unpacked by anybody, an archive that was added to is the layout that it stands for: the later member wins.
#[test]
fn tar_and_python_unpack_an_archive_that_was_added_to_into_the_layout_that_it_is() {
    let program = transship();
    let home = program.home();
    for name in ["hello:v1", "note:v1", "hello-docker:v1"] {
        program.run(&["copy", &fixture(name), "oci-archive:ours.tar"]).exits(0);
        program.run(&["copy", &fixture(name), "oci:expected"]).exits(0);
    }
    let script = "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])";
    let file = home.join("ours.tar");
    for unpacked in ["by-tar", "by-python"] {
        let dir = home.join(unpacked);
        std::fs::create_dir(&dir).unwrap();
        match unpacked {
            "by-tar" => testkit::run(Command::new("tar").arg("-C").arg(&dir).arg("-xf").arg(&file)),
            _ => testkit::run(Command::new("python3").args(["-c", script]).args([&file, &dir])),
        };
        for name in ["hello:v1", "note:v1", "hello-docker:v1"] {
            program.run(&["verify", "--deep", &format!("oci:{unpacked}:{name}")]).exits(0);
        }
        let index = |dir: &str| std::fs::read(home.join(dir).join("index.json")).unwrap();
        assert_eq!(index(unpacked), index("expected"), "{unpacked}");
    }
}
