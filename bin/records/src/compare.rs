//! Two sets of records, paired: what became slower, and what counts more.

use crate::identity::Identity;
use crate::prediction::{Interval, ratio_interval};
use crate::record::Record;
use serde::{Serialize, Serializer};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// How to pair and what to refuse.
#[derive(Copy, Clone, Debug, Default)]
pub struct Options {
    /// Growth that is let pass, as a share: 0.005 for half a percent.
    pub tolerance: f64,
    /// Whether names of devices may differ.
    pub across_machines: bool,
    /// Whether a record that is slower beyond noise and tolerance is a regression.
    pub gate_time: bool,
    /// Whether an old record without a partner is a regression.
    pub require_partners: bool,
}

/// What became of the time.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval is below 1.
    Faster,
    /// The whole interval is above 1.
    Slower,
    /// 1 is within the interval.
    NoChange,
    /// There is no interval: one of the two has too few samples, or tells none.
    Unknown,
}

/// A count of both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Count {
    /// The field.
    pub name: &'static str,
    /// Before; null if it was not counted.
    pub old: Option<f64>,
    /// After; null if it is not counted.
    pub new: Option<f64>,
    /// Whether it grew beyond the tolerance, or is counted no more.
    pub regressed: bool,
}

/// Two records of the same.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// What both measured.
    pub identity: Identity,
    /// Median before.
    pub old_s: f64,
    /// Median after.
    pub new_s: f64,
    /// After over before; null where there is no time.
    pub ratio: Option<f64>,
    /// Where the ratio is with 90 % confidence.
    #[serde(serialize_with = "bounds")]
    pub interval: Option<Interval>,
    /// What that says.
    pub verdict: Verdict,
    /// Whether being slower counts as a regression here.
    pub time_regressed: bool,
    /// Why there is no measurement after, where there was one before.
    pub failure: Option<String>,
    /// Counts that either has.
    pub counts: Vec<Count>,
}

impl Pair {
    /// Whether anything of this pair must not be.
    pub fn regressed(&self) -> bool {
        self.time_regressed || self.failure.is_some() || self.counts.iter().any(|count| count.regressed)
    }
}

impl Count {
    /// `1000 to 1100 (+10.00%)`; `None` if nothing changed.
    pub fn change(&self) -> Option<String> {
        match (self.old, self.new) {
            (Some(old), Some(new)) if old == new => None,
            // No share of nothing says how much came.
            (Some(0.0), Some(new)) => Some(format!("0 to {new} (new)")),
            (Some(old), Some(new)) => Some(format!("{old} to {new} ({:+.2}%)", 100.0 * (new / old - 1.0))),
            (Some(old), None) => Some(format!("{old}, counted no more")),
            (None, Some(new)) => Some(format!("{new}, not counted before")),
            (None, None) => None,
        }
    }
}

fn bounds<S: Serializer>(interval: &Option<Interval>, serializer: S) -> Result<S::Ok, S::Error> {
    interval.map(|interval| [interval.low, interval.high]).serialize(serializer)
}

/// All pairs of two sets.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// In the order of their identities.
    pub pairs: Vec<Pair>,
    /// Of the old ones, those that nobody repeated.
    pub only_old: Vec<Identity>,
    /// Of the new ones, those that repeat nothing.
    pub only_new: Vec<Identity>,
    /// Pairs with times of which one has too few samples to say whether they changed: no gate holds these.
    pub unjudged: usize,
    /// Geometric mean of the ratios.
    pub mean_ratio: Option<f64>,
    /// How many regressions there are: exit code 1 if any.
    pub regressions: usize,
}

/// The fields that are counts: the same run after run, whatever the machine does meanwhile.
pub fn counts(record: &Record) -> [(&'static str, Option<f64>); 7] {
    let whole = |count: Option<u64>| count.map(|count| count as f64);
    [
        ("modmul", record.modmul),
        ("constraints", whole(record.constraints)),
        ("rows", whole(record.rows)),
        ("proof_bytes", whole(record.proof_bytes)),
        ("key_bytes", whole(record.key_bytes)),
        ("uploaded_bytes", whole(record.uploaded_bytes)),
        ("downloaded_bytes", whole(record.downloaded_bytes)),
    ]
}

/// What a committed baseline keeps of a record: its identity, without the machine, and its counts. `None` if it has no
/// count.
pub fn baseline(record: &Record) -> Option<Record> {
    counts(record).iter().any(|(_, count)| count.is_some()).then(|| Record {
        schema: record.schema.clone(),
        op: record.op.clone(),
        variant: record.variant.clone(),
        curve: record.curve.clone(),
        log_n: record.log_n,
        scalars: record.scalars.clone(),
        device: record.device.clone(),
        cpu_path: record.cpu_path.clone(),
        threads: record.threads,
        implementation: record.implementation.clone(),
        model: record.model.clone(),
        system: record.system.clone(),
        weights: record.weights.clone(),
        input: record.input.clone(),
        output: record.output.clone(),
        plan: record.plan.clone(),
        batch: record.batch,
        energy_source: "none: a baseline of counts".into(),
        modmul: record.modmul,
        constraints: record.constraints,
        rows: record.rows,
        proof_bytes: record.proof_bytes,
        key_bytes: record.key_bytes,
        uploaded_bytes: record.uploaded_bytes,
        downloaded_bytes: record.downloaded_bytes,
        ..Record::default()
    })
}

/// The baseline of many records: of those of the same the last that did not fail, where the first of them was.
pub fn baselines(records: &[Record]) -> Vec<Record> {
    let mut places = BTreeMap::new();
    let mut kept: Vec<Record> = Vec::new();
    for record in records.iter().filter(|record| record.failure.is_none()) {
        let Some(counts) = baseline(record) else { continue };
        match places.entry(Identity::of(&counts)) {
            Entry::Occupied(place) => kept[*place.get()] = counts,
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(counts);
            }
        }
    }
    kept
}

/// Pairs the records of two sets. Of records of the same in one set the last counts.
pub fn compare(old: &[Record], new: &[Record], options: &Options) -> Comparison {
    let (old, new) = (by_identity(old, options), by_identity(new, options));
    let keys: BTreeSet<&Identity> = old.keys().chain(new.keys()).collect();
    let (mut pairs, mut only_old, mut only_new) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        match (old.get(key), new.get(key)) {
            (Some(before), Some(after)) => pairs.push(pair(key, before, after, options)),
            (Some(_), None) => only_old.push(key.clone()),
            (None, _) => only_new.push(key.clone()),
        }
    }
    let logs: Vec<f64> = pairs.iter().filter_map(|pair| pair.ratio).map(f64::ln).collect();
    let mean_ratio = (!logs.is_empty()).then(|| (logs.iter().sum::<f64>() / logs.len() as f64).exp());
    let missing = if options.require_partners { only_old.len() } else { 0 };
    let regressions = pairs.iter().filter(|pair| pair.regressed()).count() + missing;
    let unjudged =
        pairs.iter().filter(|pair| pair.ratio.is_some() && pair.verdict == Verdict::Unknown).count();
    Comparison { pairs, only_old, only_new, unjudged, mean_ratio, regressions }
}

fn by_identity<'a>(records: &'a [Record], options: &Options) -> BTreeMap<Identity, &'a Record> {
    let identity = |record| {
        let identity = Identity::of(record);
        if options.across_machines { identity.anywhere() } else { identity }
    };
    records.iter().map(|record| (identity(record), record)).collect()
}

fn pair(identity: &Identity, old: &Record, new: &Record, options: &Options) -> Pair {
    let ratio = (old.median_s > 0.0 && new.median_s > 0.0).then(|| new.median_s / old.median_s);
    let interval = match (&old.samples_s, &new.samples_s) {
        (Some(old), Some(new)) => ratio_interval(old, new),
        _ => None,
    };
    let verdict = match interval {
        None => Verdict::Unknown,
        Some(interval) if interval.high < 1.0 => Verdict::Faster,
        Some(interval) if interval.low > 1.0 => Verdict::Slower,
        Some(_) => Verdict::NoChange,
    };
    let limit = 1.0 + options.tolerance;
    let counts = counts(old).into_iter().zip(counts(new)).filter_map(|((name, old), (_, new))| {
        let regressed = match (old, new) {
            (Some(old), Some(new)) => new > old * limit,
            (Some(_), None) => true,
            (None, _) => false,
        };
        (old.is_some() || new.is_some()).then_some(Count { name, old, new, regressed })
    });
    Pair {
        identity: identity.clone(),
        old_s: old.median_s,
        new_s: new.median_s,
        ratio,
        interval,
        verdict,
        time_regressed: options.gate_time && interval.is_some_and(|interval| interval.low > limit),
        failure: new.failure.clone().filter(|_| old.failure.is_none()),
        counts: counts.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(log_n: u32, factor: f64) -> Record {
        let mut record = Record::new("ntt");
        let samples = [1.0, 1.01, 0.99, 1.02, 1.0, 0.98, 1.0].map(|s| s * factor);
        record.log_n = Some(log_n);
        record.median_s = factor;
        record.samples_s = Some(samples.to_vec());
        record.modmul = Some(1000.0);
        record
    }

    #[test]
    fn time_is_judged_and_not_gated() {
        let old = [record(4, 1.0), record(5, 1.0), record(6, 1.0), record(7, 1.0)];
        let mut untold = record(7, 1.0);
        untold.samples_s = None;
        let new = [record(4, 1.5), record(5, 0.5), record(6, 1.001), untold];
        let options = Options { tolerance: 0.005, ..Options::default() };
        let comparison = compare(&old, &new, &options);
        let verdicts: Vec<Verdict> = comparison.pairs.iter().map(|pair| pair.verdict).collect();
        assert_eq!(verdicts, [Verdict::Slower, Verdict::Faster, Verdict::NoChange, Verdict::Unknown]);
        assert_eq!(comparison.regressions, 0);
        assert_eq!(compare(&old, &new, &Options { gate_time: true, ..options }).regressions, 1);
        assert_eq!(comparison.unjudged, 1);
        assert!((comparison.mean_ratio.unwrap() - (1.5f64 * 0.5 * 1.001).powf(0.25)).abs() < 1e-12);
    }

    #[test]
    fn counts_are_gated() {
        let old = [record(4, 1.0)];
        let options = Options { tolerance: 0.005, ..Options::default() };
        for (modmul, regressions) in [(Some(1004.0), 0), (Some(1006.0), 1), (Some(900.0), 0), (None, 1)] {
            let mut new = record(4, 1.0);
            new.modmul = modmul;
            assert_eq!(compare(&old, &[new], &options).regressions, regressions, "{modmul:?}");
        }
        let mut grown = record(4, 1.0);
        grown.constraints = Some(3);
        assert_eq!(compare(&old, &[grown], &options).regressions, 0);
    }

    #[test]
    fn changes_of_counts_are_readable() {
        let change = |old, new| Count { name: "rows", old, new, regressed: false }.change();
        assert_eq!(change(Some(3.0), Some(3.0)), None);
        assert_eq!(change(Some(1000.0), Some(1100.0)).unwrap(), "1000 to 1100 (+10.00%)");
        assert_eq!(change(Some(0.0), Some(7.0)).unwrap(), "0 to 7 (new)");
        assert_eq!(change(Some(7.0), None).unwrap(), "7, counted no more");
        assert_eq!(change(None, Some(7.0)).unwrap(), "7, not counted before");
    }

    #[test]
    fn a_baseline_has_each_once_and_no_failure() {
        let counted = |log_n, modmul| Record { modmul: Some(modmul), ..record(log_n, 1.0) };
        let failed = Record { failure: Some("timeout: 60 s".into()), ..counted(4, 5.0) };
        let kept = baselines(&[counted(4, 1.0), counted(5, 2.0), counted(4, 3.0), failed.clone()]);
        let kept: Vec<_> = kept.iter().map(|record| (record.log_n, record.modmul)).collect();
        assert_eq!(kept, [(Some(4), Some(3.0)), (Some(5), Some(2.0))]);
        assert!(baselines(&[failed]).is_empty());
    }

    #[test]
    fn failures_and_missing_partners() {
        let mut failed = record(4, 1.0);
        failed.failure = Some("timeout: 60 s".into());
        let options = Options::default();
        let comparison = compare(&[record(4, 1.0), record(5, 1.0)], &[failed, record(6, 1.0)], &options);
        assert_eq!((comparison.only_old.len(), comparison.only_new.len()), (1, 1));
        assert_eq!(comparison.regressions, 1);
        let options = Options { require_partners: true, ..options };
        assert_eq!(compare(&[record(4, 1.0)], &[record(5, 1.0)], &options).regressions, 1);
    }

    #[test]
    fn baselines_hold_on_any_machine() {
        let mut here = record(4, 1.0);
        here.device_name = "one".into();
        let kept = baseline(&here).unwrap();
        assert_eq!((kept.median_s, kept.modmul, kept.device_name.as_str()), (0.0, Some(1000.0), ""));
        here.device_name = "another".into();
        let options = Options { across_machines: true, ..Options::default() };
        let comparison = compare(&[kept], &[here], &options);
        assert_eq!((comparison.pairs.len(), comparison.only_old.len()), (1, 0));
        assert_eq!(comparison.pairs[0].ratio, None);
        assert_eq!(baseline(&Record::new("prove")), None);
    }
}
