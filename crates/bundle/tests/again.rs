//! Volumes that were lost: made again by themselves, or by the next run, and never at the cost of others.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod world;

use std::fs;

use bundle::{Content, Ledger, LeftOut, Plan};
use content::FaultKind;

use self::world::{World, images, kind};

const NAMES: [&str; 3] = ["b.1.tar", "b.2.tar", "b.3.tar"];

/// Three volumes, with blobs that span them; their plan and their bytes.
async fn three() -> (World, Plan, Vec<Vec<u8>>) {
    // Larger than what is read at a time: the end of a blob is not seen with its beginning.
    let world = World::new(&images(3, 700_000));
    let plan = world.create("b.tar", Some(1_000_000), &[]).await.unwrap();
    assert_eq!(plan.volumes, 3);
    let whole = NAMES.map(|name| fs::read(world.path(name)).unwrap()).to_vec();
    (world, plan, whole)
}

/// A blob that goes on from `volume` in the next one.
fn spanning(plan: &Plan, volume: u32) -> &Content {
    let spans =
        |it: &&Content| it.is_split() && it.at.iter().any(|part| part.0 == volume) && it.at[0].0 == volume;
    plan.contents.iter().find(spans).unwrap()
}

fn lose_all(world: &World) {
    for name in NAMES {
        drop(fs::remove_file(world.path(name)));
    }
}

fn left(world: &World) -> Vec<&'static str> {
    NAMES.into_iter().filter(|name| world.path(name).exists()).collect()
}

#[tokio::test]
async fn a_lost_volume_is_made_again_whichever_other_one_is_left() {
    let (world, _, whole) = three().await;
    for lost in 0..3 {
        for left in (0..3).filter(|left| *left != lost) {
            lose_all(&world);
            fs::write(world.path(NAMES[left]), &whole[left]).unwrap();
            world.again_volume("b.tar", u32::try_from(lost).unwrap() + 1).await.unwrap();
            assert!(fs::read(world.path(NAMES[lost])).unwrap() == whole[lost], "{lost} from {left}");
        }
    }
}

#[tokio::test]
async fn a_lost_volume_is_made_again_when_nothing_but_the_plan_is_left() {
    let (world, plan, whole) = three().await;
    let ledger = Ledger::new(&world.path("b.tar"));
    let left = LeftOut { source: "a".to_owned(), destination: "b:c".to_owned(), why: "gone".to_owned() };
    ledger.write(&plan.set, &plan, std::slice::from_ref(&left)).await.unwrap();
    assert_eq!(ledger.unfinished(&plan.set).await.unwrap(), Some((plan.clone(), vec![left])));
    assert_eq!(ledger.unfinished(&plan.contents[0].digest).await.unwrap(), None);
    for lost in 0..3 {
        lose_all(&world);
        world.again_volume("b.tar", u32::try_from(lost).unwrap() + 1).await.unwrap();
        assert!(fs::read(world.path(NAMES[lost])).unwrap() == whole[lost], "{lost}");
    }
}

#[tokio::test]
async fn a_volume_that_cannot_be_made_again_costs_no_other() {
    for lost in [1, 2] {
        let (world, plan, _) = three().await;
        world.damage(&spanning(&plan, lost).digest, |bytes| *bytes.last_mut().unwrap() ^= 1);
        fs::remove_file(world.path(NAMES[lost as usize])).unwrap();
        let kept = left(&world);
        let error = world.again_volume("b.tar", lost + 1).await.unwrap_err();
        assert_eq!(kind(&error), FaultKind::Untrue, "{error}");
        assert_eq!(left(&world), kept);
    }
}

#[tokio::test]
async fn a_range_that_is_written_anew_is_judged_though_the_rest_of_its_blob_is_there() {
    let (world, plan, _) = three().await;
    world.damage(&spanning(&plan, 1).digest, |bytes| bytes[0] ^= 1);
    fs::remove_file(world.path(NAMES[0])).unwrap();
    let error = world.made("b.tar", Some(1_000_000), &[]).await.unwrap_err();
    assert_eq!(kind(&error), FaultKind::Untrue, "{error}");
    assert!(!world.path(NAMES[0]).exists(), "a volume of wrong bytes is left");
}
