//! Numbers of the columns and run-time values that compiled programs read.

use halo2_axiom::halo2curves::bn256::Fr as HaloFr;
use halo2_axiom::plonk::{Any, Column, ConstraintSystem};
use zkwatt_kernels::Fr;

/// Columns of one circuit in a proof, numbered from zero without gaps.
#[derive(Copy, Clone, Debug)]
pub(super) struct Columns {
    advice: u32,
    instance: u32,
    sigma: u32,
    permutation_product: u32,
    lookup: u32,
    first_row: u32,
}

impl Columns {
    /// The numbering for a constraint system whose permutation argument has `sets` products.
    pub fn new(cs: &ConstraintSystem<HaloFr>, sets: usize) -> Self {
        let advice = cs.num_fixed_columns() as u32;
        let instance = advice + cs.num_advice_columns() as u32;
        let sigma = instance + cs.num_instance_columns() as u32;
        let permutation_product = sigma + cs.permutation().get_columns().len() as u32;
        let lookup = permutation_product + sets as u32;
        let first_row = lookup + 3 * cs.lookups().len() as u32;
        Self { advice, instance, sigma, permutation_product, lookup, first_row }
    }

    pub fn fixed(&self, i: usize) -> u32 {
        i as u32
    }

    pub fn advice(&self, i: usize) -> u32 {
        self.advice + i as u32
    }

    pub fn instance(&self, i: usize) -> u32 {
        self.instance + i as u32
    }

    /// The column that a copy constraint may name.
    pub fn any(&self, column: Column<Any>) -> u32 {
        match column.column_type() {
            Any::Advice(_) => self.advice(column.index()),
            Any::Fixed => self.fixed(column.index()),
            Any::Instance => self.instance(column.index()),
        }
    }

    /// σ of the i-th column of the permutation.
    pub fn sigma(&self, i: usize) -> u32 {
        self.sigma + i as u32
    }

    /// z of the i-th set of the permutation.
    pub fn permutation_product(&self, set: usize) -> u32 {
        self.permutation_product + set as u32
    }

    /// z of a lookup.
    pub fn lookup_product(&self, lookup: usize) -> u32 {
        self.lookup + 3 * lookup as u32
    }

    /// A′ of a lookup.
    pub fn permuted_input(&self, lookup: usize) -> u32 {
        self.lookup_product(lookup) + 1
    }

    /// S′ of a lookup.
    pub fn permuted_table(&self, lookup: usize) -> u32 {
        self.lookup_product(lookup) + 2
    }

    /// 1 in the first row.
    pub fn first_row(&self) -> u32 {
        self.first_row
    }

    /// 1 in the row behind the last usable one.
    pub fn last_row(&self) -> u32 {
        self.first_row + 1
    }

    /// 1 in usable rows.
    pub fn active_rows(&self) -> u32 {
        self.first_row + 2
    }

    /// X itself.
    pub fn x(&self) -> u32 {
        self.first_row + 3
    }

    /// The constraints of the circuits before this one.
    pub fn accumulator(&self) -> u32 {
        self.first_row + 4
    }

    /// Whether a column is the same in all circuits.
    pub fn is_of_key(&self, number: u32) -> bool {
        number < self.advice
            || (self.sigma..self.permutation_product).contains(&number)
            || (self.first_row..self.accumulator()).contains(&number)
    }

    /// The first number that is free.
    pub fn end(&self) -> u32 {
        self.first_row + 5
    }
}

/// The challenges of one proof.
#[derive(Clone, Debug, Default)]
pub(super) struct Challenges {
    pub theta: Fr,
    pub beta: Fr,
    pub gamma: Fr,
    pub y: Fr,
    /// Those of the circuit, by index.
    pub of_circuit: Vec<Fr>,
}

impl Challenges {
    pub const THETA: u32 = 0;
    pub const BETA: u32 = 1;
    pub const GAMMA: u32 = 2;
    pub const Y: u32 = 3;

    /// The number under which programs know a challenge of the circuit.
    pub fn of_circuit(index: usize) -> u32 {
        4 + index as u32
    }

    /// The values in the order of the numbers.
    pub fn uniforms(&self) -> Vec<Fr> {
        let mut values = vec![self.theta, self.beta, self.gamma, self.y];
        values.extend_from_slice(&self.of_circuit);
        values
    }
}
