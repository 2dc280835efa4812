//! A plonkish circuit heavy in lookups, laid out as circuits of quantised networks are: for measurements of Halo2 that
//! do not depend on how a network is laid out.

use crate::inputs::{SEED, rng};
use ::halo2_axiom::circuit::{Cell, Layouter, Region, SimpleFloorPlanner, Value};
use ::halo2_axiom::halo2curves::bn256::Fr;
use ::halo2_axiom::plonk::{
    Advice, Assigned, Circuit, Column, ConstraintSystem, Error as PlonkError, Expression, Fixed, Instance,
    Selector, TableColumn,
};
use ::halo2_axiom::poly::Rotation;
use rand_core::RngCore;
use std::sync::Arc;
use zkwatt::{Error, Result};

/// What the name of a circuit begins with; k follows.
pub const PREFIX: &str = "synthetic-lookups-";

/// Advice columns: activation, two of the hash, accumulator, and an input and an output for each lookup.
pub const ADVICE: usize = 4 + 2 * LOOKUPS;
/// Lookups, of two columns each.
pub const LOOKUPS: usize = 4;

const ACTIVATION: usize = 0;
const ACCUMULATOR: usize = 1;
const STATE: usize = 2;
const CUBE: usize = 3;

const fn input(lookup: usize) -> usize {
    4 + 2 * lookup
}

const fn output(lookup: usize) -> usize {
    input(lookup) + 1
}

/// Rows at the end that upstream wants for blinding, generously.
const RESERVED: usize = 16;
/// Products that one accumulator adds up.
const SEGMENT: usize = 256;

/// The circuit of 2^k rows, nearly all used.
///
/// - a running dot product of 8-bit activations with fixed 8-bit weights, 256 products at a time;
/// - a hash chain, t = (s + accumulator)³ and s' = t + activation: two columns of full width;
/// - two lookups in a ReLU table (signed k-bit-scale value to byte), two in a table of squares, 2^(k−2) rows each;
/// - activations are copies of the first lookup's outputs, inputs of the third are copies of the second's outputs, and
///   the last state of the hash is the instance.
#[derive(Clone, Debug)]
pub struct LookupCircuit {
    k: u32,
    columns: Arc<[Vec<Fr>; ADVICE]>,
    weights: Arc<Vec<Fr>>,
}

/// The columns of a [`LookupCircuit`].
#[derive(Clone, Debug)]
pub struct LookupConfig {
    advice: [Column<Advice>; ADVICE],
    weight: Column<Fixed>,
    accumulate: Selector,
    hash: Selector,
    looked_up: Selector,
    relu: [TableColumn; 2],
    square: [TableColumn; 2],
    instance: Column<Instance>,
}

fn signed(value: i64) -> Fr {
    let magnitude = Fr::from(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

impl LookupCircuit {
    /// The circuit that `name` names with a seeded witness, or `None` if it names no such circuit.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for k outside of 8..=20.
    pub fn named(name: &str) -> Result<Option<Self>> {
        let Some(k) = name.strip_prefix(PREFIX) else { return Ok(None) };
        match k.parse::<u32>() {
            Ok(k @ 8..=20) => Ok(Some(Self::new(k))),
            _ => Err(Error::invalid("--model", format!("`{name}`: k is from 8 to 20, as in {PREFIX}15"))),
        }
    }

    #[allow(clippy::needless_range_loop, reason = "a row reads and writes several columns")]
    fn new(k: u32) -> Self {
        let rows = (1usize << k) - RESERVED;
        let mut rng = rng(SEED, 18);
        let mut below = |bound: usize| (rng.next_u64() % bound as u64) as usize;
        let table = 1usize << (k - 2);
        let half = (table / 2) as i64;
        let mut values = vec![vec![0i64; rows]; ADVICE];
        for lookup in [0, 1] {
            let inputs: Vec<i64> = (0..rows).map(|_| below(table) as i64 - half).collect();
            values[output(lookup)] = inputs.iter().map(|value| relu(*value, k)).collect();
            values[input(lookup)] = inputs;
        }
        for row in 0..rows {
            values[ACTIVATION][row] = values[output(0)][source(row, rows)];
            values[input(2)][row] = values[output(1)][source(row, rows)];
            values[input(3)][row] = below(table) as i64;
            for lookup in [2, 3] {
                values[output(lookup)][row] = values[input(lookup)][row].pow(2);
            }
        }
        let weights: Vec<i64> = (0..rows).map(|_| below(255) as i64 - 127).collect();
        for row in 0..rows {
            let before = if row % SEGMENT == 0 { 0 } else { values[ACCUMULATOR][row - 1] };
            values[ACCUMULATOR][row] = before + values[ACTIVATION][row] * weights[row];
        }
        let mut columns: [Vec<Fr>; ADVICE] =
            std::array::from_fn(|column| values[column].iter().map(|v| signed(*v)).collect());
        let (mut states, mut cubes) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        let mut state = Fr::from(1);
        for (accumulator, activation) in columns[ACCUMULATOR].iter().zip(&columns[ACTIVATION]) {
            let sum = state + accumulator;
            states.push(state);
            cubes.push(sum * sum * sum);
            state = sum * sum * sum + activation;
        }
        (columns[STATE], columns[CUBE]) = (states, cubes);
        let weights = weights.into_iter().map(signed).collect();
        Self { k, columns: Arc::new(columns), weights: Arc::new(weights) }
    }

    /// Base-two logarithm of the rows.
    pub fn k(&self) -> u32 {
        self.k
    }

    /// The one instance column.
    pub fn instance(&self) -> Vec<Fr> {
        self.columns[STATE].last().copied().into_iter().collect()
    }

    /// Assigns all cells; returns that of the last state.
    fn assign(&self, config: &LookupConfig, region: &mut Region<'_, Fr>) -> Result<Cell, PlonkError> {
        let rows = self.weights.len();
        let mut cells: Vec<Vec<Cell>> = Vec::with_capacity(ADVICE);
        for (column, values) in config.advice.iter().zip(self.columns.iter()) {
            let assign = |(row, value): (usize, &Fr)| {
                region.assign_advice(*column, row, Value::known(Assigned::Trivial(*value))).cell()
            };
            cells.push(values.iter().enumerate().map(assign).collect());
        }
        for (row, weight) in self.weights.iter().enumerate() {
            region.assign_fixed(config.weight, row, *weight);
            config.looked_up.enable(region, row)?;
            if row % SEGMENT != 0 {
                config.accumulate.enable(region, row)?;
            }
            if row + 1 < rows {
                config.hash.enable(region, row)?;
            }
            let copied = source(row, rows);
            region.constrain_equal(cells[ACTIVATION][row], cells[output(0)][copied]);
            region.constrain_equal(cells[input(2)][row], cells[output(1)][copied]);
        }
        Ok(cells[STATE][rows - 1])
    }
}

impl Circuit<Fr> for LookupCircuit {
    type Config = LookupConfig;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = ();

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(meta: &mut ConstraintSystem<Fr>) -> LookupConfig {
        let advice = [(); ADVICE].map(|()| meta.advice_column());
        let weight = meta.fixed_column();
        let (accumulate, hash, looked_up) = (meta.selector(), meta.selector(), meta.complex_selector());
        let relu = [(); 2].map(|()| meta.lookup_table_column());
        let square = [(); 2].map(|()| meta.lookup_table_column());
        let instance = meta.instance_column();
        advice.iter().for_each(|column| meta.enable_equality(*column));
        meta.enable_equality(instance);
        meta.create_gate("dot product", |meta| {
            let accumulate = meta.query_selector(accumulate);
            let weight = meta.query_fixed(weight, Rotation::cur());
            let activation = meta.query_advice(advice[ACTIVATION], Rotation::cur());
            let [before, now] = [Rotation::prev(), Rotation::cur()]
                .map(|rotation| meta.query_advice(advice[ACCUMULATOR], rotation));
            vec![accumulate * (before + activation * weight - now)]
        });
        meta.create_gate("hash", |meta| {
            let hash = meta.query_selector(hash);
            let [activation, accumulator, state, cube] = [ACTIVATION, ACCUMULATOR, STATE, CUBE]
                .map(|column| meta.query_advice(advice[column], Rotation::cur()));
            let next = meta.query_advice(advice[STATE], Rotation::next());
            let sum: Expression<Fr> = state + accumulator;
            vec![
                hash.clone() * (sum.clone() * sum.clone() * sum - cube.clone()),
                hash * (cube + activation - next),
            ]
        });
        for lookup in 0..LOOKUPS {
            let table = if lookup < 2 { relu } else { square };
            meta.lookup("function", |meta| {
                let looked_up = meta.query_selector(looked_up);
                let [from, to] = [input(lookup), output(lookup)]
                    .map(|column| meta.query_advice(advice[column], Rotation::cur()));
                vec![(looked_up.clone() * from, table[0]), (looked_up * to, table[1])]
            });
        }
        LookupConfig { advice, weight, accumulate, hash, looked_up, relu, square, instance }
    }

    fn synthesize(&self, config: LookupConfig, mut layouter: impl Layouter<Fr>) -> Result<(), PlonkError> {
        let n = 1i64 << (self.k - 2);
        let fill = |layouter: &mut _, columns: [TableColumn; 2], function: &dyn Fn(i64) -> [i64; 2]| {
            Layouter::assign_table(
                layouter,
                || "function",
                |mut table| {
                    for row in 0..n {
                        for (column, value) in columns.into_iter().zip(function(row)) {
                            table.assign_cell(
                                || "value",
                                column,
                                row as usize,
                                || Value::known(signed(value)),
                            )?;
                        }
                    }
                    Ok(())
                },
            )
        };
        fill(&mut layouter, config.relu, &|row| [row - n / 2, relu(row - n / 2, self.k)])?;
        fill(&mut layouter, config.square, &|row| [row, row * row])?;
        let last = layouter.assign_region(|| "network", |mut region| self.assign(&config, &mut region))?;
        layouter.constrain_instance(last, config.instance, 0);
        Ok(())
    }
}

/// The row whose lookup output row `row` copies.
fn source(row: usize, rows: usize) -> usize {
    // Odd and larger than a segment, so copies come from all over.
    row * 12_345 % rows
}

/// max(value, 0) scaled to at most a byte, for signed values of k − 2 bits.
fn relu(value: i64, k: u32) -> i64 {
    value.max(0) >> (k - 2).saturating_sub(9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::halo2_axiom::dev::MockProver;
    use ::halo2_axiom::halo2curves::ff::Field;

    #[test]
    fn the_witness_satisfies_the_circuit() {
        for k in [8, 12] {
            let circuit = LookupCircuit::new(k);
            let mut instance = circuit.instance();
            MockProver::run(k, &circuit, vec![instance.clone()]).unwrap().assert_satisfied();
            instance[0] += Fr::ONE;
            assert!(MockProver::run(k, &circuit, vec![instance]).unwrap().verify().is_err());
        }
    }

    #[test]
    fn names() {
        assert_eq!(LookupCircuit::named("synthetic-lookups-9").unwrap().unwrap().k(), 9);
        assert!(LookupCircuit::named("synthetic-12-10").unwrap().is_none());
        assert!(LookupCircuit::named("synthetic-lookups-7").is_err());
        assert!(LookupCircuit::named("synthetic-lookups-x").is_err());
    }
}
