//! Noise: bytes that look random and do not compress; each stands at a place of its own, so that a reader may begin
//! anywhere and nothing is kept.
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The increment of the splitmix64 sequence.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
/// Bytes of one word.
const WORD: u64 = 8;

/// Bytes `start..start + length` of the noise that `seed` makes.
pub(crate) fn noise(seed: u64, start: u64, length: usize) -> Bytes {
    let skipped = start.checked_rem(WORD).unwrap_or_default();
    let skip = usize::try_from(skipped).unwrap_or_default();
    let words = skip.saturating_add(length).div_ceil(8);
    let mut bytes = BytesMut::with_capacity(words.saturating_mul(8));
    let mut at = start.checked_div(WORD).unwrap_or_default();
    for _ in 0..words {
        bytes.put_u64_le(word(seed, at));
        at = at.wrapping_add(1);
    }
    bytes.advance(skip);
    bytes.truncate(length);
    bytes.freeze()
}

/// The word at a place of the splitmix64 sequence that `seed` begins. Also what makes one seed of two numbers.
pub(crate) fn word(seed: u64, at: u64) -> u64 {
    let mut mixed = seed.wrapping_add(at.wrapping_add(1).wrapping_mul(STEP));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_may_begin_at_any_byte() {
        let whole = noise(7, 0, 1000);
        for start in [0, 1, 7, 8, 9, 999] {
            assert_eq!(
                noise(7, start, 1000 - usize::try_from(start).unwrap())[..],
                whole[usize::try_from(start).unwrap()..]
            );
        }
        assert_eq!(whole.len(), 1000);
    }

    #[test]
    fn another_seed_makes_other_noise_and_no_byte_is_frequent() {
        let noise = noise(1, 0, 1 << 16);
        assert_ne!(noise, super::noise(2, 0, 1 << 16));
        let mut counts = [0; 256];
        noise.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        assert!(counts.iter().all(|count| (150..400).contains(count)), "256 of each expected: {counts:?}");
    }
}
