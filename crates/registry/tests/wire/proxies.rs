//! Proxies: the environment is the process's, so a test runs itself again in a process with its own.
use std::process::Command;

use content::Source;
use futures::StreamExt;
use registry::Options;

use crate::script::{Script, Seen, answer, blob};

const DATA: &[u8] = b"0123456789";
/// Set where a test is the second process: the registry to talk to.
const INNER: &str = "TRANSSHIP_TEST_REGISTRY";

/// Runs the test `name` as another process, with `environment`; it must pass there.
async fn again(name: &'static str, environment: Vec<(&'static str, String)>) {
    let run = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        for variable in ["all_proxy", "http_proxy", "https_proxy", "no_proxy", "request_method"] {
            command.env_remove(variable).env_remove(variable.to_ascii_uppercase());
        }
        command.args([name, "--exact", "--nocapture"]).envs(environment).output().unwrap()
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

async fn read() -> Result<Vec<u8>, content::Fault> {
    let registry: reference::Registry = std::env::var(INNER).unwrap().parse().unwrap();
    let mut options = Options::default();
    (options.plain_http, options.attempts) = (vec![registry.clone()], 1);
    let registries = registry::Registries::new(options).unwrap();
    let credentials = std::sync::Arc::new(auth::Given(None));
    let repository = registries.repository(&registry, "app".parse().unwrap(), credentials);
    let mut incoming = repository.open(&blob(DATA), 0..10).await?;
    incoming.bytes.next().await.unwrap().map(|bytes| bytes.to_vec())
}

#[tokio::test]
async fn a_proxy_that_nobody_answers_for_is_named() {
    if std::env::var_os(INNER).is_some() {
        let fault = read().await.unwrap_err().to_string();
        assert!(fault.contains("the proxy 127.0.0.1") && !fault.contains("canary"), "{fault}");
        return;
    }
    // Nobody listens on the first port.
    let proxy = "http://ann:canary@127.0.0.1:1".to_owned();
    let environment = vec![(INNER, "registry.example".to_owned()), ("http_proxy", proxy)];
    again("proxies::a_proxy_that_nobody_answers_for_is_named", environment).await;
}

#[tokio::test]
async fn a_proxy_on_loopback_leads_to_the_hosts_that_a_registry_names() {
    if std::env::var_os(INNER).is_some() {
        assert_eq!(read().await.unwrap(), DATA);
        return;
    }
    let proxy = Script::start(|seen: &Seen, _| match seen.target.as_str() {
        "http://cdn.example/blob" => answer(200, &[], DATA),
        _ => answer(307, &["Location: http://cdn.example/blob"], ""),
    })
    .await;
    let port = proxy.host.rsplit(':').next().unwrap();
    let environment =
        vec![(INNER, "registry.example".to_owned()), ("http_proxy", format!("http://localhost:{port}"))];
    again("proxies::a_proxy_on_loopback_leads_to_the_hosts_that_a_registry_names", environment).await;
    assert_eq!(proxy.lines().len(), 2);
}
