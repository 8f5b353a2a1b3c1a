//! A crate's Cargo.toml, as far as the walls look at it: which dependencies it names, and in which table.

/// One line of a manifest, with the table that it stands in.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) table: String,
    pub(crate) key: String,
    pub(crate) value: String,
}

/// The entries of a manifest, in order.
pub(crate) fn entries(text: &str) -> Vec<Entry> {
    let mut table = String::new();
    let mut entries = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
            // `[dependencies.NAME]` is a table of its own.
            if let Some((outer, key)) = table.clone().rsplit_once("dependencies.") {
                let table = format!("{outer}dependencies");
                entries.push(Entry { table, key: key.to_owned(), value: String::new() });
            }
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let key = key.trim().trim_end_matches(".workspace").trim_matches('"');
            entries.push(Entry { table: table.clone(), key: key.to_owned(), value: value.trim().to_owned() });
        }
    }
    entries
}

/// The dependencies that a build of the crate needs: not those of its tests.
pub(crate) fn dependencies(text: &str) -> Vec<Entry> {
    let normal = |table: &str| {
        let table = table.rsplit_once("'.").map_or(table, |(_, rest)| rest);
        table == "dependencies" || table == "build-dependencies"
    };
    entries(text).into_iter().filter(|entry| normal(&entry.table)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_however_they_are_written() {
        let text = "[dependencies]\na.workspace = true\n\"b\" = \"1\"\n# c = 1\n[dependencies.d]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\ne = { path = \"x\" }\n[dev-dependencies]\nf = \"1\"\n\
                    [build-dependencies]\ng = \"1\"\n";
        let keys: Vec<_> = dependencies(text).into_iter().map(|entry| entry.key).collect();
        assert_eq!(keys, ["a", "b", "d", "e", "g"]);
    }
}
