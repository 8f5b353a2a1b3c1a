//! Error bodies: the status in the first line, `html` behind it where the header says so, then the body.
#![no_main]

use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use registry::fuzzing::refusal;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]);
    let body = bytes.get(end + 1..).unwrap_or_default();
    let (status, html) = head.split_once(' ').unwrap_or((&head, ""));
    let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
    let (line, fault) = refusal(status.unwrap_or(StatusCode::BAD_REQUEST), body, html == "html");
    fuzz::fits_a_line(&line, 20_000);
    fuzz::fits_a_line(&fault.to_string(), 20_000);
});
