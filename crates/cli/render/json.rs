//! What a run did or why it did not, for programs: one JSON document.
use copier::{CopyError, Outcome, Report};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Done, Proven, Told, error, proof};
use crate::{exit, failure::Failure};

/// The document of a run that did what it should.
pub(crate) fn done(done: &Done, warnings: &[String]) -> String {
    let mut document = Map::new();
    document.insert("source".into(), done.source.clone().into());
    report(&mut document, &done.report, |_| true);
    document.insert("warnings".into(), warnings.into());
    print(document)
}

/// The document of images that are as they should be.
pub(crate) fn proven(proven: &Proven, warnings: &[String]) -> String {
    let mut document = proof::document(proven);
    document.insert("warnings".into(), warnings.into());
    print(document)
}

/// The document of a command that has its words already.
pub(crate) fn told(told: &Told, warnings: &[String]) -> String {
    let mut document = told.document.clone();
    if !told.is_bare {
        document.insert("warnings".into(), warnings.into());
    }
    print(document)
}

/// A document that others have given its form.
pub(crate) fn as_is(document: &impl Serialize) -> String {
    // What cannot be written has maps with keys that are no text.
    print(serde_json::to_value(document).unwrap_or_default())
}

/// The document of a run that failed.
pub(crate) fn failed(failure: &Failure, warnings: &[String]) -> String {
    let mut document = Map::new();
    let mut error = json!({
        "kind": exit::kind_name(failure),
        "side": null,
        "step": null,
        "message": error::headline(failure),
        "causes": error::causes(failure),
        "hint": error::hint(failure),
        "exitCode": exit::code(failure),
    });
    if let (Some(into), Some(copy)) = (error.as_object_mut(), copy_error(failure)) {
        sides(into, copy);
    }
    if let (Some(into), Failure::Neither(fault)) = (error.as_object_mut(), failure) {
        into.insert("step".into(), fault.step().as_str().into());
    }
    if let (Some(into), Failure::Usage(usage)) = (error.as_object_mut(), failure) {
        into.insert("field".into(), usage.field.clone().into());
    }
    document.insert("error".into(), error);
    if let Failure::Partly(partly) = failure {
        document.insert("source".into(), partly.done.source.clone().into());
        report(&mut document, &partly.done.report, |outcome| partly.is_published(outcome));
    }
    if let Failure::Unproven(proven) = failure {
        document.extend(proof::document(proven));
    }
    if let Failure::Page { measured: Some(measured), .. } = failure
        && let Ok(Value::Object(results)) = serde_json::to_value(measured)
    {
        document.extend(results);
    }
    if let Failure::Bundled(told) = failure {
        document.extend(told.document.clone());
    }
    if let (Failure::Mirrored(_) | Failure::Planned(_), Value::Object(all)) = (failure, several(failure)) {
        document.extend(all);
    }
    document.insert("warnings".into(), warnings.into());
    print(document)
}

/// What there is to say of each image of a mirror.
fn several(failure: &Failure) -> Value {
    match failure {
        Failure::Mirrored(mirrored) => mirrored.document(),
        Failure::Planned(planned) => planned.document(),
        _ => Value::Null,
    }
}

/// A document that others have made, with what users should know.
pub(crate) fn with_warnings(document: Value, warnings: &[String]) -> String {
    let mut document = document;
    if let Some(into) = document.as_object_mut() {
        into.insert("warnings".into(), warnings.into());
    }
    print(document)
}

/// The one copy error that a failure is about.
fn copy_error(failure: &Failure) -> Option<&CopyError> {
    match failure {
        Failure::Copy(error) => Some(error),
        Failure::Partly(partly) => partly.error(),
        _ => None,
    }
}

fn sides(into: &mut Map<String, Value>, error: &CopyError) {
    into.insert("side".into(), error.side().as_str().into());
    into.insert("step".into(), error.step().as_str().into());
    if let CopyError::TagsExist(conflicts) = error {
        let conflicts = conflicts.iter().map(|conflict| {
            json!({
                "place": conflict.place.to_string(),
                "name": conflict.name.as_str(),
                "digest": conflict.digest.to_string(),
                "same": conflict.same,
            })
        });
        into.insert("conflicts".into(), conflicts.collect());
    }
}

fn report(into: &mut Map<String, Value>, report: &Report, published: impl Fn(&Outcome) -> bool) {
    let descriptor = |one: &content::Descriptor| json!({ "mediaType": one.media_type.as_str(), "digest": one.digest.to_string(), "size": one.size });
    into.insert("root".into(), descriptor(&report.root));
    if let Some(narrowed) = &report.narrowed {
        let kept: Vec<String> = narrowed.kept.iter().map(ToString::to_string).collect();
        let from = narrowed.from.to_string();
        into.insert(
            "narrowed".into(),
            json!({"from": from, "platforms": kept, "leftOut": narrowed.left_out}),
        );
    }
    if let Some(extent) = report.extent {
        into.insert("manifests".into(), extent.manifests.into());
        into.insert("blobs".into(), extent.blobs.into());
        if let Some(referrers) = extent.referrers {
            into.insert("referrers".into(), referrers.into());
        }
    }
    let followed = report.extent.is_some_and(|extent| extent.referrers.is_some());
    into.insert("skipped".into(), report.skipped.iter().map(descriptor).collect());
    into.insert(
        "destinations".into(),
        report.outcomes.iter().map(|outcome| destination(outcome, published(outcome), followed)).collect(),
    );
}

fn destination(outcome: &Outcome, published: bool, followed: bool) -> Value {
    let names =
        |names: &[reference::RefName]| names.iter().map(reference::RefName::as_str).collect::<Value>();
    let mut object = Map::new();
    object.insert("place".into(), outcome.place.to_string().into());
    object.insert("names".into(), names(&outcome.names));
    object.insert("written".into(), names(&outcome.written));
    object.insert("published".into(), published.into());
    match &outcome.result {
        Ok(delivered) => {
            object.insert("alreadyThere".into(), delivered.already_there.into());
            object.insert("copied".into(), delivered.copied.into());
            object.insert("mounted".into(), delivered.mounted.into());
            object.insert("present".into(), delivered.present.into());
            object.insert("bytes".into(), delivered.bytes.into());
            if followed {
                object.insert("referrers".into(), delivered.referrers.into());
            }
        }
        Err(error) => {
            let mut why = Map::new();
            why.insert("kind".into(), exit::name_of(error.kind()).into());
            why.insert("message".into(), error.to_string().into());
            why.insert("hint".into(), error.hint().into());
            sides(&mut why, error);
            object.insert("error".into(), why.into());
        }
    }
    object.into()
}

fn print(document: impl Into<Value>) -> String {
    escaped(&format!("{:#}\n", document.into()))
}

/// A document on one line, for a program that reads lines: there is more to come.
pub(super) fn line(document: impl Into<Value>) -> String {
    escaped(&format!("{}\n", document.into()))
}

/// serde escapes C0 control characters; terminals obey the C1 ones too.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use content::{Fault, FaultKind, Step};
    use copier::Side;

    use super::*;

    #[test]
    fn no_control_character_of_a_server_is_printed_raw() {
        let fault = Fault::new(FaultKind::Refused, Step::Publish, "a\u{1b}b\u{9b}c\u{7f}d").hint("e\u{85}f");
        let text = failed(&Failure::at(Side::Target, fault), &["g\u{9c}".to_owned()]);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["error"]["hint"], "e\u{85}f");
        assert_eq!(read["error"]["kind"], "refused");
        assert_eq!(read["error"]["side"], "target");
        assert_eq!(read["error"]["step"], "publish manifest");
        assert_eq!(read["error"]["exitCode"], 6);
    }
}
