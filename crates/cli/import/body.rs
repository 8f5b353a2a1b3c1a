//! The body of an importImage call (`ImportImageParameters`), as `--request` takes it.
use std::{collections::BTreeMap, fmt, iter};

use auth::Secret;
use serde::Deserialize;
use serde_json::Value;

use super::{Field, NamedBy, Request, Texts};
use crate::{credential::Words, usage::Usage};

/// The largest body that is read, in bytes. A real one has a few hundred.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    source: Option<BodySource>,
    target_tags: Option<Vec<String>>,
    untagged_target_repositories: Option<Vec<String>>,
    mode: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BodySource {
    source_image: Option<String>,
    registry_uri: Option<String>,
    resource_id: Option<String>,
    credentials: Option<BodyCredentials>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct BodyCredentials {
    username: Option<String>,
    password: Option<Password>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// Text that no error message repeats.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Password(Secret);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Secret::new(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// Reads a body; `suffix` is what Azure registry names end with.
pub(crate) fn read(bytes: &[u8], suffix: &str) -> Result<Request, Usage> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let body: Body = serde_json::from_slice(bytes).map_err(|why| not_a_body(&why))?;
    let unknown = body.unknown_fields();
    let Some(source) = body.source else {
        return Err(Usage::about("source", "the request has no source"));
    };
    let mut texts = Texts {
        source: Field::new("source.sourceImage", source.source_image.unwrap_or_default()),
        registry: Some(named_by(source.registry_uri, source.resource_id)?),
        tagged: fields("targetTags", body.target_tags),
        untagged: fields("untaggedTargetRepositories", body.untagged_target_repositories),
        force: is_force(body.mode.as_deref())?,
    };
    let lowered = lower(&mut texts);
    let mut request = Request::read(&texts, suffix)?;
    request.warnings.extend(lowered);
    request.credentials = source.credentials.and_then(words);
    if !unknown.is_empty() {
        let warning =
            format!("the request has fields that are not known and do nothing: {}", unknown.join(", "));
        request.warnings.push(warning);
    }
    Ok(request)
}

/// Line and column come with the message, so that an editor finds the place. A message quotes text that did not fit,
/// which may be a password: only its position is repeated then.
fn not_a_body(why: &serde_json::Error) -> Usage {
    let at = format!("line {} column {}", why.line(), why.column());
    let text = why.to_string();
    let what = if text.starts_with("invalid type: string") || text.starts_with("invalid value: string") {
        "a string stands where something else belongs".to_owned()
    } else {
        text.strip_suffix(&format!(" at {at}")).unwrap_or(&text).to_owned()
    };
    Usage::about("--request", format!("{at}: {what}"))
        .hint("the body is importImage's ImportImageParameters: source, targetTags, untaggedTargetRepositories, mode")
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

fn fields(name: &str, texts: Option<Vec<String>>) -> Vec<Field> {
    let texts = texts.unwrap_or_default().into_iter().enumerate();
    texts.map(|(index, text)| Field::new(format!("{name}[{index}]"), text)).collect()
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

/// Empty text counts as missing; an object with neither is no credential at all.
fn words(credentials: BodyCredentials) -> Option<Words> {
    let username = credentials.username.filter(|name| !name.is_empty());
    let password =
        credentials.password.map(|password| password.0).filter(|secret| !secret.expose().is_empty());
    (username.is_some() || password.is_some()).then(|| Words {
        username,
        password,
        from: "the request's credentials".to_owned(),
    })
}

impl Body {
    fn unknown_fields(&self) -> Vec<String> {
        let mut names: Vec<String> = self.unknown.keys().cloned().collect();
        if let Some(source) = &self.source {
            names.extend(source.unknown.keys().map(|key| format!("source.{key}")));
            if let Some(credentials) = &source.credentials {
                names.extend(credentials.unknown.keys().map(|key| format!("source.credentials.{key}")));
            }
        }
        names
    }
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
        assert!(with(r#","mode":"Force","mode":"NoForce""#).unwrap_err().message.contains("duplicate"));
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
    fn a_password_of_the_wrong_type_is_not_repeated() {
        let why = body(r#"{"source":{"sourceImage":"a","credentials":"hunter2"}}"#).unwrap_err();
        assert!(!format!("{why:?}").contains("hunter2"), "{why}");
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
