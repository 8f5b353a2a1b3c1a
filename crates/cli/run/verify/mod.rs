//! `transship verify`: from what is said to cases, and from those to proofs.
mod lists;
mod named;

use futures::StreamExt;
use registry::Farewells;
use verify::{Proof, Verifier};

use self::lists::Listed;
use super::places::Places;
use crate::{
    args::VerifyArgs,
    failure::Failure,
    render::{Console, Proven},
    usage::Usage,
};

/// Proves what was named, or listed; what is not as it should be is a failure.
pub(crate) async fn verify(
    args: &VerifyArgs,
    console: &Console,
    farewells: &Farewells,
) -> Result<Proven, Failure> {
    let places = Places::new(&args.reach, [], farewells)?;
    let verifier = Verifier::new(places.traffic(), args.depth()).with_foreign(args.foreign());
    let Listed { cases, unknown } = match &args.source {
        Some(source) => Listed::of(named::cases(args, source, &places, console).await?),
        None => lists::read(args, places, console).await?,
    };
    if cases.is_empty() && unknown.is_empty() {
        return Err(Usage::new("there is no image to prove anything of").into());
    }
    let mut proofs: Vec<(usize, Proof)> = verifier.prove_all(&cases).collect().await;
    proofs.sort_by_key(|(number, _)| *number);
    let proofs = proofs.into_iter().map(|(_, proof)| proof).chain(unknown).collect();
    let proven = Proven { depth: args.depth(), proofs, seen: verifier.seen() };
    if proven.is_whole() { Ok(proven) } else { Err(Failure::Unproven(Box::new(proven))) }
}
