//! Quotient programs: an interpreter, so that no program needs a pipeline of its own.

mod plan;
#[cfg(test)]
mod tests;

use super::Access::{Read, ReadWrite};
use super::pieces::elements;
use super::{Arithmetic, Gpu, GpuWork, Source, Stage, bytes, source};
use crate::device::{Buffer, QuotientOps};
use crate::error::Result;
use plan::{Part, Plan, SEGMENT, WORDS};
use zkwatt_kernels::quotient::{Program, check_shapes};
use zkwatt_kernels::{Field, Fr};

const SOURCE: Source = source!("quotient");

/// Columns that one dispatch copies from.
const GATHERED: usize = 7;

const GATHER: Stage = Stage::new("quotient_gather", SOURCE)
    .over(Arithmetic::Fr)
    .bind(&[ReadWrite, Read, Read, Read, Read, Read, Read, Read])
    .products(GATHERED as u32 / 3);
const RUN: Stage = Stage::new("quotient_run", SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read]);

/// Elements at whose multiples bindings may start.
const ALIGNED: usize = 8;

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[GATHER, RUN];

impl<D: Gpu> QuotientOps for D {
    fn run_program(
        &self,
        program: &Program,
        columns: &[&Self::Buf<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut Self::Buf<Fr>],
    ) -> Result<()> {
        let column_lens: Vec<_> = columns.iter().map(|column| column.len()).collect();
        let output_lens: Vec<_> = outputs.iter().map(|output| output.len()).collect();
        let n = check_shapes(program, &column_lens, &output_lens)?;
        let mut uniforms = program.uniforms(uniforms)?;
        uniforms.push(Fr::ZERO);
        if n == 0 {
            return Ok(());
        }
        let binding = usize::try_from(self.limits().max_binding_bytes / 32).unwrap_or(usize::MAX);
        let plan = Plan::new(program, n, binding);
        let code = plan.code(program);
        let program = self.upload::<u32>(code.as_flattened())?;
        let arena = self.scratch(plan.arena() as u64 * 32)?;
        self.write_bytes(&arena, 0, bytes(&uniforms))?;
        let mut work = self.work()?;
        for start in (0..n).step_by(plan.rows) {
            let rows = plan.rows.min(n - start);
            let parts: Vec<_> = plan.parts(start, rows).collect();
            for parts in parts.chunks(GATHERED) {
                gather::<D>(&mut work, &arena, plan.arena(), columns, parts)?;
            }
            for (segment, instructions) in code.chunks(SEGMENT).enumerate() {
                let code =
                    elements::<[u32; WORDS], _>(Self::raw(&program), segment * SEGMENT, instructions.len());
                let bindings = [elements::<Fr, _>(&arena, 0, plan.arena()), code];
                let params = [rows as u32, instructions.len() as u32];
                work.dispatch(&RUN.products(instructions.len() as u32), &bindings, &params, rows as u64)?;
            }
            for (j, output) in outputs.iter().enumerate() {
                let (from, to) = (plan.output(j) as u64 * 32, start as u64 * 32);
                work.copy(&arena, from, Self::raw(output), to, rows as u64 * 32);
            }
        }
        work.submit()
    }
}

/// Copies at most [`GATHERED`] parts of columns to the arena.
fn gather<D: Gpu>(
    work: &mut D::Work<'_>,
    arena: &D::Memory,
    arena_len: usize,
    columns: &[&D::Buf<Fr>],
    parts: &[(u32, Part)],
) -> Result<()> {
    let arena = elements::<Fr, _>(arena, 0, arena_len);
    let mut bindings = vec![arena];
    let longest = parts.iter().map(|(_, part)| part.len).max().unwrap_or(0);
    let mut params = vec![longest as u32, 0, 0, 0];
    for (column, part) in parts {
        let skipped = part.from % ALIGNED;
        let column = D::raw(columns[*column as usize]);
        bindings.push(elements::<Fr, _>(column, part.from - skipped, part.len + skipped));
        params.extend([part.len as u32, skipped as u32, part.to as u32, 0]);
    }
    // The others have no elements; some buffer must be bound.
    if let Some(&any) = bindings.last() {
        bindings.resize(1 + GATHERED, any);
    }
    params.resize(4 * (1 + GATHERED), 0);
    work.dispatch(&GATHER, &bindings, &params, longest as u64)
}
