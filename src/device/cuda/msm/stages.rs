//! The stages of one piece of scalars, and those behind all pieces.

use super::super::CudaDevice;
use super::super::kernels::source;
use super::super::memory::Raw;
use super::super::work::Work;
use super::plan::{CudaMsmPlan, Room};
use super::step::{FAN_IN, Step};
use crate::device::gpu::Access::{Read, ReadWrite};
use crate::device::gpu::{
    Binding, Gpu, GpuMemory, GpuWork, ScalarJob, ScanU32, Source, Stage, source as shared_source,
};
use crate::error::Result;
use zkwatt_kernels::curve::{Coordinate, Xyzz};
use zkwatt_kernels::msm::BitHistogram;

const COUNT: Stage = Stage::new("msm_bucket_count", shared_source!("msm_sort"))
    .bind(&[Read, ReadWrite, ReadWrite])
    .workgroup(COUNT_WORKGROUP);

const SEGMENTS_SOURCE: Source = source("msm_segments");
const LENGTHS: Stage =
    Stage::new("msm_segment_lengths", SEGMENTS_SOURCE).bind(&[Read, ReadWrite, ReadWrite]).workgroup(256);
const SORT: Stage =
    Stage::new("msm_bucket_sort", SEGMENTS_SOURCE).bind(&[Read, Read, Read, ReadWrite]).workgroup(256);
const SEGMENTS: Stage = Stage::new("msm_segments", SEGMENTS_SOURCE)
    .bind(&[Read, ReadWrite, ReadWrite, ReadWrite, ReadWrite])
    .workgroup(256);

const SUMS_SOURCE: Source = source("msm_accumulate");
const ACCUMULATE: Stage = Stage::new("msm_bucket_accumulate", SUMS_SOURCE)
    .bind(&[Read, Read, Read, Read, ReadWrite, ReadWrite])
    .workgroup(128);
const MERGE: Stage =
    Stage::new("msm_bucket_merge", SUMS_SOURCE).bind(&[Read, Read, ReadWrite, ReadWrite]).workgroup(128);

const REDUCE_SOURCE: Source = source("msm_reduce");
const REDUCE: Stage = Stage::new("msm_bucket_reduce", REDUCE_SOURCE).bind(&[ReadWrite]).workgroup(128);
const WINDOW_POINTS: Stage = Stage::new("msm_window_points", REDUCE_SOURCE).bind(&[Read, ReadWrite]);

const COUNT_WORKGROUP: u32 = 256;

/// Digits of one tile of `msm_bucket_count`; as in the kernel.
const TILE: u64 = 8 * COUNT_WORKGROUP as u64;

/// Buckets that one thread of `msm_segment_lengths` measures.
const MEASURED: u64 = 8;

/// Digits that one thread of `msm_bucket_sort` places; as in the kernel.
const PLACED: u64 = 4;

/// Buckets and extras that one thread of `msm_segments` cuts; as in the kernel.
const CUT: u64 = 4;

/// Word of `msm_segments`' parameters where the list of its first round stands; as in the kernel.
const LISTS: usize = 8;

/// One piece of scalars.
pub(super) struct Piece<'a> {
    pub(super) plan: &'a CudaMsmPlan,
    pub(super) room: Room,
    pub(super) step: Step,
    /// Scalars of each item.
    pub(super) n: usize,
    /// Number of the first base.
    pub(super) first: usize,
    /// Bases of a level.
    pub(super) stride: usize,
}

/// Entries in the order of their buckets, and segments of them.
struct Sorted {
    entries: Raw,
    segments: Raw,
    /// Segments that there are, behind their places by length.
    bins: Raw,
    jobs: Raw,
    job_counts: Raw,
}

impl CudaDevice {
    /// How many scalars of all items have how many bits.
    pub(super) fn histogram(&self, mut work: Work, jobs: &[ScalarJob<'_, Raw>]) -> Result<BitHistogram> {
        let lengths = self.scratch(4 * 256)?;
        work.clear(&lengths);
        jobs.iter().try_for_each(|job| job.record_bits(&mut work, lengths.whole()))?;
        work.submit()?;
        let mut histogram = BitHistogram([0; 256]);
        histogram.0.copy_from_slice(&self.wait(self.read::<u32>(&lengths, 0, 256))?);
        Ok(histogram)
    }

    /// The digits of all items' scalars, row by row.
    pub(super) fn digits(&self, piece: &Piece<'_>, jobs: &[ScalarJob<'_, Raw>]) -> Result<Raw> {
        let shape = &piece.plan.shape;
        let windows = shape.rows() * shape.levels;
        let digits = self.scratch(4 * piece.step.digits)?;
        let item_bytes = 4 * (windows * piece.n) as u64;
        let mut work = self.work()?;
        for (item, job) in (0..).zip(jobs) {
            let here = digits.range(item * item_bytes, item_bytes);
            job.record_digits(&mut work, shape.window_bits, &(0..windows), here)?;
        }
        work.submit()?;
        Ok(digits)
    }

    /// Adds what the digits stand for to the buckets.
    pub(super) fn add_digits(
        &self,
        piece: &Piece<'_>,
        digits: Raw,
        bases: Binding<'_, Raw>,
        buckets: &Raw,
    ) -> Result<()> {
        let sorted = self.sorted(piece, digits)?;
        let (step, room) = (&piece.step, &piece.room);
        let extras = self.scratch(step.extras() * room.sum_bytes())?;
        let mut work = self.work()?;
        let Sorted { entries, segments, bins, jobs, job_counts } = sorted;
        work.dispatch(
            &ACCUMULATE.over(room.arithmetic),
            &[bases, entries.whole(), segments.whole(), bins.whole(), buckets.whole(), extras.whole()],
            &[step.segments() as u32, step.segment as u32],
            step.segments(),
        )?;
        for (round, start) in (0..).zip(step.job_starts().0) {
            let threads = step.jobs(round);
            let params = [threads as u32, round, start as u32, FAN_IN.pow(round) as u32];
            let bindings = [jobs.whole(), job_counts.whole(), buckets.whole(), extras.whole()];
            work.dispatch(&MERGE.over(room.arithmetic), &bindings, &params, threads)?;
        }
        work.submit()
    }

    fn sorted(&self, piece: &Piece<'_>, digits: Raw) -> Result<Sorted> {
        let (step, shape) = (&piece.step, &piece.plan.shape);
        let (buckets, segment) = (step.buckets, step.segment as u32);
        let row_digits = (shape.levels * piece.n) as u64;
        let rows = step.digits / row_digits;
        let (ranks, counts) = (self.scratch(4 * step.digits)?, self.scratch(4 * buckets)?);
        let starts = self.scratch(4 * (2 * buckets + 1))?;
        let bins = self.scratch(4 * (u64::from(segment) + 1))?;
        let mut work = self.work()?;
        work.clear(&counts);
        work.clear(&bins);
        let tiles = row_digits.div_ceil(TILE);
        let threads = tiles * rows * u64::from(COUNT_WORKGROUP);
        let params = [threads, row_digits, tiles, rows, shape.buckets()].map(|word| word as u32);
        work.dispatch(&COUNT, &[digits.whole(), ranks.whole(), counts.whole()], &params, threads)?;
        let threads = buckets.div_ceil(MEASURED);
        let bindings = [counts.whole(), starts.whole(), bins.whole()];
        work.dispatch(&LENGTHS, &bindings, &[threads as u32, buckets as u32, segment], threads)?;
        self.scan_u32(&mut work, &starts, 2 * buckets as usize)?;
        self.scan_u32(&mut work, &bins, segment as usize)?;

        let entries = self.scratch(4 * step.entries)?;
        let threads = step.digits.div_ceil(PLACED);
        let places = [threads, step.digits, row_digits, piece.n as u64, shape.buckets()];
        let places = places.into_iter().chain([piece.first as u64, piece.stride as u64]);
        let params: Vec<u32> = places.map(|word| word as u32).collect();
        let bindings = [digits.whole(), ranks.whole(), starts.whole(), entries.whole()];
        work.dispatch(&SORT, &bindings, &params, threads)?;
        drop((digits, ranks, counts));

        let (lists, jobs) = step.job_starts();
        let segments = self.scratch(16 * step.segments())?;
        let (jobs, job_counts) = (self.scratch(16 * jobs)?, self.scratch(4 * lists.len() as u64)?);
        work.clear(&job_counts);
        let threads = (buckets + step.extras()).div_ceil(CUT * u64::from(SEGMENTS.workgroup));
        let threads = threads * u64::from(SEGMENTS.workgroup);
        let mut params = vec![threads as u32, buckets as u32, segment];
        params.resize(LISTS, 0);
        params.extend(lists.iter().map(|start| *start as u32));
        let bindings = [starts.whole(), bins.whole(), segments.whole(), jobs.whole(), job_counts.whole()];
        work.dispatch(&SEGMENTS, &bindings, &params, threads)?;
        work.submit()?;
        Ok(Sorted { entries, segments, bins, jobs, job_counts })
    }

    /// The last points of all rows of buckets.
    pub(super) fn last_points<F: Coordinate>(
        &self,
        plan: &CudaMsmPlan,
        room: &Room,
        buckets: &Raw,
    ) -> Result<Vec<Xyzz<F>>> {
        let log = plan.shape.log_buckets();
        let rows = (plan.shape.rows() * plan.cut.items) as u64;
        let mut work = self.work()?;
        for round in 0..log {
            let threads = rows * (u64::from(round) + 1) * (plan.shape.buckets() >> (round + 1));
            let params = [threads as u32, round, log];
            work.dispatch(&REDUCE.over(room.arithmetic), &[buckets.whole()], &params, threads)?;
        }
        let count = rows * (u64::from(log) + 1);
        let points = self.scratch(count * room.sum_bytes())?;
        let bindings = [buckets.whole(), points.whole()];
        work.dispatch(&WINDOW_POINTS.over(room.arithmetic), &bindings, &[count as u32, log], count)?;
        work.submit()?;
        self.wait(self.read(&points, 0, count as usize))
    }
}
