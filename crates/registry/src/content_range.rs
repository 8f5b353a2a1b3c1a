//! `Content-Range` of an answer, and `Range` of an upload's status: where bytes belong.

/// `bytes first-last/total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// `None` where the server does not know it: `*`.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// Reads the header; `None` for anything but one well-formed range.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (unit, rest) = text.trim().split_once(' ')?;
        let (range, total) = rest.trim().split_once('/')?;
        let (first, last) = bounds(range)?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        let fits = first <= last && total.is_none_or(|total| last < total);
        (unit.eq_ignore_ascii_case("bytes") && fits).then_some(Self { first, last, total })
    }
}

/// How many bytes an upload holds, from the `Range` of its status: `0-N`, the last byte included.
///
/// An empty upload says `0-0` in distribution, as one of a single byte would; the caller takes it for empty.
pub(crate) fn held(text: &str) -> Option<u64> {
    let text = text.trim();
    let (first, last) = bounds(text.strip_prefix("bytes=").unwrap_or(text))?;
    match (first, last) {
        (0, 0) => Some(0),
        (0, last) => last.checked_add(1),
        _ => None,
    }
}

fn bounds(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.split_once('-')?;
    Some((number(first)?, number(last)?))
}

/// Digits only: `parse` alone would take a plus sign.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_to_the_letter() {
        let range = |first, last, total| Some(ContentRange { first, last, total });
        assert_eq!(ContentRange::parse("bytes 5-9/10"), range(5, 9, Some(10)));
        assert_eq!(ContentRange::parse("bytes 5-9/*"), range(5, 9, None));
        for wrong in
            ["bytes 9-5/10", "bytes 5-10/10", "bytes */10", "5-9/10", "bytes 5-9", "bytes +5-9/10", ""]
        {
            assert_eq!(ContentRange::parse(wrong), None, "{wrong}");
        }
        assert_eq!(
            ContentRange::parse("bytes 0-18446744073709551615/*").map(|range| range.last),
            Some(u64::MAX)
        );
    }

    #[test]
    fn a_status_says_how_much_is_held() {
        assert_eq!(held("0-0"), Some(0));
        assert_eq!(held("0-1023"), Some(1024));
        assert_eq!(held("bytes=0-9"), Some(10));
        for wrong in ["5-9", "0-", "-1", "0-18446744073709551615", "garbage"] {
            assert_eq!(held(wrong), None, "{wrong}");
        }
    }
}
