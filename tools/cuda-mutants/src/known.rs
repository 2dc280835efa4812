//! Mutants that no test can tell from the original, each with why.

use crate::mutant::Mutant;
use crate::{Error, suite};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/equivalent.json");

/// Mutants that are the same for one reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    why: String,
    /// Their names, and the instructions that they change.
    mutants: BTreeMap<String, String>,
}

/// Known mutants.
pub struct Known(Vec<Reason>);

impl Known {
    pub fn read() -> Result<Self, Error> {
        let text = suite::read(Path::new(FILE))?;
        serde_json::from_str(&text).map(Self).map_err(|error| Error::Known(error.to_string()))
    }

    /// Why the mutant is the same as the original, if that is known.
    pub fn why(&self, mutant: &Mutant) -> Option<&str> {
        let name = mutant.to_string();
        let reason = |reason: &&Reason| reason.mutants.get(&name) == Some(&mutant.original);
        self.0.iter().find(reason).map(|reason| reason.why.as_str())
    }

    /// Entries that are no mutants of the PTX as it is.
    pub fn stale<'a>(&self, mutants: impl Iterator<Item = &'a Mutant>) -> Vec<String> {
        let present: BTreeSet<(String, &str)> =
            mutants.map(|mutant| (mutant.to_string(), mutant.original.as_str())).collect();
        let known = self.0.iter().flat_map(|reason| &reason.mutants);
        let gone = known.filter(|(name, original)| !present.contains(&((*name).clone(), original.as_str())));
        gone.map(|(name, _)| name.clone()).collect()
    }
}
