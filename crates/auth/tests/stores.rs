//! Credential files and helpers: which is read, in which order, and what becomes of a broken one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail here")]
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use auth::{AuthError, AuthErrorKind, Credential, CredentialSource, Environment, Stores};
use tempfile::TempDir;

/// A home directory with whatever a test puts there.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file with one entry for `r.example`, whose user name says where it is.
    fn entry(self, name: &str) -> Self {
        self.file(name, &entry(name))
    }

    fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A helper. Another process writes it: a descriptor of ours, inherited by a child of another test, would make
    /// it "busy".
    fn helper(self, name: &str, script: &str) -> Self {
        let path = self.path(&format!("bin/docker-credential-{name}"));
        let install = "mkdir -p \"$(dirname \"$1\")\" && cat > \"$1\" && chmod 755 \"$1\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", install, "sh"]).arg(path).stdin(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        write!(child.stdin.take().unwrap(), "#!/bin/sh\n{script}\n").unwrap();
        assert!(child.wait().unwrap().success());
        self
    }

    fn stores(&self, variables: &[(&str, &str)]) -> Stores {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let all = variables
            .iter()
            .copied()
            .chain([("PATH", path.as_str()), ("MARK", self.0.path().to_str().unwrap())]);
        Stores::new(Environment::new(all, Some(self.0.path().to_owned())))
    }

    /// The user name found for `r.example/app`.
    async fn user(&self, variables: &[(&str, &str)]) -> Option<String> {
        find(&self.stores(variables), "r.example").await.unwrap().map(|(user, _)| user)
    }
}

fn entry(user: &str) -> String {
    format!(r#"{{"auths":{{"r.example":{{"username":"{user}","password":"p"}}}}}}"#)
}

/// The user name, or the identity token in brackets; and where it came from.
async fn find(stores: &Stores, registry: &str) -> Result<Option<(String, String)>, AuthError> {
    let found = stores.find(&registry.parse().unwrap(), Some(&"library/app".parse().unwrap())).await?;
    Ok(found.map(|found| match found.credential {
        Credential::Basic { username, .. } => (username, found.from),
        Credential::IdentityToken(token) => (format!("[{}]", token.expose()), found.from),
        other => panic!("{other:?}"),
    }))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

const RUNTIME: &str = "run/containers/auth.json";
const CONFIG: &str = ".config/containers/auth.json";
const DOCKER: &str = ".docker/config.json";
const LEGACY: &str = ".dockercfg";

fn full() -> Home {
    let legacy = r#"{"r.example":{"username":".dockercfg","password":"p"}}"#;
    let home = Home::new().entry(RUNTIME).entry(CONFIG).entry(DOCKER).file(LEGACY, legacy);
    home.entry("named.json").entry("elsewhere/config.json")
}

#[tokio::test]
async fn files_are_read_in_the_order_of_the_tools() {
    let home = full();
    let runtime = home.path("run");
    let runtime = [("XDG_RUNTIME_DIR", text(&runtime))];
    for name in [RUNTIME, CONFIG, DOCKER, LEGACY] {
        assert_eq!(home.user(&runtime).await.as_deref(), Some(name));
        fs::remove_file(home.path(name)).unwrap();
    }
    assert_eq!(home.user(&runtime).await, None);
}

#[tokio::test]
async fn only_a_regular_file_of_a_sane_size_is_read() {
    let home = Home::new().file("huge.json", &" ".repeat(1024 * 1024 + 1)).entry("small.json");
    let (fifo, link, huge) = (home.path("fifo"), home.path("link.json"), home.path("huge.json"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::os::unix::fs::symlink(home.path("small.json"), &link).unwrap();
    for (path, what) in [
        ("/dev/zero", "not a regular file"),
        (text(&fifo), "not a regular file"),
        (text(home.0.path()), "not a regular file"),
        (text(&huge), "more than 1048576 bytes"),
    ] {
        let error = find(&home.stores(&[("REGISTRY_AUTH_FILE", path)]), "r.example").await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Local);
        assert!(error.to_string().ends_with(what), "{error}");
    }
    assert_eq!(home.user(&[("REGISTRY_AUTH_FILE", text(&link))]).await.as_deref(), Some("small.json"));
    assert_eq!(home.user(&[("REGISTRY_AUTH_FILE", "/dev/null")]).await, None);
}

#[tokio::test]
async fn a_named_file_replaces_the_others() {
    let home = full();
    let (named, elsewhere, other) = (home.path("named.json"), home.path("elsewhere"), home.path("other"));
    let variable = entry("variable");
    let file = ("REGISTRY_AUTH_FILE", text(&named));
    let docker = ("DOCKER_CONFIG", text(&elsewhere));
    let inline = ("DOCKER_AUTH_CONFIG", variable.as_str());
    assert_eq!(home.user(&[docker, file, inline]).await.as_deref(), Some("named.json"));
    assert_eq!(home.user(&[docker, inline]).await.as_deref(), Some("variable"));
    assert_eq!(home.user(&[docker]).await.as_deref(), Some("elsewhere/config.json"));
    let isolated = [("DOCKER_CONFIG", text(&other))];
    assert_eq!(home.user(&isolated).await, None, "a set DOCKER_CONFIG is the only one");
    fs::write(home.path("named.json"), " ").unwrap();
    assert_eq!(home.user(&[file]).await, None, "an empty file is an empty configuration");
}

#[tokio::test]
async fn gitlab_means_something_else_by_the_variable() {
    let home = full();
    let variable = entry("variable");
    let (inline, gitlab) = (("DOCKER_AUTH_CONFIG", variable.as_str()), ("GITLAB_CI", "true"));
    assert_eq!(home.user(&[inline, gitlab]).await.as_deref(), Some(CONFIG));
    let asked = [inline, gitlab, ("DOCKER_AUTH_ORDER", "env,config")];
    assert_eq!(home.user(&asked).await.as_deref(), Some("variable"));
}

#[tokio::test]
async fn a_broken_or_missing_file_is_named() {
    let home = Home::new().file(DOCKER, "{\n  \"auths\": {,}\n}");
    let error = find(&home.stores(&[]), "r.example").await.unwrap_err();
    assert_eq!(error.to_string(), "credential file ~/.docker/config.json: line 2: not JSON");
    assert_eq!(error.kind(), AuthErrorKind::Local);
    let absent = home.path("absent.json");
    let error = find(&home.stores(&[("REGISTRY_AUTH_FILE", text(&absent))]), "r.example").await.unwrap_err();
    assert!(error.to_string().contains("~/absent.json: not found"), "{error}");
    let error = find(&home.stores(&[("DOCKER_AUTH_CONFIG", "nonsense")]), "r.example").await.unwrap_err();
    assert!(error.to_string().contains("$DOCKER_AUTH_CONFIG: line 1"), "{error}");
    let undecodable = Home::new().file(DOCKER, r#"{"auths":{"r.example":{"auth":"!"},"s.example":{}}}"#);
    let error = find(&undecodable.stores(&[]), "r.example").await.unwrap_err();
    assert!(error.to_string().ends_with("r.example: `auth` is not base64"), "{error}");
    assert_eq!(find(&undecodable.stores(&[]), "s.example").await.unwrap(), None);
}

#[tokio::test]
async fn a_helper_is_asked_on_its_stdin() {
    let script = r#"read server
[ -z "$CARGO_MANIFEST_DIR" ] || exit 4
printf '%s %s\n' "$1" "$server" >> "$MARK/asked"
echo "canary" >&2
printf '{"ServerURL":"%s","Username":"helped","Secret":"s"}' "$server""#;
    let home = Home::new().helper("fake", script).file(DOCKER, r#"{"credsStore":"fake"}"#);
    let stores = home.stores(&[]);
    let all = futures::future::join_all((0..16).map(|_| find(&stores, "docker.io"))).await;
    let helped = ("helped".to_owned(), "docker-credential-fake".to_owned());
    assert!(all.into_iter().all(|one| one.unwrap() == Some(helped.clone())));
    find(&stores, "r.example:5000").await.unwrap();
    let asked = fs::read_to_string(home.path("asked")).unwrap();
    assert_eq!(asked, "get https://index.docker.io/v1/\nget r.example:5000\n");
}

#[tokio::test]
async fn a_helper_that_says_token_gives_an_identity_token() {
    let script = r#"printf '{"Username":"<token>","Secret":"refresh"}'"#;
    let config = r#"{"credHelpers":{"r.example":"fake"},"credsStore":"absent"}"#;
    let home = Home::new().helper("fake", script).file(DOCKER, config);
    assert_eq!(home.user(&[]).await.as_deref(), Some("[refresh]"));
}

#[tokio::test]
async fn a_helper_that_knows_nothing_is_no_error() {
    let script = "echo 'credentials not found in native keychain'; exit 1";
    let home = Home::new().helper("fake", script).file(CONFIG, r#"{"credHelpers":{"r.example":"fake"}}"#);
    assert_eq!(home.user(&[]).await, None);
    let home = home.entry(DOCKER);
    assert_eq!(home.user(&[]).await.as_deref(), Some(DOCKER), "the next file is asked");
}

#[tokio::test]
async fn a_helper_that_fails_is_an_error_with_its_name() {
    for (script, expected) in [
        ("echo 'not logged in'; echo canary >&2; exit 3", "failed with exit code 3: not logged in"),
        ("echo '{\"Secret\":\"canary\"}'; exit 1", "failed with exit code 1"),
        ("kill -9 $$", "failed with a signal"),
        ("echo canary", "its answer is not JSON"),
        ("exec head -c 70000 /dev/zero", "an answer of more than 65536 bytes"),
    ] {
        let home = Home::new().helper("fake", script).file(DOCKER, r#"{"credsStore":"fake"}"#);
        let error = find(&home.stores(&[]), "r.example").await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("credential helper docker-credential-fake for r.example: {expected}")
        );
        assert_eq!(error.kind(), AuthErrorKind::Authentication);
    }
}

#[tokio::test]
async fn a_helper_that_is_absent_or_misnamed_is_never_run() {
    for (name, expected) in [
        ("absent", "not found on PATH"),
        ("../evil", "not the name of a helper"),
        ("a b", "not the name of a helper"),
        ("a;b", "not the name of a helper"),
    ] {
        let home = Home::new().file(DOCKER, &format!(r#"{{"credsStore":"{name}"}}"#));
        let error = find(&home.stores(&[]), "r.example").await.unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_helper_that_never_answers_is_given_up() {
    let home = Home::new().helper("fake", "exec sleep 1000").file(DOCKER, r#"{"credsStore":"fake"}"#);
    let error = find(&home.stores(&[]), "r.example").await.unwrap_err();
    assert!(error.to_string().ends_with("no answer within 30 seconds"), "{error}");
}
