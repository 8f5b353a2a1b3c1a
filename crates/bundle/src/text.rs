//! Names and digests in JSON, as the text that they are; lists that end; and what is shared, as if it were not.
use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// The most entries of a list whose entries are short. An honest one has fewer: with each blob of a base comes its
/// digest, 43 bytes of the 64 MiB that a volume says of itself, and of a registry 500,000 repositories are read.
pub(crate) const MAX_LISTED: usize = 1_400_000;

pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// The same, where there may be none.
pub(crate) mod maybe {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(crate) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

/// Many of them.
pub(crate) mod all {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, list};

    #[derive(Deserialize)]
    #[serde(bound = "T: FromStr<Err: Display>")]
    struct Text<T>(#[serde(deserialize_with = "super::deserialize")] T);

    pub(crate) fn serialize<T: Display, S: Serializer>(
        values: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(ToString::to_string))
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let all: Vec<Text<T>> = list::deserialize(deserializer)?;
        Ok(all.into_iter().map(|text| text.0).collect())
    }
}

/// A list that ends: what is short as text takes many times as much memory.
pub(crate) mod list {
    use std::{fmt, marker::PhantomData};

    use serde::de::{SeqAccess, Visitor};

    use super::{Deserialize, Deserializer, Error, MAX_LISTED};

    struct Listed<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Listed<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of {MAX_LISTED} entries at most")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(entry) = entries.next_element()? {
                if list.len() >= MAX_LISTED {
                    return Err(A::Error::invalid_length(list.len().saturating_add(1), &self));
                }
                list.push(entry);
            }
            Ok(list)
        }
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(Listed(PhantomData))
    }
}

/// Something that others have too.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::Serialize;

    use super::Serializer;

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }
}
