//! Bundles between layouts: what is packed, in which order it is applied, and what is refused.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod world;

use std::fs;

use bundle::{BundleError, Clobber, Set, store};
use content::FaultKind;
use copier::CopyError;

use self::world::{World, images, kind};

#[tokio::test]
async fn a_bundle_of_one_volume_is_an_archive_that_anybody_reads() {
    let world = World::new(&images(3, 20_000));
    let plan = world.create("all.tar", None, &[]).await.unwrap();
    let layout = layout::Layout::open(&world.path("all.tar")).unwrap();
    let names: Vec<String> =
        layout.entries().await.unwrap().iter().map(|entry| entry.name().unwrap().to_owned()).collect();
    assert_eq!(names, ["app0:v1", "app1:v1", "app2:v1"]);
    for content in &plan.contents {
        assert_eq!(layout.store().size(&content.digest).unwrap(), Some(content.size));
    }
    assert!(!world.path("all.tar.plan").exists());
}

#[tokio::test]
async fn volumes_are_applied_in_every_order_and_names_come_last() {
    let world = World::new(&images(3, 50_000));
    let plan = world.create("b.tar", Some(80_000), &[]).await.unwrap();
    assert_eq!(plan.volumes, 3, "{plan:?}");
    assert!(plan.contents.iter().filter(|content| content.is_split()).count() >= 2);
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let dir = format!("to-{}{}{}", order[0], order[1], order[2]);
        for (step, number) in order.iter().enumerate() {
            let applied = world.apply(&[format!("b.{number}.tar")], &dir).await.unwrap();
            let missing: Vec<u32> = order[step + 1..].to_vec();
            let mut told = applied.missing.clone();
            told.sort_unstable();
            let mut due = missing.clone();
            due.sort_unstable();
            assert_eq!(told, due, "{order:?}");
            assert_eq!(world.names(&dir).is_empty(), !missing.is_empty());
        }
        assert_eq!(world.names(&dir), ["app0:v1", "app1:v1", "app2:v1"]);
        world.check(&dir);
        assert!(!world.leftovers(&dir), "ranges are gone");
    }
}

#[tokio::test]
async fn volumes_of_content_named_by_sha512_are_no_larger_than_they_may_be() {
    let mut images = images(1, 5000);
    images.add_of_sha512(40, 6000, "app:v1");
    let world = World::new(&images);
    let mut split = 0;
    for size in (40..44).map(|kib| kib * 1024) {
        // `made` looks at the size of each volume.
        let plan = world.create(&format!("b{size}.tar"), Some(size), &[]).await.unwrap();
        split += plan.contents.iter().filter(|content| content.is_split()).count();
        let volumes: Vec<String> = (1..=plan.volumes).map(|it| format!("b{size}.{it}.tar")).collect();
        world.apply(&volumes, &size.to_string()).await.unwrap();
        world.check(&size.to_string());
    }
    assert!(split > 0, "some of it spans volumes");
}

#[tokio::test]
async fn what_is_told_of_an_application_counts_blobs_and_no_manifests() {
    let world = World::new(&images(3, 50_000));
    let told = |applied: bundle::Applied| (applied.copied, applied.present, applied.bytes);
    let plan = world.create("b.tar", Some(80_000), &[]).await.unwrap();
    let blobs: Vec<_> = plan.contents.iter().filter(|content| !content.is_manifest()).collect();
    let bytes: u64 = blobs.iter().map(|blob| blob.size).sum();
    let volumes: Vec<String> = (1..=3).map(|number| format!("b.{number}.tar")).collect();
    assert_eq!(told(world.apply(&volumes, "to").await.unwrap()), (blobs.len(), 0, bytes));
    assert_eq!(told(world.apply(&volumes, "to").await.unwrap()), (0, blobs.len(), 0));
    let in_second = blobs.iter().filter(|blob| blob.at.iter().any(|part| part.0 == 2)).count();
    assert_eq!(told(world.apply(&volumes[1..2], "to").await.unwrap()), (0, in_second, 0));
    let have = world.inventory("to").await;
    let mut later = images(3, 50_000);
    later.add(3, 70_000, "app3:v1");
    let later = world.again(&later);
    let base = later.create("later.tar", None, &[have]).await.unwrap().base.blobs();
    // A layer and a config come, and the layer that all share is of the base.
    assert_eq!(
        (base, told(later.apply(&["later.tar".to_owned()], "to").await.unwrap())),
        (1, (2, 1, 70_097))
    );
}

#[tokio::test]
async fn the_second_bundle_holds_what_is_new_and_needs_the_first() {
    let mut first = images(2, 300_000);
    let world = World::new(&first);
    world.create("one.tar", None, &[]).await.unwrap();
    world.apply(&["one.tar".to_owned()], "to").await.unwrap();
    let have = world.inventory("to").await;
    first.add(2, 300_000, "app2:v1");
    let world2 = world.again(&first);
    let plan = world2.create("two.tar", None, std::slice::from_ref(&have)).await.unwrap();
    assert_eq!(plan.images.len(), 1, "images that are there do not come again");
    let new: u64 = plan.contents.iter().filter(|it| !it.is_manifest()).map(|it| it.size).sum();
    let manifests: u64 = plan.contents.iter().filter(|it| it.is_manifest()).map(|it| it.size).sum();
    assert!(new < 301_000, "{new}");
    let size = fs::metadata(world.path("two.tar")).unwrap().len();
    let entries = plan.contents.len() as u64 + 3;
    assert!(size <= new + new / 50 + manifests + entries * 1024, "{size} for {new}");
    let error = world2.apply(&["two.tar".to_owned()], "elsewhere").await.unwrap_err();
    assert_eq!(kind(&error), FaultKind::Absent);
    assert!(error.to_string().contains(&have.id.to_string()), "{error}");
    assert!(!world.path("elsewhere").exists(), "nothing was written");
    world2.apply(&["two.tar".to_owned()], "to").await.unwrap();
    world2.check("to");
    let again = world2.apply(&["two.tar".to_owned()], "to").await.unwrap();
    assert!(again.copied == 0 && again.images.iter().all(|image| image.already_there));
}

#[tokio::test]
async fn an_image_of_which_a_layout_has_lost_a_blob_comes_again_with_that_blob() {
    let world = World::new(&images(2, 50_000));
    let first = world.create("one.tar", None, &[]).await.unwrap();
    world.apply(&["one.tar".to_owned()], "to").await.unwrap();
    let lost = first.contents.iter().rev().find(|it| it.size == 50_000).unwrap();
    fs::remove_file(testkit::images::blob_path(&world.path("to"), &lost.digest)).unwrap();
    let have = world.inventory("to").await;
    let plan = world.create("two.tar", None, std::slice::from_ref(&have)).await.unwrap();
    assert_eq!(plan.images.len(), 1, "{:?}", plan.images);
    let blobs: Vec<_> = plan.contents.iter().filter(|it| !it.is_manifest()).map(|it| &it.digest).collect();
    assert_eq!(blobs, [&lost.digest]);
    world.apply(&["two.tar".to_owned()], "to").await.unwrap();
    world.check("to");
}

#[tokio::test]
async fn a_blob_of_several_volumes_that_has_rotted_is_replaced_by_them() {
    let world = World::new(&images(3, 50_000));
    let plan = world.create("b.tar", Some(80_000), &[]).await.unwrap();
    let volumes: Vec<String> = (1..=3).map(|number| format!("b.{number}.tar")).collect();
    world.apply(&volumes, "to").await.unwrap();
    let split = plan.contents.iter().find(|content| content.is_split()).unwrap();
    let path = testkit::images::blob_path(&world.path("to"), &split.digest);
    for given in [vec![&volumes[..]], volumes.chunks(1).collect()] {
        let mut bytes = fs::read(&path).unwrap();
        bytes[100] ^= 1;
        fs::write(&path, bytes).unwrap();
        for volumes in given {
            world.apply(volumes, "to").await.unwrap();
        }
        world.check("to");
        assert!(!world.leftovers("to"), "ranges are gone");
    }
}

#[tokio::test]
async fn content_that_rots_before_the_last_volume_has_come_is_missing_and_nothing_is_named() {
    let world = World::new(&images(3, 50_000));
    let plan = world.create("b.tar", Some(80_000), &[]).await.unwrap();
    let first = |content: &&bundle::Content| !content.is_split() && content.at[0].0 == 1;
    let blob = plan.contents.iter().filter(first).find(|content| !content.is_manifest()).unwrap();
    let manifest = plan.contents.iter().filter(first).find(|content| content.is_manifest()).unwrap();
    for (rotten, dir) in [(blob, "blob"), (manifest, "manifest")] {
        world.apply(&["b.1.tar".to_owned()], dir).await.unwrap();
        let path = testkit::images::blob_path(&world.path(dir), &rotten.digest);
        let mut bytes = fs::read(&path).unwrap();
        bytes[10] ^= 1;
        fs::write(&path, bytes).unwrap();
        let rest = ["b.2.tar".to_owned(), "b.3.tar".to_owned()];
        assert_eq!(world.apply(&rest, dir).await.unwrap().missing, [1], "{dir}");
        assert!(world.names(dir).is_empty());
        let applied = world.apply(&["b.1.tar".to_owned()], dir).await.unwrap();
        assert!(applied.missing.is_empty());
        world.check(dir);
    }
}

#[tokio::test]
async fn a_lost_volume_is_made_again_byte_for_byte() {
    let world = World::new(&images(3, 50_000));
    let plan = world.create("b.tar", Some(80_000), &[]).await.unwrap();
    for lost in 1..=3 {
        let path = world.path(&format!("b.{lost}.tar"));
        let before = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        world.again_volume("b.tar", lost).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), before, "volume {lost}");
    }
    assert_eq!(plan.volumes, 3);
}

#[tokio::test]
async fn what_is_whole_is_not_written_again() {
    let world = World::new(&images(3, 50_000));
    world.create("b.tar", Some(80_000), &[]).await.unwrap();
    let whole: Vec<_> = (1..=3).map(|it| fs::read(world.path(&format!("b.{it}.tar"))).unwrap()).collect();
    fs::remove_file(world.path("b.2.tar")).unwrap();
    let mut damaged = whole[2].clone();
    damaged[60_000] ^= 1;
    fs::write(world.path("b.3.tar"), damaged).unwrap();
    let made = world.made("b.tar", Some(80_000), &[]).await.unwrap();
    assert_eq!(made.volumes.iter().map(|it| it.kept).collect::<Vec<_>>(), [true, false, false]);
    for (number, bytes) in whole.iter().enumerate() {
        assert_eq!(&fs::read(world.path(&format!("b.{}.tar", number + 1))).unwrap(), bytes);
    }
}

#[tokio::test]
async fn damaged_cut_and_foreign_volumes_are_refused_and_nothing_is_named() {
    let world = World::new(&images(3, 50_000));
    world.create("b.tar", Some(80_000), &[]).await.unwrap();
    world.create("c.tar", None, &[]).await.unwrap();
    let whole = fs::read(world.path("b.2.tar")).unwrap();
    for (name, at) in [("header", 520), ("middle", whole.len() / 2), ("end", whole.len() - 3000)] {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(world.path("b.2.tar"), &bytes).unwrap();
        let all: Vec<String> = (1..=3).map(|number| format!("b.{number}.tar")).collect();
        match world.apply(&all, name).await {
            Err(error) => {
                assert_eq!(kind(&error), FaultKind::Untrue, "{name}: {error}");
                assert!(world.names(name).is_empty());
            }
            Ok(_) => panic!("{name} was applied"),
        }
    }
    fs::write(world.path("b.2.tar"), &whole[..whole.len() / 2]).unwrap();
    let error = Set::open(&[world.path("b.2.tar")]).unwrap_err();
    assert_eq!(kind(&error), FaultKind::Untrue);
    fs::write(world.path("b.2.tar"), &whole).unwrap();
    let mixed = Set::open(&[world.path("b.2.tar"), world.path("c.tar")]).unwrap_err();
    assert!(mixed.to_string().contains("another bundle"), "{mixed}");
}

#[tokio::test]
async fn no_clobber_refuses_before_anything_is_written() {
    let world = World::new(&images(1, 50_000));
    world.create("one.tar", None, &[]).await.unwrap();
    let mut other = images(0, 0);
    other.add(7, 100, "app0:v1");
    let elsewhere = world.again(&other);
    elsewhere.create("two.tar", None, &[]).await.unwrap();
    world.apply(&["one.tar".to_owned()], "to").await.unwrap();
    let set = Set::open(&[world.path("two.tar")]).unwrap();
    let refused = store(&set, &world.path("to"), Clobber::Refuse).await.unwrap_err();
    assert!(matches!(refused, BundleError::Copy(CopyError::TagsExist(_))), "{refused}");
    world.check("to");
    store(&set, &world.path("to"), Clobber::Move).await.unwrap();
    elsewhere.check("to");
}
