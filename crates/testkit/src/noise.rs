//! Noise: bytes that look random, do not compress, and are the same in every run.
use bytes::{BufMut, Bytes, BytesMut};

/// `length` bytes that depend on `seed` alone.
pub fn noise(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bytes = BytesMut::with_capacity(length.next_multiple_of(8));
    while bytes.len() < length {
        bytes.put_u64_le(next(&mut state));
    }
    bytes.truncate(length);
    bytes.freeze()
}

/// The next number of the splitmix64 sequence.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bytes_again_and_another_seed_others() {
        assert_eq!(noise(7, 1000), noise(7, 1000));
        assert_eq!(noise(7, 1000)[..10], noise(7, 10)[..]);
        assert_ne!(noise(7, 1000), noise(8, 1000));
    }
}
