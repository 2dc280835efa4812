//! Circuits that between them use everything that a constraint system has.

use halo2_axiom::circuit::{Layouter, Region, SimpleFloorPlanner, Value};
use halo2_axiom::halo2curves::bn256::Fr;
use halo2_axiom::halo2curves::ff::Field;
use halo2_axiom::plonk::{
    Advice, Assigned, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
    Instance, SecondPhase, Selector, TableColumn, ThirdPhase,
};
use halo2_axiom::poly::Rotation;

pub fn known(value: Fr) -> Value<Assigned<Fr>> {
    Value::known(value.into())
}

/// A dot product down the rows, ReLU of it by a lookup of two columns, copies, and the result as instance.
#[derive(Clone, Debug)]
pub struct DotRelu {
    pub x: Vec<i64>,
    pub w: Vec<i64>,
    /// Added to the ReLU's output where it is assigned; 0 for an honest witness.
    pub error: i64,
    /// Columns that copies of the output go to.
    pub copies: usize,
}

#[derive(Clone)]
pub struct DotReluConfig {
    a: Column<Advice>,
    b: Column<Advice>,
    sum: Column<Advice>,
    step: Selector,
    relu: Selector,
    table: [TableColumn; 2],
    instance: Column<Instance>,
    extra: Vec<Column<Advice>>,
}

pub fn signed(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

impl DotRelu {
    pub fn new(x: &[i64], w: &[i64]) -> Self {
        Self { x: x.to_vec(), w: w.to_vec(), error: 0, copies: 4 }
    }

    pub fn output(&self) -> Fr {
        signed(self.x.iter().zip(&self.w).map(|(x, w)| x * w).sum::<i64>().max(0))
    }
}

impl Circuit<Fr> for DotRelu {
    type Config = DotReluConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = usize;

    fn params(&self) -> usize {
        self.copies
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> DotReluConfig {
        Self::configure_with_params(meta, 0)
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, copies: usize) -> DotReluConfig {
        let [a, b, sum] = [(); 3].map(|()| meta.advice_column());
        let extra: Vec<_> = (0..copies).map(|_| meta.advice_column()).collect();
        let (step, relu) = (meta.selector(), meta.complex_selector());
        let table = [(); 2].map(|()| meta.lookup_table_column());
        let instance = meta.instance_column();
        for column in [a, b, sum].iter().chain(&extra) {
            meta.enable_equality(*column);
        }
        meta.enable_equality(instance);
        meta.create_gate("dot product", |meta| {
            let step = meta.query_selector(step);
            let [a, b] = [a, b].map(|column| meta.query_advice(column, Rotation::cur()));
            let [before, now] = [Rotation::prev(), Rotation::cur()].map(|at| meta.query_advice(sum, at));
            vec![step * (before + a * b - now)]
        });
        meta.lookup("relu", |meta| {
            let relu = meta.query_selector(relu);
            let [a, b] = [a, b].map(|column| meta.query_advice(column, Rotation::cur()));
            vec![(relu.clone() * a, table[0]), (relu * b, table[1])]
        });
        DotReluConfig { a, b, sum, step, relu, table, instance, extra }
    }

    fn synthesize(&self, config: DotReluConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_table(
            || "relu",
            |mut table| {
                for (row, value) in (-64..64i64).enumerate() {
                    table.assign_cell(|| "in", config.table[0], row, || Value::known(signed(value)))?;
                    table.assign_cell(
                        || "out",
                        config.table[1],
                        row,
                        || Value::known(signed(value.max(0))),
                    )?;
                }
                Ok(())
            },
        )?;
        let output = layouter.assign_region(
            || "dot product",
            |mut region| {
                let mut total = 0;
                let mut sum = region.assign_advice(config.sum, 0, known(Fr::ZERO));
                for (row, (x, w)) in (1..).zip(self.x.iter().zip(&self.w)) {
                    total += x * w;
                    config.step.enable(&mut region, row)?;
                    region.assign_advice(config.a, row, known(signed(*x)));
                    region.assign_advice(config.b, row, known(signed(*w)));
                    sum = region.assign_advice(config.sum, row, known(signed(total)));
                }
                let row = self.x.len() + 2;
                config.relu.enable(&mut region, row)?;
                let input = region.assign_advice(config.a, row, known(signed(total)));
                region.constrain_equal(sum.cell(), input.cell());
                let output = known(signed(total.max(0) + self.error));
                let output = region.assign_advice(config.b, row, output);
                for column in &config.extra {
                    // A fraction, as circuits with deferred inversions assign it.
                    let half = Assigned::Rational(signed(2 * total.max(0)), Fr::from(2));
                    let copy = region.assign_advice(*column, row, Value::known(half));
                    region.constrain_equal(output.cell(), copy.cell());
                }
                Ok(output)
            },
        )?;
        layouter.constrain_instance(output.cell(), config.instance, 0);
        Ok(())
    }
}

/// Gates of any degree with rotations far from the row and around the end, fixed columns, several instance columns, no
/// lookups, and no copies unless asked for.
#[derive(Clone, Debug)]
pub struct Powers {
    pub degree: usize,
    pub start: u64,
    pub rows: usize,
}

impl Powers {
    pub fn values(&self) -> Vec<Fr> {
        let step = |v: &Fr| Some(v.pow([self.degree as u64]) + Fr::from(3));
        std::iter::successors(Some(Fr::from(self.start)), step).take(self.rows).collect()
    }

    pub fn instances(&self) -> [Vec<Fr>; 2] {
        let values = self.values();
        [vec![values[0]], vec![values[self.rows - 1], Fr::from(self.degree as u64)]]
    }
}

#[derive(Clone)]
pub struct PowersConfig {
    v: Column<Advice>,
    far: Column<Advice>,
    step: Column<Fixed>,
    first: Column<Fixed>,
    last: Column<Fixed>,
    shifted: Column<Fixed>,
}

impl Circuit<Fr> for Powers {
    type Config = PowersConfig;
    type FloorPlanner = SimpleFloorPlanner;
    /// Degree and rows.
    type Params = (usize, usize);

    fn params(&self) -> Self::Params {
        (self.degree, self.rows)
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> PowersConfig {
        Self::configure_with_params(meta, (2, 3))
    }

    fn configure_with_params(meta: &mut ConstraintSystem<Fr>, (degree, rows): Self::Params) -> PowersConfig {
        let [v, far] = [(); 2].map(|()| meta.advice_column());
        let [step, first, last, shifted] = [(); 4].map(|()| meta.fixed_column());
        let [p, q] = [(); 2].map(|()| meta.instance_column());
        meta.create_gate("step", |meta| {
            let step = meta.query_fixed(step, Rotation::cur());
            let (now, next) = (meta.query_advice(v, Rotation::cur()), meta.query_advice(v, Rotation::next()));
            let power = (1..degree).fold(now.clone(), |power, _| power * now.clone());
            vec![step * (next - power - Expression::Constant(Fr::from(3)))]
        });
        meta.create_gate("ends", |meta| {
            let (first, last) =
                (meta.query_fixed(first, Rotation::cur()), meta.query_fixed(last, Rotation::cur()));
            let v = meta.query_advice(v, Rotation::cur());
            let start = meta.query_instance(p, Rotation::cur());
            // The instance is at the top, the last value far below it.
            let end = meta.query_instance(q, Rotation(1 - rows as i32));
            let below = meta.query_instance(q, Rotation::next());
            let degree = Expression::Constant(Fr::from(degree as u64));
            vec![first.clone() * (v.clone() - start), last * (v - end), first * (below - degree)]
        });
        meta.create_gate("far", |meta| {
            let shifted = meta.query_fixed(shifted, Rotation::cur());
            let (near, far) = (meta.query_advice(v, Rotation(-2)), meta.query_advice(far, Rotation(3)));
            vec![shifted * (far * Fr::from(2) - near)]
        });
        if degree + 1 > 5 {
            meta.set_minimum_degree(degree + 1);
        }
        PowersConfig { v, far, step, first, last, shifted }
    }

    fn synthesize(&self, config: PowersConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        layouter.assign_region(
            || "powers",
            |mut region| {
                let values = self.values();
                region.assign_fixed(config.first, 0, Fr::ONE);
                region.assign_fixed(config.last, self.rows - 1, Fr::ONE);
                for (row, value) in values.iter().enumerate() {
                    region.assign_advice(config.v, row, known(*value));
                    if row + 1 < self.rows {
                        region.assign_fixed(config.step, row, Fr::ONE);
                    }
                    if row >= 2 {
                        region.assign_fixed(config.shifted, row, Fr::ONE);
                        let half = Assigned::Rational(values[row - 2], Fr::from(2));
                        region.assign_advice(config.far, row + 3, Value::known(half));
                    }
                }
                Ok(())
            },
        )
    }
}

/// Σ r^i·v_i by a running sum in the second phase, and a product with a second challenge in the third.
#[derive(Clone, Debug)]
pub struct Phased {
    pub values: Vec<u64>,
    /// Whether the circuit ends its first phases itself.
    pub ends_phases: bool,
}

#[derive(Clone)]
pub struct PhasedConfig {
    v: Column<Advice>,
    sum: Column<Advice>,
    product: Column<Advice>,
    active: Selector,
    r: Challenge,
    s: Challenge,
}

impl Circuit<Fr> for Phased {
    type Config = PhasedConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> PhasedConfig {
        let v = meta.advice_column();
        let sum = meta.advice_column_in(SecondPhase);
        let r = meta.challenge_usable_after(FirstPhase);
        // A first-phase column behind a second-phase one.
        let _unused = meta.advice_column();
        let product = meta.advice_column_in(ThirdPhase);
        let s = meta.challenge_usable_after(SecondPhase);
        let active = meta.selector();
        meta.create_gate("phases", |meta| {
            let active = meta.query_selector(active);
            let (r, s) = (meta.query_challenge(r), meta.query_challenge(s));
            let v = meta.query_advice(v, Rotation::cur());
            let (now, next) =
                (meta.query_advice(sum, Rotation::cur()), meta.query_advice(sum, Rotation::next()));
            let product = meta.query_advice(product, Rotation::cur());
            vec![active.clone() * (now.clone() - v - r * next), active * (product - s * now)]
        });
        PhasedConfig { v, sum, product, active, r, s }
    }

    fn synthesize(&self, config: PhasedConfig, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let (mut r, mut s) = (layouter.get_challenge(config.r), layouter.get_challenge(config.s));
        let ends = self.ends_phases;
        layouter.assign_region(
            || "phases",
            |mut region| {
                for (row, value) in self.values.iter().enumerate() {
                    config.active.enable(&mut region, row)?;
                    region.assign_advice(config.v, row, known(Fr::from(*value)));
                }
                if ends {
                    region.next_phase();
                    r = region.get_challenge(config.r);
                }
                let mut sum = r.map(|_| Fr::ZERO);
                let mut sums = Vec::new();
                for value in self.values.iter().rev() {
                    sum = sum.zip(r).map(|(sum, r)| sum * r + Fr::from(*value));
                    sums.push(sum);
                }
                // Upstream takes no unknown value: without the challenge the column is left for a later pass.
                let assign = |region: &mut Region<'_, Fr>, column, row, value: Value<Fr>| {
                    value.map(|value| {
                        region.assign_advice(column, row, known(value));
                    });
                };
                for (row, sum) in sums.iter().rev().enumerate() {
                    assign(&mut region, config.sum, row, *sum);
                }
                if ends {
                    region.next_phase();
                    s = region.get_challenge(config.s);
                }
                for (row, sum) in sums.iter().rev().enumerate() {
                    let product = sum.zip(s).map(|(sum, s)| sum * s);
                    assign(&mut region, config.product, row, product);
                }
                Ok(())
            },
        )
    }
}
