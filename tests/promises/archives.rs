//! Archives: a layout in one file, written in one pass, read where it lies, and added to.
use std::{fs, path::Path};

use testkit::{Content, Entry, Registry};

use crate::{import, transship};

fn fixtures() -> String {
    format!("oci:{}/fixtures/images", env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_fixture_goes_through_an_archive_unchanged() {
    for name in ["hello:v1", "hello-docker:v1", "note:v1"] {
        let (target, program) = (Registry::start(), transship());
        program.run(&["copy", &format!("{}:{name}", fixtures()), "oci-archive:images.tar"]).exits(0);
        program.run(&["copy", &format!("oci-archive:images.tar:{name}"), &target.reference(name)]).exits(0);
        program.run(&["copy", &target.reference(name), "oci:direct"]).exits(0);
        program.run(&["copy", &format!("{}:{name}", fixtures()), "oci:expected"]).exits(0);
        let blobs = |dir: &str| {
            let dir = program.home().join(dir).join("blobs/sha256");
            files(&dir)
                .iter()
                .map(|name| (name.clone(), fs::read(dir.join(name)).unwrap()))
                .collect::<Vec<_>>()
        };
        assert_eq!(blobs("direct"), blobs("expected"), "{name}");
    }
}

#[test]
fn a_second_image_is_added_and_only_what_the_archive_lacks_is_read() {
    let mut content = Content::new();
    // Large enough not to be read ahead of the question whether it is there.
    let base = content.layer(1, 3_000_000);
    let [one, two] = [2, 3].map(|seed| {
        let own = content.layer(seed, 1000);
        content.image(seed + 10, &[base.clone(), own])
    });
    let entries = vec![Entry::named(&one, "app:v1"), Entry::named(&two, "app:v2")];
    let (source, program) = (Registry::setup().seed_all(&content, entries).start(), transship());
    program.run(&["copy", &source.reference("app:v1"), "oci-archive:images.tar"]).exits(0);
    let before = fs::read(program.home().join("images.tar")).unwrap();
    source.ledger().clear();
    program.run(&["copy", &source.reference("app:v2"), "oci-archive:images.tar"]).exits(0);
    let reads = source.ledger().blob_reads();
    assert!(reads.iter().all(|read| !read.path.contains(base.digest.hex())), "{reads:?}");
    let after = fs::read(program.home().join("images.tar")).unwrap();
    assert_eq!(before[..before.len() - 1024], after[..before.len() - 1024]);
    assert!(after.len() < before.len() + 10_000, "{}", after.len() - before.len());
    let target = Registry::start();
    for name in ["app:v1", "app:v2"] {
        program.run(&["copy", &format!("oci-archive:images.tar:{name}"), &target.reference(name)]).exits(0);
    }
    assert!(target.holds(&content));
}

#[test]
fn a_copy_with_nothing_to_do_or_that_is_refused_leaves_an_archive_to_the_byte() {
    let program = transship();
    let hello = format!("{}:hello:v1", fixtures());
    program.run(&["copy", &hello, "oci-archive:images.tar"]).exits(0);
    let file = program.home().join("images.tar");
    let state = || (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().modified().unwrap());
    let before = state();
    program.run(&["copy", &hello, "oci-archive:images.tar"]).exits(0);
    program.run(&["copy", "--no-clobber", &hello, "oci-archive:images.tar"]).exits(8);
    program.run(&import(&hello, "oci-archive:images.tar", &["-t", "hello:v1"])).exits(8);
    program.run(&import(&hello, "oci-archive:images.tar", &["-t", "hello:v1", "--allow-same"])).exits(0);
    program.run(&["copy", "oci-archive:images.tar:hello:v2", "oci-archive:other.tar"]).exits(4);
    assert_eq!(state(), before);
    let left = files(program.home());
    assert!(!left.iter().any(|name| name.contains("other") || name.contains(".transship")), "{left:?}");
}

#[test]
fn many_names_and_repositories_live_in_one_archive_however_its_file_is_spelt() {
    let program = transship();
    let hello = format!("{}:hello:v1", fixtures());
    let names = ["-t", "one:v1", "-t", "two/deep:v2", "--repository", "three"];
    program.run(&import(&hello, "oci-archive:images.tar", &names)).exits(0);
    let spelt = ["oci-archive:images.tar:four", "oci-archive:./images.tar:five"];
    program.run(&["copy", "oci-archive:images.tar:one:v1", spelt[0], spelt[1]]).exits(0);
    let layout = layout::Layout::open(&program.home().join("images.tar")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let entries = runtime.block_on(layout.entries()).unwrap();
    let mut found: Vec<_> = entries.iter().filter_map(layout::Entry::name).collect();
    found.sort_unstable();
    assert_eq!(found, ["five", "four", "one:v1", "two/deep:v2"]);
    assert_eq!(entries.iter().filter_map(layout::Entry::repository).collect::<Vec<_>>(), ["three"]);
    let ran = program.run(&["copy", "oci-archive:images.tar", "oci:x"]).exits(2);
    ran.says("oci-archive:images.tar:one:v1");
}

#[test]
fn what_is_no_archive_is_refused_on_either_side_with_a_remedy_and_left_as_it_is() {
    let program = transship();
    let hello = format!("{}:hello:v1", fixtures());
    program.run(&["copy", &hello, "oci-archive:whole.tar"]).exits(0);
    let whole = fs::read(program.home().join("whole.tar")).unwrap();
    let cut = &whole[..whole.len() / 2];
    let cases: [(&[u8], i32, &str); 4] = [
        (cut, 5, "fetch it again"),
        (b"\x1f\x8b\x08 compressed", 6, "gunzip -k FILE"),
        (b"", 5, "empty file"),
        (&[b'x'; 2000], 5, "no tar file"),
    ];
    let file = program.home().join("bad.tar");
    for (bytes, code, words) in cases {
        fs::write(&file, bytes).unwrap();
        program.run(&["copy", "oci-archive:bad.tar:hello:v1", "oci:x"]).exits(code).says(words);
        program.run(&["copy", &hello, "oci-archive:bad.tar"]).exits(code).says(words);
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
    program.run(&["copy", "oci-archive:none.tar", "oci:x"]).exits(4);
    program.run(&["copy", &hello, "oci-archive:."]).exits(4).says("oci:.");
}

#[test]
fn an_archive_that_somebody_writes_to_is_not_written_to_and_exit_9_says_so() {
    let program = transship();
    let hello = format!("{}:hello:v1", fixtures());
    program.run(&["copy", &hello, "oci-archive:images.tar"]).exits(0);
    let file = program.home().join("images.tar");
    let before = fs::read(&file).unwrap();
    let held = fs::File::open(&file).unwrap();
    held.lock().unwrap();
    let note = format!("{}:note:v1", fixtures());
    program.run(&["copy", &note, "oci-archive:images.tar"]).exits(9).says("another process is writing");
    assert_eq!(fs::read(&file).unwrap(), before);
    program.run(&["copy", "oci-archive:images.tar:hello:v1", "oci:x"]).exits(0);
    drop(held);
    program.run(&["copy", &note, "oci-archive:images.tar"]).exits(0);
}
