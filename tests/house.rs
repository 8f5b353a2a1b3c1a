//! The rules of the house, on every file of it: which crate may know which, how large a room may be, what may not
//! stand in one.
#![allow(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a rule that is broken stops the test"
)]
use std::{
    fs,
    path::{Path, PathBuf},
};

#[path = "house/code.rs"]
mod code;
#[path = "house/manifest.rs"]
mod manifest;
#[path = "house/promises.rs"]
mod promises;
#[path = "house/prose.rs"]
mod prose;

/// The crates, and which others of them each may be built on. The binary may be built on all but the
/// link and the testkit.
const ROOMS: [(&str, &[&str]); 18] = [
    ("reference", &[]),
    ("content", &["reference"]),
    ("auth", &["reference"]),
    ("pace", &[]),
    ("registry", &["reference", "content", "auth", "pace"]),
    ("layout", &["reference", "content"]),
    ("journal", &["reference", "content"]),
    ("copier", &["reference", "content", "pace"]),
    ("server", &["reference", "content", "layout"]),
    ("mirror", &["reference", "content", "pace", "copier"]),
    ("bundle", &["reference", "content", "pace", "copier", "layout"]),
    ("verify", &["reference", "content", "pace", "copier"]),
    ("queue", &[]),
    ("status", &[]),
    ("link", &[]),
    ("testkit", &["reference", "content", "layout", "server", "link"]),
    ("bench", &["reference", "content", "pace", "registry", "layout", "copier", "server", "link"]),
    (
        BINARY,
        &[
            "reference",
            "content",
            "auth",
            "pace",
            "registry",
            "layout",
            "journal",
            "copier",
            "server",
            "mirror",
            "bundle",
            "verify",
            "queue",
            "status",
            "bench",
        ],
    ),
];

/// The root package.
const BINARY: &str = "the binary";

/// Crates from outside that only some rooms may know.
const GUESTS: [(&str, &[&str]); 22] = [
    ("async-nats", &["queue"]),
    ("reqwest", &["registry"]),
    ("tower", &["registry"]),
    ("oci-client", &["registry"]),
    ("rustls", &["registry", "server", "testkit"]),
    ("tokio-rustls", &["server", "testkit"]),
    ("bcrypt", &["server"]),
    ("rustls-native-certs", &["registry"]),
    ("webpki-root-certs", &["registry"]),
    ("hyper", &["registry", "server", "status", "testkit"]),
    ("hyper-util", &["server", "status", "testkit"]),
    ("axum", &[]),
    ("sha2", &["content"]),
    ("libc", &["layout", "journal"]),
    ("tar", &["layout", "testkit"]),
    ("tempfile", &["layout", "journal", "bench", "testkit"]),
    ("rustix", &["bench"]),
    ("serde-saphyr", &["mirror"]),
    ("globset", &["mirror"]),
    ("clap", &[BINARY]),
    ("indicatif", &[BINARY]),
    ("tracing-subscriber", &[BINARY]),
];

/// What of tokio only some rooms may use.
const TOKIO: [(&str, &[&str]); 3] = [
    ("\"net\"", &["registry", "server", "status", "link", "bench", "testkit", BINARY]),
    ("\"fs\"", &["layout", "server", "testkit", BINARY]),
    ("\"process\"", &["auth", "testkit", BINARY]),
];

/// Rooms without a file system and a network, and what they would reach them by.
const SEALED: [&str; 4] = ["reference", "content", "pace", "copier"];
const OUTSIDE: [&str; 6] = ["std::fs", "fs::File", "TcpStream", "TcpListener", "UdpSocket", "std::process"];

/// What may not stand outside tests: an error that nobody handles is a bug that a user meets.
const PANICS: [&str; 8] = [
    ".unwrap()",
    ".expect(",
    ".unwrap_err()",
    ".expect_err(",
    "panic!(",
    "todo!(",
    "unimplemented!(",
    "unreachable!(",
];

/// The lints that deny what can panic on what a network says; nothing but tests may lift them.
const PANIC_LINTS: [&str; 9] = [
    "unwrap_used",
    "expect_used",
    "panic",
    "unreachable",
    "todo",
    "unimplemented",
    "indexing_slicing",
    "string_slice",
    "arithmetic_side_effects",
];

const MAX_FILE: usize = 400;
const MAX_FUNCTION: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rooms and their manifests.
fn manifests() -> Vec<(String, String)> {
    let mut found = vec![(BINARY.to_owned(), fs::read_to_string(root().join("Cargo.toml")).unwrap())];
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(text) = fs::read_to_string(path.join("Cargo.toml")) {
            found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), text));
        }
    }
    found
}

/// Every Rust file below `folder`, and its text, but for what was made in building.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                if !path.ends_with("target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found.sort();
    found
}

/// The files that make up the rooms, without those that only test them: path, room, and the text before its tests.
fn rooms() -> Vec<(PathBuf, String, String)> {
    let is_test = |path: &Path| {
        path.with_extension("").components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            matches!(&*part, "tests" | "benches" | "examples") || part.ends_with("_tests")
        })
    };
    let files = sources("crates").into_iter().filter(|(path, _)| !is_test(path));
    let rooms = files.map(|(path, text)| {
        let room = path.iter().nth(1).unwrap().to_string_lossy().into_owned();
        (path, room, code::without_tests(&text).to_owned())
    });
    rooms.collect()
}

/// Fails with all that was found, not only the first.
fn none(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn no_room_knows_a_room_that_it_should_not() {
    let mut broken = Vec::new();
    for (room, text) in manifests() {
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("crates/{room} has no row in ROOMS: say what it may be built on"));
            continue;
        };
        for entry in manifest::dependencies(&text) {
            let inside =
                ROOMS.iter().any(|(name, _)| *name == entry.key || entry.key == format!("transship-{name}"));
            if inside && !allowed.contains(&entry.key.as_str()) {
                broken.push(format!("{room} is built on {}", entry.key));
            }
        }
    }
    none(&broken);
}

/// What a log may show of others is little, so the log must know which rooms are ours.
#[test]
fn the_log_knows_every_room_of_the_binary() {
    let log = fs::read_to_string(root().join("crates/cli/render/log.rs")).unwrap();
    let listed = log.split("const ROOMS").nth(1).and_then(|rest| rest.split(';').nth(1)).unwrap();
    let (_, rooms) = ROOMS.iter().find(|(name, _)| *name == BINARY).unwrap();
    let silent = rooms.iter().filter(|room| !listed.contains(&format!("\"{room}\"")));
    none(&silent.map(|room| format!("crates/cli/render/log.rs: {room} is not in ROOMS")).collect::<Vec<_>>());
}

#[test]
fn no_room_has_a_guest_that_belongs_elsewhere() {
    let mut broken = Vec::new();
    for (room, text) in manifests() {
        for entry in manifest::dependencies(&text) {
            let guest = GUESTS.iter().find(|(name, _)| *name == entry.key);
            if guest.is_some_and(|(_, hosts)| !hosts.contains(&room.as_str())) {
                broken.push(format!("{room} is built on {}", entry.key));
            }
            let features =
                TOKIO.iter().filter(|(feature, _)| entry.key == "tokio" && entry.value.contains(feature));
            for (feature, hosts) in features {
                if !hosts.contains(&room.as_str()) {
                    broken.push(format!("{room} uses {feature} of tokio"));
                }
            }
        }
    }
    none(&broken);
}

#[test]
fn sealed_rooms_have_no_way_out() {
    let mut broken = Vec::new();
    for (path, _, text) in rooms().into_iter().filter(|(_, room, _)| SEALED.contains(&room.as_str())) {
        let code = code::blank(&text);
        let exits = OUTSIDE.iter().filter(|name| code.contains(**name));
        broken.extend(exits.map(|name| format!("{}: {name}", path.display())));
    }
    none(&broken);
}

#[test]
fn every_crate_inherits_the_lints() {
    let mut broken = Vec::new();
    for (room, text) in manifests() {
        let inherits = |entry: &manifest::Entry| entry.table == "lints" && entry.key == "workspace";
        if !manifest::entries(&text).iter().any(|entry| inherits(entry) && entry.value == "true") {
            broken.push(format!("{room}: [lints] workspace = true is missing"));
        }
    }
    none(&broken);
}

#[test]
fn every_file_opens_with_its_card() {
    let mut broken = Vec::new();
    for folder in ["crates", "tests", "benches", "fuzz"] {
        let files = sources(folder).into_iter().filter(|(_, text)| !text.starts_with("//! "));
        broken.extend(files.map(|(path, _)| format!("{}: no `//!` line at the top", path.display())));
    }
    none(&broken);
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let long = rooms().into_iter().filter(|(_, _, text)| text.lines().count() > MAX_FILE);
    let broken: Vec<_> =
        long.map(|(path, _, text)| format!("{}: {} lines", path.display(), text.lines().count())).collect();
    none(&broken);
}

#[test]
fn no_function_is_longer_than_60_lines() {
    let mut broken = Vec::new();
    let mut lengths = Vec::new();
    for (path, _, text) in rooms() {
        for (line, length) in code::functions(&code::blank(&text)) {
            lengths.push(length);
            if length > MAX_FUNCTION {
                broken.push(format!("{}:{line}: {length} lines", path.display()));
            }
        }
    }
    lengths.sort_unstable();
    let at = |percent: usize| lengths.get(lengths.len() * percent / 100).copied().unwrap_or_default();
    println!("{} functions: median {} lines, p90 {}", lengths.len(), at(50), at(90));
    none(&broken);
}

#[test]
fn nothing_panics_outside_tests() {
    let mut broken = Vec::new();
    for (path, _, text) in rooms().into_iter().filter(|(_, room, _)| room != "testkit") {
        for (number, line) in code::blank(&text).lines().enumerate() {
            let found = PANICS.iter().filter(|panic| line.contains(**panic));
            broken.extend(found.map(|panic| format!("{}:{}: {panic}", path.display(), number + 1)));
        }
    }
    none(&broken);
}

#[test]
fn no_room_lifts_the_lints_against_panics() {
    let mut broken = Vec::new();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for lint in PANIC_LINTS {
        let kept = |entry: &manifest::Entry| entry.table == "workspace.lints.clippy" && entry.key == lint;
        if !manifest::entries(&workspace).iter().any(|entry| kept(entry) && entry.value == "\"warn\"") {
            broken.push(format!("Cargo.toml: {lint} = \"warn\" is missing; CI turns warnings into errors"));
        }
    }
    for (path, _, text) in rooms().into_iter().filter(|(_, room, _)| room != "testkit") {
        // An attribute may span lines, so the text is looked at without them.
        let text = code::blank(&text).split_whitespace().collect::<String>();
        for attribute in text.split("#![").chain(text.split("#[")).skip(1) {
            let attribute = attribute.split(']').next().unwrap();
            let lifts = ["allow(", "expect("].iter().any(|level| attribute.starts_with(level));
            let lint = PANIC_LINTS.iter().find(|lint| attribute.contains(&format!("clippy::{lint}")));
            if let Some(lint) = lint.filter(|_| lifts) {
                broken.push(format!("{}: {lint} is lifted", path.display()));
            }
        }
    }
    none(&broken);
}
