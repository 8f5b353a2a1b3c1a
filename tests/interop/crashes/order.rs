//! What a power failure leaves: the order in which the kernel was asked to make things durable, as strace saw it.
use std::{fs, path::Path, process::Command};

use super::{Scene, steps::counted};

/// The calls that change files or make them durable, as strace names them.
const CALLS: &str = "openat,open,creat,write,pwrite64,writev,fsync,fdatasync,flock,rename,renameat,renameat2,mkdir,mkdirat,\
                     unlink,unlinkat,rmdir,link,linkat,symlink,symlinkat,truncate,ftruncate,fallocate,copy_file_range,sendfile";

/// One call that ended well: its name, its first path and its second.
#[derive(Debug)]
struct Call {
    name: String,
    paths: Vec<String>,
    line: String,
}

/// Runs the copy under strace; the calls below `dir`, in the order in which they began.
fn traced(scene: &Scene) -> Vec<Call> {
    let log = scene.home().join("strace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "0", "-e"]).arg(format!("trace={CALLS}")).arg("-o").arg(&log);
    command.arg(env!("CARGO_BIN_EXE_transship")).args(["copy", &scene.from, &scene.to()]);
    testkit::run(
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", scene.home()),
    );
    let text = fs::read_to_string(log).unwrap();
    text.lines().filter_map(|line| Call::read(line, &scene.dir())).collect()
}

impl Call {
    fn is_write(&self) -> bool {
        ["write", "pwrite64"].contains(&self.name.as_str())
    }

    /// `PID name(3</path>, ...` or `PID name("/path", "/other") = 0`; the second half of a call that another
    /// interrupted has been told already.
    fn read(line: &str, dir: &Path) -> Option<Self> {
        let (_, call) = line.split_once(char::is_whitespace)?;
        let (name, arguments) = call.trim_start().split_once('(')?;
        if name.starts_with("<...") || arguments.contains("= -1 ") || arguments.contains("AT_REMOVEDIR") {
            return None;
        }
        let is_below = |path: &&str| Path::new(path).starts_with(dir);
        let paths = arguments.split(['"', '<', '>']).filter(is_below).map(str::to_owned).collect::<Vec<_>>();
        (!paths.is_empty()).then(|| Self { name: name.to_owned(), paths, line: line.to_owned() })
    }

    fn is_step(&self) -> bool {
        !self.name.starts_with("open") || self.line.contains("O_CREAT")
    }

    fn path(&self) -> &str {
        &self.paths[0]
    }
}

/// What must be durable once the copy has said that it is done, is so: each file before it gets its name, and each
/// name before anything that counts on it.
#[test]
fn every_rename_follows_a_sync_of_the_file_and_precedes_one_of_the_directory() {
    for scene in [Scene::into_nothing(), Scene::over_an_old_one()] {
        scene.reset();
        let calls = traced(&scene);
        scene.is_done("traced");
        let synced =
            |span: &[Call], path: &str| span.iter().any(|call| call.name == "fsync" && call.path() == path);
        let renames = || calls.iter().enumerate().filter(|(_, call)| call.name.starts_with("rename"));
        let index = scene.dir().join("index.json");
        let is_index = |call: &Call| call.name.starts_with("rename") && Path::new(&call.paths[1]) == index;
        let last = calls.iter().rposition(is_index).unwrap();
        for (at, call) in renames() {
            let [from, to] = [&call.paths[0], &call.paths[1]];
            let written = calls[..at].iter().rposition(|call| call.is_write() && call.path() == from);
            assert!(synced(&calls[written.unwrap()..at], from), "no sync before {}", call.line);
            let parent = Path::new(to).parent().unwrap().to_str().unwrap();
            // A blob's name is durable before the index that counts on it has its own.
            let by = if at < last { last } else { calls.len() };
            assert!(synced(&calls[at..by], parent), "no sync of the directory after {}", call.line);
        }
        assert!(renames().count() >= 5);
        for made in calls.iter().filter(|call| call.name == "mkdir" && !call.path().contains(".transship")) {
            let parent = Path::new(made.path()).parent().unwrap().to_str().unwrap();
            assert!(parent.ends_with("target") || synced(&calls, parent), "no sync after {}", made.line);
        }
    }
}

/// Another program, or a run that was killed in between, may have left blobs whole and not durable.
#[test]
fn blobs_that_are_there_already_are_made_durable_before_an_index_counts_on_them() {
    let scene = Scene::over_an_old_one();
    scene.reset();
    scene.lay_blobs();
    let calls = traced(&scene);
    scene.is_done("traced");
    let index = calls.iter().rposition(|call| call.name.starts_with("rename")).unwrap();
    let synced = |path: &Path| {
        calls[..index].iter().any(|call| call.name == "fsync" && Path::new(call.path()) == path)
    };
    let blobs = scene.dir().join("blobs/sha256");
    for name in scene.new_blobs() {
        assert!(synced(&blobs.join(&name)), "{name}");
    }
    for directory in [&*blobs, &scene.dir().join("blobs"), &scene.dir()] {
        assert!(synced(directory), "{}", directory.display());
    }
    let moved = calls.iter().filter(|call| call.name.starts_with("rename")).count();
    assert_eq!(moved, 1, "the index alone is written");
}

/// Nothing is changed behind the back of the tests that kill at every step.
#[test]
fn the_steps_that_are_counted_are_those_that_the_kernel_sees() {
    let scene = Scene::over_an_old_one();
    scene.reset();
    let mut seen: Vec<String> =
        traced(&scene).iter().filter(|call| call.is_step()).map(|call| call.name.clone()).collect();
    scene.reset();
    let program = counted(&scene.dir());
    program.run(&["copy", &scene.from, &scene.to()]).exits(0);
    let log = fs::read_to_string(program.home().join("steps")).unwrap();
    let mut counted: Vec<&str> = log.lines().map(|line| line.split(' ').next().unwrap()).collect();
    seen.iter_mut().filter(|name| name.starts_with("open")).for_each(|name| *name = "create".to_owned());
    seen.iter_mut().filter(|name| *name == "pwrite64").for_each(|name| *name = "write".to_owned());
    seen.sort();
    counted.sort_unstable();
    assert_eq!(seen, counted);
}
