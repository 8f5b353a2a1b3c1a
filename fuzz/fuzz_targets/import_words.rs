//! The words of `transship import`: source, registry, target tag, repository, target and a limit, a line each.
#![no_main]
#![allow(dead_code, unreachable_pub, reason = "a part of the binary, without what uses it")]

use import::{ACR_SUFFIX, Field, NamedBy, Request, Texts};
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/cli/credential.rs"]
mod credential;
#[path = "../../crates/cli/import/mod.rs"]
mod import;
#[path = "../../crates/cli/limits.rs"]
mod limits;
#[path = "../../crates/cli/usage.rs"]
mod usage;

fuzz_target!(|text: &str| {
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (source, registry, tag, repository, target, limit) = (next(), next(), next(), next(), next(), next());
    let list = |name: &str, text: &str| Vec::from_iter((!text.is_empty()).then(|| Field::new(name, text)));
    type Named = fn(Field) -> NamedBy;
    for named in [NamedBy::Flag as Named, NamedBy::Uri, NamedBy::ResourceId] {
        let texts = Texts {
            source: Field::new("--source", source),
            registry: (!registry.is_empty()).then(|| named(Field::new("--registry", registry))),
            tagged: list("--image", tag),
            untagged: list("--repository", repository),
            force: text.ends_with('!'),
        };
        if let Ok(request) = Request::read(&texts, ACR_SUFFIX)
            && let Some(origin) = request.origin()
        {
            assert!(request.settle(&origin, &mut Vec::new()).is_ok_and(|targets| !targets.is_empty()));
        }
    }
    let _ = (import::target::read(target), import::target::by_name(target, ACR_SUFFIX));
    if let Ok(limits::Cap::At(limits::Size(bytes))) = limit.parse() {
        assert!(bytes > 0);
    }
    let _ = limit.parse::<limits::Cap<usize>>();
});
