//! Numbers in words: three digits that count, and a unit that fits the largest of its kind.

/// What numbers are shown in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Unit {
    /// As it stands behind a number.
    pub(super) name: &'static str,
    /// How much of what is measured one of it is.
    size: f64,
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * KIB;
/// Bytes of a GiB.
pub(super) const GIB: f64 = 1024.0 * MIB;

const BYTES: [Unit; 4] = [unit("B", 1.0), unit("KiB", KIB), unit("MiB", MIB), unit("GiB", GIB)];
const RATES: [Unit; 4] = [unit("B/s", 1.0), unit("KiB/s", KIB), unit("MiB/s", MIB), unit("GiB/s", GIB)];
const SECONDS: [Unit; 2] = [unit("ms", 0.001), unit("s", 1.0)];

const fn unit(name: &'static str, size: f64) -> Unit {
    Unit { name, size }
}

impl Unit {
    /// For bytes of which there are at most `most`.
    pub(super) fn of_bytes(most: f64) -> Self {
        largest(&BYTES, most)
    }

    /// For bytes a second.
    pub(super) fn of_rate(most: f64) -> Self {
        largest(&RATES, most)
    }

    /// For seconds.
    pub(super) fn of_seconds(most: f64) -> Self {
        largest(&SECONDS, most)
    }

    /// So much of it.
    pub(super) fn scale(self, value: f64) -> f64 {
        value / self.size
    }

    /// The number alone, to three digits that count.
    pub(super) fn number(self, value: f64) -> String {
        number(self.scale(value))
    }

    /// The number and its unit, which no line break parts.
    pub(super) fn words(self, value: f64) -> String {
        let number = self.number(value);
        if self.name.is_empty() { number } else { format!("{number}\u{a0}{}", self.name) }
    }
}

/// The largest unit of which there is at least one; the smallest when there is none.
fn largest(units: &[Unit], most: f64) -> Unit {
    let fits = units.iter().rev().find(|unit| most >= unit.size);
    fits.or(units.first()).copied().unwrap_or(unit("", 1.0))
}

/// So many bytes: `1.50 MiB`.
pub(super) fn bytes(value: u64) -> String {
    let value = real(value);
    Unit::of_bytes(value).words(value)
}

/// So many bytes a second: `5 MiB/s`.
pub(super) fn rate(value: u64) -> String {
    let value = real(value);
    Unit::of_rate(value).words(value)
}

/// So many things: `1 blob`, `3 blobs`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{}\u{a0}{what}{}", grouped(&number.to_string()), if number == 1 { "" } else { "s" })
}

/// To three digits that count: `0.042`, `1.5`, `12.6`, `1 234`. Whole numbers are shown whole.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        small if small < 0.000_5 => return "0".to_owned(),
        small if small < 0.1 => 3,
        middle if middle < 10.0 => 2,
        middle if middle < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    let whole = (value - value.round()).abs() < 1e-9;
    let text = if whole { format!("{value:.0}") } else { text };
    grouped(&text)
}

/// Five digits and more in groups of three, parted by a thin space.
fn grouped(text: &str) -> String {
    let (whole, rest) = text.find('.').and_then(|dot| text.split_at_checked(dot)).unwrap_or((text, ""));
    if whole.len() < 5 {
        return text.to_owned();
    }
    let mut backwards = String::new();
    for (at, digit) in whole.chars().rev().enumerate() {
        if at > 0 && at.is_multiple_of(3) {
            backwards.push('\u{202f}');
        }
        backwards.push(digit);
    }
    backwards.chars().rev().chain(rest.chars()).collect()
}

/// The number as a plot places it.
#[allow(clippy::cast_precision_loss, reason = "a plot and three digits do not see the last bits of 2^53")]
pub(super) fn real(value: u64) -> f64 {
    value as f64
}

/// The same number in the type of all counts.
pub(super) fn whole(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}

/// The size of a list as a plot places it.
pub(super) fn size(items: usize) -> f64 {
    real(whole(items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_three_digits_that_count() {
        let shown =
            [0.0, 0.000_1, 0.0421, 0.5, 1.0, 1.25, 12.64, 99.0, 123.4, 1_234.0, 12_345.0, 1_234_567.0];
        let words = shown.map(number);
        let expected = [
            "0",
            "0",
            "0.042",
            "0.50",
            "1",
            "1.25",
            "12.6",
            "99",
            "123",
            "1234",
            "12\u{202f}345",
            "1\u{202f}234\u{202f}567",
        ];
        assert_eq!(words, expected);
        assert_eq!(number(f64::NAN), "–");
        assert_eq!(number(f64::INFINITY), "–");
    }

    #[test]
    fn the_largest_value_chooses_the_unit() {
        assert_eq!(Unit::of_bytes(0.0).words(0.0), "0\u{a0}B");
        assert_eq!(Unit::of_bytes(9.5 * MIB).words(512.0 * KIB), "0.50\u{a0}MiB");
        assert_eq!(Unit::of_rate(3.0 * GIB).name, "GiB/s");
        assert_eq!(Unit::of_seconds(0.5).words(0.5), "500\u{a0}ms");
        assert_eq!(Unit::of_seconds(90.0).words(0.5), "0.50\u{a0}s");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(count(1, "run"), "1\u{a0}run");
        assert_eq!(count(12_345, "request"), "12\u{202f}345\u{a0}requests");
    }
}
