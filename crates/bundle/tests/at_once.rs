//! Two at once: whoever brings a bundle where another process brings it too, waits for its turn.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
mod world;

use self::world::{World, images};

const NAMES: [&str; 3] = ["b.1.tar", "b.2.tar", "b.3.tar"];

#[tokio::test]
async fn two_that_apply_one_bundle_to_one_layout_at_once_both_come_to_an_end() {
    let world = World::new(&images(3, 50_000));
    assert_eq!(world.create("b.tar", Some(80_000), &[]).await.unwrap().volumes, 3);
    let names = |numbers: &[usize]| numbers.iter().map(|it| NAMES[*it].to_owned()).collect::<Vec<_>>();
    for (round, (one, other)) in
        [(&[0, 1, 2][..], &[0, 1, 2][..]), (&[0, 1], &[1, 2]), (&[2], &[0, 1]), (&[0, 1, 2], &[1])]
            .into_iter()
            .cycle()
            .take(12)
            .enumerate()
    {
        let dir = format!("to-{round}");
        let (one, other) = (names(one), names(other));
        let (one, other) = tokio::join!(world.apply(&one, &dir), world.apply(&other, &dir));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(one.missing.is_empty() || other.missing.is_empty(), "{one:?}\n{other:?}");
        world.check(&dir);
        assert!(!world.leftovers(&dir), "something is left");
    }
}
