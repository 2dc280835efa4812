//! What a record is a measurement of.

use crate::record::{CURVE, Record};
use serde::Serialize;

/// What two records agree in if one repeats the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Identity {
    /// The operation.
    pub op: String,
    /// Its variant.
    pub variant: Option<String>,
    /// Proofs: the model.
    pub model: Option<String>,
    /// Proofs: the proof system.
    pub system: Option<String>,
    /// Proofs: who knows the weights.
    pub weights: Option<String>,
    /// Proofs: who knows the input.
    pub input: Option<String>,
    /// Proofs: what is shown of the result.
    pub output: Option<String>,
    /// Proofs: what the prover was told to save.
    pub plan: Option<String>,
    /// Proofs made in one run.
    pub batch: Option<u64>,
    /// Distribution of the scalars.
    pub scalars: Option<String>,
    /// The curve.
    pub curve: String,
    /// Logarithm of the size.
    pub log_n: Option<u32>,
    /// Kind of the device.
    pub device: String,
    /// Name of the device; empty if machines are not told apart.
    pub device_name: String,
    /// Form of the CPU kernels.
    pub cpu_path: Option<String>,
    /// Number of threads.
    pub threads: usize,
    /// Ours or a peer.
    pub implementation: String,
}

impl Identity {
    /// Of a record.
    pub fn of(record: &Record) -> Self {
        Self {
            op: record.op.clone(),
            variant: record.variant.clone(),
            model: record.model.clone(),
            system: record.system.clone(),
            weights: record.weights.clone(),
            input: record.input.clone(),
            output: record.output.clone(),
            plan: record.plan.clone(),
            batch: record.batch,
            scalars: record.scalars.clone(),
            curve: record.curve.clone(),
            log_n: record.log_n,
            device: record.device.clone(),
            device_name: record.device_name.clone(),
            cpu_path: record.cpu_path.clone(),
            threads: record.threads,
            implementation: record.implementation.clone(),
        }
    }

    /// The same on any machine: counts do not depend on whose processor it is.
    pub fn anywhere(self) -> Self {
        Self { device_name: String::new(), ..self }
    }

    /// The operation with what distinguishes it, but for its size: `msm_g1 uniform`.
    pub fn workload(&self) -> String {
        let batch = self.batch.filter(|batch| *batch != 1).map(|batch| format!("batch of {batch}"));
        let weights = self.weights.as_ref().map(|weights| format!("{weights} weights"));
        let input = self.input.as_ref().map(|input| format!("{input} input"));
        // A record that does not say is ours.
        let curve = (![CURVE, ""].contains(&self.curve.as_str())).then(|| self.curve.clone());
        let rest = [
            &curve,
            &self.variant,
            &self.scalars,
            &self.model,
            &self.system,
            &weights,
            &input,
            &self.output,
            &self.plan,
            &batch,
        ];
        let rest = rest.into_iter().flatten().map(|part| format!(" {part}"));
        format!("{}{}", self.op, rest.collect::<String>())
    }

    /// The workload without what each prover chooses by itself: for proofs our plan, of which peers know nothing, and the
    /// variant, which tells a peer's settings. Ours and a peer's are held against each other where this is the same.
    pub fn statement(&self) -> String {
        match self.op.as_str() {
            "prove" => Self { plan: None, variant: None, ..self.clone() }.workload(),
            _ => self.workload(),
        }
    }

    /// The workload with its size: `msm_g1 uniform 2^16`.
    pub fn task(&self) -> String {
        let size = self.log_n.map(|n| format!(" 2^{n}")).unwrap_or_default();
        format!("{}{size}", self.workload())
    }

    /// Who did it: `zkwatt, cpu avx512ifma, 2 threads`.
    pub fn contestant(&self) -> String {
        let path = self.cpu_path.as_ref().map(|path| format!(" {path}")).unwrap_or_default();
        let threads = if self.threads == 1 { "thread" } else { "threads" };
        format!("{}, {}{path}, {} {threads}", self.implementation, self.device, self.threads)
    }
}
