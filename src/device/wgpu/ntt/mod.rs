//! Number-theoretic transforms.

mod plan;
#[cfg(test)]
mod tests;

use super::WgpuDevice;
use super::memory::{Raw, WgpuBuffer};
use super::work::Work;
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{
    ALIGNMENT, Arithmetic, Gpu, GpuMemory, GpuWork, Powers, Source, Stage, bytes, ends, source,
};
use crate::device::{Buffer, NttOps};
use crate::error::{Error, Result};
use plan::{LOG_TILE, Pass, Tiling};
use std::sync::{Mutex, PoisonError};
use zkwatt_kernels::Fr;
use zkwatt_kernels::ntt::{Direction, Generator, MAX_LOG_N, NttError, NttPlan, Order};

/// A quarter of a tile: each invocation does two pairs of each layer.
const WORKGROUP: u32 = 128;

/// Tiles of a dispatch at most: 2^22 elements, some 2^24 products, a sixth of a second where 100 million a
/// second are made.
const MAX_TILES: u64 = 1 << 13;

const FE_BYTES: u64 = 32;

const SOURCE: Source = source!("ntt");
const TO_REVERSED: Stage = pass_stage("ntt_pass_to_reversed");
const TO_NATURAL: Stage = pass_stage("ntt_pass_to_natural");
const ROOTS: Stage = Stage::new("ntt_roots", SOURCE).over(Arithmetic::Fr).bind(&[ReadWrite, Read]);

const fn pass_stage(name: &'static str) -> Stage {
    Stage::new(name, SOURCE)
        .over(Arithmetic::Fr)
        .bind(&[ReadWrite, ReadWrite, Read, Read])
        .workgroup(WORKGROUP)
}

/// Roots of unity on the device, by generator; the largest tables so far serve smaller transforms too.
#[derive(Default)]
pub(super) struct RootTables([Mutex<Option<Roots>>; 2]);

/// Entry i is ω^rev(i), as in [`zkwatt_kernels::ntt::Twiddles`].
#[derive(Clone)]
struct Roots {
    log_n: u32,
    table: Raw,
}

/// All stages of this module, for [`catalogue`](super::catalogue).
pub(super) const STAGES: &[Stage] = &[TO_REVERSED, TO_NATURAL, ROOTS];

impl NttOps for WgpuDevice {
    fn ntt(&self, data: &mut WgpuBuffer<Fr>, plan: &NttPlan) -> Result<()> {
        self.transform(&[&*data], plan, |len, n| len.is_multiple_of(n))
    }

    fn ntt_batch(&self, columns: Vec<&mut WgpuBuffer<Fr>>, plan: &NttPlan) -> Result<()> {
        let columns: Vec<_> = columns.iter().map(|column| &**column).collect();
        self.transform(&columns, plan, |len, n| len == n)
    }
}

impl WgpuDevice {
    /// Transforms every column of every buffer.
    fn transform(
        &self,
        buffers: &[&WgpuBuffer<Fr>],
        plan: &NttPlan,
        fits: impl Fn(usize, usize) -> bool,
    ) -> Result<()> {
        if plan.log_n > MAX_LOG_N {
            return Err(NttError::TooLarge { log_n: plan.log_n }.into());
        }
        let n = plan.n();
        if let Some(buffer) = buffers.iter().find(|buffer| !fits(buffer.len(), n)) {
            return Err(NttError::Length { len: buffer.len(), n }.into());
        }
        let powers = Powers::scaling(plan)?;
        let at_once = self.columns_at_once(plan)?;
        let roots = self.roots(plan.log_n, plan.generator)?;
        let factors = powers.as_ref().map(|powers| self.upload_powers(powers)).transpose()?;
        let longest = buffers.iter().map(|buffer| (buffer.len() / n) as u64).max().unwrap_or(0);
        let transform = Transform {
            plan,
            passes: plan::passes(plan.log_n),
            roots: &roots,
            factors: factors.as_ref().unwrap_or(&roots),
            scaling: powers.as_ref(),
            scratch: self.scratch(scratch_bytes(plan, longest.min(at_once)))?,
        };
        let mut work = self.work()?;
        for buffer in buffers {
            let columns = (buffer.len() / n) as u64;
            for first in (0..columns).step_by(at_once as usize) {
                transform.record(&mut work, buffer.raw(), first, at_once.min(columns - first))?;
            }
        }
        work.submit()
    }

    /// Columns that one binding holds; whole alignments of bindings.
    fn columns_at_once(&self, plan: &NttPlan) -> Result<u64> {
        let column = plan.n() as u64 * FE_BYTES;
        let limit = self.limits().max_binding_bytes;
        match limit / column.max(ALIGNMENT) * (ALIGNMENT / column).max(1) {
            0 => Err(Error::Unsupported {
                what: format!("a transform of 2^{} elements", plan.log_n),
                reason: format!(
                    "a column takes {column} bytes, and this device binds at most {limit} \
                     (maxStorageBufferBindingSize); use a smaller size or --device cpu"
                ),
            }),
            // Places are 32-bit numbers.
            columns => Ok(columns.min((1 << 31) / plan.n() as u64)),
        }
    }

    fn upload_powers(&self, powers: &Powers) -> Result<Raw> {
        let raw = self.scratch((powers.entries.len() as u64) * FE_BYTES)?;
        self.write_bytes(&raw, 0, bytes(&powers.entries))?;
        Ok(raw)
    }

    /// The table of roots for 2^`log_n` elements; it is filled by work that was submitted before.
    fn roots(&self, log_n: u32, generator: Generator) -> Result<Raw> {
        let tables = match generator {
            Generator::Five => &self.roots.0[0],
            Generator::Seven => &self.roots.0[1],
        };
        // Held while the table is made: other callers would make the same one.
        let mut kept = tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(roots) = kept.as_ref().filter(|roots| roots.log_n >= log_n) {
            return Ok(roots.table.clone());
        }
        let table = self.fill_roots(log_n, generator)?;
        *kept = Some(Roots { log_n, table: table.clone() });
        Ok(table)
    }

    fn fill_roots(&self, log_n: u32, generator: Generator) -> Result<Raw> {
        let powers = Powers::roots(log_n, generator);
        let len = 1u64 << log_n.saturating_sub(1);
        let table = self.scratch(len * FE_BYTES)?;
        let factors = self.upload_powers(&powers)?;
        let mut work = self.work()?;
        let bindings = [table.whole(), factors.whole()];
        work.dispatch(&ROOTS, &bindings, &[len as u32, powers.low_len as u32], len)?;
        work.submit()?;
        Ok(table)
    }
}

/// A transform with all that it reads.
struct Transform<'a> {
    plan: &'a NttPlan,
    passes: Vec<Pass>,
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
    /// The columns first..first + count of a buffer, which one binding holds.
    fn record(&self, work: &mut Work<'_>, data: &Raw, first: u64, count: u64) -> Result<()> {
        let column = self.plan.n() as u64 * FE_BYTES;
        let data = data.range(first * column, count * column);
        let bindings = [data, self.scratch.whole(), self.roots.whole(), self.factors.whole()];
        let (from_natural, _) = ends(self.plan.order);
        let stage = if from_natural { TO_REVERSED } else { TO_NATURAL };
        let last = self.passes.len() - 1;
        for i in 0..=last {
            let pass = self.passes[if from_natural { i } else { last - i }];
            let tiling = pass.tiling(self.plan.log_n, count);
            let ends = self.ends(i == 0, i == last);
            // An invocation has two pairs of a layer, and four elements to scale twice.
            let products = 2 * pass.layers + 8 * u32::from(ends.scales_at_load || ends.scales_at_store);
            for first_tile in (0..tiling.tiles).step_by(MAX_TILES as usize) {
                let tiles = MAX_TILES.min(tiling.tiles - first_tile);
                let params = self.params(&tiling, &ends, [tiles, first_tile], count);
                let threads = tiles * u64::from(WORKGROUP);
                work.dispatch(&stage.products(products), &bindings, &params, threads)?;
            }
        }
        Ok(())
    }

    fn ends(&self, first: bool, last: bool) -> Ends {
        let forward = self.plan.direction == Direction::Forward;
        let scales = self.scaling.is_some();
        let through_scratch = permutes(self.plan.order) && self.passes.len() > 1;
        Ends {
            scales_at_load: scales && forward && first,
            scales_at_store: scales && !forward && last,
            reverses: permutes(self.plan.order) && last && self.plan.log_n > 0,
            reads_scratch: through_scratch && !first,
            writes_scratch: through_scratch && !last,
        }
    }

    fn params(&self, tiling: &Tiling, ends: &Ends, [tiles, first_tile]: [u64; 2], count: u64) -> [u32; 21] {
        let (n, log_n) = (self.plan.n() as u32, self.plan.log_n);
        let products = self.scaling.map_or(0, |powers| powers.products);
        [
            tiles as u32,
            first_tile as u32,
            tiling.rows,
            tiling.columns,
            tiling.row_stride,
            tiling.column_stride,
            tiling.tiles_of_group,
            tiling.group_stride,
            tiling.tile_stride,
            tiling.group_block_mask,
            tiling.tile_block_stride,
            tiling.column_block_stride,
            n - 1,
            if ends.reverses { 1 << (32 - log_n) } else { 0 },
            u32::from(self.plan.direction == Direction::Inverse),
            count as u32 * n,
            if ends.scales_at_load { products } else { 0 },
            if ends.scales_at_store { products } else { 0 },
            self.scaling.map_or(0, |powers| powers.low_len as u32 - 1),
            u32::from(ends.reads_scratch),
            u32::from(ends.writes_scratch),
        ]
    }
}

/// Whether places must be reversed beside what butterflies do. The last pass does it from scratch memory, as
/// its stores reach places that others still have to load.
fn permutes(order: Order) -> bool {
    let (from_natural, to_natural) = ends(order);
    from_natural == to_natural
}

fn scratch_bytes(plan: &NttPlan, columns: u64) -> u64 {
    // Every stage has a binding; one pass alone loads all before it stores.
    if permutes(plan.order) && plan.log_n > LOG_TILE {
        columns * plan.n() as u64 * FE_BYTES
    } else {
        ALIGNMENT
    }
}
