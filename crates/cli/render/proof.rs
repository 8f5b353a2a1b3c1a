//! What was proven, and what speaks against it, for people and for programs.
use content::FaultKind;
use serde_json::{Map, Value, json};
use verify::{Depth, Finding, Proof, Seen};

use super::clean::{bytes, clean, count};
use crate::exit;

/// Proofs of all images that were looked at.
#[derive(Debug)]
pub(crate) struct Proven {
    /// How closely.
    pub(crate) depth: Depth,
    /// One for each image.
    pub(crate) proofs: Vec<Proof>,
    /// What was looked at for all of them together.
    pub(crate) seen: Seen,
}

impl Proven {
    /// Whether nothing speaks against any image.
    pub(crate) fn is_whole(&self) -> bool {
        self.proofs.iter().all(Proof::holds)
    }

    /// Images that something speaks against.
    fn broken(&self) -> impl Iterator<Item = &Proof> {
        self.proofs.iter().filter(|proof| !proof.holds())
    }
}

/// One line that says it all, of images that are not as they should be.
pub(crate) fn headline(proven: &Proven) -> String {
    let broken = proven.broken().count();
    let findings: usize = proven.broken().map(|proof| proof.findings.len()).sum();
    match proven.proofs.as_slice() {
        [only] => format!("{} is not as it should be: {}", only.name, count(findings, "finding")),
        all => format!(
            "{broken} of {} images are not as they should be: {}",
            all.len(),
            count(findings, "finding")
        ),
    }
}

/// Every finding, and what was looked at, line by line.
pub(crate) fn text(proven: &Proven) -> String {
    let mut lines = Vec::new();
    for proof in proven.broken() {
        lines.push(clean(&proof.name));
        lines.extend(proof.findings.iter().flat_map(finding).map(|line| format!("  {line}")));
    }
    lines.push(match proven.proofs.as_slice() {
        [only] if only.holds() => format!("verified {}", clean(&only.name)),
        all => {
            let whole = all.len().saturating_sub(proven.broken().count());
            format!("verified {whole} of {}", count(all.len(), "image"))
        }
    });
    if let [Proof { digest: Some(digest), findings, .. }] = proven.proofs.as_slice()
        && findings.is_empty()
    {
        lines.push(format!("  {digest}"));
    }
    lines.push(format!("  {}", looked(proven)));
    let left: usize = proven.proofs.iter().map(|proof| proof.left_out).sum();
    if left > 0 {
        let layers = count(left, "foreign layer");
        lines.push(format!("  {layers} not looked for, which a copy leaves where they are"));
    }
    lines.join("\n") + "\n"
}

/// How closely was looked.
fn looked(proven: &Proven) -> String {
    let manifests: usize = proven.proofs.iter().map(|proof| proof.manifests).sum();
    let blobs = count(usize::try_from(proven.seen.blobs).unwrap_or(usize::MAX), "blob");
    let manifests = count(manifests, "manifest");
    match proven.depth {
        Depth::Quick => "by the digests of roots alone".to_owned(),
        Depth::Graph => format!("{manifests} read, {blobs} asked for; --deep reads them too"),
        Depth::Deep => format!("{manifests} and {blobs} read to the last byte, {}", bytes(proven.seen.bytes)),
    }
}

fn finding(finding: &Finding) -> Vec<String> {
    let Finding { kind, piece, subject, place, expected, found, remedy, .. } = finding;
    let within = finding.within.as_ref().map(|digest| format!(", named by {digest}")).unwrap_or_default();
    let mut lines = vec![
        format!("{}: {piece} {} at {}{within}", said(*kind), clean(subject), clean(place)),
        format!("  expected {}", clean(expected)),
    ];
    if *kind != FaultKind::Absent {
        lines.push(format!("  found {}", clean(found)));
    }
    lines.push(format!("  hint: {}", clean(remedy)));
    lines
}

/// What is the matter, in one word or two.
fn said(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Absent => "missing",
        FaultKind::Untrue => "wrong",
        _ => "not seen",
    }
}

/// The members of the JSON document.
pub(crate) fn document(proven: &Proven) -> Map<String, Value> {
    let mut document = Map::new();
    let depth = match proven.depth {
        Depth::Quick => "quick",
        Depth::Graph => "graph",
        Depth::Deep => "deep",
    };
    let whole = proven.proofs.iter().filter(|proof| proof.holds()).count();
    document.insert("depth".into(), depth.into());
    document.insert("whole".into(), whole.into());
    document.insert("notWhole".into(), proven.proofs.len().saturating_sub(whole).into());
    document.insert("looked".into(), json!({ "blobs": proven.seen.blobs, "bytes": proven.seen.bytes }));
    document.insert("images".into(), proven.proofs.iter().map(image).collect());
    document
}

fn image(proof: &Proof) -> Value {
    let findings: Value = proof.findings.iter().map(found).collect();
    json!({
        "image": proof.name,
        "digest": proof.digest.as_ref().map(ToString::to_string),
        "whole": proof.holds(),
        "manifests": proof.manifests,
        "blobs": proof.blobs,
        "bytes": proof.bytes,
        "leftOut": proof.left_out,
        "findings": findings,
    })
}

fn found(finding: &Finding) -> Value {
    json!({
        "kind": exit::name_of(finding.kind),
        "piece": finding.piece.as_str(),
        "place": finding.place,
        "subject": finding.subject,
        "within": finding.within.as_ref().map(ToString::to_string),
        "expected": finding.expected,
        "found": finding.found,
        "remedy": finding.remedy,
    })
}
