//! The lanes against the portable path on values that bytes choose: `fuzz_targets/lanes.rs`, and a test that draws them.
//!
//! The first byte says what is compared: steps of lanes over F_r or F_q, coordinates of points, or whole kernels.

mod choices;
mod coordinates;
mod steps;
mod whole;

use crate::field::ifma::Ifma;
use crate::field::{FqParams, FrParams};
use choices::Choices;

/// Panics where the lanes and the portable path differ. False where there are no lanes, and nothing was compared.
pub fn check(bytes: &[u8]) -> bool {
    let Some(ifma) = Ifma::detect() else { return false };
    let mut choices = Choices(bytes);
    match choices.byte() % 8 {
        0..=1 => steps::run::<FrParams>(ifma, &mut choices),
        2..=3 => steps::run::<FqParams>(ifma, &mut choices),
        4 => coordinates::over_fq(ifma, &mut choices),
        5 => coordinates::over_fq2(ifma, &mut choices),
        6 => whole::sums(&mut choices),
        _ => whole::vectors(&mut choices),
    }
    true
}

/// Inputs that reach everything here, for a fuzzer to begin with.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    (0..8u8)
        .flat_map(|kind| (0..4u64).map(move |i| (kind, i)))
        .map(|(kind, i)| {
            let mut bytes = vec![0; 512];
            choices::fill(u64::from(kind) << 32 | i, &mut bytes);
            bytes[0] = kind;
            (format!("{kind}-{i}"), bytes)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::{Duration, Instant};

    fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// For `ZKWATT_LANES_SECONDS` (2 if unset), on bytes of the lengths that a fuzzer would try.
    #[test]
    fn lanes_equal_portable_for_a_minute() {
        let seconds = variable("ZKWATT_LANES_SECONDS").map_or(2, |s| s.parse().expect("whole seconds"));
        if !check(&[]) {
            let required = variable("ZKWATT_REQUIRE").unwrap_or_default();
            let required = required.split(',').any(|name| name.trim() == "cpu_ifma");
            assert!(!required, "ZKWATT_REQUIRE names `cpu_ifma`, but this CPU has no AVX-512 IFMA");
            // Not by a macro: what those print is hidden for tests that pass.
            let _ = writeln!(std::io::stderr(), "SKIPPED the lanes: this CPU has no AVX-512 IFMA");
            return;
        }
        for (_, bytes) in seeds() {
            check(&bytes);
        }
        let (start, mut runs) = (Instant::now(), 0u64);
        while start.elapsed() < Duration::from_secs(seconds) {
            let mut bytes = vec![0; [8, 32, 128, 512, 2048][(runs / 8 % 5) as usize]];
            choices::fill(runs, &mut bytes);
            bytes[0] = runs as u8;
            let checked = std::panic::catch_unwind(|| check(&bytes));
            if let Err(panic) = checked {
                eprintln!("input {runs}: {bytes:?}");
                std::panic::resume_unwind(panic);
            }
            runs += 1;
        }
        let _ = writeln!(std::io::stderr(), "lanes: {runs} inputs in {seconds} s");
    }
}
