//! The body of an importImage call (`ImportImageParameters`), as `--request` takes it.
use std::iter;

use auth::Secret;

use super::{
    Field, NamedBy, Request, Texts,
    json::{Node, not_json},
};
use crate::{credential::Words, usage::Usage};

/// The largest body that is read, in bytes. A real one has a few hundred.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// Reads a body; `suffix` is what Azure registry names end with.
pub(crate) fn read(bytes: &[u8], suffix: &str) -> Result<Request, Usage> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| not_json("this is not UTF-8"))?;
    let mut body = Node::document(text)?.object()?;
    let mut source = match body.take("source") {
        Some(source) => source.object()?,
        None => return Err(Usage::about("source", "the request has no source")),
    };
    let mut texts = Texts {
        source: Field::new("source.sourceImage", source.text("sourceImage")?.unwrap_or_default()),
        registry: Some(named_by(source.text("registryUri")?, source.text("resourceId")?)?),
        tagged: fields("targetTags", body.take("targetTags"))?,
        untagged: fields("untaggedTargetRepositories", body.take("untaggedTargetRepositories"))?,
        force: is_force(body.text("mode")?.as_deref())?,
    };
    let (credentials, strange) = credentials(source.take("credentials"))?;
    let lowered = lower(&mut texts);
    let mut request = Request::read(&texts, suffix)?;
    request.warnings.extend(lowered);
    request.credentials = credentials;
    let unknown: Vec<String> = body.rest().chain(source.rest()).chain(strange).collect();
    if !unknown.is_empty() {
        let warning =
            format!("the request has fields that are not known and do nothing: {}", unknown.join(", "));
        request.warnings.push(warning);
    }
    Ok(request)
}

fn named_by(uri: Option<String>, id: Option<String>) -> Result<NamedBy, Usage> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    match (given(uri), given(id)) {
        (Some(uri), None) => Ok(NamedBy::Uri(Field::new("source.registryUri", uri))),
        (None, Some(id)) => Ok(NamedBy::ResourceId(Field::new("source.resourceId", id))),
        (None, None) => Err(Usage::about("source", "neither registryUri nor resourceId is given")
            .hint("say where the image is, for example \"registryUri\": \"docker.io\"")),
        (Some(_), Some(_)) => {
            Err(Usage::about("source", "both registryUri and resourceId are given").hint("keep one of them"))
        }
    }
}

fn fields(name: &str, list: Option<Node<'_>>) -> Result<Vec<Field>, Usage> {
    let Some(list) = list else { return Ok(Vec::new()) };
    let texts = list.list()?.into_iter().enumerate();
    texts.map(|(index, node)| Ok(Field::new(format!("{name}[{index}]"), node.text()?))).collect()
}

/// Azure compares names without regard to case, and its documentation's own examples have capitals in repositories,
/// where no registry allows them. Tags keep theirs.
fn lower(texts: &mut Texts) -> Vec<String> {
    let mut warnings = Vec::new();
    for field in iter::once(&mut texts.source).chain(&mut texts.tagged).chain(&mut texts.untagged) {
        let path = field.text.rfind('/').map_or(0, |slash| slash.saturating_add(1));
        let end = field.text.find('@').unwrap_or(field.text.len());
        let colon =
            field.text.get(path..end).and_then(|last| last.find(':')).map(|at| at.saturating_add(path));
        let (repository, rest) = field.text.split_at(colon.unwrap_or(end));
        let lowered = repository.to_ascii_lowercase();
        if lowered != repository {
            warnings.push(format!(
                "{}: `{repository}` is read as `{lowered}`: repositories are lower case",
                field.name
            ));
            field.text = lowered + rest;
        }
    }
    warnings
}

fn is_force(mode: Option<&str>) -> Result<bool, Usage> {
    match mode {
        None | Some("") => Ok(false),
        Some(mode) if mode.eq_ignore_ascii_case("NoForce") => Ok(false),
        Some(mode) if mode.eq_ignore_ascii_case("Force") => Ok(true),
        Some(mode) => Err(Usage::about("mode", format!("`{mode}` is not a mode"))
            .hint("it is NoForce, the default, or Force")),
    }
}

/// The credentials, and the paths of fields that are not known. Empty text counts as missing; an object with neither
/// name nor password is no credential at all.
fn credentials(node: Option<Node<'_>>) -> Result<(Option<Words>, Vec<String>), Usage> {
    let Some(node) = node else { return Ok((None, Vec::new())) };
    let mut object = node.object()?;
    let username = object.text("username")?.filter(|name| !name.is_empty());
    let password = object.text("password")?.map(Secret::new).filter(|secret| !secret.is_empty());
    let words = (username.is_some() || password.is_some()).then(|| Words {
        username,
        password,
        from: "the request's credentials".to_owned(),
    });
    Ok((words, object.rest().collect()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ACR_SUFFIX, Source},
        *,
    };

    fn body(text: &str) -> Result<Request, Usage> {
        read(text.as_bytes(), ACR_SUFFIX)
    }

    fn with(rest: &str) -> Result<Request, Usage> {
        body(&format!(r#"{{"source":{{"registryUri":"registry.example","sourceImage":"app:v1"}}{rest}}}"#))
    }

    #[test]
    fn invalid_json_names_line_and_column() {
        let why = body("{\n  \"source\": nope\n}").unwrap_err();
        assert!(why.message.starts_with("line 2 column"), "{why}");
    }

    #[test]
    fn a_field_of_the_wrong_type_names_line_and_column() {
        let why = with(",\n\"targetTags\": [5]").unwrap_err();
        assert!(why.message.contains("line 2 column"), "{why}");
    }

    #[test]
    fn a_field_given_twice_is_refused() {
        assert!(
            with(r#","mode":"Force","mode":"NoForce""#)
                .unwrap_err()
                .to_string()
                .contains("mode: is given twice")
        );
    }

    #[test]
    fn exactly_one_of_registry_uri_and_resource_id_is_needed() {
        let neither = body(r#"{"source":{"sourceImage":"app","registryUri":""}}"#).unwrap_err();
        assert!(neither.message.contains("neither"), "{neither}");
        let both = body(r#"{"source":{"sourceImage":"app","registryUri":"r.example","resourceId":"/x"}}"#);
        assert!(both.unwrap_err().message.contains("both"));
    }

    #[test]
    fn a_source_and_its_image_are_needed() {
        assert!(body("{}").unwrap_err().field.starts_with("source"));
        assert!(body(r#"{"source":null}"#).is_err());
        let no_image = body(r#"{"source":{"registryUri":"registry.example"}}"#).unwrap_err();
        assert_eq!(no_image.field, "source.sourceImage");
    }

    #[test]
    fn mode_is_read_in_any_case_and_defaults_to_no_force() {
        for (text, force) in [("Force", true), ("force", true), ("FORCE", true), ("noforce", false)] {
            assert_eq!(with(&format!(r#","mode":"{text}""#)).unwrap().force, force, "{text}");
        }
        assert!(!with("").unwrap().force);
        assert!(!with(r#","mode":null"#).unwrap().force);
        assert_eq!(with(r#","mode":"maybe""#).unwrap_err().field, "mode");
    }

    #[test]
    fn missing_null_and_empty_lists_are_alike() {
        let settled = |rest: &str| {
            let request = with(rest).unwrap();
            request.settle(&request.origin().unwrap(), &mut Vec::new()).unwrap()
        };
        let missing = settled("");
        assert_eq!(missing.len(), 1);
        assert_eq!(settled(r#","targetTags":null,"untaggedTargetRepositories":null"#), missing);
        assert_eq!(settled(r#","targetTags":[],"untaggedTargetRepositories":[]"#), missing);
    }

    #[test]
    fn unknown_fields_are_named_in_one_warning() {
        let text = r#"{"apiVersion":1,"source":{"registryUri":"r.example","sourceImage":"a","credentials":{"token":""},"x":2}}"#;
        let warnings = body(text).unwrap().warnings;
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        for name in ["apiVersion", "source.x", "source.credentials.token"] {
            assert!(warning.contains(name), "{warning}");
        }
    }

    #[test]
    fn an_error_in_a_list_names_its_entry() {
        let why = with(r#","targetTags":["good:v1","bad@sha256:00"]"#).unwrap_err();
        assert_eq!(why.field, "targetTags[1]");
    }

    #[test]
    fn credentials_may_be_a_password_alone() {
        let text = r#"{"source":{"registryUri":"r.azurecr.io","sourceImage":"a","credentials":{"username":"","password":"p"}}}"#;
        let words = body(text).unwrap().credentials.unwrap();
        assert_eq!(words.username, None);
        assert_eq!(words.password.unwrap().expose(), "p");
        let none = r#"{"source":{"registryUri":"r.example","sourceImage":"a","credentials":{}}}"#;
        assert!(body(none).unwrap().credentials.is_none());
    }

    #[test]
    fn a_password_of_the_wrong_type_is_named_and_not_repeated() {
        for wrong in
            [r#""hunter2""#, "907", r#"{"password":907}"#, r#"{"password":9.07}"#, r#"{"password":true}"#]
        {
            let text = format!(
                r#"{{"source":{{"registryUri":"r.example","sourceImage":"a","credentials":{wrong}}}}}"#
            );
            let why = body(&text).unwrap_err();
            let said = format!("{why:?} {why}");
            for secret in ["hunter2", "907", "9.07", "true"] {
                assert!(!said.contains(secret), "{said}");
            }
            assert!(
                why.field.starts_with("source.credentials") && why.message.starts_with("must be"),
                "{why}"
            );
        }
    }

    #[test]
    fn capitals_in_repositories_are_lowered_with_a_warning_and_tags_keep_theirs() {
        let text =
            r#"{"source":{"registryUri":"r.example","sourceImage":"Team/App:Tag"},"targetTags":["Other"]}"#;
        let request = body(text).unwrap();
        let Source::Registry { reference, .. } = &request.source else { panic!("a registry") };
        assert_eq!(reference.to_string(), "r.example/team/app:Tag");
        assert_eq!(request.asked.tagged.first().unwrap().to_string(), "other");
        assert_eq!(request.warnings.len(), 2);
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        let text = "\u{feff}{\"source\":{\"registryUri\":\"r.example\",\"sourceImage\":\"a\"}}";
        assert!(matches!(body(text).unwrap().source, Source::Registry { .. }));
    }
}
