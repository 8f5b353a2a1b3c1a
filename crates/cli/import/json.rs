//! JSON that knows where it stands: every value has a path, a line and a column, so that an error can name them. No
//! error repeats a value, which may be a password.
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::usage::Usage;

/// A value, not yet read.
#[derive(Clone)]
pub(super) struct Node<'a> {
    document: &'a str,
    raw: &'a str,
    /// As in `source.credentials.password`; empty for the document itself.
    path: String,
}

/// The members of an object, each to be taken once.
pub(super) struct Object<'a>(Vec<(String, Node<'a>)>);

impl<'a> Node<'a> {
    /// The document, whose syntax is checked as a whole.
    pub(super) fn document(text: &'a str) -> Result<Self, Usage> {
        if text.trim().is_empty() {
            return Err(not_json("there is nothing in it"));
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Ok(Self { document: text, raw: raw.get(), path: String::new() }),
            Err(why) => {
                let said = why.to_string();
                let at = format!(" at line {} column {}", why.line(), why.column());
                let what = said.strip_suffix(&at).unwrap_or("this is no JSON");
                Err(not_json(format!("line {} column {}: {what}", why.line(), why.column().max(1))))
            }
        }
    }

    /// The value as text.
    pub(super) fn text(&self) -> Result<String, Usage> {
        self.read("a string", '"')
    }

    /// The value as a list.
    pub(super) fn list(&self) -> Result<Vec<Self>, Usage> {
        let entries: Vec<&'a RawValue> = self.read("a list", '[')?;
        let entries = entries.into_iter().enumerate();
        Ok(entries.map(|(index, raw)| self.below(raw, format!("{}[{index}]", self.path))).collect())
    }

    /// The value as an object. Parsers differ in which of two equal names they believe, so there may not be two.
    pub(super) fn object(&self) -> Result<Object<'a>, Usage> {
        let members: Members<'a> = self.read("an object", '{')?;
        let mut object: Vec<(String, Self)> = Vec::new();
        for (name, raw) in members.0 {
            let dot = if self.path.is_empty() { "" } else { "." };
            let node = self.below(raw, format!("{}{dot}{name}", self.path));
            if object.iter().any(|(other, _)| *other == name) {
                return Err(node.wrong("is given twice"));
            }
            object.push((name, node));
        }
        Ok(Object(object))
    }

    fn below(&self, raw: &'a RawValue, path: String) -> Self {
        Self { document: self.document, raw: raw.get(), path }
    }

    fn read<T: Deserialize<'a>>(&self, what: &str, begins: char) -> Result<T, Usage> {
        if !self.raw.starts_with(begins) {
            return Err(self.wrong(&format!("must be {what}")));
        }
        // The syntax has been checked: what is left is text with half of a surrogate pair.
        serde_json::from_str(self.raw).map_err(|_| self.wrong("has text that is not Unicode"))
    }

    fn wrong(&self, what: &str) -> Usage {
        // The value is a part of the document, so its place there is known.
        let start = self.raw.as_ptr().addr().saturating_sub(self.document.as_ptr().addr());
        let before = self.document.get(..start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        let name = if self.path.is_empty() { "--request" } else { &self.path };
        Usage::about(name, format!("{what}, line {line} column {column}"))
    }
}

impl<'a> Object<'a> {
    /// Takes a member out; null counts as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Node<'a>> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(at).1).filter(|node| node.raw != "null")
    }

    /// Takes out text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Usage> {
        self.take(name).map(|node| node.text()).transpose()
    }

    /// The paths of the members that nobody took.
    pub(super) fn rest(self) -> impl Iterator<Item = String> {
        self.0.into_iter().map(|(_, node)| node.path)
    }
}

/// What is not JSON.
pub(super) fn not_json(message: impl Into<String>) -> Usage {
    Usage::about("--request", message)
        .hint("the body is importImage's ImportImageParameters: source, targetTags, untaggedTargetRepositories, mode")
}

/// The members of an object in their order, whatever they are.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Every;

        impl<'de> Visitor<'de> for Every {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Object<'_> {
        Node::document(text).unwrap().object().map_err(|why| why.to_string()).unwrap()
    }

    fn said<T>(result: Result<T, Usage>) -> String {
        result.err().map(|why| why.to_string()).unwrap()
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_and_never_repeated() {
        for secret in ["12345", "1.5e3", "true", "[\"hunter2\"]", "{\"hunter2\":0}"] {
            let text = format!("{{\"é\": {{\n  \"b\": {secret}}}}}");
            let mut inner = root(&text).take("é").unwrap().object().unwrap_or_else(|_| panic!());
            assert_eq!(said(inner.text("b")), "é.b: must be a string, line 2 column 8");
        }
        let text = r#"{"a":[5]}"#;
        let list = root(text).take("a").unwrap().list().unwrap_or_default();
        assert_eq!(said(list.first().unwrap().text()), "a[0]: must be a string, line 1 column 7");
        assert!(
            said(Node::document("[]").unwrap_or_else(|_| panic!()).object())
                .contains("--request: must be an object")
        );
    }

    #[test]
    fn what_is_no_json_names_line_and_column_from_1() {
        assert_eq!(said(Node::document(" \n")), "--request: there is nothing in it");
        assert!(said(Node::document("{\n")).starts_with("--request: line 2 column 1: "));
        assert!(said(Node::document("{} x")).contains("line 1 column 4"));
    }

    #[test]
    fn half_of_a_surrogate_pair_is_no_text() {
        assert!(said(root(r#"{"a":"\ud800"}"#).text("a")).starts_with("a: has text that is not Unicode"));
    }

    #[test]
    fn what_nobody_took_is_left_by_its_path() {
        let mut object = root(r#"{"a":1,"b":null,"c":{"d":2}}"#);
        assert!(object.take("b").is_none());
        let inner = object.take("c").unwrap().object().unwrap_or_else(|_| panic!());
        assert_eq!(object.rest().chain(inner.rest()).collect::<Vec<_>>(), ["a", "c.d"]);
    }
}
