//! What the measurements say together.

use super::Entry;
use crate::device::Kind;
use crate::identity::Identity;
use crate::prediction::{Interval, rerun_interval};
use crate::record::FIELD_BITS;
use std::collections::{BTreeMap, BTreeSet};

/// An operation with those who did it.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    /// The operation, as [`Identity::workload`] has it.
    pub name: &'a str,
    /// Ours that did it, and peers that did the same, whatever else either chose.
    pub entries: Vec<&'a Entry>,
}

/// Groups entries by what they measured. A peer is with each of ours that it can be held against; one that has no such
/// partner has a group of its own.
pub fn workloads(latest: &[Entry]) -> Vec<Workload<'_>> {
    let ours: BTreeSet<&str> = latest.iter().filter(|e| e.ours()).map(|e| e.statement.as_str()).collect();
    let leading = latest.iter().filter(|e| e.ours() || !ours.contains(e.statement.as_str()));
    let names: BTreeSet<(&str, &str)> =
        leading.map(|e| (e.workload.as_str(), e.statement.as_str())).collect();
    let group = |(name, statement)| {
        let with = |e: &&Entry| e.workload == name || (!e.ours() && e.statement == statement);
        Workload { name, entries: latest.iter().filter(with).collect() }
    };
    names.into_iter().map(group).collect()
}

/// One that is best.
#[derive(Clone, Debug)]
pub struct Best {
    /// What is largest.
    pub value: f64,
    /// Whose it is.
    pub entry: Entry,
}

/// Who is best at an operation. Devices that only act like one take no part.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The operation, as [`Identity::workload`] has it.
    pub workload: String,
    /// Units of work per second, of ours.
    pub throughput: Option<Best>,
    /// Units of work per second and watt, which is per joule, of ours. A figure from a wattage that somebody stated is
    /// here only where no sensor has one: the two do not compare.
    pub per_joule: Option<Best>,
    /// Modular products per joule, of ours: the ZK-Score. Of sensors first, as above.
    pub score: Option<Best>,
    /// Units of work per second, of a peer.
    pub peer: Option<Best>,
}

/// Finds who is best at what, each at the size that suits it.
pub fn overview(latest: &[Entry]) -> Vec<Overview> {
    let rows = workloads(latest).into_iter().map(|workload| {
        let best = |ours: bool, value: fn(&Entry) -> Option<f64>| {
            let fit = workload.entries.iter().filter(|e| e.ours() == ours && e.kind.is_real());
            fit.filter_map(|entry| Some(Best { value: value(entry)?, entry: (*entry).clone() }))
                .max_by(|a, b| a.value.total_cmp(&b.value))
        };
        Overview {
            workload: workload.name.to_owned(),
            throughput: best(true, |entry| entry.record.per_second),
            per_joule: best(true, |entry| entry.record.per_joule.filter(|_| entry.by_sensor()))
                .or_else(|| best(true, |entry| entry.record.per_joule)),
            score: best(true, |entry| entry.record.modmul_per_joule.filter(|_| entry.by_sensor()))
                .or_else(|| best(true, |entry| entry.record.modmul_per_joule)),
            peer: best(false, |entry| entry.record.per_second),
        }
    });
    rows.filter(|row| row.throughput.is_some() || row.peer.is_some()).collect()
}

/// Where a GPU becomes sooner than a CPU.
#[derive(Clone, Debug)]
pub struct Crossover {
    /// The operation.
    pub workload: String,
    /// The fastest of the CPU's series at the largest size that both have.
    pub cpu: Entry,
    /// The GPU's series, by its largest size.
    pub gpu: Entry,
    /// Logarithm of the size, and the CPU's time over the GPU's.
    pub speedups: Vec<(u32, f64)>,
    /// What they say.
    pub crossing: Crossing,
}

/// From which size on a GPU is sooner, as far as was measured.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Crossing {
    /// From this logarithm of the size on, interpolated in logarithms of size and time.
    At(f64),
    /// At each size from this one on, the smallest that both have.
    Always(u32),
    /// At no size up to this one, the largest that both have.
    Never(u32),
}

impl Crossing {
    /// A sentence's end: `from 2^14.3 on`.
    pub fn describe(self) -> String {
        match self {
            Self::At(log_n) => format!("the GPU is sooner from 2^{log_n:.1} on (interpolated)"),
            Self::Always(log_n) => {
                format!("no crossover: the GPU is sooner from 2^{log_n} on, the smallest size")
            }
            Self::Never(log_n) => {
                format!("no crossover: the CPU is sooner up to 2^{log_n}, the largest size")
            }
        }
    }
}

/// `speedups` by size, ascending; `None` if there are none.
fn crossing(speedups: &[(u32, f64)]) -> Option<Crossing> {
    let (first, last) = (speedups.first()?, speedups.last()?);
    // The size after the last one at which the GPU is not sooner.
    Some(match speedups.iter().rposition(|(_, speedup)| *speedup <= 1.0) {
        None => Crossing::Always(first.0),
        Some(index) => match speedups.get(index + 1) {
            None => Crossing::Never(last.0),
            Some((above, faster)) => {
                let (below, slower) = speedups[index];
                let share = -slower.ln() / (faster.ln() - slower.ln());
                Crossing::At(f64::from(below) + share * f64::from(above - below))
            }
        },
    })
}

/// What two points of one line share.
fn line(entry: &Entry) -> Identity {
    Identity { log_n: None, ..entry.identity.clone() }
}

/// Compares each GPU with the fastest CPU at each operation.
pub fn crossovers(latest: &[Entry]) -> Vec<Crossover> {
    let mut lines: BTreeMap<Identity, BTreeMap<u32, &Entry>> = BTreeMap::new();
    for entry in latest.iter().filter(|entry| entry.ours()) {
        if let (Some(log_n), Kind::Cpu | Kind::Gpu) = (entry.record.log_n, entry.kind) {
            lines.entry(line(entry)).or_default().insert(log_n, entry);
        }
    }
    let of_kind = |kind| {
        let lines = lines.values().filter(move |line| line.values().next().is_some_and(|e| e.kind == kind));
        lines.collect::<Vec<_>>()
    };
    let cpus = of_kind(Kind::Cpu);
    let mut found = Vec::new();
    for gpu in of_kind(Kind::Gpu) {
        let Some(last) = gpu.values().last() else { continue };
        // The fastest at the largest size that both have.
        let candidates = cpus.iter().filter_map(|cpu| {
            let (log_n, entry) = cpu.iter().rev().find(|(log_n, _)| gpu.contains_key(log_n))?;
            (entry.workload == last.workload).then_some((*log_n, *entry, cpu))
        });
        let largest = candidates.clone().map(|(log_n, ..)| log_n).max();
        let fastest = candidates
            .filter(|(log_n, ..)| Some(*log_n) == largest)
            .min_by(|a, b| a.1.record.median_s.total_cmp(&b.1.record.median_s));
        let Some((_, entry, cpu)) = fastest else { continue };
        let speedups: Vec<(u32, f64)> = gpu
            .iter()
            .filter_map(|(log_n, gpu)| Some((*log_n, cpu.get(log_n)?.record.median_s / gpu.record.median_s)))
            .filter(|(_, speedup)| *speedup > 0.0 && speedup.is_finite())
            .collect();
        let Some(crossing) = crossing(&speedups) else { continue };
        found.push(Crossover {
            workload: last.workload.clone(),
            cpu: entry.clone(),
            gpu: (*last).clone(),
            speedups,
            crossing,
        });
    }
    found
}

/// A measurement against the fastest that its device was seen to multiply.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The measurement.
    pub entry: Entry,
    /// Its modular products per second, in fields as wide as that of `peak`: one in F_q² is three.
    pub rate: f64,
    /// The most that bench-field measured on the same device, with as many threads and the same kernels.
    pub peak: Option<f64>,
}

/// What tells one roof from another.
fn roof(entry: &Entry) -> (String, usize, Option<String>) {
    (entry.device.clone(), entry.record.threads, entry.record.cpu_path.clone())
}

/// Holds every measurement of ours whose products are counted against its roof.
pub fn bounds(latest: &[Entry]) -> Vec<Bound> {
    let rate = |entry: &Entry| {
        // bench-field multiplies in F_r; Karatsuba makes a product in F_q² of three such.
        let each = if entry.record.field_bits == Some(2 * FIELD_BITS) { 3.0 } else { 1.0 };
        let rate = each * entry.record.modmul? / entry.record.median_s;
        Some(rate).filter(|rate| *rate > 0.0 && rate.is_finite())
    };
    let mut peaks = BTreeMap::new();
    for entry in latest.iter().filter(|entry| entry.ours() && entry.record.op == "field_mul") {
        // Of a product that nobody counted, its own rate is the count.
        if let Some(rate) = rate(entry).or(entry.record.per_second) {
            let peak: &mut f64 = peaks.entry(roof(entry)).or_default();
            *peak = peak.max(rate);
        }
    }
    let counted =
        latest.iter().filter(|entry| entry.ours() && entry.record.op != "field_mul" && entry.kind.is_real());
    counted
        .filter_map(|entry| {
            Some(Bound { rate: rate(entry)?, peak: peaks.get(&roof(entry)).copied(), entry: entry.clone() })
        })
        .collect()
}

/// A measurement that was repeated.
#[derive(Clone, Debug)]
pub struct Repetition {
    /// The first.
    pub entry: Entry,
    /// Where its samples said that a re-run's median would be, with 90 %.
    pub interval: Interval,
    /// The median of the re-run.
    pub again_s: f64,
}

/// Whether both are known to be of one build: a changed tree may be any, and so may one whose commit nobody knows.
fn same_build(first: &Entry, second: &Entry) -> bool {
    let commit = |entry: &Entry| {
        entry.record.commit.clone().filter(|commit| !commit.is_empty() && !commit.ends_with("-dirty"))
    };
    first.record.version == second.record.version
        && commit(first).is_some_and(|first| commit(second) == Some(first))
}

/// Finds measurements that the same build repeated, each with the one that followed it.
pub fn repetitions(entries: &[Entry]) -> Vec<Repetition> {
    let pairs = entries.windows(2).filter(|pair| {
        let (first, second) = (&pair[0], &pair[1]);
        first.measured()
            && second.measured()
            && first.identity == second.identity
            && same_build(first, second)
    });
    pairs
        .filter_map(|pair| {
            let interval = rerun_interval(pair[0].record.samples_s.as_deref()?)?;
            Some(Repetition { entry: pair[0].clone(), interval, again_s: pair[1].record.median_s })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    #[test]
    fn a_build_is_known_by_a_clean_commit() {
        let of = |version: &str, commit: Option<&str>| {
            let (version, commit) = (version.into(), commit.map(Into::into));
            Entry::new(&Record { version, commit, ..Record::new("ntt") })
        };
        let same = |a: Option<&str>, b: Option<&str>| same_build(&of("1", a), &of("1", b));
        assert!(same(Some("0123abc"), Some("0123abc")));
        assert!(!same_build(&of("1", Some("0123abc")), &of("2", Some("0123abc"))));
        for unknown in [None, Some(""), Some("0123abc-dirty")] {
            assert!(!same(unknown, unknown), "{unknown:?}");
        }
        assert!(!same(Some("0123abc"), Some("4567def")));
    }

    #[test]
    fn crossing_is_interpolated_on_logarithms() {
        assert_eq!(crossing(&[]), None);
        assert_eq!(crossing(&[(10, 0.5), (12, 0.9)]), Some(Crossing::Never(12)));
        assert_eq!(crossing(&[(10, 1.5), (12, 0.9)]), Some(Crossing::Never(12)));
        assert_eq!(crossing(&[(10, 1.5)]), Some(Crossing::Always(10)));
        // Half as fast at 2^10 and twice at 2^14: equal in the middle.
        assert_eq!(crossing(&[(10, 0.5), (14, 2.0)]), Some(Crossing::At(12.0)));
        assert_eq!(crossing(&[(8, 1.1), (10, 0.5), (14, 2.0), (16, 8.0)]), Some(Crossing::At(12.0)));
        assert_eq!(crossing(&[(10, 1.0), (14, 2.0)]), Some(Crossing::At(10.0)));
    }
}
