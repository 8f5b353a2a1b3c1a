//! `WWW-Authenticate`, one header value a line: bounded, and what was understood is understood again.
#![no_main]

use auth::{Challenge, fuzzing::parameters};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let values: Vec<String> = text.lines().map(str::to_owned).collect();
    let challenges = Challenge::read_all(&values);
    assert!(challenges.len() <= 64);
    for challenge in &challenges {
        assert!(parameters(challenge).len() <= 32);
        assert_eq!(challenge.scheme(), challenge.scheme().to_ascii_lowercase());
        for (name, _) in parameters(challenge) {
            let first = parameters(challenge).iter().find(|(other, _)| other == name);
            assert_eq!(challenge.parameter(name), first.map(|(_, value)| value.as_str()));
        }
    }
    let written: Vec<String> = challenges.iter().map(write).collect();
    if written.iter().map(String::len).sum::<usize>() < 16 * 1024 {
        assert_eq!(Challenge::read_all(&written), challenges, "{written:?}");
        assert_eq!(Challenge::read_all(&[written.join(", ")]), challenges, "{written:?} in one line");
    }
});

/// As RFC 9110, section 11.6.1, writes it.
fn write(challenge: &Challenge) -> String {
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
    let parameters: Vec<String> =
        parameters(challenge).iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
    format!("{} {}", challenge.scheme(), parameters.join(", "))
}
