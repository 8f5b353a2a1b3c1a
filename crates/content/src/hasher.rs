//! Hash states: one running digest, of either algorithm.
use reference::{Algorithm, Digest};
use sha2::{
    Digest as _, Sha256, Sha512,
    digest::common::hazmat::{SerializableState, SerializedState},
};

/// A running SHA-256 or SHA-512; a clone is a mark to come back to.
#[derive(Debug, Clone)]
pub struct Hasher(State);

#[derive(Debug, Clone)]
enum State {
    Sha256(Sha256),
    Sha512(Sha512),
}

/// More bytes than this have more bits than SHA-256 counts.
const MOST_BYTES: u64 = 1 << 60;

impl Hasher {
    /// A hash of nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(Sha256::new()),
            Algorithm::Sha512 => State::Sha512(Sha512::new()),
        })
    }

    /// The digest of `bytes`.
    pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        let mut hasher = Self::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all bytes taken in.
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Sha256(state) => Digest::sha256(state.finalize().into()),
            State::Sha512(state) => Digest::sha512(state.finalize().into()),
        }
    }

    /// The running state in bytes, from which [`Self::restore`] goes on. Stable within one release line of `sha2`.
    pub fn save(&self) -> Vec<u8> {
        match &self.0 {
            State::Sha256(state) => state.serialize().to_vec(),
            State::Sha512(state) => state.serialize().to_vec(),
        }
    }

    /// The hash of `at` bytes that was saved; `None` for bytes that are no such state of this algorithm. Bytes that are
    /// one, but not the right one, show in the digest.
    pub fn restore(algorithm: Algorithm, at: u64, saved: &[u8]) -> Option<Self> {
        if !has_hashed(algorithm, at, saved) {
            return None;
        }
        Some(Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(restored(saved)?),
            Algorithm::Sha512 => State::Sha512(restored(saved)?),
        }))
    }
}

/// Whether a saved state says that it has hashed `at` bytes. `sha2` counts on from what it reads, in bits at the end,
/// and a count that overflows is a panic.
///
/// The state's words come first, then how many blocks they have taken in, then how many bytes wait for the next.
fn has_hashed(algorithm: Algorithm, at: u64, saved: &[u8]) -> bool {
    let (words, width, blocks, waiting) = match algorithm {
        Algorithm::Sha256 => (32, 8, at / 64, at % 64),
        Algorithm::Sha512 => (64, 16, at / 128, at % 128),
    };
    let said = saved.get(words..).and_then(|rest| rest.split_at_checked(width));
    let counts = |(said, rest): (&[u8], &[u8])| {
        u128::from(blocks).to_le_bytes().starts_with(said)
            && rest.first().copied().map(u64::from) == Some(waiting)
    };
    at <= MOST_BYTES && said.is_some_and(counts)
}

fn restored<T: SerializableState>(saved: &[u8]) -> Option<T> {
    let saved: &SerializedState<T> = saved.try_into().ok()?;
    T::deserialize(saved).ok()
}
