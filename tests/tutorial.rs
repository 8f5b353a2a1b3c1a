//! The tutorial: every command of `docs/air-gap.md` is run, in order, in one shell, and prints what the page says.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a page that is wrong stops the test"
)]
use std::{fs, path::Path, process::Command};

use testkit::free_port;

const PAGE: &str = "docs/air-gap.md";
/// The ports of the page's two registries.
const PORTS: [&str; 2] = ["5000", "5001"];
/// Stands between the outputs of two blocks.
const MARK: &str = "=== block ";

/// Commands, and what they are to print; nothing is said where there is no text below them.
struct Block {
    line: usize,
    commands: String,
    prints: Option<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let (mut blocks, mut fence): (Vec<Block>, Option<&str>) = (Vec::new(), None);
    for (number, line) in page.lines().enumerate() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                fence = Some(kind);
                match kind {
                    "sh" => blocks.push(Block { line: number + 1, commands: String::new(), prints: None }),
                    "text" => blocks.last_mut().unwrap().prints = Some(String::new()),
                    other => panic!("{PAGE}:{}: nobody runs a block of {other:?}", number + 1),
                }
            }
            (Some(_), Some(_)) => fence = None,
            (Some("sh"), None) => blocks.last_mut().unwrap().commands.extend([line, "\n"]),
            (Some(_), None) => {
                let last = blocks.last_mut().unwrap();
                last.prints.as_mut().unwrap().extend([line, "\n"]);
            }
            (None, None) => {}
        }
    }
    blocks
}

/// Runs all blocks in a shell that stops at the first that fails; what each printed to stdout.
fn run(blocks: &[Block], dir: &Path, ports: [u16; 2]) -> Vec<String> {
    let mut script = "outside= inside=\ntrap 'kill $outside $inside 2>/dev/null || true' EXIT\n".to_owned();
    for block in blocks {
        script.extend(["echo '", MARK, &block.line.to_string(), "'\n", &block.commands]);
    }
    for (written, port) in PORTS.iter().zip(ports) {
        script = script.replace(&format!("localhost:{written}"), &format!("localhost:{port}"));
    }
    let bin = Path::new(env!("CARGO_BIN_EXE_transship")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let (out, err) = (dir.join("stdout"), dir.join("stderr"));
    let status = Command::new("sh")
        .args(["-eu", "-c", &script])
        .current_dir(dir)
        .env_clear()
        .envs([("PATH", path), ("HOME", dir.display().to_string())])
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&err).unwrap())
        .status()
        .unwrap();
    let (out, err) = (fs::read_to_string(out).unwrap(), fs::read_to_string(err).unwrap());
    assert!(status.success(), "{status}\n--- stdout\n{out}\n--- stderr\n{err}");
    let mut printed = out;
    for (written, port) in PORTS.iter().zip(ports) {
        printed = printed.replace(&format!("localhost:{port}"), &format!("localhost:{written}"));
    }
    let outputs = printed.split(MARK).skip(1).map(|part| part.split_once('\n').unwrap().1.to_owned());
    outputs.collect()
}

/// Whether a line is what the page says; its `...` stands for anything.
fn fits(line: &str, said: &str) -> bool {
    let Some((begins, last)) = said.rsplit_once("...") else { return line == said };
    let mut parts = begins.split("...");
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap()) else { return false };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[test]
fn every_command_of_the_tutorial_runs_and_prints_what_the_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let blocks = blocks(&fs::read_to_string(root.join(PAGE)).unwrap());
    let dir = tempfile::tempdir().unwrap();
    // The page is read in a clone.
    std::os::unix::fs::symlink(root.join("fixtures"), dir.path().join("fixtures")).unwrap();
    let printed = run(&blocks, dir.path(), [free_port(), free_port()]);
    assert_eq!(printed.len(), blocks.len());
    for (block, printed) in blocks.iter().zip(printed) {
        let Some(said) = &block.prints else { continue };
        let lines = || printed.lines().zip(said.lines());
        let same =
            printed.lines().count() == said.lines().count() && lines().all(|(line, said)| fits(line, said));
        assert!(same, "{PAGE}:{}: the page says\n{said}\nand this is printed\n{printed}", block.line);
    }
}

#[test]
fn dots_stand_for_anything() {
    assert!(fits("a sha256:00 b", "a sha256:... b") && fits("a b", "a ..."));
    assert!(fits("same", "same") && !fits("same again", "same") && !fits("a c", "a ... b"));
}
