//! Words that make no command line.
use std::ffi::OsString;

use super::{json, to_stdout};
use crate::{exit, failure::Failure, usage::Usage};

/// Prints what clap says about words that it cannot read, or the help that was asked for; the exit code.
pub(crate) fn misread(why: &clap::Error) -> u8 {
    use clap::error::ErrorKind;
    let asked = matches!(why.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && wants_json(std::env::args_os()) {
        let text = why.to_string();
        let message = text.strip_prefix("error: ").unwrap_or(&text).lines().map(str::trim);
        let message: Vec<&str> = message.take_while(|line| !line.is_empty()).collect();
        drop(to_stdout(&json::failed(&Failure::Usage(Usage::new(message.join(" "))), &[])));
    }
    // A terminal that is gone has no use for help.
    drop(why.print());
    if asked { exit::DONE } else { exit::USAGE }
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
