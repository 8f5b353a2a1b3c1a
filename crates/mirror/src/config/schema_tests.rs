//! The schema for editors says what the types say.
use std::collections::BTreeSet;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor, value::Error},
};
use serde_json::Value;

use super::raw::{PATTERN_KEYS, RawConfig, RawEntry};

const SCHEMA: &str = include_str!("../../../../docs/mirror.schema.json");

/// Notes which fields a type asks for.
struct Fields<'a>(&'a mut BTreeSet<String>);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no structure"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.extend(fields.iter().map(|field| (*field).to_owned()));
        Err(Error::custom("seen"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<'de, T: Deserialize<'de>>() -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    assert!(T::deserialize(Fields(&mut fields)).is_err() && !fields.is_empty());
    fields
}

/// The properties of an object in the schema, each of which says what it is.
fn described(object: &Value) -> BTreeSet<String> {
    assert_eq!(object["additionalProperties"], false);
    let properties = object["properties"].as_object().unwrap();
    for (name, property) in properties {
        assert!(property["description"].as_str().is_some_and(|text| text.len() > 10), "{name}");
    }
    properties.keys().cloned().collect()
}

#[test]
fn the_schema_has_every_field_of_the_form_and_no_other() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(described(&schema), fields::<RawConfig>());
    assert_eq!(described(&schema["$defs"]["entry"]), fields::<RawEntry>());
    let kinds = schema["$defs"]["pattern"]["oneOf"].as_array().unwrap();
    let named: Vec<_> = kinds.iter().filter_map(|kind| kind["$ref"].as_str()?.rsplit('/').next()).collect();
    assert_eq!(named, PATTERN_KEYS);
}
