//! Pages of results that nobody measured, to be looked at: `cargo run --example pages -- DIRECTORY`.
use std::{fs, io, path::PathBuf};

#[path = "../tests/page/fixture.rs"]
mod fixture;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    fs::create_dir_all(&folder)?;
    for (name, results) in fixture::all() {
        fs::write(folder.join(format!("{name}.html")), bench::page(&results))?;
    }
    Ok(())
}
