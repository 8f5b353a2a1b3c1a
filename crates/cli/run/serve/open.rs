//! The layouts that are served.
use std::path::{Path, PathBuf};

use layout::Layout;

use crate::{args::ServeArgs, failure::Failure, usage::Usage};

/// Where they are, each named once.
pub(super) fn paths(args: &ServeArgs) -> Result<Vec<PathBuf>, Failure> {
    let paths = args.layouts.iter().map(|text| path(text)).collect::<Result<Vec<_>, _>>()?;
    for (number, path) in paths.iter().enumerate() {
        if paths.iter().skip(number.saturating_add(1)).any(|other| is_same(path, other)) {
            return Err(Usage::new(format!("{} is named twice", path.display())).into());
        }
    }
    match paths.as_slice() {
        [path] if args.writable && path.is_file() => {
            let what = format!("{} is an archive, and archives are not written to", path.display());
            let hint = "unpack it with tar into a directory, and serve that with --writable";
            Err(Usage::about("--writable", what).hint(hint).into())
        }
        [_, _, ..] if args.writable => {
            let hint = "name the one that is to be written to";
            Err(Usage::about("--writable", "several layouts cannot be written to").hint(hint).into())
        }
        _ => Ok(paths),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().is_some_and(|one| Some(one) == other.canonicalize().ok())
}

/// `oci:DIR`, `oci-archive:FILE`, or a path as it is.
fn path(text: &str) -> Result<PathBuf, Usage> {
    let Some(rest) =
        ["ocidir://", "oci:", "oci-archive:"].iter().find_map(|prefix| text.strip_prefix(prefix))
    else {
        return Ok(PathBuf::from(text));
    };
    if rest.contains(':') {
        let what = format!("{text}: a layout is served as a whole");
        return Err(Usage::about("LAYOUT", what).hint("write oci:DIR, oci-archive:FILE, or the path alone"));
    }
    Ok(PathBuf::from(rest))
}

/// Opens them; one that is written to is made where there is none.
pub(super) fn layouts(paths: &[PathBuf], writable: bool) -> Result<Vec<Layout>, Failure> {
    let open = |path: &PathBuf| if writable { Layout::create_or_open(path) } else { Layout::open(path) };
    paths.iter().map(open).collect::<Result<_, _>>().map_err(Failure::Neither)
}
