//! Number-theoretic transforms.

mod plan;
#[cfg(test)]
mod tests;

use super::memory::Raw;
use super::session::Session;
use super::work::Work;
use super::{CudaBuffer, CudaDevice};
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{
    ALIGNMENT, Arithmetic, Binding, Gpu, GpuMemory, GpuWork, Powers, Source, Stage, bytes, ends, source,
};
use crate::device::{Buffer, NttOps};
use crate::error::Result;
use plan::{Pass, Shape, Tiling};
use std::sync::{Arc, Mutex, PoisonError};
use zkwatt_kernels::Fr;
use zkwatt_kernels::ntt::{Direction, Generator, MAX_LOG_N, NttError, NttPlan, Order};

const FE_BYTES: u64 = 32;

const SOURCE: Source = source!("ntt");
const TO_REVERSED: Stage = pass_stage("ntt_pass_to_reversed");
const TO_NATURAL: Stage = pass_stage("ntt_pass_to_natural");
const ROOTS: Stage =
    Stage::new("ntt_roots", SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read]).workgroup(128);

/// Bindings: where to, where from, roots, factors; the first two may be the same.
const fn pass_stage(name: &'static str) -> Stage {
    Stage::new(name, SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read, Read, Read])
}

/// Roots of unity on the device, by generator; the largest tables so far serve smaller transforms too.
///
/// Not in a session, whose memory holds it.
#[derive(Default)]
pub(super) struct RootTables([Mutex<Option<Roots>>; 2]);

/// Entry i is ω^rev(i), as in [`zkwatt_kernels::ntt::Twiddles`].
#[derive(Clone)]
struct Roots {
    log_n: u32,
    table: Raw,
}

impl NttOps for CudaDevice {
    fn ntt(&self, data: &mut CudaBuffer<Fr>, plan: &NttPlan) -> Result<()> {
        self.transform(&[&*data], plan, Shape::new, |len, n| len.is_multiple_of(n))
    }

    fn ntt_batch(&self, columns: Vec<&mut CudaBuffer<Fr>>, plan: &NttPlan) -> Result<()> {
        let columns: Vec<_> = columns.iter().map(|column| &**column).collect();
        self.transform(&columns, plan, Shape::new, |len, n| len == n)
    }
}

impl CudaDevice {
    /// Transforms every column of every buffer.
    fn transform(
        &self,
        buffers: &[&CudaBuffer<Fr>],
        plan: &NttPlan,
        shape: fn(u32, u64) -> Shape,
        fits: impl Fn(usize, usize) -> bool,
    ) -> Result<()> {
        if plan.log_n > MAX_LOG_N {
            return Err(NttError::TooLarge { log_n: plan.log_n }.into());
        }
        let n = plan.n();
        if let Some(buffer) = buffers.iter().find(|buffer| !fits(buffer.len(), n)) {
            return Err(NttError::Length { len: buffer.len(), n }.into());
        }
        let scaling = Powers::scaling(plan)?;
        let at_once = columns_at_once(plan.log_n, self.limits().max_binding_bytes);
        let session = self.session()?;
        let roots = self.roots.table(&session, plan.log_n, plan.generator)?;
        let factors = scaling.as_ref().map(|powers| upload_powers(&session, powers)).transpose()?;
        let longest = buffers.iter().map(|buffer| (buffer.len() / n) as u64).max().unwrap_or(0);
        let scratch = scratch_bytes(plan, &shape(plan.log_n, longest.min(at_once)));
        let transform = Transform {
            plan,
            shape,
            roots: &roots,
            factors: factors.as_ref().unwrap_or(&roots),
            scaling: scaling.as_ref(),
            scratch: session.take("scratch of a transform", scratch)?,
        };
        let mut work = Work::new(session);
        for buffer in buffers {
            let columns = (buffer.len() / n) as u64;
            for first in (0..columns).step_by(at_once as usize) {
                transform.record(&mut work, buffer.raw(), first, at_once.min(columns - first))?;
            }
        }
        work.submit()
    }
}

/// Columns of a launch: within the limit, but for one that is longer, and whole alignments of bindings. Places are 32-bit
/// numbers.
fn columns_at_once(log_n: u32, limit: u64) -> u64 {
    let column = FE_BYTES << log_n;
    (limit / column.max(ALIGNMENT) * (ALIGNMENT / column).max(1)).max(1)
}

fn upload_powers(session: &Arc<Session>, powers: &Powers) -> Result<Raw> {
    let raw = session.take("factors of a transform", powers.entries.len() as u64 * FE_BYTES)?;
    session.upload(&raw, 0, bytes(&powers.entries))?;
    Ok(raw)
}

impl RootTables {
    /// Forgets all tables, and lets go of the session that they are in. What is enqueued may still read them: their memory is
    /// used again behind it only.
    pub(super) fn clear(&self) {
        for table in &self.0 {
            *table.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// The table for 2^`log_n` elements; work that was given to the session before fills it.
    fn table(&self, session: &Arc<Session>, log_n: u32, generator: Generator) -> Result<Raw> {
        let kept = match generator {
            Generator::Five => &self.0[0],
            Generator::Seven => &self.0[1],
        };
        // Held while the table is made: other callers would make the same one.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let serves = |roots: &&Roots| roots.log_n >= log_n && Arc::ptr_eq(roots.table.session(), session);
        if let Some(roots) = kept.as_ref().filter(serves) {
            return Ok(roots.table.clone());
        }
        let table = fill_roots(session, log_n, generator)?;
        *kept = Some(Roots { log_n, table: table.clone() });
        Ok(table)
    }
}

fn fill_roots(session: &Arc<Session>, log_n: u32, generator: Generator) -> Result<Raw> {
    let powers = Powers::roots(log_n, generator);
    let len = 1u64 << log_n.saturating_sub(1);
    let table = session.take("roots of unity", len * FE_BYTES)?;
    let factors = upload_powers(session, &powers)?;
    let mut work = Work::new(Arc::clone(session));
    let bindings = [table.whole(), factors.whole()];
    work.dispatch(&ROOTS, &bindings, &[len as u32, powers.low_len as u32], len)?;
    work.submit()?;
    Ok(table)
}

/// A transform with all that it reads.
struct Transform<'a> {
    plan: &'a NttPlan,
    /// Of columns; tests have smaller tiles, so that small transforms take several passes.
    shape: fn(u32, u64) -> Shape,
    roots: &'a Raw,
    factors: &'a Raw,
    scaling: Option<&'a Powers>,
    scratch: Raw,
}

/// What is peculiar to the place of a pass in its transform.
struct Ends {
    scales_at_load: bool,
    scales_at_store: bool,
    reverses: bool,
    reads_scratch: bool,
    writes_scratch: bool,
}

impl Transform<'_> {
    /// The columns first..first + count of a buffer.
    fn record(&self, work: &mut Work, data: &Raw, first: u64, count: u64) -> Result<()> {
        let column = self.plan.n() as u64 * FE_BYTES;
        let data = data.range(first * column, count * column);
        let (from_natural, _) = ends(self.plan.order);
        let stage = if from_natural { TO_REVERSED } else { TO_NATURAL };
        let shape = (self.shape)(self.plan.log_n, count);
        let last = shape.passes.len() - 1;
        for i in 0..=last {
            let pass = shape.passes[if from_natural { i } else { last - i }];
            let tiling = pass.tiling(&shape);
            let ends = self.ends(i == 0, i == last);
            let threads = tiling.tiles * u64::from(shape.block());
            let params = self.params(&shape, pass, &tiling, &ends);
            work.dispatch(&stage.workgroup(shape.block()), &self.bindings(data, &ends), &params, threads)?;
        }
        Ok(())
    }

    fn bindings<'a>(&'a self, data: Binding<'a, Raw>, ends: &Ends) -> [Binding<'a, Raw>; 4] {
        let place = |in_scratch| if in_scratch { self.scratch.whole() } else { data };
        [place(ends.writes_scratch), place(ends.reads_scratch), self.roots.whole(), self.factors.whole()]
    }

    fn ends(&self, first: bool, last: bool) -> Ends {
        let forward = self.plan.direction == Direction::Forward;
        let scales = self.scaling.is_some();
        let through_scratch = permutes(self.plan.order) && !(first && last);
        Ends {
            scales_at_load: scales && forward && first,
            scales_at_store: scales && !forward && last,
            reverses: permutes(self.plan.order) && last && self.plan.log_n > 0,
            reads_scratch: through_scratch && !first,
            writes_scratch: through_scratch && !last,
        }
    }

    /// The words of `cuda/ntt.cu`.
    fn params(&self, shape: &Shape, pass: Pass, tiling: &Tiling, ends: &Ends) -> [u32; 19] {
        let (n, log_n) = (self.plan.n() as u32, self.plan.log_n);
        let products = self.scaling.map_or(0, |powers| powers.products);
        let (rounds, last_window) = pass.packed_rounds(tiling, ends_natural(self.plan.order));
        [
            (shape.columns << log_n) as u32,
            shape.log_tile,
            tiling.log_columns,
            tiling.log_row_stride,
            tiling.log_column_stride,
            tiling.log_group_tiles,
            tiling.log_group_stride,
            tiling.log_tile_stride,
            tiling.group_block_mask,
            tiling.tile_blocks,
            tiling.column_blocks,
            rounds,
            last_window,
            n - 1,
            if ends.reverses { 1 << (32 - log_n) } else { 0 },
            u32::from(self.plan.direction == Direction::Inverse),
            if ends.scales_at_load { products } else { 0 },
            if ends.scales_at_store { products } else { 0 },
            self.scaling.map_or(0, |powers| powers.low_len as u32 - 1),
        ]
    }
}

/// Whether butterflies lead from reversed to natural order.
fn ends_natural(order: Order) -> bool {
    !ends(order).0
}

/// Whether places must be reversed beside what butterflies do. The last pass does it from scratch memory, as its stores
/// reach places that others still have to load.
fn permutes(order: Order) -> bool {
    let (from_natural, to_natural) = ends(order);
    from_natural == to_natural
}

fn scratch_bytes(plan: &NttPlan, shape: &Shape) -> u64 {
    // A single pass loads all of a transform before it stores.
    if permutes(plan.order) && shape.passes.len() > 1 {
        (shape.columns << plan.log_n) * FE_BYTES
    } else {
        ALIGNMENT
    }
}
