//! Witnesses by `Circuit::synthesize`.

use super::witness::ColumnValues;
use crate::error::{Error, Result};
use crate::interop::halo2curves as interop;
use halo2_axiom::circuit::Value;
use halo2_axiom::halo2curves::bn256::Fr as HaloFr;
use halo2_axiom::plonk::{
    self, Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Fixed,
    FloorPlanner, Instance, Selector,
};
use zeroize::Zeroize;
use zkwatt_kernels::vector::batch_inverse;
use zkwatt_kernels::{CpuPath, Fr};

/// What the prover does when a circuit has assigned a phase: commits to its columns and squeezes its challenges.
/// Takes the phase and its columns in ascending order; returns all challenges so far, by index, unknown ones `None`.
pub(super) type EndPhase<'a> = dyn FnMut(u8, Vec<ColumnValues>) -> Result<Vec<Option<Fr>>> + 'a;

/// The shape that cells must fit.
#[derive(Copy, Clone)]
pub(super) struct Shape<'a> {
    pub column_phases: &'a [u8],
    pub phases: u8,
    pub usable_rows: usize,
    pub n: usize,
    pub k: u32,
}

/// Runs `synthesize` until every phase is assigned; `end_phase` is called once for each.
///
/// A circuit may call `next_phase` during synthesis; one that does not is synthesised once for each phase.
pub(super) fn synthesize<C: Circuit<HaloFr>>(
    circuit: &C,
    constants: &[Column<Fixed>],
    shape: Shape<'_>,
    instances: &[&[HaloFr]],
    challenges: Vec<Option<Fr>>,
    end_phase: &mut EndPhase<'_>,
) -> Result<()> {
    let mut meta = ConstraintSystem::default();
    let config = C::configure_with_params(&mut meta, circuit.params());
    let mut collector = Collector::new(shape, instances, 0, challenges, end_phase);
    while collector.phase < shape.phases {
        let synthesized =
            C::FloorPlanner::synthesize(&mut collector, circuit, config.clone(), constants.to_vec());
        // A cell out of place explains more than what synthesis made of it.
        if let Some(failure) = collector.failure.take() {
            return Err(failure);
        }
        synthesized.map_err(|e| synthesis_error(&e))?;
        if collector.phase < shape.phases {
            collector.end_current_phase();
        }
        if let Some(failure) = collector.failure.take() {
            return Err(failure);
        }
    }
    Ok(())
}

/// The columns of one phase only, with the challenges of the phases before; for several circuits in one proof, whose
/// phases end together.
pub(super) fn synthesize_phase<C: Circuit<HaloFr>>(
    circuit: &C,
    constants: &[Column<Fixed>],
    shape: Shape<'_>,
    instances: &[&[HaloFr]],
    phase: u8,
    challenges: Vec<Option<Fr>>,
) -> Result<Vec<ColumnValues>> {
    let mut meta = ConstraintSystem::default();
    let config = C::configure_with_params(&mut meta, circuit.params());
    let mut refuse = |_: u8, _: Vec<ColumnValues>| {
        Err(Error::Unsupported {
            what: "a circuit that ends phases by itself".into(),
            reason: "with several circuits in one proof all must end a phase together; prove them one by one"
                .into(),
        })
    };
    let mut collector = Collector::new(shape, instances, phase, challenges, &mut refuse);
    let synthesized = C::FloorPlanner::synthesize(&mut collector, circuit, config, constants.to_vec());
    match (collector.failure.take(), synthesized) {
        (Some(failure), _) => Err(failure),
        (None, Err(e)) => Err(synthesis_error(&e)),
        (None, Ok(())) => Ok(collector.take_columns(phase)),
    }
}

fn synthesis_error(error: &plonk::Error) -> Error {
    Error::invalid("circuit", format!("its synthesis failed: {error}"))
}

/// Takes the advice cells of a circuit.
struct Collector<'a, 'b> {
    shape: Shape<'a>,
    instances: &'a [&'a [HaloFr]],
    cells: Vec<Vec<Assigned<HaloFr>>>,
    /// The phase that is being assigned.
    phase: u8,
    challenges: Vec<Option<Fr>>,
    end_phase: &'a mut EndPhase<'b>,
    /// The first thing that went wrong; cells can report nothing.
    failure: Option<Error>,
}

impl<'a, 'b> Collector<'a, 'b> {
    fn new(
        shape: Shape<'a>,
        instances: &'a [&'a [HaloFr]],
        phase: u8,
        challenges: Vec<Option<Fr>>,
        end_phase: &'a mut EndPhase<'b>,
    ) -> Self {
        let cells = vec![vec![Assigned::Zero; shape.n]; shape.column_phases.len()];
        Self { shape, instances, cells, phase, challenges, end_phase, failure: None }
    }

    fn fail(&mut self, failure: Error) {
        self.failure.get_or_insert(failure);
    }

    fn end_current_phase(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let columns = self.take_columns(self.phase);
        match (self.end_phase)(self.phase, columns) {
            Ok(challenges) => self.challenges = challenges,
            Err(failure) => self.fail(failure),
        }
        self.phase += 1;
    }

    /// The columns of `phase`, their fractions evaluated with one shared inversion.
    fn take_columns(&mut self, phase: u8) -> Vec<ColumnValues> {
        let usable = self.shape.usable_rows;
        let of_phase = self.shape.column_phases.iter().zip(&mut self.cells).filter(|(p, _)| **p == phase);
        let mut denominators = Vec::new();
        let mut columns = Vec::new();
        for (_, cells) in of_phase {
            let cells = cells.get(..usable).unwrap_or(cells);
            denominators
                .extend(cells.iter().filter_map(|cell| cell.denominator()).map(|d| interop::scalar(&d)));
            columns.push(cells.iter().map(|cell| interop::scalar(&cell.numerator())).collect::<Vec<_>>());
        }
        if !denominators.is_empty() {
            batch_inverse(CpuPath::active(), &mut denominators);
            let mut inverses = denominators.iter();
            let of_phase = self.shape.column_phases.iter().zip(&self.cells).filter(|(p, _)| **p == phase);
            for ((_, cells), column) in of_phase.zip(&mut columns) {
                let fractions =
                    cells.iter().zip(column.iter_mut()).filter(|(cell, _)| cell.denominator().is_some());
                for ((_, value), inverse) in fractions.zip(&mut inverses) {
                    *value *= *inverse;
                }
            }
            denominators.zeroize();
        }
        columns.into_iter().map(ColumnValues::Field).collect()
    }

    fn row_error(&self, what: &str, row: usize) -> Error {
        let Shape { usable_rows, k, .. } = self.shape;
        Error::invalid(
            "circuit",
            format!("{what} in row {row}, but k = {k} has {usable_rows} usable rows; use a larger k"),
        )
    }
}

impl Assignment<HaloFr> for Collector<'_, '_> {
    fn query_instance(&self, column: Column<Instance>, row: usize) -> Result<Value<HaloFr>, plonk::Error> {
        if row >= self.shape.usable_rows {
            return Err(plonk::Error::NotEnoughRowsAvailable { current_k: self.shape.k });
        }
        let value = self.instances.get(column.index()).and_then(|values| values.get(row));
        value.map(|v| Value::known(*v)).ok_or(plonk::Error::BoundsFailure)
    }

    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<HaloFr>>,
    ) -> Value<&'v Assigned<HaloFr>> {
        if row >= self.shape.usable_rows {
            self.fail(self.row_error("it assigns an advice cell", row));
            return Value::unknown();
        }
        let Some(cell) = self.cells.get_mut(column.index()).and_then(|cells| cells.get_mut(row)) else {
            let reason = format!("it assigns advice column {}, which the key does not have", column.index());
            self.fail(Error::invalid("circuit", reason));
            return Value::unknown();
        };
        let mut assigned: Option<*const Assigned<HaloFr>> = None;
        to.map(|value| {
            *cell = value;
            assigned = Some(cell);
        });
        match assigned {
            // SAFETY: upstream's trait asks for a reference of any lifetime. The cell lives in a vector that neither
            // grows nor shrinks while the circuit is synthesised, and what the circuit is given does not outlive that.
            Some(cell) => Value::known(unsafe { &*cell }),
            // Values of later phases may depend on challenges that are not there yet.
            None if column.column_type().phase() > self.phase => Value::unknown(),
            None => {
                let reason = format!(
                    "the value of advice column {} in row {row} is unknown; give the circuit its witness",
                    column.index()
                );
                self.fail(Error::invalid("circuit", reason));
                Value::unknown()
            }
        }
    }

    fn get_challenge(&self, challenge: Challenge) -> Value<HaloFr> {
        let value = self.challenges.get(challenge.index()).copied().flatten();
        value.map_or_else(Value::unknown, |v| Value::known(interop::halo2_scalar(&v)))
    }

    fn next_phase(&mut self) {
        if self.phase < self.shape.phases {
            self.end_current_phase();
        }
    }

    // Only advice is collected.

    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}
    fn exit_region(&mut self) {}
    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}
    fn enable_selector<A: FnOnce() -> AR, AR: Into<String>>(
        &mut self,
        _: A,
        _: &Selector,
        _: usize,
    ) -> Result<(), plonk::Error> {
        Ok(())
    }
    fn assign_fixed(&mut self, _: Column<Fixed>, _: usize, _: Assigned<HaloFr>) {}
    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {}
    fn fill_from_row(
        &mut self,
        _: Column<Fixed>,
        _: usize,
        _: Value<Assigned<HaloFr>>,
    ) -> Result<(), plonk::Error> {
        Ok(())
    }
    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}
    fn pop_namespace(&mut self, _: Option<String>) {}
}
