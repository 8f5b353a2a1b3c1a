//! `Retry-After`: a number of seconds, a date, or, from some servers, the seconds since 1970.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A server that asks for a longer wait is not waited for.
const CAP: Duration = Duration::from_secs(120);
/// Numbers above this are moments: as a wait it would be 31 years.
const EPOCH_FROM: u64 = 1_000_000_000;
/// Longer waits than ten years are all the same, and can still be added to a date.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How long a server asks to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Wait this long, then try again.
    Wait(Duration),
    /// So long that giving up, and saying when to come back, is better.
    TooLong(Duration),
}

/// Reads a `Retry-After` header; `None` when it says nothing that can be followed.
///
/// `date` is the answer's `Date` header: a moment is compared with the server's clock where there is one, and with
/// `now`, the local clock, where not (RFC 9110, 10.2.3 and 6.6.1).
pub fn retry_after(value: &str, date: Option<&str>, now: SystemTime) -> Option<RetryAfter> {
    let value = value.trim();
    let now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    let until = |moment: SystemTime| moment.duration_since(now).unwrap_or(Duration::ZERO);
    let wait = if value.is_empty() {
        return None;
    } else if value.bytes().all(|byte| byte.is_ascii_digit()) {
        match value.parse().unwrap_or(u64::MAX) {
            seconds @ 0..=EPOCH_FROM => Duration::from_secs(seconds),
            epoch => UNIX_EPOCH.checked_add(Duration::from_secs(epoch)).map_or(LONGEST, until),
        }
    } else {
        until(httpdate::parse_http_date(value).ok()?)
    };
    Some(if wait <= CAP { RetryAfter::Wait(wait) } else { RetryAfter::TooLong(wait.min(LONGEST)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    const NOW: u64 = 784_111_777;

    fn read(value: &str, date: Option<&str>, now: u64) -> Option<RetryAfter> {
        retry_after(value, date, UNIX_EPOCH + Duration::from_secs(now))
    }

    fn wait(seconds: u64) -> RetryAfter {
        RetryAfter::Wait(Duration::from_secs(seconds))
    }

    fn too_long(seconds: u64) -> RetryAfter {
        RetryAfter::TooLong(Duration::from_secs(seconds))
    }

    #[test]
    fn seconds_are_waited_up_to_the_cap() {
        assert_eq!(read("2", None, NOW), Some(wait(2)));
        assert_eq!(read(" 120 ", None, NOW), Some(wait(120)));
        assert_eq!(read("0", None, NOW), Some(wait(0)));
        assert_eq!(read("121", None, NOW), Some(too_long(121)));
        assert_eq!(read("1000000", None, NOW), Some(too_long(1_000_000)));
    }

    #[test]
    fn a_date_is_compared_with_the_servers_clock_not_ours() {
        let later = "Sun, 06 Nov 1994 08:49:47 GMT";
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(later, None, NOW), Some(wait(10)));
        assert_eq!(read(later, date, NOW + 86_400), Some(wait(10)));
        assert_eq!(read(later, Some("gibberish"), NOW), Some(wait(10)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:07 GMT", date, NOW), Some(wait(0)), "a moment that is over");
    }

    #[test]
    fn a_large_number_is_a_moment() {
        let now = 1_746_136_900;
        assert_eq!(read("1746136938", None, now), Some(wait(38)));
        assert_eq!(read("1746136938", None, now + 60), Some(wait(0)));
        assert_eq!(read("1746137038", None, now), Some(too_long(138)));
    }

    #[test]
    fn absurd_numbers_neither_panic_nor_wait() {
        assert_eq!(read("18446744073709551615", None, NOW), Some(RetryAfter::TooLong(LONGEST)));
        assert_eq!(read(&"9".repeat(400), None, NOW), Some(RetryAfter::TooLong(LONGEST)));
    }

    #[test]
    fn what_cannot_be_followed_says_nothing() {
        for value in ["", " ", "-1", "+5", "1.5", "soon", "5 s", "0x10", "\u{ff11}"] {
            assert_eq!(read(value, None, NOW), None, "{value:?}");
        }
    }
}
