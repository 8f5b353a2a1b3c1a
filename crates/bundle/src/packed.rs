//! Digests packed: their bytes one after the other, in base64, sorted. A third of the size that they have as text.
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use reference::{Algorithm, Digest};
use serde::{Deserialize, Serialize};

/// Many digests, sorted: those of SHA-256 before those of SHA-512. Others name one by its position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packed {
    /// 32 bytes each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sha256: String,
    /// 64 bytes each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    sha512: String,
}

impl Packed {
    /// Packs digests that are sorted.
    pub(crate) fn new<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for digest in digests {
            match digest.algorithm() {
                Algorithm::Sha256 => short.extend(bytes(digest)),
                Algorithm::Sha512 => long.extend(bytes(digest)),
            }
        }
        Self { sha256: STANDARD_NO_PAD.encode(short), sha512: STANDARD_NO_PAD.encode(long) }
    }

    /// The digests, in the order of their positions.
    ///
    /// # Errors
    /// A clause that says what does not fit: they are not whole, or not in order.
    pub(crate) fn unpack(&self) -> Result<impl Iterator<Item = Digest> + use<>, String> {
        let (short, long) = (whole::<32>(&self.sha256)?, whole::<64>(&self.sha512)?);
        Ok(short.into_iter().map(Digest::sha256).chain(long.into_iter().map(Digest::sha512)))
    }
}

fn whole<const N: usize>(text: &str) -> Result<Vec<[u8; N]>, String> {
    let bytes = STANDARD_NO_PAD.decode(text).map_err(|why| format!("its digests are no base64: {why}"))?;
    let (whole, rest) = bytes.as_chunks::<N>();
    if !rest.is_empty() {
        return Err("its last digest is cut off".to_owned());
    }
    if !whole.is_sorted_by(|one, next| one < next) {
        return Err("its digests are not in order".to_owned());
    }
    Ok(whole.to_vec())
}

fn bytes(digest: &Digest) -> Vec<u8> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digest.hex().as_bytes().as_chunks::<2>().0;
    pairs.iter().filter_map(|[high, low]| Some((nibble(high)? << 4) | nibble(low)?)).collect()
}

#[cfg(test)]
mod tests {
    use content::Hasher;

    use super::*;

    fn some() -> Vec<Digest> {
        let mut digests: Vec<Digest> = (0..5_u8)
            .flat_map(|number| {
                [Algorithm::Sha256, Algorithm::Sha512].map(|algorithm| Hasher::digest(algorithm, &[number]))
            })
            .collect();
        digests.sort();
        digests
    }

    #[test]
    fn digests_come_back_as_they_were_in_a_third_less_space() {
        let packed = Packed::new(&some());
        assert_eq!(packed.unpack().unwrap().collect::<Vec<_>>(), some());
        let text: usize = some().iter().map(|digest| digest.to_string().len()).sum();
        let size = serde_json::to_string(&packed).unwrap().len();
        assert!(size * 3 < text * 2 + 100, "{size} bytes for {text}");
    }

    #[test]
    fn digests_that_are_cut_or_out_of_order_are_refused() {
        let mut cut = Packed::new(&some());
        cut.sha256.pop();
        assert!(cut.unpack().is_err());
        let mut turned = some();
        turned.swap(0, 1);
        assert!(Packed::new(&turned).unpack().err().unwrap().contains("order"));
    }
}
