//! Numbers in words.

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// `5 blobs`, `1 blob`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number as u64)) }
}

/// `104.0 MiB`, `512 B`.
pub(crate) fn bytes(number: u64) -> String {
    let of = |unit: u64, name| format!("{:.1} {name}", ratio(number, unit));
    match number {
        GIB.. => of(GIB, "GiB"),
        MIB.. => of(MIB, "MiB"),
        KIB.. => of(KIB, "KiB"),
        _ => format!("{number} B"),
    }
}

/// How many MiB.
pub(crate) fn mib(number: u64) -> f64 {
    ratio(number, MIB)
}

#[allow(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
fn ratio(number: u64, unit: u64) -> f64 {
    number as f64 / unit as f64
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let read = [0, 12, 123, 1234, 123_456, 1_234_567].map(grouped);
        assert_eq!(read, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
        assert_eq!((count(1, "blob"), count(1000, "blob")), ("1 blob".into(), "1,000 blobs".into()));
        let sizes = [0, 1023, 1024, 5 << 20, 3 << 29].map(bytes);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "5.0 MiB", "1.5 GiB"]);
    }
}
