//! Numbers for people.

const PREFIXES: [(f64, &str); 7] =
    [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")];

/// Three significant digits with an SI prefix: `si(0.0123, "s")` is `12.3 ms`.
pub fn si(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "–".into();
    }
    if value == 0.0 {
        return format!("0 {unit}");
    }
    // Rounding to three digits may carry into the next prefix: 999.6 is 1.00 k.
    let (scale, prefix) =
        PREFIXES.into_iter().find(|(scale, _)| value.abs() >= scale * 0.9995).unwrap_or((1e-9, "n"));
    let scaled = value / scale;
    let digits = digits(scaled);
    format!("{scaled:.digits$} {prefix}{unit}")
}

/// Digits after the point that make three in all.
fn digits(scaled: f64) -> usize {
    match scaled.abs() {
        v if v < 9.995 => 2,
        v if v < 99.95 => 1,
        _ => 0,
    }
}

/// A rate, where `m/J` would be taken for metres: `2.50 M/s`, `0.658 /J`.
pub fn per(value: f64, unit: &str) -> String {
    match value {
        0.000_999_5..0.999_5 => {
            let digits = 2 - value.log10().floor() as i32;
            format!("{value:.digits$} {unit}", digits = digits.max(0) as usize)
        }
        value => si(value, unit),
    }
}

/// A duration: `12.3 ms`.
pub fn seconds(value: f64) -> String {
    si(value, "s")
}

/// A ratio: `1.23x`.
pub fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}x") } else { "–".into() }
}

/// A number of bytes in binary units, three digits: `1.50 GiB`.
pub fn bytes(value: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1023.5 && unit + 1 < units.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    match (unit, digits(scaled)) {
        (0, _) => format!("{value} B"),
        (_, digits) => format!("{scaled:.digits$} {}", units[unit]),
    }
}

/// The shortest decimal that is the number, for programs.
pub fn exact(value: f64) -> String {
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn si_has_three_digits() {
        let cases = [
            (0.0123, "12.3 ms"),
            (0.00999, "9.99 ms"),
            (1.0, "1.00 s"),
            (0.9996, "1.00 s"),
            (123.4, "123 s"),
            (4.2e-9, "4.20 ns"),
            (0.0, "0 s"),
            (3.5e-6, "3.50 µs"),
        ];
        for (value, text) in cases {
            assert_eq!(seconds(value), text);
        }
        assert_eq!(si(2.5e6, "/s"), "2.50 M/s");
        assert_eq!(per(0.0123, "/J"), "0.0123 /J");
        assert_eq!(per(0.6578, "/J"), "0.658 /J");
        assert_eq!(per(2.5e6, "/J"), "2.50 M/J");
        assert_eq!(seconds(f64::NAN), "–");
    }

    #[test]
    fn binary_units() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3 << 29), "1.50 GiB");
    }
}
