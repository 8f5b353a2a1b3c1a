//! Shares of a mirror: each repository at the destination belongs to one of several processes, which need not know of
//! each other.
use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One share of several. Written `2/4`: the second of four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    /// From 0.
    index: u32,
    of: u32,
}

/// The most shares.
const MOST: u32 = 10_000;

/// A share that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoShard(String);

impl Shard {
    /// The share with this index, counted from 0, of so many.
    pub fn new(index: u32, of: u32) -> Result<Self, NoShard> {
        if of == 0 || of > MOST {
            return Err(NoShard(format!("a mirror has from 1 to {MOST} shares, not {of}")));
        }
        if index >= of {
            return Err(NoShard(format!("of {of} shares there is none after {of}/{of}")));
        }
        Ok(Self { index, of })
    }

    /// Whether a repository, `registry.example/name` or a layout's path, belongs to this share. Every repository
    /// belongs to one share, in all versions of this program: all tags of a repository go the same way, so that what
    /// they have in common is sent once.
    pub fn holds(self, repository: &str) -> bool {
        Some(u64::from(self.index)) == hash(repository).checked_rem(u64::from(self.of))
    }
}

/// FNV-1a, and the last step of `MurmurHash3`, without which the low bits of similar names are alike.
fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl FromStr for Shard {
    type Err = NoShard;

    /// `I/N`, I from 1.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoShard(format!("{text:?} is no share; the second of four is 2/4"));
        let (share, of) = text.split_once('/').ok_or_else(wrong)?;
        let number = |text: &str| match text.parse() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
            _ => Err(wrong()),
        };
        let (share, of): (u32, u32) = (number(share)?, number(of)?);
        let index = share.checked_sub(1).ok_or_else(|| NoShard("shares are counted from 1".to_owned()))?;
        Self::new(index, of)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.index.saturating_add(1), self.of)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = NoShard;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_belongs_to_the_same_share_for_ever() {
        // Another value here moves repositories between the shares of mirrors that run today.
        for (text, value) in [
            ("", 0xefd0_1f60_ba99_2926_u64),
            ("registry.example/mirror/alpine", 0x6366_9536_3b7a_30e3_u64),
            ("127.0.0.1:5000/a", 0x287f_bddf_7cd7_be79_u64),
            ("oci:/srv/images", 0x13d9_dbb9_104c_42f6_u64),
        ] {
            assert_eq!(hash(text), value, "{text:?}");
        }
    }

    #[test]
    fn every_repository_is_in_exactly_one_share_and_shares_are_about_as_large() {
        for of in [1, 2, 3, 4, 7, 64] {
            let shares: Vec<_> = (0..of).map(|index| Shard::new(index, of).unwrap()).collect();
            let mut sizes = vec![0_u32; shares.len()];
            for i in 0..1000 {
                let name = format!("registry.example/mirror/app-{i}");
                let holders: Vec<_> = (0..shares.len()).filter(|index| shares[*index].holds(&name)).collect();
                assert_eq!(holders.len(), 1, "{name}");
                sizes[holders[0]] += 1;
            }
            let fair = 1000 / of;
            assert!(sizes.iter().all(|size| *size > fair / 4 && *size < fair * 2), "{sizes:?}");
        }
    }

    #[test]
    fn a_share_is_counted_from_one_and_reads_back() {
        for good in ["1/1", "2/4", "4/4"] {
            assert_eq!(good.parse::<Shard>().unwrap().to_string(), good);
        }
        assert_eq!("2/4".parse(), Shard::new(1, 4));
        for bad in ["", "2", "0/4", "5/4", "1/0", "1/10001", "a/4", "+1/4", "1/4/2", "-1/4", "99999999999/4"]
        {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }
}
