//! One measurement, as a line of JSON.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema that this version writes.
pub const SCHEMA: &str = "zkwatt-bench/1";

/// The curve of all that is ours.
pub const CURVE: &str = "bn254";

/// Bits of the modulus whose products `modmul` counts: of the scalar and the base field of BN254.
pub const FIELD_BITS: u32 = 254;

/// One measurement. A field that does not apply or could not be measured is `null`.
///
/// Times are in seconds and medians over `samples` rounds. A unit of work is a base for `msm_*`, an element for `ntt` and
/// `lookup_*`, a product for `field_mul`, a proof for `prove`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// `msm_g1`, `msm_g2`, `ntt`, `lookup_*`, `field_mul`, `prove`.
    pub op: String,
    /// What distinguishes measurements of the same operation, e.g. `inverse` for an NTT or `i16` for an MSM whose
    /// scalars were handed over as integers.
    pub variant: Option<String>,
    /// [`CURVE`], but for references across curves.
    pub curve: String,
    /// Base-two logarithm of the size.
    pub log_n: Option<u32>,
    /// Distribution of the scalars: `uniform`, `zkml`, `ones`.
    pub scalars: Option<String>,
    /// Kind of the device: `cpu`, `cuda`, `wgpu`, `icicle`; `auto` where the CPU and a GPU shared the work.
    pub device: String,
    /// What the device calls itself.
    pub device_name: String,
    /// Form of the CPU kernels, for measurements of ours on a CPU.
    pub cpu_path: Option<String>,
    /// Threads that the measured code was given.
    pub threads: usize,
    /// `zkwatt` or a peer's name.
    pub implementation: String,
    /// Version of the implementation, with what its build switched on.
    pub version: String,
    /// Rounds behind the medians.
    pub samples: usize,
    /// Median wall time.
    pub median_s: f64,
    /// Median absolute deviation of the wall time.
    pub mad_s: f64,
    /// User and system time of the process during one run.
    pub cpu_s: Option<f64>,
    /// Units of work per second of wall time.
    pub per_second: Option<f64>,
    /// Modular products of one run: counted for `field_mul`, what our plan estimates for ours, else null.
    pub modmul: Option<f64>,
    /// Time that the host spent on moving inputs and results between host and device, within the run.
    pub transfer_s: Option<f64>,
    /// Time of the computation by the device's clock, within the run.
    pub compute_s: Option<f64>,
    /// Bytes moved to the device within the run.
    pub uploaded_bytes: Option<u64>,
    /// Bytes moved from the device within the run.
    pub downloaded_bytes: Option<u64>,
    /// Time of preparing what is reused (bases, keys, tables) and of the first run, which is not a sample.
    pub first_use_s: Option<f64>,
    /// Energy of one run: the median; by a sensor the mean over runs that follow each other.
    pub joules: Option<f64>,
    /// Where `joules` comes from: `user` for a wattage from the command line, else a sensor, or `none: <reason>`.
    pub energy_source: String,
    /// Units of work per joule.
    pub per_joule: Option<f64>,
    /// Peak resident memory of the process during the runs, inputs of all contestants included.
    pub peak_rss_bytes: Option<u64>,
    /// Peak memory of the device during the runs.
    pub peak_device_bytes: Option<u64>,
    /// Whether the result was compared with an independent implementation and was equal.
    pub verified: bool,
    /// Commit that the binary was built from; `-dirty` if the tree had changes.
    pub commit: Option<String>,
    /// Proofs: name of the model.
    pub model: Option<String>,
    /// Proofs: `groth16`, `halo2`.
    pub system: Option<String>,
    /// Proofs: `public`, `private`.
    pub weights: Option<String>,
    /// Proofs: `committed`, `private`, `public`.
    pub input: Option<String>,
    /// Proofs: `fast`, `small`, `memory`.
    pub plan: Option<String>,
    /// Proofs: R1CS constraints.
    pub constraints: Option<u64>,
    /// Proofs: rows of the plonkish circuit.
    pub rows: Option<u64>,
    /// Proofs: bytes of a serialised proof.
    pub proof_bytes: Option<u64>,
    /// Proofs: bytes of the proving key.
    pub key_bytes: Option<u64>,
    /// Proofs: time of the setup.
    pub setup_s: Option<f64>,
    /// Proofs: time to compute the witness.
    pub witness_s: Option<f64>,
    /// Proofs: time to verify one proof.
    pub verify_s: Option<f64>,
    /// Proofs: accuracy of the float model on the test set, 0 to 1.
    pub accuracy_float: Option<f64>,
    /// Proofs: accuracy of the quantised model on the test set, 0 to 1.
    pub accuracy_quantised: Option<f64>,
    /// Proofs: number of test images behind the accuracies.
    pub accuracy_images: Option<u64>,
    /// Proofs: test images that the float and the quantised model classify differently.
    pub argmax_disagreements: Option<u64>,
    /// Proofs: `accumulators`, `class`.
    pub output: Option<String>,
    /// Proofs made in one run; times are of the run.
    pub batch: Option<u64>,
    /// Proofs: peak resident memory from loading the model to the end of the runs, setup included.
    pub peak_rss_total_bytes: Option<u64>,
    /// Proofs of ours: median time of each phase of one proof, over all runs but the first: also those whose energy is measured.
    /// Of other frameworks: what their phases took.
    pub phases_s: Option<BTreeMap<String, f64>>,
    /// When the measurement ended, in UTC, as RFC 3339 with whole seconds.
    pub measured_at: Option<String>,
    /// The machine: the CPU's name and its threads.
    pub machine: Option<String>,
    /// Operating system and kernel.
    pub system_software: Option<String>,
    /// Version of the device's driver.
    pub driver: Option<String>,
    /// Frequency governor of the CPU.
    pub governor: Option<String>,
    /// Clock of the device at the end of the runs, in MHz.
    pub clock_mhz: Option<f64>,
    /// Temperature of the device at the end of the runs, in degrees Celsius.
    pub temperature_c: Option<f64>,
    /// Wall time of a run in each round, in their order: what records of one round share an index. Where runs of under 5 ms
    /// follow each other in a round, their mean.
    pub samples_s: Option<Vec<f64>>,
    /// Of `joules`, what the device's sensor counted.
    pub device_joules: Option<f64>,
    /// Of `joules`, what the host's sensor counted: all of them where it is one of the whole machine.
    pub host_joules: Option<f64>,
    /// Power that the sensors of `joules` showed before the runs, with nothing running.
    pub idle_watts: Option<f64>,
    /// Modular products per joule of a field of `field_bits`: the ZK-Score.
    pub modmul_per_joule: Option<f64>,
    /// Bits of the field of `modmul`.
    pub field_bits: Option<u32>,
    /// Time that the products of `modmul` alone would take at the speed of this device's multiplier: a lower bound, and no
    /// forecast of `median_s`.
    pub predicted_s: Option<f64>,
    /// Why there is no time: `timeout: …`, `out of memory: …`, `failed: …`; null for a measurement that is complete.
    pub failure: Option<String>,
}

impl Record {
    /// A record of `op`, everything else empty.
    pub fn new(op: impl Into<String>) -> Self {
        Self { schema: SCHEMA.into(), op: op.into(), curve: CURVE.into(), ..Self::default() }
    }

    /// Sets throughput and efficiency from the units of work of one run; `median_s` and `joules` must be set.
    pub fn set_work(&mut self, units: f64) {
        self.per_second = (self.median_s > 0.0).then(|| units / self.median_s);
        self.per_joule = self.joules.filter(|joules| *joules > 0.0).map(|joules| units / joules);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let mut record = Record::new("prove");
        record.median_s = 0.25;
        record.joules = Some(2.0);
        record.accuracy_quantised = Some(0.975);
        record.set_work(4.0);
        assert_eq!((record.per_second, record.per_joule), (Some(16.0), Some(2.0)));
        let line = serde_json::to_string(&record).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }

    #[test]
    fn empty_fields_are_null() {
        let value = serde_json::to_value(Record::new("msm_g1")).unwrap();
        for field in ["joules", "cpu_path", "peak_rss_bytes", "model", "accuracy_float"] {
            assert!(value.get(field).is_some_and(serde_json::Value::is_null), "{field}");
        }
        assert_eq!(value["schema"], SCHEMA);
    }
}
