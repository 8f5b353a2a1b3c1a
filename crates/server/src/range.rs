//! The two kinds of range: bytes of a blob to read, and bytes of an upload to come.
use std::ops::Range;

/// What a `Range` header asks of a blob (RFC 9110, section 14.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it: no header, another unit, or several ranges, which we do not serve.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that there are not.
    Nothing,
}

impl Wanted {
    pub(crate) fn parse(header: Option<&str>, size: u64) -> Self {
        let Some(ranges) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else {
            return Self::All;
        };
        let Some((first, last)) = ranges.split_once('-').filter(|_| !ranges.contains(',')) else {
            return Self::All;
        };
        let part = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) => first..last.saturating_add(1).min(size),
            (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
            (Err(_), Ok(length)) if first.trim().is_empty() => size.saturating_sub(length)..size,
            _ => return Self::All,
        };
        if part.is_empty() { Self::Nothing } else { Self::Part(part) }
    }
}

/// `Content-Range: START-END` of a chunk, both inclusive (distribution-spec, "Pushing a blob in chunks"); `None`
/// when it has another form.
pub(crate) fn chunk(header: &str) -> Option<Range<u64>> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (start, end) = header.trim().split_once('-').filter(|(start, end)| digits(start) && digits(end))?;
    let (start, end): (u64, u64) = (start.parse().ok()?, end.parse().ok()?);
    Some(start..end.checked_add(1)?).filter(|range| !range.is_empty())
}

/// How far an upload has come, as clients read it: `0-END`, inclusive; an empty one is `0-0` too.
pub(crate) fn held(bytes: u64) -> String {
    format!("0-{}", bytes.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_ranges() {
        let size = 2048;
        for (header, wanted) in [
            (None, Wanted::All),
            (Some("bytes=500-1499"), Wanted::Part(500..1500)),
            (Some("bytes=500-"), Wanted::Part(500..2048)),
            (Some("bytes=-500"), Wanted::Part(1548..2048)),
            (Some("bytes=-5000"), Wanted::Part(0..2048)),
            (Some("bytes=2000-5000"), Wanted::Part(2000..2048)),
            (Some("bytes=0-18446744073709551615"), Wanted::Part(0..2048)),
            (Some("bytes=500-0"), Wanted::Nothing),
            (Some("bytes=5000-10000"), Wanted::Nothing),
            (Some("bytes=2048-"), Wanted::Nothing),
            (Some("bytes=-0"), Wanted::Nothing),
            (Some("bytes=1-2,4-5"), Wanted::All),
            (Some("bytes=x-"), Wanted::All),
            (Some("bytes=-"), Wanted::All),
            (Some("lines=1-2"), Wanted::All),
        ] {
            assert_eq!(Wanted::parse(header, size), wanted, "{header:?}");
        }
    }

    #[test]
    fn chunk_ranges() {
        assert_eq!(chunk("0-9"), Some(0..10));
        for bad in ["", "-", "5", "9-0", "a-b", "bytes 0-9/10", "+1-2", "0-18446744073709551615", "0-9/10"] {
            assert_eq!(chunk(bad), None, "{bad}");
        }
    }
}
