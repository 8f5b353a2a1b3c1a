//! `Retry-After`, the answer's `Date`, and the seconds since 1970 on our clock: a line each.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use pace::{RetryAfter, retry_after};

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let (value, date, now) = (lines.next().unwrap_or_default(), lines.next(), lines.next());
    let now = now.and_then(|now| now.trim().parse::<u32>().ok()).unwrap_or_default();
    let now = UNIX_EPOCH + Duration::from_secs(now.into());
    let read = retry_after(value, date.filter(|date| !date.is_empty()), now);
    match read {
        Some(RetryAfter::Wait(wait)) => assert!(wait <= Duration::from_secs(120), "{wait:?}"),
        Some(RetryAfter::TooLong(wait)) => {
            assert!(wait > Duration::from_secs(120) && now.checked_add(wait).is_some(), "{wait:?}");
        }
        None => {}
    }
    if let Some(seconds) = value.trim().parse::<u64>().ok().filter(|seconds| *seconds <= 120) {
        let signed = value.trim().starts_with('+');
        assert_eq!(read, (!signed).then(|| RetryAfter::Wait(Duration::from_secs(seconds))));
    }
});
