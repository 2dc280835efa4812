//! Where the time of a Groth16 proof goes.

use crate::statistics::median;
use crate::table;
use std::collections::BTreeMap;
use zkwatt::groth16::ProveReport;

/// The name in records, the column of tables, and the time of a phase.
type Phase = (&'static str, &'static str, fn(&ProveReport) -> f64);

const PHASES: [Phase; 8] = [
    ("constraints", "check", |r| r.constraints_s),
    ("witness_map", "quotient", |r| r.witness_map_s),
    ("msm_a", "A", |r| r.msm_a_s),
    ("msm_b1", "B1", |r| r.msm_b1_s),
    ("msm_b2", "B2", |r| r.msm_b2_s),
    ("msm_l", "L", |r| r.msm_l_s),
    ("msm_h", "H", |r| r.msm_h_s),
    ("total", "total", |r| r.total_s),
];

/// The columns that [`cells`] fills.
pub fn columns() -> impl Iterator<Item = &'static str> {
    PHASES.iter().map(|(_, column, _)| *column)
}

/// Medians by the phases' names.
pub fn medians(reports: &[ProveReport]) -> BTreeMap<String, f64> {
    let phase = |(name, _, of): &Phase| {
        let values: Vec<f64> = reports.iter().map(of).collect();
        median(&values).map(|seconds| ((*name).to_owned(), seconds))
    };
    PHASES.iter().filter_map(phase).collect()
}

/// Medians as a row of a table.
pub fn cells(medians: &BTreeMap<String, f64>) -> impl Iterator<Item = String> {
    PHASES.iter().map(|(name, ..)| medians.get(*name).copied().map_or_else(String::new, table::seconds))
}
