//! Hostile content: what a registry says to confuse, to exhaust or to lead astray ends in a refusal, with few requests
//! and little memory.
use http::Method;
use reference::Algorithm;
use serde_json::{Value, json};
use testkit::{
    Content, Registry, Request, Rule, Run, Setup,
    images::{OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, to_json},
    noise,
};

use crate::{import, transship};

const GIB: u64 = 1 << 30;
/// What a run may hold, in KiB, whatever comes: the program itself, unoptimised, has some 32 MiB, and the largest
/// document with all that is made of its entries as much again.
const MEMORY: u64 = 96 * 1024;
/// What a server may have sent before it is hung up on: the largest document that is read, and what sockets hold.
const SENT: u64 = 64 << 20;

/// A document of this text, whatever it says of itself, at the tag `app:v1`.
fn telling(media_type: &str, text: &str) -> Setup {
    let mut content = Content::new();
    let root = content.add(media_type, text.to_owned());
    Registry::setup().seed(&content, &root, "app:v1")
}

/// An import from `source` that fails with `code` before the target hears of it.
fn refused(source: &Registry, code: i32) -> Run {
    let target = Registry::start();
    let run = transship().watch(&import(&source.reference("app:v1"), &target.host(), &[])).exits(code);
    assert_eq!(target.ledger().all().len(), 0, "{}", target.ledger());
    assert!(run.peak < MEMORY, "{} KiB: {run}", run.peak);
    run
}

/// A descriptor of something that is nowhere.
fn nothing(media_type: &str, size: &Value) -> Value {
    json!({"mediaType": media_type, "digest": format!("sha256:{}", "0".repeat(64)), "size": size})
}

fn manifest_reads(source: &Registry) -> usize {
    source.ledger().count(|request| request.method == Method::GET && request.is_manifest())
}

#[test]
fn a_manifest_that_can_be_read_in_two_ways_is_untrue_and_moves_nothing() {
    let config = nothing(OCI_CONFIG, &json!(2));
    let layer = nothing(OCI_LAYER, &json!(3));
    let image = format!(r#""schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config}"#);
    for text in [
        format!(r#"{{{image},"layers":[{layer}],"manifests":[]}}"#),
        format!(r#"{{{image},"layers":[{layer}],"Layers":[]}}"#),
        format!(r#"{{{image},"Layers":[{layer}]}}"#),
        format!(r#"{{{image},"layers":[{layer}],"layers":[]}}"#),
        format!(r#"{{{image},"layers":[{layer}],"\u006cayers":[]}}"#),
        format!(r#"{{{image},"layers":[{layer}],"mediaType":"{OCI_INDEX}"}}"#),
        format!(r#"{{{image},"layers":[{}]}}"#, layer.to_string().replace("\"size\"", "\"Size\":1,\"size\"")),
        format!(r#"{{{image},"layers":[{}]}}"#, layer.to_string().replace("\"size\"", "\"size\":1,\"size\"")),
    ] {
        let source = telling(OCI_MANIFEST, &text).start();
        let run = refused(&source, 5);
        assert!(run.stderr.contains("ambiguous") || run.stderr.contains("twice"), "{text}: {run}");
        assert_eq!(source.ledger().count(Request::is_blob), 0, "{}", source.ledger());
    }
}

#[test]
fn a_content_type_may_have_parameters_or_be_missing_but_not_contradict() {
    let (content, root) = Content::fleet(1, 1, 100);
    let get = || Rule::on(Method::GET, "/manifests/v1");
    let head = || Rule::on(Method::HEAD, "/manifests/v1");
    let charset = format!("{OCI_INDEX}; charset=utf-8");
    for (rule, code) in [
        ([head().with("content-type", &charset), get().with("content-type", &charset)], 0),
        ([head().without("content-type"), get().without("content-type")], 0),
        ([head().with("content-type", OCI_MANIFEST), get().with("content-type", OCI_MANIFEST)], 5),
    ] {
        let [head, get] = rule;
        let by_digest = Rule::on(Method::GET, "/manifests/sha256:").with("content-type", OCI_MANIFEST);
        let setup = Registry::setup().seed(&content, &root, "app:v1").rule(head).rule(get);
        let source = if code == 5 { setup.rule(by_digest) } else { setup }.start();
        let target = Registry::start();
        transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(code);
        assert_eq!(target.is_empty(), code != 0);
    }
}

#[test]
fn sizes_that_are_none_are_untrue_and_sizes_that_nobody_has_are_refused() {
    let text = |size: &Value| {
        let layer = nothing(OCI_LAYER, size);
        json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": nothing(OCI_CONFIG, &json!(2)),
            "layers": [layer]})
        .to_string()
    };
    for size in [json!(-1), json!(1.5), json!("7"), json!(1e30), Value::Null] {
        let run = refused(&telling(OCI_MANIFEST, &text(&size)).start(), 5);
        assert!(run.stderr.contains("size"), "{run}");
    }
    for size in [1_u64 << 62, u64::MAX] {
        let run = refused(&telling(OCI_MANIFEST, &text(&json!(size))).start(), 6);
        assert!(run.stderr.contains(&size.to_string()), "{run}");
    }
}

#[test]
fn no_memory_is_set_aside_for_a_size_that_is_only_claimed() {
    for size in [1_u64 << 62, u64::MAX] {
        let mut content = Content::new();
        let mut layer = content.layer(1, 1000);
        layer.size = size;
        let root = content.image(1, &[layer]);
        let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
        let (from, to) = (source.reference("app:v1"), target.host());
        let run = transship().watch(&import(&from, &to, &["--max-layer-size", "none"])).exits(5);
        assert!(run.peak < MEMORY, "{} KiB: {run}", run.peak);
        assert!(target.is_empty() || !target.holds(&content), "{}", target.ledger());
        assert!(source.ledger().all().len() < 20, "{}", source.ledger());
    }
}

#[test]
fn an_image_that_is_nine_deep_is_refused() {
    let mut content = Content::new();
    let layer = content.layer(1, 100);
    let mut root = content.image(1, &[layer]);
    for _ in 0..9 {
        root = content.index(&[root]);
    }
    let source = Registry::with(&content, &root, "app:v1");
    let run = refused(&source, 6);
    assert!(run.stderr.contains('8'), "{run}");
    assert!(manifest_reads(&source) <= 10, "{}", source.ledger());
}

/// No two documents can name each other by their digests; a registry that ignores digests can say so all the same.
#[test]
fn a_circle_that_a_registry_fakes_is_untrue_at_its_second_document() {
    let text =
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [nothing(OCI_INDEX, &json!(500))]});
    let padded = format!("{text:<500}", text = text.to_string());
    let source = Registry::setup()
        .rule(Rule::on(Method::GET, "/manifests/").answer(200, OCI_INDEX, padded))
        .rule(Rule::on(Method::HEAD, "/manifests/").status(405))
        .start();
    let run = refused(&source, 5);
    assert!(run.stderr.contains("digest"), "{run}");
    assert!(manifest_reads(&source) <= 3, "{}", source.ledger());
}

#[test]
fn a_subject_is_not_walked_even_where_it_leads_back() {
    let mut content = Content::new();
    let (config, layer) = (content.add(OCI_CONFIG, "{}"), content.layer(1, 100));
    // The subject is an index that lists the image as it was before it had a subject; more of a circle cannot be made.
    let plain = content.manifest(&config, std::slice::from_ref(&layer));
    let subject = content.index(&[plain]);
    let child = content.document(
        OCI_MANIFEST,
        &json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": to_json(&config),
            "layers": [to_json(&layer)], "subject": to_json(&subject)}),
    );
    let root = content.index(&[child]);
    let (source, target) = (Registry::with(&content, &root, "app:v1"), Registry::start());
    transship().run(&import(&source.reference("app:v1"), &target.host(), &[])).exits(0);
    assert_eq!(manifest_reads(&source), 2, "{}", source.ledger());
    assert!(!target.blob(&subject.digest).exists());
}

/// As many entries as four MiB hold; a hundred thousand do not fit.
#[test]
fn an_index_of_all_the_children_that_four_mib_hold_is_refused_without_asking_for_one() {
    let children = |count: usize| {
        let entries: Vec<Value> = (0..count)
            .map(|child| {
                json!({"mediaType": OCI_MANIFEST, "digest": format!("sha256:{child:064x}"), "size": 1})
            })
            .collect();
        json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).to_string()
    };
    for (count, word) in [(25_000, "25000"), (100_000, "4194304")] {
        let source = Registry::setup()
            .rule(Rule::on(Method::GET, "/manifests/").answer(200, OCI_INDEX, children(count)))
            .rule(Rule::on(Method::HEAD, "/manifests/").status(405))
            .start();
        let run = refused(&source, 6);
        assert!(run.stderr.contains(word), "{run}");
        // Once by its tag and once by its digest; none of what it lists.
        assert!(manifest_reads(&source) <= 2, "{}", source.ledger());
    }
    // A copy has no limit on their number, but the first that is not there ends it.
    let (source, target) = (telling(OCI_INDEX, &children(25_000)).start(), Registry::start());
    let run =
        transship().watch(&["copy", "-q", &source.reference("app:v1"), &target.reference("app:v1")]).exits(4);
    assert!(run.peak < 2 * MEMORY, "{} KiB: {run}", run.peak);
    assert!(source.ledger().all().len() < 100, "{} requests", source.ledger().all().len());
    assert!(target.ledger().writes().is_empty(), "{}", target.ledger());
}

/// The one list that a target's registry has us read and write again.
#[test]
fn an_index_of_referrers_that_is_full_is_not_written_again() {
    let mut content = Content::new();
    let subject = nothing(OCI_MANIFEST, &json!(5));
    let config = content.add(OCI_CONFIG, "{}");
    let manifest = json!({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": to_json(&config), "layers": [],
        "subject": subject});
    let root = content.document(OCI_MANIFEST, &manifest);
    let entries: Vec<Value> = (0..10_000)
        .map(|entry| json!({"mediaType": OCI_MANIFEST, "digest": format!("sha256:{entry:064x}"), "size": 1}))
        .collect();
    let full = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).to_string();
    let source = Registry::with(&content, &root, "app:v1");
    let target = Registry::setup()
        .rule(Rule::on(Method::PUT, "/manifests/").without("oci-subject"))
        .rule(Rule::on(Method::GET, "/referrers/").status(404))
        .rule(Rule::on(Method::GET, "/manifests/sha256-").answer(200, OCI_INDEX, full))
        .start();
    let run = transship().watch(&import(&source.reference("app:v1"), &target.host(), &[])).exits(6);
    assert!(run.stderr.contains("10000") && run.peak < MEMORY, "{run}");
    let written = target.ledger().pick(|request| request.writes() && request.path.contains("/sha256-"));
    assert!(written.is_empty(), "{}", target.ledger());
}

#[test]
fn a_manifest_of_a_gib_is_hung_up_on() {
    let (content, root) = Content::fleet(1, 1, 100);
    for chunked in [false, true] {
        let giant = Rule::on(Method::GET, "/manifests/").giant(200, OCI_INDEX, GIB);
        let giant = if chunked { giant.chunked() } else { giant };
        let source = Registry::setup().seed(&content, &root, "app:v1").rule(giant).start();
        let run = refused(&source, 6);
        assert!(run.stderr.contains("4194304"), "{run}");
        assert!(sent(&source) < SENT, "{}", source.ledger());
        assert_eq!(manifest_reads(&source), 1, "{}", source.ledger());
    }
}

#[test]
fn an_error_body_of_a_gib_is_hung_up_on_and_its_status_is_what_counts() {
    let (content, root) = Content::fleet(1, 1, 100);
    for (status, code) in [(404, 4), (403, 3), (400, 1)] {
        for chunked in [false, true] {
            let giant = Rule::on(Method::GET, "/manifests/").giant(status, "text/plain", GIB);
            let giant = if chunked { giant.chunked() } else { giant };
            let source = Registry::setup().seed(&content, &root, "app:v1").rule(giant).start();
            let run = refused(&source, code);
            assert!(run.stderr.len() < 4000, "{} characters are shown", run.stderr.len());
            assert!(sent(&source) < SENT, "{}", source.ledger());
        }
    }
}

#[test]
fn a_token_of_a_gib_is_hung_up_on() {
    for chunked in [false, true] {
        let giant = Rule::on(Method::GET, "/token").giant(200, "application/json", GIB);
        let tokens = Registry::setup().rule(if chunked { giant.chunked() } else { giant }).start();
        let source = challenging(&format!("Bearer realm=\"http://{}/token\",service=\"s\"", tokens.host()));
        let run = refused(&source, 1);
        assert!(run.stderr.contains("token"), "{run}");
        assert!(sent(&tokens) < SENT, "{}", tokens.ledger());
        assert_eq!(tokens.ledger().all().len(), 1, "{}", tokens.ledger());
    }
}

#[test]
fn a_hundred_thousand_challenges_are_read_no_further_than_the_first() {
    let many = "a,".repeat(100_000);
    let run = refused(&challenging(&many), 3);
    assert!(run.stderr.len() < 4000, "{} characters are shown", run.stderr.len());
    // What no client takes for a header ends the connection, and not the program.
    let more = format!("Basic {}", "a=b,".repeat(1_000_000));
    let source = challenging(&more);
    refused(&source, 7);
    assert!(source.ledger().all().len() <= 12, "{}", source.ledger());
}

/// A registry that answers everything with this challenge.
fn challenging(challenge: &str) -> Registry {
    let rule = |method| Rule::on(method, "/v2/").status(401).with("www-authenticate", challenge);
    Registry::setup().rule(rule(Method::GET)).rule(rule(Method::HEAD)).start()
}

fn sent(server: &Registry) -> u64 {
    server.ledger().all().iter().map(|request| request.sent).sum()
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_connects() {
    let source = Registry::start();
    let digest = content::Hasher::digest(Algorithm::Sha256, &noise(1, 1));
    let long = "t".repeat(129);
    for name in [
        "App:v1",
        "app:v1/../x",
        "../app:v1",
        "app/../x:v1",
        "app//x:v1",
        "app%2e%2e/x:v1",
        "app:%2e%2e",
        "äpp:v1",
        "app:v\u{202e}1",
        "app@sha256:00",
        "app@md5:00",
        &format!("app:{long}"),
        &format!("app@{digest}x"),
        &format!("app@{}", digest.to_string().to_uppercase()),
    ] {
        let target = Registry::start();
        transship().run(&import(&source.reference(name), &target.host(), &[])).exits(2);
        assert!(source.ledger().all().is_empty(), "{name}: {}", source.ledger());
        assert!(target.ledger().all().is_empty(), "{name}: {}", target.ledger());
    }
    // To the letter, but good: they are asked for, and are not there.
    for name in [&format!("app:{}", &long[1..]), &format!("app:v1@{digest}"), "a.b_c--d/e__f:V1._-"] {
        transship().run(&import(&source.reference(name), "oci:out", &["-t", "x:y"])).exits(4);
    }
}
