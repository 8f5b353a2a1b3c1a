//! What fuzz targets see of this room. There with `--cfg fuzzing` alone.
use std::sync::Arc;

use crate::{
    chart::Chart,
    inventory,
    plan::Piece,
    volume::{self, Header, path_of},
};

/// A part: in which volume, where it begins in its content, how long it is, and its path.
pub type Part = (u32, u64, u64, String);

/// What a volume says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    /// Which volume it is.
    pub number: u32,
    /// How many there are.
    pub volumes: u32,
    /// The size of each content, and its parts.
    pub contents: Vec<(u64, Vec<Part>)>,
    /// The same, as we write it.
    pub written: Vec<u8>,
}

/// Reads `transship-bundle.json`.
pub fn header(bytes: &[u8]) -> Result<Found, String> {
    let header = Header::read(bytes).map_err(|(_, why)| why)?;
    let plan = &header.plan;
    let chart = Chart::new(Arc::clone(plan));
    let part =
        |piece: Piece| (piece.volume, piece.offset, piece.length, path_of(plan, &piece).unwrap_or_default());
    let contents = plan.contents.iter().map(|content| {
        let found = chart.find(&content.digest).map(|(position, _)| chart.pieces(position));
        (content.size, found.unwrap_or_default().into_iter().map(part).collect())
    });
    let contents = contents.collect();
    Ok(Found { number: header.volume, volumes: plan.volumes, contents, written: header.to_bytes() })
}

/// The same header with the id that its plan has: no fuzzer would find it.
pub fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    volume::sealed(bytes)
}

/// The same inventory with the id that its content has.
pub fn sealed_inventory(bytes: &[u8]) -> Option<Vec<u8>> {
    inventory::sealed(bytes)
}
