//! What keygen records of a circuit's synthesis: fixed cells, selectors, copies.

use super::permutation::Cycles;
use crate::error::Result;
use crate::interop::halo2curves as interop;
use halo2_axiom::circuit::Value;
use halo2_axiom::plonk::{
    Advice, Any, Assigned, Assignment, Challenge, Column, ConstraintSystem, Error, Fixed, Instance, Selector,
};
use halo2curves_axiom::bn256::Fr;
use std::collections::BTreeMap;
use zkwatt_kernels::{CpuPath, vector};

/// The recorder. Errors that upstream's trait has no way to return are kept until [`Assembly::finish`].
pub(super) struct Assembly {
    k: u32,
    usable: usize,
    /// Numerators.
    fixed: Vec<Vec<Fr>>,
    /// Denominators by (column, row), of the few cells that have one.
    denominators: BTreeMap<(usize, usize), Fr>,
    selectors: Vec<Vec<bool>>,
    cycles: Cycles,
    error: Option<Error>,
}

/// What was recorded.
pub(super) struct Recorded {
    pub fixed: Vec<Vec<Fr>>,
    pub selectors: Vec<Vec<bool>>,
    pub cycles: Cycles,
}

impl Assembly {
    /// For 2^k rows, of which the first `usable` can be assigned.
    pub fn new(k: u32, usable: usize, cs: &ConstraintSystem<Fr>) -> Result<Self> {
        let n = 1usize << k;
        Ok(Self {
            k,
            usable,
            fixed: vec![vec![Fr::zero(); n]; cs.num_fixed_columns()],
            denominators: BTreeMap::new(),
            selectors: vec![vec![false; n]; cs.num_selectors()],
            cycles: Cycles::new(k, &cs.permutation().get_columns())?,
            error: None,
        })
    }

    /// The columns, with all divisions done; 1/0 is 0, as upstream has it.
    pub fn finish(mut self) -> Result<Recorded, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut inverses: Vec<Fr> = self.denominators.values().copied().collect();
        vector::batch_inverse(CpuPath::active(), interop::scalars_mut(&mut inverses));
        for ((column, row), inverse) in self.denominators.into_keys().zip(inverses) {
            if let Some(cell) = self.fixed.get_mut(column).and_then(|column| column.get_mut(row)) {
                *cell *= inverse;
            }
        }
        Ok(Recorded { fixed: self.fixed, selectors: self.selectors, cycles: self.cycles })
    }

    fn in_usable_rows(&self, row: usize) -> Result<(), Error> {
        if row < self.usable { Ok(()) } else { Err(Error::NotEnoughRowsAvailable { current_k: self.k }) }
    }

    fn set_fixed(&mut self, column: usize, row: usize, to: Assigned<Fr>) -> Result<(), Error> {
        self.in_usable_rows(row)?;
        let cell = self.fixed.get_mut(column).and_then(|column| column.get_mut(row));
        *cell.ok_or(Error::BoundsFailure)? = to.numerator();
        match to.denominator() {
            Some(denominator) => self.denominators.insert((column, row), denominator),
            None if self.denominators.is_empty() => None,
            // A cell may be assigned again.
            None => self.denominators.remove(&(column, row)),
        };
        Ok(())
    }

    /// Keeps the first error.
    fn keep(&mut self, result: Result<(), Error>) {
        if let (Err(error), None) = (result, &self.error) {
            self.error = Some(error);
        }
    }
}

impl Assignment<Fr> for Assembly {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn exit_region(&mut self) {}

    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}

    fn enable_selector<A: FnOnce() -> AR, AR: Into<String>>(
        &mut self,
        _: A,
        selector: &Selector,
        row: usize,
    ) -> Result<(), Error> {
        self.in_usable_rows(row)?;
        let cell = self.selectors.get_mut(selector.index()).and_then(|rows| rows.get_mut(row));
        *cell.ok_or(Error::BoundsFailure)? = true;
        Ok(())
    }

    fn query_instance(&self, _: Column<Instance>, row: usize) -> Result<Value<Fr>, Error> {
        self.in_usable_rows(row)?;
        Ok(Value::unknown())
    }

    fn assign_advice<'v>(
        &mut self,
        _: Column<Advice>,
        _: usize,
        _: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        Value::unknown()
    }

    fn assign_fixed(&mut self, column: Column<Fixed>, row: usize, to: Assigned<Fr>) {
        let result = self.set_fixed(column.index(), row, to);
        self.keep(result);
    }

    fn copy(&mut self, left: Column<Any>, left_row: usize, right: Column<Any>, right_row: usize) {
        let rows = self.in_usable_rows(left_row).and_then(|()| self.in_usable_rows(right_row));
        let result = rows.and_then(|()| self.cycles.copy((left, left_row), (right, right_row)));
        self.keep(result);
    }

    fn fill_from_row(
        &mut self,
        column: Column<Fixed>,
        from_row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        self.in_usable_rows(from_row)?;
        let mut value = None;
        to.map(|known| value = Some(known));
        let value = value.ok_or(Error::Synthesis)?;
        (from_row..self.usable).try_for_each(|row| self.set_fixed(column.index(), row, value))
    }

    fn get_challenge(&self, _: Challenge) -> Value<Fr> {
        Value::unknown()
    }
}
