//! What a volume says of itself, and inventories: what is read holds together, and is written so that it reads the
//! same.
#![no_main]

use bundle::{
    Inventory,
    fuzzing::{Found, header, sealed, sealed_inventory},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    volume(data);
    inventory(data);
    // Nobody guesses a digest: with the right one more of it is looked at.
    if let Some(data) = sealed(data) {
        volume(&data);
    }
    if let Some(data) = sealed_inventory(data) {
        inventory(&data);
    }
});

fn volume(data: &[u8]) {
    let Ok(found) = header(data) else { return };
    assert_eq!(header(&found.written).as_ref(), Ok(&found), "what we write is what we read");
    let Found { number, volumes, contents, .. } = found;
    assert!((1..=volumes).contains(&number));
    let mut last = 1;
    for (size, parts) in &contents {
        let mut at = 0_u64;
        for (volume, offset, length, path) in parts {
            assert!(*volume == last || *volume == last + 1, "volumes are filled one after the other");
            assert_eq!(*offset, at, "parts neither overlap nor leave a hole");
            assert!(path.starts_with("blobs/sha") || path.starts_with("transship-ranges/sha"), "{path}");
            assert!(!path.contains("..") && path.len() < 200, "{path}");
            (last, at) = (*volume, at + length);
        }
        assert_eq!(at, *size);
    }
    assert!(contents.is_empty() || last == volumes, "no volume is empty");
}

fn inventory(data: &[u8]) {
    let Ok(read) = Inventory::read(data, "have.json") else { return };
    let again = Inventory::read(&read.to_bytes(), "have.json").expect("what we write is what we read");
    assert_eq!(again, read);
    let places = read.repositories.len();
    assert!(read.blobs.values().chain(read.manifests.values()).flatten().all(|held| *held < places));
    for tag in read.repositories.iter().flat_map(|shelf| shelf.tags.values()) {
        assert!(read.manifests.contains_key(tag));
    }
}
