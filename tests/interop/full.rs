//! Bundles and a disk that is full: nothing is named that is not whole, and the same command completes with room.
use std::{fs, os::unix::fs::MetadataExt, process::Command};

use testkit::{Content, Registry, images::Entry};

use crate::transship;

const MIB: usize = 1 << 20;
const NAMES: [&str; 3] = ["team/one:v1", "two:v1", "three:v1"];

/// Mounts a small disk in a name space of its own and works there, with too little room and then with enough. Tells of
/// each command its exit code, what it said, and what was on the disk then.
const SCRIPT: &str = r#"
set -eu
room() { mount -o "remount,size=$1" disk; }
try() {
  local name=$1
  shift
  "$PROGRAM" "$@" 2> "out/$name.said" && echo 0 > "out/$name" || echo $? > "out/$name"
  find disk -type f > "out/$name.left"
}
mkdir disk out
mount -t tmpfs -o size=8m tmpfs disk
try create bundle create all.yaml --file disk/all.tar
room 30m
try create-roomy bundle create all.yaml --file disk/all.tar
mv disk/all.tar .
room 8m
try layout bundle apply all.tar oci:disk/inside
cp disk/inside/index.json out/
room 40m
try layout-roomy bundle apply all.tar oci:disk/inside
cp -a disk/inside .
rm -r disk/inside
"$PROGRAM" bundle create all.yaml --file v.tar --volume-size 7MiB
room 8m
try stage bundle apply v.2.tar v.3.tar "$HOST" --staging disk/waiting
room 40m
try stage-roomy bundle apply v.2.tar v.3.tar "$HOST" --staging disk/waiting
try registry bundle apply v.1.tar "$HOST" --staging disk/waiting
"#;

#[test]
fn a_bundle_and_a_disk_that_is_full_is_exit_9_and_the_same_command_completes_with_room() {
    let (program, inside) = (transship(), Registry::start());
    let mut content = Content::new();
    let base = content.layer(1000, 5 * MIB);
    let entries = NAMES.iter().zip(1..).map(|(name, seed)| {
        let own = content.layer(seed, 4 * MIB);
        Entry::named(&content.image(seed, &[base.clone(), own]), name)
    });
    let entries: Vec<Entry> = entries.collect();
    let home = program.home();
    content.write_layout(&home.join("made"), &entries).unwrap();
    let text =
        "version: 1\nto: inside.example/{repository}:{tag}\nimages:\n  - from: oci:made\n    tags: [\"*\"]\n";
    fs::write(home.join("all.yaml"), text).unwrap();
    // As root no name space of users is needed, and may not be allowed.
    let own = if fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0) { "-m" } else { "-rm" };
    let mut command = Command::new("unshare");
    command.args([own, "sh", "-c", SCRIPT]).current_dir(home).env("HOME", home).env("HOST", inside.host());
    command.env("PROGRAM", env!("CARGO_BIN_EXE_transship"));
    testkit::run(&mut command);
    let read = |name: &str| fs::read_to_string(home.join("out").join(name)).unwrap();
    for name in ["create", "layout", "stage"] {
        let (code, said) = (read(name), read(&format!("{name}.said")));
        assert_eq!(code.trim(), "9", "{name}: {said}");
        assert!(said.contains("No space left on device") && said.contains("hint: free some space"), "{said}");
        let kept = if name == "create" { "nothing is kept of what" } else { "what is whole is kept" };
        assert!(said.contains(kept), "{said}");
        let roomy = format!("{name}-roomy");
        assert_eq!(read(&roomy).trim(), "0", "{}", read(&format!("{roomy}.said")));
    }
    assert!(read("create.left").lines().all(|file| file != "disk/all.tar"), "{}", read("create.left"));
    assert_eq!(read("create-roomy.left"), "disk/all.tar\n");
    assert!(!read("index.json").contains(":v1"), "a name without its image");
    assert_eq!(read("registry").trim(), "0", "{}", read("registry.said"));
    assert_eq!(read("registry.left"), "", "what waited is gone");
    for name in NAMES {
        program
            .run(&["verify", "--deep", &format!("oci:made:{name}"), &format!("oci:inside:{name}")])
            .exits(0);
        program.run(&["verify", "--deep", &format!("oci:made:{name}"), &inside.reference(name)]).exits(0);
    }
}
