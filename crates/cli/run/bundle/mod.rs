//! `transship bundle`, from words to volumes, and from volumes to a destination.
mod apply;
mod create;
mod show;

use bundle::BundleError;
use registry::Farewells;

use crate::{
    args::{BundleArgs, BundleCommand},
    failure::Failure,
    render::{Console, Told},
    usage::Usage,
};

/// Does what a command about bundles says.
pub(crate) async fn bundle(
    args: &BundleArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Told, Failure> {
    match &args.command {
        BundleCommand::Create(args) => create::create(args, console, farewells).await,
        BundleCommand::Apply(args) => apply::apply(args, console, farewells).await,
        BundleCommand::Show(args) => show::show(args).await,
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Usage { what, hint } => Usage::new(what).hint(hint).into(),
            BundleError::Copy(error) => Self::Copy(error),
        }
    }
}
