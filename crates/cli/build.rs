//! Has the linker put together what a copy runs, where it can: `together.ld` says what, and why.
use std::{
    env,
    ffi::OsString,
    fs,
    path::Path,
    process::{Command, Stdio},
};

fn main() {
    let (script, off) = ("crates/cli/together.ld", "TRANSSHIP_NO_LINKER_SCRIPT");
    println!("cargo::rerun-if-changed={script}");
    println!("cargo::rerun-if-env-changed={off}");
    // Another linker may not take what the last one took.
    let target = env::var("TARGET").unwrap_or_default().to_uppercase().replace(['-', '.'], "_");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_{target}_LINKER");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let argument = format!("-Wl,-T,{}", Path::new(&root).join(script).display());
    if is("CARGO_CFG_TARGET_OS", "linux")
        && is("PROFILE", "release")
        && env::var_os(off).is_none()
        && links_with(&argument).unwrap_or(false)
    {
        println!("cargo::rustc-link-arg-bin=transship={argument}");
    }
}

/// Whether a program can be linked with `argument`. There are many linkers, and nobody says which one this will be.
/// What this does not see, as flags that come after it, is what the variable is for.
fn links_with(argument: &str) -> Option<bool> {
    let dir = env::var_os("OUT_DIR")?;
    let program = Path::new(&dir).join("empty");
    let source = program.with_extension("rs");
    fs::write(&source, "fn main() {}").ok()?;
    let mut rustc = Command::new(env::var_os("RUSTC")?);
    rustc.arg(&source).arg("-o").arg(&program).arg("--target").arg(env::var_os("TARGET")?);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut named = OsString::from("-Clinker=");
        named.push(linker);
        rustc.arg(named);
    }
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    rustc.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    rustc.arg("--cap-lints=allow").arg(format!("-Clink-arg={argument}"));
    let status = rustc.stdout(Stdio::null()).stderr(Stdio::null()).status();
    Some(status.ok()?.success())
}
