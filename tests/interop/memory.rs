//! Memory: a layer passes through, whatever its size.
use std::{fs, path::Path};

use content::{Descriptor, Hasher, MediaType};
use reference::Algorithm;
use testkit::{
    Content, Entry,
    images::{OCI_LAYER, blob_path},
};

use crate::{
    registries::{Registry, distribution},
    transship,
};

const MIB: u64 = 1024 * 1024;
/// How much more a large layer may take than a small one, in KiB.
const MORE: u64 = 16 * 1024;

/// Writes a layout with an image whose one layer is `size` zeros: a file with nothing in it.
fn zeros(dir: &Path, size: u64) {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let chunk = vec![0; 1024 * 1024];
    (0..size / MIB).for_each(|_| hasher.update(&chunk));
    let layer = Descriptor::new(MediaType::new(OCI_LAYER), hasher.finish(), size);
    let mut content = Content::new();
    let root = content.image(size, std::slice::from_ref(&layer));
    content.write_layout(dir, &[Entry::named(&root, "zeros:v1")]).unwrap();
    fs::File::create(blob_path(dir, &layer.digest)).unwrap().set_len(size).unwrap();
}

/// Peaks, in KiB, of a copy from a layout to a registry and of one from there to another.
fn peaks(size: u64, one: &Registry, other: &Registry) -> (u64, u64) {
    let program = transship();
    zeros(&program.home().join("layout"), size);
    let name = format!("zeros-{size}:v1");
    let (first, second) = (one.reference(&name), other.reference(&name));
    let from_layout = program.watch(&["copy", "-q", "oci:layout:zeros:v1", &first]).exits(0).peak;
    // Ranges have memory of their own, and a disk may be slow enough for them.
    let whole = ["copy", "-q", "--ranges", "1", &first, &second];
    let from_registry = program.watch(&whole).exits(0).peak;
    (from_layout, from_registry)
}

#[test]
fn a_layer_of_two_gib_takes_no_more_memory_than_one_of_a_mib() {
    let (one, other) = (distribution().start(), distribution().start());
    // What is over in no time is easily looked at too seldom: of three, one is caught at its height.
    let small = [1, 2, 3].map(|size| peaks(size * MIB, &one, &other));
    let small = small.into_iter().fold((0, 0), |most, each| (most.0.max(each.0), most.1.max(each.1)));
    let large = peaks(2048 * MIB, &one, &other);
    println!("peaks in KiB, from a layout and from a registry: 1 to 3 MiB {small:?}, 2 GiB {large:?}");
    assert!(small.0 > 0 && small.1 > 0);
    assert!(large.0 <= small.0 + MORE, "from a layout: {small:?}, {large:?}");
    assert!(large.1 <= small.1 + MORE, "from a registry: {small:?}, {large:?}");
}
