//! A real image: Debian's smallest root file system for two architectures, packed by umoci, pushed by skopeo, its
//! index made by buildah. None of it is our code.
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
};

use testkit::run;

use crate::clients::skopeo;

const MIRROR: &str = "http://deb.debian.org/debian";
const SUITE: &str = "bookworm";
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
/// What a container does without.
const LEFT_OUT: [&str; 8] = [
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "debootstrap",
    "dev",
    "proc",
];

/// Pushes the image to `repository` (`HOST/REPO`) under the tag `12`: an index of two images.
pub(crate) fn push(repository: &str) {
    let layout = layout();
    for architecture in ARCHITECTURES {
        let from = format!("oci:{}:{architecture}", layout.display());
        skopeo(&[
            "copy",
            "-q",
            "--dest-tls-verify=false",
            &from,
            &format!("docker://{repository}:{architecture}"),
        ]);
    }
    let dir = tempfile::tempdir().unwrap();
    let buildah = |arguments: &[&str]| {
        let mut command = Command::new("buildah");
        command.args(["--storage-driver", "vfs", "--root"]).arg(dir.path().join("root"));
        command.arg("--runroot").arg(dir.path().join("run")).args(arguments);
        run(&mut command)
    };
    buildah(&["manifest", "create", "debian"]);
    for architecture in ARCHITECTURES {
        let image = format!("docker://{repository}:{architecture}");
        buildah(&["manifest", "add", "--tls-verify=false", "debian", &image]);
    }
    let index = format!("docker://{repository}:12");
    buildah(&["manifest", "push", "--tls-verify=false", "--all", "debian", &index]);
}

/// An OCI layout with one image an architecture, made once and kept in the target directory.
fn layout() -> &'static Path {
    static LAYOUT: OnceLock<PathBuf> = OnceLock::new();
    LAYOUT.get_or_init(|| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("debian-{SUITE}"));
        if !kept.exists() {
            let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
            let layout = make(work.path());
            fs::rename(layout, &kept).unwrap();
        }
        kept
    })
}

fn make(work: &Path) -> PathBuf {
    thread::scope(|scope| {
        for architecture in ARCHITECTURES {
            scope.spawn(move || bootstrap(architecture, &work.join(architecture)));
        }
    });
    let layout = work.join("layout");
    let umoci = |arguments: &[&str]| run(Command::new("umoci").args(arguments));
    umoci(&["init", "--layout", &text(&layout)]);
    for architecture in ARCHITECTURES {
        let (image, root) = (format!("{}:{architecture}", layout.display()), work.join(architecture));
        umoci(&["new", "--image", &image]);
        let platform = ["--architecture", architecture, "--os", "linux", "--config.cmd", "/bin/bash"];
        umoci(&[&["config", "--image", &image], &platform[..]].concat());
        // Three layers: libraries, programs, the rest.
        for part in ["usr/lib", "usr", ""] {
            let aside = work.join("aside");
            if part.is_empty() {
                umoci(&["insert", "--image", &image, &text(&root), "/"]);
            } else {
                fs::rename(root.join(part), &aside).unwrap();
                umoci(&["insert", "--image", &image, &text(&aside), &format!("/{part}")]);
                fs::remove_dir_all(&aside).unwrap();
            }
        }
    }
    umoci(&["gc", "--layout", &text(&layout)]);
    layout
}

/// The first stage unpacks the packages, and needs no processor of that architecture.
fn bootstrap(architecture: &str, dir: &Path) {
    let mut command = Command::new("debootstrap");
    command.args(["--foreign", "--variant=minbase", &format!("--arch={architecture}"), SUITE]);
    run(command.arg(dir).arg(MIRROR));
    for path in LEFT_OUT {
        let path = dir.join(path);
        if path.exists() {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
