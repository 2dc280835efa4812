//! The planner: which layout, and what it will cost. Pure; nothing is measured here.

use super::layout::{ByteLookup, Layout, LayoutChoice, MAX_LOG_N, helper_count};
use crate::error::{Error, Result};
use crate::mlp::{CircuitOptions, InputMode, OutputMode, QuantisedModel};
use serde::{Deserialize, Serialize};

/// What a plan is chosen for.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// Least work of the prover.
    #[default]
    Fast,
    /// The smallest proof of at most [`SMALL_SLOWDOWN`] times the least work.
    Small,
    /// Least memory of the prover.
    Memory,
}

/// How much more work [`Objective::Small`] may cost.
pub const SMALL_SLOWDOWN: u64 = 4;

/// Products that a point of a sum with full-width scalars is worth in each of its windows, which have about log_n − 3
/// bits: 91.4 ms for 2^14 of them, on the machine of `docs/BENCHMARKING.md`, where a product takes about 20 ns.
const POINT_IN_WINDOW: u64 = 12;
/// The same for scalars of 8 bits: 2.38 ms for 2^14, of which 30 % are not zero and half of those have 8 bits.
const BYTE_POINT: u64 = 25;
/// Seconds a product, as above.
const SECONDS_PER_PRODUCT: f64 = 20e-9;

/// A layout's choice, and predictions for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlonkishPlan {
    /// What [`PlonkishCircuit::new`](super::PlonkishCircuit::new) takes.
    pub choice: LayoutChoice,
    /// Rows that the layers take.
    pub rows: usize,
    /// Rows of the byte table.
    pub table_rows: usize,
    /// Degree of the constraint system.
    pub degree: usize,
    /// Fixed columns, public weights included.
    pub fixed_columns: usize,
    /// Advice columns, private weights included.
    pub advice_columns: usize,
    /// Columns that share a helper of the lookup, and columns in its running sum itself.
    pub lookup_groups: (usize, usize),
    /// Length of a proof; exact.
    pub proof_bytes: u64,
    /// Bytes that proving takes beside the model: bases, key, columns and quotient; an estimate.
    pub peak_bytes: u64,
    /// Work of the prover in products of the field; an estimate, for comparisons.
    pub products: u64,
}

impl PlonkishPlan {
    /// The predictions for a layout.
    pub fn of(layout: &Layout) -> Self {
        let counts = Counts::new(layout);
        Self {
            choice: layout.choice(),
            rows: layout.rows(),
            table_rows: super::logup::TABLE,
            degree: counts.degree,
            fixed_columns: counts.fixed,
            advice_columns: layout.columns().count,
            lookup_groups: match layout.lookup {
                ByteLookup::LogUp => (layout.degree - 2, layout.degree - 3),
                ByteLookup::Permuted => (1, 0),
            },
            proof_bytes: counts.proof_bytes(),
            peak_bytes: counts.peak_bytes(),
            products: counts.products(),
        }
    }

    /// Processor seconds for the estimated work, on the machine of `docs/BENCHMARKING.md`.
    pub fn seconds(&self) -> f64 {
        self.products as f64 * SECONDS_PER_PRODUCT
    }
}

/// What proofs and work are counted from.
struct Counts {
    log_n: u32,
    degree: usize,
    fixed: usize,
    weights: usize,
    private: bool,
    /// First-phase columns of small values, without weights.
    small: usize,
    /// Columns of full-width values, the lookup's own included.
    full: usize,
    advice: usize,
    /// Evaluations of advice columns.
    advice_queries: usize,
    permuted: usize,
}

impl Counts {
    fn new(layout: &Layout) -> Self {
        let map = layout.columns();
        let options = layout.options;
        let private = layout.private_weights();
        let class = options.output == OutputMode::Class;
        let groups = layout.has_groups();
        let logup = layout.lookup == ByteLookup::LogUp;
        let looked = layout.batch * (1 + layout.limb_columns);
        let input = options.input != InputMode::Private || layout.input.scale().is_some();
        // Active, first, last, table, value, bias, more, start; then what `Roles` adds.
        let roles = [private, layout.has_wide_values(), class, input, groups, groups && private];
        let fixed = 8 + roles.into_iter().filter(|wanted| *wanted).count() + layout.forms.len();
        let committed = usize::from(options.input == InputMode::Committed);
        // Limbs beside those in the row itself are further evaluations; so is the next row of M and of each sum.
        let of_inference = 1 + layout.limbs() + committed + 2 * usize::from(class);
        let helpers = if logup { helper_count(looked, layout.degree) } else { 0 };
        let sums = 2 + usize::from(groups) + usize::from(logup);
        let weights = layout.weight_columns;
        Self {
            log_n: layout.log_n,
            degree: constraint_degree(layout, looked),
            fixed: fixed + if private { 0 } else { weights },
            weights,
            private,
            small: map.first_phase - map.weights.len(),
            full: map.count - map.first_phase,
            advice: map.count,
            advice_queries: map.weights.len()
                + layout.batch * of_inference
                + usize::from(logup)
                + helpers
                + 2 * sums,
            permuted: if logup { 0 } else { looked },
        }
    }

    fn proof_bytes(&self) -> u64 {
        // Permuted lookups: A', S', Z; opened at 2, 1 and 2 points. Then the random polynomial, the quotient and
        // two points of the multi-opening.
        let points = self.advice + 3 * self.permuted + 1 + (self.degree - 1) + 2;
        // Without LogUp nothing reads the column that marks the last row.
        let fixed = self.fixed - usize::from(self.permuted > 0);
        let evaluations = self.advice_queries + fixed + 5 * self.permuted + 1;
        32 * (points + evaluations) as u64
    }

    fn peak_bytes(&self) -> u64 {
        let n = 1u64 << self.log_n;
        // Bases in both forms, 64 bytes each. Key columns in both forms.
        let key = 2 * 64 * n + 2 * 32 * n * self.fixed as u64;
        let weights = if self.private { 2 * 32 * n * self.weights as u64 } else { 0 };
        let columns = (self.small + self.full + 3 * self.permuted) as u64;
        // Values, coefficients and one coset; the quotient's parts; buffers of the multi-opening.
        key + weights + 3 * 32 * n * columns + 32 * n * (self.degree as u64 + 4)
    }

    fn products(&self) -> u64 {
        let n = 1u64 << self.log_n;
        let transform = n / 2 * u64::from(self.log_n);
        let cosets = self.degree as u64 - 1;
        let (small, full) = (self.small as u64, self.full as u64 + 3 * self.permuted as u64);
        let fixed = (self.fixed - if self.private { 0 } else { self.weights }) as u64;
        let full_point = POINT_IN_WINDOW * 254u64.div_ceil(u64::from(self.log_n.saturating_sub(3)).max(1));
        let commitments = n * (BYTE_POINT * small + full_point * (full + cosets + 3));
        // The weights are combined with powers of r first and transformed as one column; each is evaluated, and each goes
        // into the multi-opening.
        let weights = n * self.weights as u64 * (3 + if self.private { BYTE_POINT } else { 0 })
            + if self.private { transform * self.weights as u64 } else { 0 };
        let columns = small + full + 1;
        let transforms = transform * columns * (1 + cosets) + transform * fixed * cosets;
        let gates = n * cosets * 2 * (columns + fixed);
        commitments + weights + transforms + gates + 3 * n * (columns + fixed)
    }
}

/// The degree that gates and lookups lead to.
fn constraint_degree(layout: &Layout, looked: usize) -> usize {
    if layout.lookup == ByteLookup::Permuted {
        return 4;
    }
    let inline = looked.min(layout.degree - 3);
    let group = (looked - inline).min(layout.degree - 2);
    (3 + inline).max(2 + group).max(3)
}

/// Chooses plans for one model and statement.
#[derive(Clone, Debug)]
pub struct Planner {
    shapes: Layout,
    lookup: ByteLookup,
    batch: usize,
    max_log_n: u32,
}

impl Planner {
    /// Errors: those of [`Layout::new`] that do not depend on the choice.
    pub fn new(model: &QuantisedModel, options: CircuitOptions) -> Result<Self> {
        Ok(Self {
            shapes: Layout::unplaced(model, options)?,
            lookup: ByteLookup::LogUp,
            batch: 1,
            max_log_n: MAX_LOG_N,
        })
    }

    /// For `batch` inferences in a proof.
    pub fn with_batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// With at most 2^`max_log_n` rows: as many as the SRS at hand has.
    pub fn with_max_log_n(self, max_log_n: u32) -> Self {
        Self { max_log_n: max_log_n.min(MAX_LOG_N), ..self }
    }

    /// With another lookup than LogUp.
    pub fn with_lookup(self, lookup: ByteLookup) -> Self {
        Self { lookup, ..self }
    }

    /// The best plan for `objective`: of equal ones that with fewest rows, then of lowest degree.
    ///
    /// For each k the fewest weight columns that fit are considered, with each degree.
    ///
    /// Error: [`Error::Unsupported`] if none fits the most rows that are allowed.
    pub fn plan(&self, objective: Objective) -> Result<PlonkishPlan> {
        let plans = self.candidates();
        let least = plans.iter().map(|plan| plan.products).min().unwrap_or(0);
        let best = match objective {
            Objective::Fast => plans.into_iter().min_by_key(|plan| plan.products),
            Objective::Small => {
                let affordable = plans.into_iter().filter(|plan| plan.products <= SMALL_SLOWDOWN * least);
                affordable.min_by_key(|plan| (plan.proof_bytes, plan.products))
            }
            Objective::Memory => plans.into_iter().min_by_key(|plan| (plan.peak_bytes, plan.products)),
        };
        best.ok_or_else(|| Error::Unsupported {
            what: "this model".into(),
            reason: format!(
                "no layout of it fits 2^{} rows; allow more, or use smaller layers",
                self.max_log_n
            ),
        })
    }

    fn candidates(&self) -> Vec<PlonkishPlan> {
        let widest = self.shapes.layers.iter().map(|layer| layer.outputs).max().unwrap_or(1);
        let degrees: &[usize] = if self.lookup == ByteLookup::LogUp { &[3, 4, 5] } else { &[4] };
        let mut plans = Vec::new();
        for log_n in 9..=self.max_log_n {
            for &degree in degrees {
                let place = |weight_columns| {
                    let (lookup, batch) = (self.lookup, self.batch);
                    let choice =
                        LayoutChoice { weight_columns, limb_columns: 0, degree, lookup, log_n, batch };
                    self.shapes.placed(choice).ok()
                };
                // More columns never take more rows: the first that fits is found by halving.
                let (mut low, mut high) = (0, widest);
                let mut best = match place(widest) {
                    Some(layout) => layout,
                    None => continue,
                };
                while low + 1 < high {
                    let middle = low.midpoint(high);
                    match place(middle) {
                        Some(layout) => (high, best) = (middle, layout),
                        None => low = middle,
                    }
                }
                let single = best.weight_columns == 1;
                plans.push(PlonkishPlan::of(&best));
                if single && degree == degrees[degrees.len() - 1] {
                    return plans;
                }
            }
        }
        plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mlp::{InputSpec, QuantisedLayer, Requantise, WeightMode};

    /// Only shapes and bounds matter here.
    fn model(dims: &[usize]) -> QuantisedModel {
        let layers = dims.windows(2).enumerate().map(|(l, io)| QuantisedLayer {
            inputs: io[0],
            outputs: io[1],
            weights: (0..io[0] * io[1]).map(|i| if i % 2 == 0 { 25 } else { -25 }).collect(),
            bias: vec![0; io[1]],
            requantise: (l + 2 < dims.len()).then_some(Requantise { shift: 10, bits: 8 }),
            accumulator_scale: 1.0,
        });
        let input = InputSpec { len: dims[0], bits: 8, scale: 1.0 };
        QuantisedModel { name: "test".into(), input, layers: layers.collect() }
    }

    #[test]
    fn plans_of_the_usual_networks() {
        use Objective::{Fast, Memory, Small};
        use WeightMode::{Private, Public};
        let digits: &[usize] = &[784, 128, 10];
        let colours: &[usize] = &[3072, 256, 10];
        let deep: &[usize] = &[1024, 1024, 1024, 1024, 1024, 10];
        // (dims, weights, objective) -> (k, C, limb columns, degree, rows, proof bytes)
        let table = [
            (digits, Public, Fast, (10, 128, 1, 3, 924, 5344)),
            (digits, Public, Small, (12, 26, 1, 5, 4064, 2144)),
            (digits, Public, Memory, (10, 128, 1, 5, 924, 5280)),
            (digits, Private, Fast, (10, 128, 1, 3, 930, 9504)),
            (digits, Private, Small, (13, 13, 1, 3, 8022, 2304)),
            (digits, Private, Memory, (10, 128, 1, 5, 930, 9440)),
            (colours, Public, Fast, (12, 256, 1, 3, 3340, 9440)),
            (colours, Public, Small, (14, 52, 1, 5, 15_632, 2976)),
            (colours, Private, Fast, (12, 256, 1, 3, 3346, 17_696)),
            (deep, Public, Fast, (13, 1024, 6, 4, 5135, 34_272)),
            (deep, Public, Memory, (15, 147, 6, 5, 29_735, 6304)),
            (deep, Private, Fast, (14, 342, 7, 5, 13_374, 23_616)),
        ];
        for (dims, weights, objective, expected) in table {
            let options = CircuitOptions { input: InputMode::Private, weights, ..CircuitOptions::default() };
            let plan = Planner::new(&model(dims), options).unwrap().plan(objective).unwrap();
            let choice = plan.choice;
            let got = (
                choice.log_n,
                choice.weight_columns,
                choice.limb_columns,
                choice.degree,
                plan.rows,
                plan.proof_bytes,
            );
            assert_eq!(got, expected, "{dims:?} {weights:?} {objective:?}");
        }
        let planner = Planner::new(&model(digits), CircuitOptions::default()).unwrap();
        assert_eq!(planner.clone().with_max_log_n(11).plan(Small).unwrap().choice.log_n, 11);
        assert!(planner.with_max_log_n(8).plan(Fast).is_err());
    }

    #[test]
    fn each_objective_is_the_best_at_its_own() {
        for weights in [WeightMode::Public, WeightMode::Private] {
            let options = CircuitOptions { weights, ..CircuitOptions::default() };
            let planner = Planner::new(&model(&[784, 128, 10]), options).unwrap();
            let of = |objective| planner.plan(objective).unwrap();
            let (fast, small, memory) = (of(Objective::Fast), of(Objective::Small), of(Objective::Memory));
            assert!(fast.products <= small.products && fast.products <= memory.products);
            assert!(small.proof_bytes <= fast.proof_bytes);
            assert!(memory.peak_bytes <= fast.peak_bytes && memory.peak_bytes <= small.peak_bytes);
            // A plan's choice leads back to its layout.
            let again = Layout::new(&model(&[784, 128, 10]), options, fast.choice).unwrap();
            assert_eq!(PlonkishPlan::of(&again), fast);
        }
    }

    #[test]
    fn stock_lookups_and_batches_have_plans() {
        let planner = Planner::new(&model(&[784, 128, 10]), CircuitOptions::default()).unwrap();
        let stock = planner.clone().with_lookup(ByteLookup::Permuted).plan(Objective::Fast).unwrap();
        assert_eq!(stock.degree, 4);
        let batch = planner.with_batch(1000).plan(Objective::Fast).unwrap();
        assert!(batch.advice_columns > 3000);
    }
}
