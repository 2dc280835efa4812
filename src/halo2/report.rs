//! Where the time of a proof went.

use std::time::Instant;

/// Seconds of one proof, by what they were spent on.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
pub struct ProveReport {
    /// Making the witness, where it is made by column; synthesis of circuits is not told apart from the rest.
    pub witness_s: f64,
    /// Commitments to advice, to the random polynomial and to the quotient.
    pub commit_s: f64,
    /// The lookup arguments with their commitments.
    pub lookups_s: f64,
    /// The permutation argument with its commitments.
    pub permutation_s: f64,
    /// The quotient, with the interpolation of all columns.
    pub quotient_s: f64,
    /// Evaluations at the challenge.
    pub evaluation_s: f64,
    /// The multi-opening with its commitments.
    pub opening_s: f64,
    /// All of it.
    pub total_s: f64,
}

/// Fills a [`ProveReport`].
pub(super) struct Stopwatch {
    start: Instant,
    report: ProveReport,
}

macro_rules! parts {
    ($($part:ident: $field:ident;)*) => {$(
        pub fn $part(&mut self, since: Instant) {
            self.report.$field += since.elapsed().as_secs_f64();
        }
    )*};
}

impl Stopwatch {
    pub fn start() -> Self {
        Self { start: Instant::now(), report: ProveReport::default() }
    }

    pub fn begin(&self) -> Instant {
        Instant::now()
    }

    parts! {
        witness: witness_s;
        commit: commit_s;
        lookups: lookups_s;
        permutation: permutation_s;
        quotient: quotient_s;
        evaluation: evaluation_s;
        opening: opening_s;
    }

    pub fn report(&self) -> ProveReport {
        ProveReport { total_s: self.start.elapsed().as_secs_f64(), ..self.report }
    }
}
