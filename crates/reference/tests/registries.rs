//! What a registry's name says about the host to speak to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on stops")]
use reference::Registry;

fn registry(text: &str) -> Registry {
    text.parse().unwrap()
}

#[test]
fn the_four_names_of_docker_hub_are_one_registry() {
    for name in
        ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "docker.io:443"]
    {
        let hub = registry(name);
        assert_eq!(hub, Registry::docker_hub());
        assert!(hub.is_docker_hub());
        assert_eq!(hub.to_string(), "docker.io");
        assert_eq!(hub.api_host(), "registry-1.docker.io");
        assert_eq!(hub.credential_key(), "https://index.docker.io/v1/");
    }
}

#[test]
fn other_registries_are_called_and_spoken_to_by_one_name() {
    for name in
        ["ghcr.io", "hub.docker.com", "mirror.docker.io", "docker.io:5000", "localhost:5000", "[::1]:5000"]
    {
        let other = registry(name);
        assert!(!other.is_docker_hub(), "{name}");
        assert_eq!((other.api_host().as_str(), other.credential_key().as_str()), (name, name));
    }
}

#[test]
fn host_and_port_come_apart() {
    let six = registry("[2001:db8::1]:5000");
    assert_eq!((six.host(), six.port()), ("[2001:db8::1]", Some(5000)));
    let plain = registry("Registry.Example");
    assert_eq!((plain.host(), plain.port()), ("registry.example", None));
}

#[test]
fn only_this_machine_is_loopback() {
    for name in [
        "localhost",
        "localhost:5000",
        "reg.localhost",
        "LOCALHOST",
        "127.0.0.1",
        "127.9.9.9:80",
        "[::1]:5000",
    ] {
        assert!(registry(name).is_loopback(), "{name}");
    }
    for name in [
        "localhost.example",
        "notlocalhost:80",
        "128.0.0.1",
        "127.0.0.1.example",
        "[::2]",
        "0.0.0.0",
        "docker.io",
    ] {
        assert!(!registry(name).is_loopback(), "{name}");
    }
}
