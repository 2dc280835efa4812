//! Sums of equally many scalars over the same bases.

use super::super::CudaDevice;
use super::super::memory::Raw;
use super::CudaBases;
use super::ahead::{Ahead, upload_bytes};
use super::finish::item_sums;
use super::plan::{CudaMsmPlan, Cut, Room, TablePlan};
use super::stages::Piece;
use super::step::{Shape, Step};
use crate::device::MsmScalars;
use crate::device::gpu::{DeviceScalars, Gpu, GpuMemory, GpuWork, ScalarJob, scalars_len};
use crate::error::{Error, Result};
use std::ops::Range;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::msm::{BitHistogram, windows_of};

pub(super) struct Sums<'a, F> {
    pub(super) device: &'a CudaDevice,
    pub(super) bases: &'a CudaBases<F>,
    /// Instead of the planned width and levels.
    pub(super) forced: Option<TablePlan>,
}

/// Buckets that pieces of scalars are added to.
struct Buckets {
    plan: CudaMsmPlan,
    sums: Raw,
}

impl<F: Coordinate> Sums<'_, F> {
    /// Appends the sum of each item. Where memory turns out to be less than the plan was made for, fewer items or scalars are
    /// worked on at a time.
    pub(super) fn of(&self, mut items: &[MsmScalars<'_, CudaDevice>], sums: &mut Vec<Xyzz<F>>) -> Result<()> {
        let n = items.first().map_or(0, scalars_len);
        if n == 0 {
            sums.extend(items.iter().map(|_| Xyzz::IDENTITY));
            return Ok(());
        }
        let bytes = items.iter().map(upload_bytes).max().unwrap_or(0);
        let mut cut = Cut::new(n, items.len(), bytes, &self.device.msm_room::<F>());
        while !items.is_empty() {
            cut.items = cut.items.min(items.len());
            let (first, rest) = items.split_at(cut.items);
            match (self.together(first, n, cut), cut.halved()) {
                (Ok(done), _) => {
                    sums.extend(done);
                    items = rest;
                }
                (Err(Error::OutOfMemory { .. }), Some(half)) => cut = half,
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// The sums of items that are worked on at the same time, in pieces of their scalars.
    pub(super) fn together(
        &self,
        items: &[MsmScalars<'_, CudaDevice>],
        n: usize,
        cut: Cut,
    ) -> Result<Vec<Xyzz<F>>> {
        let session = self.device.session()?;
        let pieces: Vec<Range<usize>> =
            (0..n).step_by(cut.piece).map(|start| start..(start + cut.piece).min(n)).collect();
        let mut totals = vec![Xyzz::IDENTITY; items.len()];
        let mut buckets: Option<Buckets> = None;
        let mut ahead = Ahead::new(&session, items, cut.piece, pieces.len())?;
        ahead.start(0, &pieces[0])?;
        for (k, range) in pieces.iter().enumerate() {
            let mut work = self.device.work()?;
            let scalars = ahead.take(k, range, &mut work)?;
            let jobs: Vec<_> = scalars.iter().map(|scalars| self.job(range, scalars)).collect();
            let histogram = self.device.histogram(work, &jobs)?;
            // Longer scalars than those before need more windows.
            if buckets.as_ref().is_some_and(|buckets| !buckets.admit(&histogram)) {
                self.finish(buckets.take(), &mut totals)?;
            }
            let digits = if histogram.non_zero() == 0 {
                None
            } else {
                let buckets = match &mut buckets {
                    Some(buckets) => buckets,
                    none => none.insert(self.buckets(&histogram, n, cut)?),
                };
                let piece = self.piece(&buckets.plan, &histogram, range);
                let digits = self.device.digits(&piece, &jobs)?;
                Some((piece, digits, &buckets.sums))
            };
            ahead.release(k)?;
            if let Some((piece, digits, sums)) = digits {
                self.device.add_digits(&piece, digits, self.bases.points.raw().whole(), sums)?;
            }
            if let Some(next) = pieces.get(k + 1) {
                ahead.start(k + 1, next)?;
            }
        }
        self.finish(buckets, &mut totals)?;
        Ok(totals)
    }

    fn job<'s>(&'s self, range: &Range<usize>, scalars: &'s DeviceScalars<Raw>) -> ScalarJob<'s, Raw> {
        let point_bytes = size_of::<Affine<F>>() as u64;
        let bases = self.bases.points.raw();
        let bases = bases.range(range.start as u64 * point_bytes, range.len() as u64 * point_bytes);
        ScalarJob::new(range.len(), bases, self.bases.vectors(), scalars)
    }

    fn piece<'p>(&self, plan: &'p CudaMsmPlan, histogram: &BitHistogram, range: &Range<usize>) -> Piece<'p> {
        let room = self.device.msm_room::<F>();
        Piece {
            plan,
            room,
            step: Step::new(histogram, range.len(), plan.cut.items, &room, &plan.shape),
            n: range.len(),
            first: range.start,
            stride: self.bases.n,
        }
    }

    /// Empty buckets for scalars of which the first piece has these bit lengths.
    fn buckets(&self, histogram: &BitHistogram, n: usize, cut: Cut) -> Result<Buckets> {
        let room = self.device.msm_room::<F>();
        let plan = self.plan(histogram, n, cut, &room);
        let count = (plan.shape.rows() * cut.items) as u64 * plan.shape.buckets();
        let sums = self.device.scratch(count * room.sum_bytes())?;
        let mut work = self.device.work()?;
        work.clear(&sums);
        work.submit()?;
        Ok(Buckets { plan, sums })
    }

    fn plan(&self, histogram: &BitHistogram, n: usize, cut: Cut, room: &Room) -> CudaMsmPlan {
        match self.forced {
            None => CudaMsmPlan::new(histogram, n, cut, room, self.bases.tables),
            Some(TablePlan { window_bits, levels }) => {
                let shape = Shape::new(histogram.max_bits(), window_bits, levels);
                CudaMsmPlan::of(histogram, n, cut, room, shape)
            }
        }
    }

    /// Adds what the buckets come to.
    fn finish(&self, buckets: Option<Buckets>, totals: &mut [Xyzz<F>]) -> Result<()> {
        let Some(Buckets { plan, sums }) = buckets else { return Ok(()) };
        let room = self.device.msm_room::<F>();
        let points = self.device.last_points(&plan, &room, &sums)?;
        for (total, sum) in totals.iter_mut().zip(item_sums(&points, &plan.shape)) {
            *total += sum;
        }
        Ok(())
    }
}

impl Buckets {
    /// Whether scalars of these bit lengths can be added.
    fn admit(&self, histogram: &BitHistogram) -> bool {
        windows_of(histogram.max_bits(), self.plan.shape.window_bits) as usize <= self.plan.shape.windows
    }
}
