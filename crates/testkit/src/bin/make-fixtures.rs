//! Makes `fixtures/images` from `fixtures/sources`: `cargo run -p transship-testkit --bin make-fixtures`.
use std::{io, path::Path};

fn main() -> io::Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    testkit::fixtures::make(&fixtures.join("sources"), &fixtures.join("images"))
}
