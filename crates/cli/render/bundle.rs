//! What became of bundles and inventories, for people and for programs.
use std::path::Path;

use bundle::{Applied, Created, Image, Inventory, LeftOut, Set};
use serde_json::{Map, Value, json};

use super::clean::{bytes, clean, count};

/// What there is to tell, in both forms.
#[derive(Debug)]
pub(crate) struct Told {
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) document: Map<String, Value>,
    /// Whether nothing may be added to the document: it is a file of its own.
    pub(crate) is_bare: bool,
}

impl Told {
    fn new(lines: &[String], document: Value) -> Self {
        let text: String = lines.iter().map(|line| clean(line) + "\n").collect();
        let Value::Object(document) = document else {
            return Self { text, document: Map::new(), is_bare: false };
        };
        Self { text, document, is_bare: false }
    }
}

/// An inventory that was asked for on stdout.
pub(crate) fn inventory_itself(inventory: &Inventory) -> Told {
    let written = inventory.to_bytes();
    let document = serde_json::from_slice(&written).unwrap_or_default();
    Told { text: String::from_utf8_lossy(&written).into_owned(), document, is_bare: true }
}

/// An inventory that was written to a file.
pub(crate) fn inventory(inventory: &Inventory, path: &Path) -> Told {
    let repositories = inventory.repositories.len();
    let lines = [
        format!("inventory of {} -> {}", inventory.of, path.display()),
        format!("  {}", inventory.id),
        format!(
            "  {}, {}, {}",
            match repositories {
                1 => "1 repository".to_owned(),
                many => format!("{many} repositories"),
            },
            count(inventory.manifests.len(), "manifest"),
            count(inventory.blobs.len(), "blob")
        ),
    ];
    let document = json!({
        "inventory": inventory.id.to_string(),
        "of": inventory.of,
        "file": path.display().to_string(),
        "repositories": repositories,
        "manifests": inventory.manifests.len(),
        "blobs": inventory.blobs.len(),
    });
    Told::new(&lines, document)
}

/// A destination that lacks nothing.
pub(crate) fn nothing_to_bring() -> Told {
    let line = "nothing to bring: the destination holds all of it, by its inventory; no bundle was made";
    Told::new(&[line.to_owned()], json!({ "set": null, "volumes": [] }))
}

/// A bundle that was made, and what is not in it.
pub(crate) fn created(created: &Created, left_out: &[LeftOut]) -> Told {
    let mut lines = vec![
        format!("bundled {}", count(created.images, "image")),
        format!("  {}", created.set),
        format!("  {} of its own, {} of the base", count(created.blobs, "blob"), created.base),
    ];
    lines.extend(created.volumes.iter().map(|volume| {
        let kept = if volume.kept { ", was there" } else { "" };
        format!("  -> {} ({}{kept})", volume.path.display(), bytes(volume.bytes))
    }));
    let left = |it: &LeftOut| format!("  left out: {} -> {}: {}", it.source, it.destination, it.why);
    lines.extend(left_out.iter().map(left));
    let left_out: Vec<Value> = left_out
        .iter()
        .map(|it| json!({ "source": it.source, "destination": it.destination, "why": it.why }))
        .collect();
    let volumes: Vec<Value> = created
        .volumes
        .iter()
        .map(|it| json!({ "file": it.path.display().to_string(), "bytes": it.bytes, "kept": it.kept }))
        .collect();
    let document = json!({
        "set": created.set.to_string(),
        "images": created.images,
        "blobs": created.blobs,
        "base": created.base,
        "volumes": volumes,
        "leftOut": left_out,
    });
    Told::new(&lines, document)
}

/// A bundle that was brought somewhere, or a part of it.
pub(crate) fn applied(applied: &Applied, to: &str) -> Told {
    let mut lines = Vec::new();
    if applied.missing.is_empty() {
        lines.push(format!("applied {} to {to}", count(applied.images.len(), "image")));
    } else {
        lines.push(format!("stored for {to}; no tag is written before the rest has come"));
    }
    lines.push(format!("  {}", applied.set));
    lines.push(format!(
        "  {} copied ({}), {} mounted, {} were there",
        count(applied.copied, "blob"),
        bytes(applied.bytes),
        applied.mounted,
        applied.present
    ));
    if !applied.missing.is_empty() {
        lines.push(format!("  still to come: {}", numbered(&applied.missing, applied.volumes)));
    }
    for arrived in &applied.images {
        let there = if arrived.already_there { ", was there" } else { "" };
        lines.push(format!("  -> {} ({}{there})", named(&arrived.image), arrived.image.digest));
    }
    let images: Vec<Value> = applied
        .images
        .iter()
        .map(|it| {
            let mut image = image(&it.image);
            if let Some(object) = image.as_object_mut() {
                object.insert("alreadyThere".to_owned(), it.already_there.into());
            }
            image
        })
        .collect();
    let document = json!({
        "set": applied.set.to_string(),
        "destination": to,
        "volumes": applied.volumes,
        "missing": applied.missing,
        "images": images,
        "copied": applied.copied,
        "mounted": applied.mounted,
        "present": applied.present,
        "bytes": applied.bytes,
    });
    Told::new(&lines, document)
}

/// `volume 2 of 3`, `volumes 1, 3 of 3`.
fn numbered(numbers: &[u32], of: u32) -> String {
    let what = if numbers.len() == 1 { "volume" } else { "volumes" };
    let listed: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    format!("{what} {} of {of}", listed.join(", "))
}

/// What volumes say of themselves; `deep` when every byte was read. People are not shown what is in them, which may be
/// a million blobs: that is made only where it is `listed`.
pub(crate) fn volumes(set: &Set, deep: bool, listed: bool) -> Told {
    let plan = set.plan();
    let here: Vec<u32> = set.volumes().map(bundle::Volume::number).collect();
    let blobs = plan.contents.iter().filter(|content| !content.is_manifest()).count();
    let mut lines = vec![
        format!("bundle {}", plan.set),
        format!("  {}", numbered(&here, plan.volumes)),
        format!(
            "  {}, {}, {} in all",
            count(plan.images.len(), "image"),
            count(blobs, "blob"),
            bytes(plan.bytes())
        ),
    ];
    for base in &plan.base.inventories {
        let inventory = format!("inventory {} of {}, made {}", base.id, base.of, base.made);
        lines.push(format!("  relies on {} of {inventory}", count(plan.base.blobs(), "blob")));
    }
    lines.extend(plan.images.iter().map(|image| format!("  -> {} ({})", named(image), image.digest)));
    if deep {
        lines.push("  every byte of these volumes is what it was when they were made".to_owned());
    }
    let contents: Vec<Value> = plan
        .contents
        .iter()
        .filter(|_| listed)
        .map(|it| {
            json!({
                "digest": it.digest.to_string(),
                "size": it.size,
                "mediaType": it.media_type,
                "at": it.at.iter().map(|(volume, length)| json!({ "volume": volume, "bytes": length })).collect::<Value>(),
            })
        })
        .collect();
    let inventories: Vec<Value> = plan
        .base
        .inventories
        .iter()
        .map(|it| json!({ "inventory": it.id.to_string(), "of": it.of, "made": it.made }))
        .collect();
    let document = json!({
        "set": plan.set.to_string(),
        "volumes": plan.volumes,
        "here": here,
        "checked": deep,
        "base": { "inventories": inventories, "blobs": plan.base.blobs() },
        "images": plan.images.iter().map(image).collect::<Value>(),
        "contents": contents,
    });
    Told::new(&lines, document)
}

fn named(image: &Image) -> String {
    match &image.tag {
        Some(tag) => format!("{}:{tag}", image.repository),
        None => image.repository.to_string(),
    }
}

fn image(image: &Image) -> Value {
    json!({
        "repository": image.repository.as_str(),
        "tag": image.tag.as_ref().map(reference::Tag::as_str),
        "digest": image.digest.to_string(),
    })
}
