//! What can be wrong with a name, each with its reason and, where there is one, the way out.

/// What does not fit the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Nothing was written.
    Empty,
    /// `http://` or `https://` in front of a name.
    Scheme,
    /// A user name or password in front of the host.
    UserInfo,
    /// The first component is not a host.
    NoRegistry,
    /// A host without a path below it.
    NoRepository,
    /// A character, or a hyphen or dot in a place, that no host name has.
    Host,
    /// Digits and dots that are not an IPv4 address in its usual spelling.
    Ipv4,
    /// Brackets without an IPv6 address in them.
    Ipv6,
    /// An IPv6 address with a zone.
    Zone,
    /// A port that is not a number from 1 to 65535.
    Port,
    /// Nothing before, between or after the slashes of a repository name.
    EmptyComponent,
    /// An upper-case letter in a repository name.
    UpperCase,
    /// A character that no repository name has.
    RepositoryCharacter,
    /// A separator at an edge of a component, or too many of them.
    Separator,
    /// More than 255 characters of repository name.
    RepositoryTooLong,
    /// 64 hexadecimal digits and nothing else.
    ImageId,
    /// A colon without a tag after it.
    EmptyTag,
    /// A character that no tag has.
    TagCharacter,
    /// More than 128 characters of tag.
    TagTooLong,
    /// A digest without `algorithm:`, or of an algorithm that cannot be verified.
    DigestAlgorithm,
    /// A digest with other than lower-case hexadecimal digits.
    DigestCharacter,
    /// A digest with too few or too many digits.
    DigestLength,
    /// A registry where only `repository[:tag]` has a place.
    DestinationRegistry,
    /// A digest where only `repository[:tag]` has a place.
    DestinationDigest,
    /// A layout without its directory.
    EmptyDirectory,
    /// An archive without its file.
    EmptyFile,
    /// A colon after a layout's directory without a ref name after it.
    EmptyRefName,
    /// An entry of a layout by its number.
    EntryNumber,
    /// `oci://` in front of something that is not a registry.
    OciUrl,
    /// `oci-layout:`, which is `oci:` here.
    OciLayout,
    /// A path that does not say that it is a layout.
    Path,
    /// An archive of another kind: `docker-archive:`, `ocifile:`.
    Archive,
    /// Another program's store: `dir:`, `docker-daemon:`, `containers-storage:`, `sif:`.
    Transport,
}

impl ParseErrorKind {
    /// Why it does not fit: one clause, without a full stop.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Empty => "a name is missing",
            Self::Scheme => "a name has no http:// or https:// in front",
            Self::UserInfo => "a name has no user name or password in front",
            Self::NoRegistry => "a registry host has to come first",
            Self::NoRepository => "a repository has to follow the registry",
            Self::Host => "this is not a host name: labels are letters, digits and inner hyphens",
            Self::Ipv4 => "this is not an IPv4 address: four numbers from 0 to 255 without leading zeros",
            Self::Ipv6 => "this is not an IPv6 address in brackets",
            Self::Zone => "an IPv6 zone has no place in a registry's name",
            Self::Port => "a port is a number from 1 to 65535",
            Self::EmptyComponent => "a part of the repository name is empty",
            Self::UpperCase => "repository names are lower case",
            Self::RepositoryCharacter => "this character has no place in a repository name",
            Self::Separator => "separators (`.`, `_`, `__`, hyphens) stand between letters or digits",
            Self::RepositoryTooLong => "a repository name has at most 255 characters",
            Self::ImageId => "64 hexadecimal digits are an image's id, not a repository",
            Self::EmptyTag => "a tag has to follow the colon",
            Self::TagCharacter => "this character has no place in a tag",
            Self::TagTooLong => "a tag has at most 128 characters",
            Self::DigestAlgorithm => "a digest begins with `sha256:` or `sha512:`",
            Self::DigestCharacter => "a digest consists of the digits 0 to 9 and a to f, lower case",
            Self::DigestLength => "a sha256 digest has 64 digits, a sha512 digest 128",
            Self::DestinationRegistry => "a destination is `repository[:tag]`, without a registry",
            Self::DestinationDigest => "a destination is `repository[:tag]`, without a digest",
            Self::EmptyDirectory => "a layout's directory is missing",
            Self::EmptyFile => "an archive's file is missing",
            Self::EmptyRefName => "a ref name has to follow the colon",
            Self::EntryNumber => "entries of a layout are not chosen by number",
            Self::OciUrl => "`oci://` names a registry, and this is no registry host",
            Self::OciLayout => "a layout is not named by `oci-layout:`",
            Self::Path => "this is a path, and does not say what it holds",
            Self::Archive => "of archives, only OCI archives are supported",
            Self::Transport => "this transport is not supported",
        }
    }

    /// What to write instead, where there is something to say.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Scheme => "write HOST/REPOSITORY; --plain-http HOST speaks HTTP instead of TLS",
            Self::UserInfo => "give credentials by flags, environment or Docker's configuration",
            Self::NoRegistry => {
                "a host has a dot or a port, or is `localhost`; Docker Hub is docker.io, its official images docker.io/library/NAME"
            }
            Self::NoRepository => "write HOST[:PORT]/REPOSITORY",
            Self::UpperCase => "only tags and host names may have upper-case letters",
            Self::TagCharacter => "a tag begins with a letter, digit or `_`; `.` and `-` may follow",
            Self::DestinationRegistry => "the registry is named once, by --target",
            Self::DestinationDigest => "the digest follows from the content; leave it out",
            Self::EntryNumber => "write oci:DIR:REF, or oci:DIR:@sha256:..",
            Self::OciUrl | Self::Path => {
                "an OCI layout is written oci:DIR or oci-archive:FILE, a registry HOST/REPOSITORY"
            }
            Self::OciLayout => "write oci:DIR[:REF], or oci-archive:FILE[:REF]",
            Self::Archive => {
                "an OCI archive is written oci-archive:FILE; of another one skopeo makes it: skopeo copy docker-archive:OLD oci-archive:NEW"
            }
            Self::Transport => "copy it into an OCI layout with skopeo first, and name that: oci:DIR",
            _ => return None,
        })
    }
}
