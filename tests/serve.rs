//! `transship serve` as a user starts it: where it listens, who may come in, what it says and how it ends.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a promise that is broken stops the test, and one of them prints its figures"
)]
#[allow(dead_code, reason = "each test program uses its own part")]
#[path = "cli/run.rs"]
mod run;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::ChildStdin,
};

use content::Hasher;
use reference::Algorithm;
use run::Home;
use serde_json::Value;
use testkit::{Archive, Archived, Authority, Running, ignores_hangups, until};

const IMAGES: &str = "oci:fixtures/images";
/// The password is canary-of-ann.
const ANN: &str = "ann:$2y$04$Neiwn0g.Sgc9dbjUirJVy.HvIe//VB3TpwXm/cfdCkk7XsQa2.o36";
const HELLO: &str = "sha256:f2b0b16a597e33d6aa601c9e0c91c118633e1277271608e656fab719c640634c";

/// What a server may hold, in KiB. A program that is not optimised has some 20 MiB of code more in memory, and each
/// thread of a large machine keeps memory of its own.
const HELD: u64 = if cfg!(debug_assertions) { 128 } else { 64 } * 1024;

/// A registry that listens.
struct Serving {
    process: Running,
    _stdin: ChildStdin,
    said: Value,
    host: String,
}

impl Serving {
    fn start(home: &Home, words: &[&str]) -> Self {
        let words = [&["serve", "--listen", "127.0.0.1:0", "--output", "json"], words].concat();
        let (process, stdin) = home.start(&words);
        let said: Value = serde_json::from_str(&process.first_line()).unwrap();
        let host = said["listening"].as_str().unwrap().to_owned();
        Self { process, _stdin: stdin, said, host }
    }

    fn named(&self, name: &str) -> String {
        format!("{}/{name}", self.host)
    }

    fn stop(self) -> testkit::Run {
        self.process.signal("TERM");
        self.process.wait().exits(0)
    }
}

/// The answer to one request, head and body.
fn ask(host: &str, request: &str, headers: &str) -> String {
    String::from_utf8_lossy(&ask_bytes(host, request, headers)).into_owned()
}

fn ask_bytes(host: &str, request: &str, headers: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn a_directory_is_a_registry_as_it_stands_and_is_left_as_it_was() {
    let home = Home::new();
    let serving = Serving::start(&home, &[IMAGES]);
    let said = &serving.said;
    assert_eq!(
        (&said["repositories"], &said["tags"], &said["writable"]),
        (&3.into(), &3.into(), &false.into())
    );
    assert_eq!(said["url"], format!("http://{}", serving.host));
    assert_eq!(said["layouts"][0], IMAGES);
    let copied = home.path("copied");
    home.run(&["copy", &serving.named("hello:v1"), &format!("oci:{copied}")]).exits(0);
    let refused = home.run(&["copy", &format!("oci:{copied}"), &serving.named("other:v1")]);
    refused.exits(6).says("this registry is read-only").says("nothing can be pushed there");
    // All blobs are there, and the manifest is what is refused.
    let refused = home.run(&["copy", &format!("oci:{copied}"), &serving.named("hello:v2")]);
    refused.exits(6).says("this registry is read-only").says("nothing can be pushed there");
    let run = serving.stop();
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    let index: Value = serde_json::from_slice(&fs::read(format!("{copied}/index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"][0]["digest"], HELLO);
}

/// Asks for a layer of 64 MiB and reads the head of the answer: more is under way than any buffer holds.
fn under_way(serving: &Serving, image: &Archived) -> TcpStream {
    let mut stream = TcpStream::connect(&serving.host).unwrap();
    write!(stream, "GET /v2/app/blobs/{} HTTP/1.1\r\nHost: x\r\n\r\n", image.layer).unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    stream
}

#[test]
fn a_server_ends_well_by_each_signal_and_finishes_what_is_under_way() {
    let home = Home::new();
    let image = archive(&home, "images.tar", "app:v1", GIB / 16);
    for signal in ["INT", "TERM", "HUP"].into_iter().filter(|name| *name != "HUP" || !ignores_hangups()) {
        let serving = Serving::start(&home, &[&home.path("images.tar")]);
        let mut stream = under_way(&serving, &image);
        serving.process.signal(signal);
        serving.process.says("waiting for requests under way");
        assert!(TcpStream::connect(&serving.host).is_err(), "nobody else is let in");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert!(rest.len() as u64 > GIB / 16);
        serving.process.wait().exits(0);
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let home = Home::new();
    let image = archive(&home, "images.tar", "app:v1", GIB / 16);
    let serving = Serving::start(&home, &[&home.path("images.tar")]);
    let _unread = under_way(&serving, &image);
    serving.process.signal("TERM");
    serving.process.says("waiting for requests under way");
    serving.process.signal("TERM");
    serving.process.wait().exits(0).says("another signal ends this at once");
}

#[test]
fn what_others_write_is_seen_and_what_is_pushed_is_kept() {
    let home = Home::new();
    let store = format!("oci:{}", home.path("store"));
    let serving = Serving::start(&home, &["--writable", &store]);
    assert_eq!(serving.said["repositories"], 0);
    home.run(&["copy", "oci:fixtures/images:hello:v1", &serving.named("pushed:v1")]).exits(0);
    home.run(&["copy", "oci:fixtures/images:hello:v1", &format!("{store}:beside:v1")]).exits(0);
    for name in ["pushed:v1", "beside:v1"] {
        let answer = ask(&serving.host, &format!("HEAD /v2/{}", name.replace(':', "/manifests/")), "");
        assert!(answer.contains(HELLO), "{answer}");
    }
    serving.stop();
    let again = Serving::start(&home, &[&store]);
    assert_eq!((&again.said["repositories"], &again.said["tags"]), (&2.into(), &2.into()));
    again.stop();
}

#[test]
fn with_users_nobody_else_comes_in_and_no_password_is_told() {
    let home = Home::new();
    let users = home.file("users", &format!("# who may pull\n{ANN}\n"));
    let serving = Serving::start(&home, &["-v", "--htpasswd", &users, IMAGES]);
    let refused = ask(&serving.host, "GET /v2/", "");
    assert!(refused.starts_with("HTTP/1.1 401") && refused.contains("UNAUTHORIZED"), "{refused}");
    assert!(refused.to_lowercase().contains("www-authenticate: basic realm="), "{refused}");
    let to = format!("oci:{}", home.path("copied"));
    home.run(&["copy", &serving.named("hello:v1"), &to]).exits(3);
    let copy = ["copy", &serving.named("hello:v1"), &to, "-u", "ann", "--password-stdin"];
    home.run_with(&copy, "canary-of-bob").exits(3);
    home.run_with(&copy, "canary-of-ann").exits(0);
    let run = serving.stop();
    let pulled = |line: &&str| line.contains("user=\"ann\"") && line.contains("status=200");
    assert!(run.log.lines().filter(pulled).count() > 5, "{run}");
    assert!(run.log.contains("method=\"GET\" path=\"/v2/\" status=401"), "{run}");
}

#[test]
fn with_a_certificate_it_speaks_tls_alone() {
    let home = Home::new();
    let authority = Authority::new();
    let certificate = home.file("server.pem", authority.certificate_pem());
    let key = home.file("server.key", authority.key_pem());
    let root = home.file("root.pem", authority.root_pem());
    let serving = Serving::start(&home, &["--tls-cert", &certificate, "--tls-key", &key, IMAGES]);
    assert_eq!(serving.said["url"], format!("https://{}", serving.host));
    let to = format!("oci:{}", home.path("copied"));
    for http2 in [&[][..], &["--http2"]] {
        let copy = ["copy", &serving.named("hello:v1"), &to, "--tls", &serving.host, "--ca-file", &root];
        home.run(&[&copy, http2].concat()).exits(0);
        fs::remove_dir_all(home.path("copied")).unwrap();
    }
    home.run(&["copy", &serving.named("hello:v1"), &to, "--tls", &serving.host]).exits(3);
    serving.stop();
}

#[test]
fn a_renewed_certificate_is_taken_without_a_restart_and_one_that_makes_no_sense_is_not() {
    let home = Home::new();
    let (old, new) = (Authority::new(), Authority::new());
    let certificate = home.file("server.pem", old.certificate_pem());
    let key = home.file("server.key", old.key_pem());
    let root = home.file("root.pem", new.root_pem());
    let serving = Serving::start(&home, &["--tls-cert", &certificate, "--tls-key", &key, IMAGES]);
    let to = format!("oci:{}", home.path("copied"));
    let copy = ["copy", &serving.named("hello:v1"), &to, "--tls", &serving.host, "--ca-file", &root];
    home.run(&copy).exits(3);
    fs::write(&certificate, new.certificate_pem()).unwrap();
    fs::write(&key, new.key_pem()).unwrap();
    until("the new certificate", || home.run(&copy).code == 0);
    fs::write(&key, "no key").unwrap();
    serving.process.says("there is no private key in it; the old certificate stays");
    home.run(&copy).exits(0);
    serving.stop();
}

#[test]
fn several_layouts_are_one_registry_and_what_they_share_is_told() {
    let home = Home::new();
    let more = home.path("more");
    home.run(&["copy", "oci:fixtures/images:note:v1", &format!("oci:{more}:hello:v1")]).exits(0);
    home.run(&["copy", "oci:fixtures/images:note:v1", &format!("oci:{more}:hello:v2")]).exits(0);
    let serving = Serving::start(&home, &[IMAGES, &more]);
    let tags = ask(&serving.host, "GET /v2/hello/tags/list", "");
    assert!(tags.ends_with(r#"{"name":"hello","tags":["v1","v2"]}"#), "{tags}");
    assert!(ask(&serving.host, "HEAD /v2/hello/manifests/v1", "").contains(HELLO));
    let warning = serving.said["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("the repository hello is in oci:fixtures/images and in "), "{warning}");
    assert!(warning.ends_with("what stands first counts for v1"), "{warning}");
    serving.stop();
}

#[test]
fn whatever_cannot_be_served_is_said_before_anybody_is_let_in() {
    let home = Home::new();
    let authority = Authority::new();
    let certificate = home.file("server.pem", authority.certificate_pem());
    let key = home.file("server.key", authority.key_pem());
    let stray = home.file("stray.key", Authority::new().key_pem());
    let empty = home.file("empty", "");
    let users = home.file("users", "# ours\n\nann:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n");
    let missing = home.path("missing");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let cases: &[(&[&str], i32, &str)] = &[
        (&[], 2, "LAYOUT"),
        (&[IMAGES, "--tls-cert", &certificate], 2, "--tls-key"),
        (
            &[IMAGES, "--tls-cert", &certificate, "--tls-key", &stray],
            2,
            "does not belong to the first certificate",
        ),
        (&[IMAGES, "--tls-cert", &empty, "--tls-key", &key], 2, "there is no certificate in it"),
        (&[IMAGES, "--tls-cert", &certificate, "--tls-key", &empty], 2, "there is no private key in it"),
        (&[IMAGES, "--tls-cert", &missing, "--tls-key", &key], 9, "cannot read"),
        (&[IMAGES, "--htpasswd", &users], 2, "users:3: the password of \"ann\" is not hashed by bcrypt"),
        (&[IMAGES, "--htpasswd", &empty], 2, "names no user"),
        (&[IMAGES, "--htpasswd", &missing], 9, "cannot read"),
        (&[IMAGES, "--listen", "5000"], 2, "is no ADDR:PORT"),
        (&[IMAGES, "--listen", &taken], 9, "cannot listen on"),
        (&[IMAGES, "fixtures/images"], 2, "named twice"),
        (&["oci:fixtures/images:hello:v1"], 2, "served as a whole"),
        (&[&missing], 4, "there is no such file or directory"),
        (&["fixtures"], 4, "it is no OCI image layout"),
        (&["--writable", IMAGES, &missing], 2, "several layouts cannot be written to"),
        (&["--repository", "No Name", IMAGES], 2, "--repository"),
    ];
    for (words, code, what) in cases {
        let run = home.run(&[&["serve"], *words].concat());
        assert_eq!(run.code, *code, "{words:?}: {run}");
        assert!(run.stderr.contains(what), "{words:?}: {run}");
        assert!(run.stdout.is_empty(), "{run}");
    }
    assert!(!std::path::Path::new(&missing).exists());
}

#[test]
fn a_range_of_a_blob_comes_alone() {
    let home = Home::new();
    let serving = Serving::start(&home, &[IMAGES]);
    let blob = "/v2/hello/blobs/sha256:17ccb39f3cf6f4dbab0a44610e5b530a322fd45435bfe68243f316d14b23e6fa";
    let whole = ask_bytes(&serving.host, &format!("GET {blob}"), "");
    let part = ask_bytes(&serving.host, &format!("GET {blob}"), "Range: bytes=100-199\r\n");
    let head = String::from_utf8_lossy(&part);
    assert!(head.starts_with("HTTP/1.1 206") && head.contains("content-range: bytes 100-199/715"), "{head}");
    let body = &whole[whole.len() - 715..];
    assert_eq!(part[part.len() - 100..], body[100..200]);
    assert_eq!(part[part.len() - 104..part.len() - 100], *b"\r\n\r\n");
    serving.stop();
}

const GIB: u64 = 1024 * 1024 * 1024;

/// An archive in `home` of one image, whose layer is zeros and takes no room on disk.
fn archive(home: &Home, file: &str, name: &str, size: u64) -> Archived {
    let mut archive = Archive::create(home.path(file).as_ref());
    // Who only reads parts of it does not learn that it is another's.
    let image = archive.image(name, size, Hasher::digest(Algorithm::Sha256, name.as_bytes()));
    archive.finish();
    image
}

#[test]
fn an_archive_is_a_registry_and_nothing_is_unpacked() {
    let home = Home::new();
    let image = archive(&home, "My Images.tar", "v1", 1000);
    let named = format!("oci-archive:{}", home.path("My Images.tar"));
    for path in [&named, &home.path("My Images.tar")] {
        let serving = Serving::start(&home, &[path]);
        assert_eq!((&serving.said["repositories"], &serving.said["tags"]), (&1.into(), &1.into()));
        let head = ask(&serving.host, "HEAD /v2/my-images/manifests/v1", "");
        assert!(head.contains(&image.manifest.to_string()), "{head}");
        let layer = ask_bytes(&serving.host, &format!("GET /v2/my-images/blobs/{}", image.layer), "");
        assert_eq!(layer[layer.len() - 1000..], [0; 1000]);
        serving.stop();
    }
    let refused = home.run(&["serve", "--writable", &named]).exits(2);
    refused.says("archives are not written to").says("unpack it with tar");
    let beside: Vec<_> =
        fs::read_dir(home.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["My Images.tar"]);
}

#[test]
fn an_archive_that_is_replaced_is_seen_without_a_restart() {
    let home = Home::new();
    archive(&home, "images.tar", "app:v1", 1000);
    let serving = Serving::start(&home, &[&home.path("images.tar")]);
    archive(&home, "next.tar", "app:v2", 2000);
    fs::rename(home.path("next.tar"), home.path("images.tar")).unwrap();
    let tags = ask(&serving.host, "GET /v2/app/tags/list", "");
    assert!(tags.ends_with(r#"{"name":"app","tags":["v2"]}"#), "{tags}");
    let manifest = ask(&serving.host, "GET /v2/app/manifests/v2", "");
    let layer = Hasher::digest(Algorithm::Sha256, b"app:v2").to_string();
    assert!(manifest.contains(&layer), "{manifest}");
    let answer = ask(&serving.host, &format!("HEAD /v2/app/blobs/{layer}"), "");
    assert!(answer.contains("content-length: 2000"), "{answer}");
    serving.stop();
}

#[test]
fn an_archive_that_is_damaged_or_none_is_refused_at_the_start() {
    let home = Home::new();
    archive(&home, "whole.tar", "app:v1", 1000);
    let whole = fs::read(home.path("whole.tar")).unwrap();
    fs::write(home.path("cut.tar"), &whole[..2000]).unwrap();
    home.run(&["serve", &home.path("cut.tar")]).exits(5);
    let text = home.file("text.tar", &"no archive, but a text of some length\n".repeat(100));
    assert_ne!(home.run(&["serve", &text]).code, 0);
}

/// Reads so many bytes of a blob as they come; they are all zeros.
fn pull(host: &str, layer: &str, from: u64, length: u64) {
    let mut stream = TcpStream::connect(host).unwrap();
    let last = from + length - 1;
    write!(
        stream,
        "GET {layer} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes={from}-{last}\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::with_capacity(1024 * 1024, stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 206"), "{head}");
    let (mut some, mut got) = (vec![0; 1024 * 1024], 0);
    while let length @ 1.. = reader.read(&mut some).unwrap() {
        assert!(some[..length].iter().all(|byte| *byte == 0));
        got += length as u64;
    }
    assert_eq!(got, length);
}

#[test]
fn an_archive_of_5_gib_takes_at_most_64_mib() {
    let home = Home::new();
    let image = archive(&home, "large.tar", "app:v1", 5 * GIB);
    let started = std::time::Instant::now();
    let serving = Serving::start(&home, &[&home.path("large.tar")]);
    let head = ask(&serving.host, "GET /v2/app/manifests/v1", "");
    assert!(head.contains(&image.layer.to_string()), "{head}");
    let layer = format!("/v2/app/blobs/{}", image.layer);
    pull(&serving.host, &layer, 5 * GIB - 1000, 1000);
    println!(
        "first pull answered {:?} after the start; {} KiB held",
        started.elapsed(),
        serving.process.peak()
    );
    std::thread::scope(|scope| {
        for part in 0..200 {
            let (host, layer) = (&serving.host, &layer);
            scope.spawn(move || pull(host, layer, part % 40 * GIB / 8, GIB / 256));
        }
    });
    let peak = serving.process.peak();
    println!("200 clients at once, {} MiB in all: {peak} KiB held", 200 * 1024 / 256);
    assert!(peak > 0 && peak <= HELD, "{peak} KiB");
    serving.stop();
}
