//! Authentication: every way in, as few token requests as there are scope sets, and nothing sent astray.
use std::os::unix::fs::PermissionsExt;

use base64::{Engine, engine::general_purpose::STANDARD};
use content::Descriptor;
use serde_json::json;
use testkit::{Content, Ledger, Program, Registry, Rule, TokenServer, Tokens};

use crate::{import, transship};

/// One image of sixteen layers: sixteen tasks want a token at once.
fn image() -> (Content, Descriptor) {
    Content::fleet(1, 16, 1000)
}

fn token_server() -> TokenServer {
    TokenServer::start(Tokens::new().user("ann", "canary-secret").identity("identity-of-ann-canary"))
}

/// A source that wants a token for everything.
fn guarded(tokens: &TokenServer) -> (Registry, Content) {
    let (content, root) = image();
    (Registry::setup().bearer(tokens).seed(&content, &root, "team/app:v1").start(), content)
}

fn with_login(registry: &Registry, entry: &serde_json::Value) -> Program {
    let program = transship();
    program.docker_config(&json!({"auths": {registry.host(): entry}}));
    program
}

fn auth(user: &str, password: &str) -> serde_json::Value {
    json!({"auth": STANDARD.encode(format!("{user}:{password}"))})
}

/// Nothing that was asked of a registry carries this text.
fn is_silent_about(ledger: &Ledger, secret: &str) -> bool {
    !ledger.all().iter().any(|r| {
        r.form.contains(secret)
            || r.query.contains(secret)
            || r.headers.iter().any(|(_, v)| v.contains(secret))
    })
}

#[test]
fn an_anonymous_pull_gets_a_token_without_credentials() {
    let tokens = TokenServer::start(Tokens::new().anonymous());
    let (source, content) = guarded(&tokens);
    let target = Registry::start();
    transship().run(&import(&source.reference("team/app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    let asked = tokens.ledger().all();
    assert_eq!(asked.len(), 1, "{}", tokens.ledger());
    assert!(asked[0].header("authorization").is_none());
}

#[test]
fn basic_credentials_open_a_registry_with_a_password_file() {
    let (content, root) = image();
    let source = Registry::setup().basic("ann", "canary-secret").seed(&content, &root, "app:v1").start();
    let target = Registry::setup().basic("bob", "canary-other").start();
    let program = transship();
    let logins = json!({"auths": {source.host(): auth("ann", "canary-secret"), target.host(): auth("bob", "canary-other")}});
    program.docker_config(&logins);
    program.run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    // Once it is known that Basic is wanted, nobody asks without it again.
    let turned_away = |ledger: &Ledger| ledger.count(|request| request.status == Some(401));
    assert!(turned_away(source.ledger()) <= 1, "{}", source.ledger());
    assert!(turned_away(target.ledger()) <= 1, "{}", target.ledger());
}

#[test]
fn sixteen_tasks_ask_for_one_token_a_scope_set() {
    let (from, to) = (token_server(), token_server());
    let (source, content) = guarded(&from);
    let target = Registry::setup().bearer(&to).start();
    let program = transship();
    let logins = json!({"auths": {source.host(): auth("ann", "canary-secret"), target.host(): auth("ann", "canary-secret")}});
    program.docker_config(&logins);
    program.run(&import(&source.reference("team/app:v1"), &target.host(), &["-t", "copy:v1"])).exits(0);
    assert!(target.holds(&content));
    let scopes = |server: &TokenServer| {
        let asked = server.ledger().all();
        let mut scopes: Vec<String> = asked.iter().map(|r| format!("{}{}", r.query, r.form)).collect();
        scopes.sort();
        scopes
    };
    for server in [&from, &to] {
        let mut different = scopes(server);
        let all = different.len();
        different.dedup();
        assert_eq!(different.len(), all, "a scope set was asked for twice: {}", server.ledger());
        assert!(
            server.ledger().all().iter().all(|r| r.method == "GET" && r.header("authorization").is_some())
        );
    }
    assert_eq!(scopes(&from).len(), 1, "{}", from.ledger());
    assert!(scopes(&to).len() <= 2, "pull for the check, pull and push for the rest: {}", to.ledger());
}

#[test]
fn an_identity_token_is_posted_as_a_refresh_token_and_never_sent_as_bearer() {
    let tokens = token_server();
    let (source, content) = guarded(&tokens);
    let target = Registry::start();
    let program = with_login(&source, &json!({"identitytoken": "identity-of-ann-canary"}));
    program.run(&import(&source.reference("team/app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    let asked = tokens.ledger().all();
    assert_eq!(asked.len(), 1, "{}", tokens.ledger());
    assert_eq!(asked[0].method, "POST");
    assert!(asked[0].form.contains("grant_type=refresh_token"), "{}", asked[0].form);
    assert!(is_silent_about(source.ledger(), "identity-of-ann-canary"), "{}", source.ledger());
}

#[test]
fn an_entra_token_is_exchanged_at_the_azure_registry_and_nowhere_else() {
    let (content, root) = image();
    let acr = Registry::setup().acr(Tokens::new().identity("entra-of-ann-canary"));
    let source = acr.seed(&content, &root, "team/app:v1").start();
    let (target, host) = (Registry::start(), source.host());
    let flags = ["-p", "entra-of-ann-canary", "--acr", &host];
    transship().run(&import(&source.reference("team/app:v1"), &target.host(), &flags)).exits(0);
    assert!(target.holds(&content));
    let at = |path: &str| source.ledger().count(|request| request.path == path);
    assert_eq!((at("/oauth2/exchange"), at("/oauth2/token")), (1, 1), "{}", source.ledger());
    let strays = source.ledger().pick(|request| request.path != "/oauth2/exchange");
    assert!(!strays.iter().any(|r| r.headers.iter().any(|(_, v)| v.contains("entra-of-ann-canary"))));
    assert!(!strays.iter().any(|r| r.form.contains("entra-of-ann-canary")), "{}", source.ledger());
    assert!(is_silent_about(target.ledger(), "entra-of-ann-canary"));
}

#[test]
fn a_password_without_a_user_name_is_for_azure_registries_only() {
    let (content, root) = image();
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    let flags = ["-p", "entra-of-ann-canary"];
    transship().run(&import(&source.reference("app:v1"), &target.host(), &flags)).exits(2);
    assert!(source.ledger().all().is_empty() && target.ledger().all().is_empty());
}

#[test]
fn a_credential_helper_is_asked_for_its_registry() {
    let tokens = token_server();
    let (source, content) = guarded(&tokens);
    let target = Registry::start();
    let mut program = transship();
    let bin = program.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let helper = bin.join("docker-credential-test");
    let answer = json!({"ServerURL": source.host(), "Username": "ann", "Secret": "canary-secret"});
    std::fs::write(
        &helper,
        format!("#!/bin/sh\n[ \"$1\" = get ] || exit 1\ncat >/dev/null\necho '{answer}'\n"),
    )
    .unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    program.set("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    program.docker_config(&json!({"credHelpers": {source.host(): "test"}}));
    program.run(&import(&source.reference("team/app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
}

#[test]
fn source_and_target_on_one_host_may_have_different_credentials() {
    let (content, root) = image();
    let registry = Registry::setup().basic("reader", "canary-one").basic("writer", "canary-two");
    let registry = registry.seed(&content, &root, "app:v1").start();
    let program = transship();
    std::fs::write(program.home().join("password"), "canary-two\n").unwrap();
    let flags = [
        "-u",
        "reader",
        "-p",
        "canary-one",
        "--target-username",
        "writer",
        "--target-password-file",
        "password",
    ];
    let names = ["-t", "copy:v1"];
    program
        .run(&import(&registry.reference("app:v1"), &registry.host(), &[&flags[..], &names].concat()))
        .exits(0);
    let shown =
        |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let (reader, writer) = (shown("reader", "canary-one"), shown("writer", "canary-two"));
    for request in registry.ledger().pick(|request| request.status != Some(401)) {
        let wanted = if request.path.starts_with("/v2/app/") { &reader } else { &writer };
        assert_eq!(request.header("authorization"), Some(wanted.as_str()), "{request}");
    }
}

#[test]
fn an_expired_token_costs_one_more() {
    let tokens = token_server();
    let (content, root) = image();
    let expire = Rule::on(http::Method::GET, "/blobs/").nth(4).expire_tokens();
    let source = Registry::setup().bearer(&tokens).seed(&content, &root, "team/app:v1").rule(expire).start();
    let target = Registry::start();
    let program = with_login(&source, &auth("ann", "canary-secret"));
    program.run(&import(&source.reference("team/app:v1"), &target.host(), &[])).exits(0);
    assert!(target.holds(&content));
    assert_eq!(tokens.ledger().all().len(), 2, "{}", tokens.ledger());
}

#[test]
fn wrong_credentials_end_with_3_and_are_never_dropped_for_anonymity() {
    let tokens = TokenServer::start(Tokens::new().user("ann", "canary-secret").anonymous());
    let (source, _) = guarded(&tokens);
    let (content, root) = image();
    let locked = Registry::setup().basic("ann", "canary-secret").seed(&content, &root, "team/app:v1").start();
    let target = Registry::start();
    for registry in [&source, &locked] {
        let program = with_login(registry, &auth("ann", "canary-wrong"));
        let run = program.run(&import(&registry.reference("team/app:v1"), &target.host(), &[])).exits(3);
        assert!(run.stderr.contains("config.json"), "the message says whose password it was: {run}");
        assert!(
            !run.stderr.contains("canary-wrong")
                || !run.stderr.contains(&STANDARD.encode("ann:canary-wrong")),
            "{run}"
        );
    }
    assert!(target.ledger().all().is_empty(), "{}", target.ledger());
    let asked = tokens.ledger().all();
    assert!(asked.iter().all(|request| request.header("authorization").is_some()), "{}", tokens.ledger());
}

#[test]
fn a_target_that_refuses_gets_nothing() {
    let (content, root) = image();
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::setup().basic("ann", "canary-secret").start();
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(3);
    assert!(target.is_empty());
    assert!(source.ledger().blob_reads().is_empty(), "{}", source.ledger());
}
