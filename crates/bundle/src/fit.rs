//! Fitting contents into volumes: in order, each filled to its end before the next is begun.
use layout::ArchiveWriter;

use crate::{BundleError, plan::Content, volume::path};

/// The unit of a tar archive: bodies of members are filled up to it.
pub(crate) const BLOCK: u64 = 512;
/// A range is not worth a member when it is shorter, unless it is the last one.
const LEAST_RANGE: u64 = 4096;

/// What a content takes of an archive, or `length` bytes of it from an offset on: as members they have other paths, and
/// a long path has a head of its own.
fn member(content: &Content, range: Option<u64>, length: u64) -> u64 {
    ArchiveWriter::room(&path(&content.digest, range), length)
}

/// Says where each content goes, for volumes that have `room` bytes for members. `indexed` is what a content takes of
/// the volume's index besides. Returns how many volumes there are.
///
/// # Errors
/// Volumes too small for a manifest, which is never split, or for any range at all.
pub(crate) fn fit(
    contents: &mut [Content],
    room: Option<u64>,
    indexed: impl Fn(&Content) -> u64,
) -> Result<u32, BundleError> {
    let Some(room) = room else {
        for content in contents {
            content.at = vec![(1, content.size)];
        }
        return Ok(1);
    };
    let takes = |content: &Content| member(content, None, content.size).saturating_add(indexed(content));
    // A blob that does not fit into a volume of its own has more bytes than the least range then.
    let needs = |it: &Content| if it.is_manifest() { takes(it) } else { member(it, None, LEAST_RANGE) };
    let least = contents.iter().map(needs).max().unwrap_or_default();
    if room < least {
        return Err(too_small(least.saturating_sub(room)));
    }
    let (mut volume, mut left) = (1_u32, room);
    for content in contents {
        content.at.clear();
        let mut rest = content.size;
        loop {
            let offset = content.size.saturating_sub(rest);
            let due =
                if content.at.is_empty() { takes(content) } else { member(content, Some(offset), rest) };
            if due <= left {
                content.at.push((volume, rest));
                left = left.saturating_sub(due);
                break;
            }
            // The body of a range that others follow is made of whole blocks, and leaves something to them: a range
            // may have a shorter head than the whole.
            let body = left.saturating_sub(member(content, Some(offset), 0)).min(rest.saturating_sub(1));
            let fits = body.saturating_sub(body % BLOCK);
            if !content.is_manifest() && fits >= LEAST_RANGE {
                content.at.push((volume, fits));
                rest = rest.saturating_sub(fits);
            }
            volume = volume.checked_add(1).ok_or_else(|| too_small(room))?;
            left = room;
        }
    }
    Ok(volume)
}

fn too_small(by: u64) -> BundleError {
    let what = format!("volumes of this size are too small for this bundle, by {by} bytes at least");
    BundleError::usage(what, "give a larger --volume-size")
}

#[cfg(test)]
mod tests {
    use content::Hasher;
    use reference::Algorithm;

    use super::*;
    use crate::samples_tests::content;

    /// What a member with a short path takes.
    fn taken(size: u64) -> u64 {
        size.next_multiple_of(BLOCK) + BLOCK
    }

    type Fitted = (u32, Vec<Vec<(u32, u64)>>);

    fn fitted(sizes: &[u64], manifests: usize, room: u64) -> Result<Fitted, BundleError> {
        let each = sizes.iter().enumerate().map(|(number, size)| {
            content(u8::try_from(number).unwrap(), (number < manifests).then_some("m"), &[(1, *size)])
        });
        let mut contents: Vec<_> = each.collect();
        let volumes = fit(&mut contents, Some(room), |_| 0)?;
        for number in 1..=volumes {
            let parts = contents.iter().flat_map(|content| &content.at).filter(|part| part.0 == number);
            let taken: u64 = parts.map(|part| taken(part.1)).sum();
            assert!(taken > 0 && taken <= room, "volume {number} takes {taken} of {room}");
        }
        Ok((volumes, contents.into_iter().map(|content| content.at).collect()))
    }

    #[test]
    fn a_blob_larger_than_what_is_left_spans_volumes() {
        let (volumes, at) = fitted(&[500, 30_000, 100], 1, 16 * 1024).unwrap();
        assert_eq!(volumes, 3);
        assert_eq!(at[0], [(1, 500)]);
        assert_eq!(at[1], [(1, 14_848), (2, 15_152)]);
        assert_eq!(at[2], [(3, 100)]);
        assert_eq!(at[1].iter().map(|part| part.1).sum::<u64>(), 30_000);
    }

    #[test]
    fn whatever_the_sizes_volumes_are_full_and_everything_is_in_them_once() {
        for seed in 0..200_u64 {
            let mut state = seed * 2 + 1;
            let mut draw = |below: u64| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) % below
            };
            let sizes: Vec<u64> = (0..=draw(30)).map(|_| draw(40_000)).collect();
            let room = 5 * 1024 + draw(60_000) / 512 * 512;
            let (volumes, at) = fitted(&sizes, 0, room).unwrap();
            for (size, at) in sizes.iter().zip(&at) {
                assert_eq!(at.iter().map(|part| part.1).sum::<u64>(), *size);
                assert!(at.is_sorted_by(|one, next| one.0 < next.0));
                assert!(at.len() == 1 || at.iter().all(|part| part.1 > 0));
            }
            let taken: u64 = at.iter().flatten().map(|part| taken(part.1)).sum();
            let waste = u64::from(volumes) * (LEAST_RANGE + 2 * BLOCK);
            assert!(
                u64::from(volumes - 1) * room <= taken + waste,
                "{volumes} volumes of {room} for {taken}"
            );
        }
    }

    #[test]
    fn manifests_are_never_split_and_too_small_volumes_are_refused() {
        let (volumes, at) = fitted(&[3000, 3000, 3000], 3, 6 * 1024).unwrap();
        assert_eq!((volumes, at), (3, vec![vec![(1, 3000)], vec![(2, 3000)], vec![(3, 3000)]]));
        assert!(fitted(&[30_000], 1, 16 * 1024).unwrap_err().to_string().contains("too small"));
        assert!(fitted(&[30_000], 0, 4 * 1024).is_err());
    }

    #[test]
    fn a_blob_whose_path_has_a_head_of_its_own_is_given_room_for_it_and_no_range_is_empty() {
        for (size, room) in (0..3000).flat_map(|size| [(size * 4, 6 * 1024), (size * 4, 5632)]) {
            let digest = Hasher::digest(Algorithm::Sha512, &[1]);
            let mut contents = [Content { digest, ..content(1, None, &[(1, size)]) }];
            let volumes = fit(&mut contents, Some(room), |_| 0).unwrap();
            let at = &contents[0].at;
            assert_eq!((at.len(), at.iter().map(|part| part.1).sum()), (volumes as usize, size));
            let head = if at.len() == 1 { 3 * BLOCK } else { BLOCK };
            for (_, length) in at {
                assert!(head + length.next_multiple_of(BLOCK) <= room, "{size} in {room}: {at:?}");
                assert!(*length > 0 || size == 0, "{size} in {room}: {at:?}");
            }
        }
        let digest = Hasher::digest(Algorithm::Sha512, &[1]);
        let mut small = [Content { digest, ..content(1, None, &[(1, 1)]) }];
        assert!(fit(&mut small, Some(5631), |_| 0).unwrap_err().to_string().contains("by 1 bytes"));
    }
}
