//! Which constraint an unsatisfied witness breaks.

use super::columns::Challenges;
use super::constraints::Constraints;
use super::key::{Halo2Backend, PreparedKey};
use super::prover::CircuitColumns;
use super::quotient;
use crate::error::{Error, Result};
use zkwatt_kernels::ntt::Direction;
use zkwatt_kernels::quotient::Graph;
use zkwatt_kernels::{Field, Fr};

/// An [`Error::Unsatisfied`] that names the first gate and row, or, if all gates hold, what else it must be.
///
/// Slow: evaluates gate after gate on all rows. Errors: what the device reports.
pub(super) fn first_failure<B: Halo2Backend>(
    key: &PreparedKey<B>,
    circuits: &[CircuitColumns<B>],
    challenges: &Challenges,
) -> Result<Error> {
    let uniforms = challenges.uniforms();
    for circuit in circuits {
        let mut constraint = 0;
        for gate in key.vk.cs().gates() {
            for (i, polynomial) in gate.polynomials().iter().enumerate() {
                let mut graph = Graph::new();
                let node = Constraints::new(key.vk.cs(), key.columns, key.shape.set_len, &mut graph)
                    .expression(polynomial);
                let program = graph.compile(&[node]);
                let values = values_of(key, circuit, program.columns().keys().copied())?;
                let columns: Vec<&B::Buf<Fr>> =
                    values.iter().map(|column| column.as_ref().unwrap_or(&key.x_values)).collect();
                let mut out = key.backend.alloc(key.shape.n)?;
                key.backend.run_program(&program, &columns, &uniforms, &mut [&mut out])?;
                let rows = key.backend.download_blocking(&out)?;
                if let Some(row) = rows.iter().position(|value| !value.is_zero()) {
                    let description = format!("gate `{}`, constraint {i}, row {row}", gate.name());
                    return Ok(Error::Unsatisfied { constraint, description });
                }
                constraint += 1;
            }
        }
    }
    Ok(Error::Unsatisfied {
        constraint: key.vk.cs().gates().iter().map(|gate| gate.polynomials().len()).sum(),
        description: "all gates hold, so a copy constraint does not".into(),
    })
}

/// The values of these columns, by number.
fn values_of<B: Halo2Backend>(
    key: &PreparedKey<B>,
    circuit: &CircuitColumns<B>,
    numbers: impl Iterator<Item = u32>,
) -> Result<Vec<Option<B::Buf<Fr>>>> {
    let mut values = Vec::new();
    values.resize_with(key.columns.end() as usize, || None);
    let plan = key.shape.transform(Direction::Forward)?;
    for number in numbers {
        let mut column = key.backend.resized(quotient::coefficients(key, circuit, number)?, key.shape.n)?;
        key.backend.ntt(&mut column, &plan)?;
        if let Some(slot) = values.get_mut(number as usize) {
            *slot = Some(column);
        }
    }
    Ok(values)
}
