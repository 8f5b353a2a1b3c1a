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

    /// A measured number alone, to three digits.
    pub(super) fn number(self, value: f64) -> String {
        digits(self.scale(value))
    }

    /// A measured number and its unit, which no line break parts.
    pub(super) fn words(self, value: f64) -> String {
        self.behind(&self.number(value))
    }

    fn behind(self, number: &str) -> String {
        format!("{number}\u{a0}{}", self.name)
    }
}

/// The largest unit of which there is at least one; the smallest when there is none.
fn largest(units: &[Unit], most: f64) -> Unit {
    let fits = units.iter().rev().find(|unit| most >= unit.size);
    fits.or(units.first()).copied().unwrap_or(unit("", 1.0))
}

/// So many bytes: `64 KiB`.
pub(super) fn bytes(value: u64) -> String {
    let unit = Unit::of_bytes(real(value));
    unit.behind(&number(unit.scale(real(value))))
}

/// So many bytes a second: `5 MiB/s`.
pub(super) fn rate(value: u64) -> String {
    let unit = Unit::of_rate(real(value));
    unit.behind(&number(unit.scale(real(value))))
}

/// So many things: `1 blob`, `3 blobs`.
pub(super) fn count(number: u64, what: &str) -> String {
    format!("{}\u{a0}{what}{}", grouped(&number.to_string()), if number == 1 { "" } else { "s" })
}

/// Whole numbers whole, others to three digits: `50`, `1.25`, `12 345`.
pub(super) fn number(value: f64) -> String {
    let whole = (value - value.round()).abs() < 1e-9;
    if whole { grouped(&format!("{value:.0}")) } else { digits(value) }
}

/// To three digits, so that a column of measured numbers can be compared: `0.042`, `1.50`, `12.6`, `12 345`.
pub(super) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        tiny if tiny < 0.000_5 => return "0".to_owned(),
        small if small < 0.999_5 => 3,
        middle if middle < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    grouped(&format!("{value:.decimals$}"))
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
    fn measured_numbers_show_three_digits_and_counts_are_whole() {
        for (value, measured, counted) in [
            (0.0, "0", "0"),
            (0.000_1, "0", "0"),
            (0.042_1, "0.042", "0.042"),
            (0.274, "0.274", "0.274"),
            (1.0, "1.00", "1"),
            (1.25, "1.25", "1.25"),
            (9.999, "10.0", "10.0"),
            (12.64, "12.6", "12.6"),
            (99.0, "99.0", "99"),
            (123.4, "123", "123"),
            (1_234.0, "1234", "1234"),
            (1_234_567.0, "1\u{202f}234\u{202f}567", "1\u{202f}234\u{202f}567"),
            (f64::NAN, "–", "–"),
            (f64::INFINITY, "–", "–"),
        ] {
            assert_eq!((digits(value).as_str(), number(value).as_str()), (measured, counted));
        }
    }

    #[test]
    fn the_largest_value_chooses_the_unit() {
        assert_eq!(bytes(0), "0\u{a0}B");
        assert_eq!(bytes(64 << 10), "64\u{a0}KiB");
        assert_eq!(Unit::of_bytes(9.5 * MIB).words(512.0 * KIB), "0.500\u{a0}MiB");
        assert_eq!(Unit::of_rate(3.0 * GIB).name, "GiB/s");
        assert_eq!(Unit::of_seconds(0.5).words(0.5), "500\u{a0}ms");
        assert_eq!(Unit::of_seconds(90.0).words(0.5), "0.500\u{a0}s");
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(count(1, "run"), "1\u{a0}run");
        assert_eq!(count(12_345, "request"), "12\u{202f}345\u{a0}requests");
    }
}
