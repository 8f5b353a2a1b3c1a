//! Words that make no command line.
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{json, to_stdout};
use crate::{exit, failure::Failure, usage::Usage};

/// Flags that crane, skopeo, regctl and oras have, and what does here what is meant by them.
const ELSEWHERE: [(&[&str], &str); 7] = [
    (
        &["-a", "--all", "--all-tags", "--multi-arch"],
        "every platform is copied anyway; `transship mirror` copies all tags of a repository",
    ),
    (
        &["-r", "--recursive", "--include-external"],
        "`--referrers` and `--include-foreign` are for what is beside an image",
    ),
    (
        &[
            "--insecure",
            "--tls-verify",
            "--src-tls-verify",
            "--dest-tls-verify",
            "--from-insecure",
            "--to-insecure",
        ],
        "certificates are always checked; `--ca-file FILE` trusts one more, `--plain-http HOST` does without TLS",
    ),
    (&["--from-plain-http", "--to-plain-http"], "`--plain-http HOST` says which registry"),
    (
        &["--src-creds", "--from-username", "--src-username", "--from-password", "--src-password"],
        "`-u NAME` and `--password-stdin` are the source's credentials",
    ),
    (
        &["--dest-creds", "--to-username", "--dest-username", "--to-password", "--dest-password"],
        "`--target-username NAME` and `--target-password-file FILE` are the target's credentials",
    ),
    (
        &[
            "--authfile",
            "--src-authfile",
            "--dest-authfile",
            "--registry-config",
            "--from-registry-config",
            "--to-registry-config",
        ],
        "`REGISTRY_AUTH_FILE` names podman's file, `DOCKER_CONFIG` the directory of docker's",
    ),
];

/// Prints what clap says about words that it cannot read, or the help that was asked for; the exit code.
pub(crate) fn misread(mut why: clap::Error) -> u8 {
    let asked = matches!(why.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let meant = meant(&why);
    if let Some(meant) = meant {
        // Instead of a flag that is only spelt alike.
        why.remove(ContextKind::SuggestedArg);
        why.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![meant.into()]));
    }
    if !asked && wants_json(std::env::args_os()) {
        let text = why.to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).lines().map(str::trim);
        let message: Vec<&str> = message.take_while(|line| !line.is_empty()).collect();
        let usage = Usage { hint: meant.map(str::to_owned), ..Usage::new(message.join(" ")) };
        drop(to_stdout(&json::failed(&Failure::Usage(usage), &[])));
    }
    // A terminal that is gone has no use for help.
    drop(why.print());
    if asked { exit::DONE } else { exit::USAGE }
}

/// What does what another program's flag does.
fn meant(why: &clap::Error) -> Option<&'static str> {
    let Some(ContextValue::String(flag)) = why.get(ContextKind::InvalidArg) else { return None };
    // The commands that have all of what is named.
    let copies = std::env::args_os().nth(1).is_some_and(|command| command == "copy" || command == "import");
    let unknown = copies && why.kind() == ErrorKind::UnknownArgument;
    let (_, meant) = ELSEWHERE.iter().find(|(flags, _)| unknown && flags.contains(&flag.as_str()))?;
    Some(meant)
}

/// Whether `--output json` is among words that could not be read as a whole.
fn wants_json(words: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let copy = words.get(1).is_some_and(|command| command == "copy");
    let next = words.iter().skip(1).map(String::as_str).chain([""]);
    words.iter().zip(next).any(|(word, next)| {
        form(word, copy).is_some_and(|form| form == "json" || (form.is_empty() && next == "json"))
    })
}

/// What a word says about the form of the output; empty when the next word says it.
fn form(word: &str, copy: bool) -> Option<&str> {
    if let Some(rest) = word.strip_prefix("--output") {
        return if rest.is_empty() { Some(rest) } else { rest.strip_prefix('=') };
    }
    // Short flags without a value may stand before it. In an import, -n has one.
    let flags = word.strip_prefix('-').filter(|flags| !flags.starts_with('-'))?;
    let (before, rest) = flags.split_once('o')?;
    let alone = before.chars().all(|flag| matches!(flag, 'q' | 'v' | 'h') || (flag == 'n' && copy));
    alone.then(|| rest.strip_prefix('=').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(line: &str) -> bool {
        wants_json(line.split(' ').map(OsString::from))
    }

    #[test]
    fn json_is_found_among_words_that_make_no_sense() {
        for line in [
            "-o json",
            "-ojson",
            "-o=json",
            "--output json",
            "--output=json",
            "-qojson",
            "-qvo json",
            "-no=json",
        ] {
            assert!(wants(&format!("transship copy {line} --what")), "{line}");
        }
        for line in ["-o text", "-nojson", "-o", "json", "--outputjson", "-tojson", "--output"] {
            assert!(!wants(&format!("transship import {line}")), "{line}");
        }
    }
}
