//! `transship bundle show`: what volumes say of themselves, and whether it is true.
use bundle::{BundleError, Set};

use crate::{
    args::{Output, ShowArgs},
    failure::Failure,
    render::{Told, bundle as render},
    run::apart::apart,
};

/// Says what is in volumes of one bundle.
pub(super) async fn show(args: &ShowArgs) -> Result<Told, Failure> {
    let set = open(args.volumes.clone()).await?;
    if args.deep {
        for volume in set.volumes() {
            volume.check().await.map_err(BundleError::source)?;
        }
    }
    Ok(render::volumes(&set, args.deep, args.show.output == Output::Json))
}

/// Opens volumes where waiting for a disk keeps no signal waiting.
pub(super) async fn open(paths: Vec<std::path::PathBuf>) -> Result<Set, Failure> {
    let opened = apart(move || Ok(Set::open(&paths))).await;
    let opened = opened.map_err(|why| Failure::File { path: "the volumes".to_owned(), why })?;
    Ok(opened?)
}
