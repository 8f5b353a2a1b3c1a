//! What a file is by its first bytes, where it is no tar file: for a message that helps.

/// How compressed files begin, what they are called, and what makes a tar file of them.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (b"\x1f\x8b", "gzip", "gunzip -k"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"BZh", "bzip2", "bunzip2 -k"),
    (b"\xfd7zXZ\x00", "xz", "unxz -k"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
];

/// How many bytes are looked at.
pub(crate) const LONGEST: u64 = 6;

/// The name of a compression, and the command that undoes it.
pub(crate) fn compression(begin: &[u8]) -> Option<(&'static str, &'static str)> {
    let found = COMPRESSED.iter().find(|(magic, ..)| begin.starts_with(magic));
    found.map(|(_, name, command)| (*name, *command))
}
