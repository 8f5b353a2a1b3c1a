//! Strays: hosts that a flag about registries names and neither side has. Most often a port is missing.
use reference::Registry;

use super::places::registries;
use crate::{
    args::{Access, Reach},
    usage::Usage,
};

/// A warning for every stray. What a variable of the environment names is for many commands, and may well be about
/// another one.
pub(super) fn warnings(access: &Access, sides: &[&Registry]) -> Result<Vec<String>, Usage> {
    let mut warnings = Vec::new();
    for (flag, texts) in typed(access) {
        let named = registries(flag, texts)?;
        warnings.extend(named.iter().filter_map(|named| stray(flag, named, sides)));
    }
    Ok(warnings)
}

/// The first flag about registries that was typed, for commands that know all about theirs.
pub(super) fn given(access: &Access) -> Option<&'static str> {
    let others = [("--ca-file", !access.ca_file.is_empty()), ("--http2", access.http2)];
    let others = others.into_iter().filter_map(|(flag, given)| given.then_some(flag));
    typed(access).map(|(flag, _)| flag).chain(others).next()
}

/// Flags that name registries and were typed: what they hold is not their variable's.
fn typed(access: &Access) -> impl Iterator<Item = (&'static str, &[String])> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let flags = [
        ("--plain-http", &access.plain_http, variable("TRANSSHIP_PLAIN_HTTP")),
        ("--tls", &access.tls, variable("TRANSSHIP_TLS")),
        ("--acr", &access.acr, String::new()),
    ];
    let typed = flags.into_iter().filter(|(_, texts, variable)| texts.join(",") != *variable);
    typed.map(|(flag, texts, _)| (flag, texts.as_slice()))
}

/// The same, for flags that say how many requests registries get too.
pub(super) fn all_warnings(reach: &Reach, sides: &[&Registry]) -> Result<Vec<String>, Usage> {
    let mut warnings = warnings(&reach.access, sides)?;
    let named = reach.jobs_at.iter().map(|(registry, _)| registry);
    warnings.extend(named.filter_map(|named| stray("--jobs-at", named, sides)));
    Ok(warnings)
}

fn stray(flag: &str, named: &Registry, sides: &[&Registry]) -> Option<String> {
    if sides.contains(&named) {
        return None;
    }
    let near = sides.iter().find(|side| side.host() == named.host());
    let instead = near.map(|side| format!("; the port belongs to the name: {flag} {side}"));
    Some(format!("{flag} {named} does nothing: neither side is there{}", instead.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_no_side_has_is_named_with_the_one_that_was_meant() {
        let side: Registry = "127.0.0.1:5902".parse().unwrap();
        let said = |text: &str| stray("--tls", &text.parse().unwrap(), &[&side]);
        assert_eq!(said("127.0.0.1:5902"), None);
        assert!(said("127.0.0.1").unwrap().ends_with(": --tls 127.0.0.1:5902"));
        assert_eq!(said("b.example").unwrap(), "--tls b.example does nothing: neither side is there");
    }
}
