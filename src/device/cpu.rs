//! This computer's processor as a device.

use super::backend::{
    Backend, Buffer, DeviceInfo, DeviceKind, Elem, Group, MsmOps, MsmScalars, NttOps, QuotientOps, VectorOps,
};
use super::memory::MemoryBudget;
use crate::error::{Error, Result};
use std::sync::{Arc, RwLock};
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::msm::{self, BaseHints, MsmBases, MsmPlan, Scalars};
use zkwatt_kernels::ntt::{self, Generator, NttPlan, Twiddles};
use zkwatt_kernels::quotient::{self, Program};
use zkwatt_kernels::vector::{self, Scan};
use zkwatt_kernels::{CpuPath, Fr, parallel};

/// How a CPU device works.
#[derive(Clone, Debug, Default)]
pub struct CpuOptions {
    /// Threads; all processors if `None`. Without feature `parallel` only one is possible. A device of one thread computes on
    /// its caller's, so callers on several threads do not wait for each other.
    pub threads: Option<usize>,
    /// Form of the kernels; the environment variable `ZKWATT_CPU` or else the fastest if `None`.
    pub path: Option<CpuPath>,
    /// Bound on the memory of each job, in bytes; what the system has available if `None`.
    pub memory_budget: Option<u64>,
}

/// A CPU, with threads of its own if it has more than one.
pub struct CpuDevice {
    info: DeviceInfo,
    path: CpuPath,
    memory_budget: Option<u64>,
    /// The largest tables of roots so far, by generator; they serve all smaller transforms too.
    twiddles: [RwLock<Option<Arc<Twiddles>>>; 2],
    #[cfg(feature = "parallel")]
    pool: Option<rayon::ThreadPool>,
}

impl CpuDevice {
    /// A device with these options. Errors when threads cannot be started or `ZKWATT_CPU` names no path of this CPU.
    pub fn new(options: CpuOptions) -> Result<Self> {
        if options.threads == Some(0) {
            return Err(Error::invalid("threads", "is 0; at least one thread is needed"));
        }
        let path = match options.path {
            Some(path) => path,
            None => path_from_environment()?,
        };
        #[cfg(feature = "parallel")]
        if let Some(threads) = options.threads.filter(|n| *n > MAX_THREADS) {
            return Err(Error::invalid("threads", format!("{threads} are too many; at most {MAX_THREADS}")));
        }
        #[cfg(feature = "parallel")]
        let pool = options
            .threads
            .map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build())
            .transpose()
            .map_err(|e| Error::invalid("threads", e.to_string()))?;
        #[cfg(feature = "parallel")]
        let threads = options.threads.unwrap_or_else(rayon::current_num_threads);
        #[cfg(not(feature = "parallel"))]
        let threads = 1;
        let memory_bytes = options.memory_budget.unwrap_or_else(|| MemoryBudget::of_host().available());
        let info = DeviceInfo {
            kind: DeviceKind::Cpu,
            name: processor_name(),
            cpu_path: Some(path.name()),
            threads,
            memory_bytes,
            software: false,
        };
        Ok(Self {
            info,
            path,
            memory_budget: options.memory_budget,
            twiddles: [RwLock::new(None), RwLock::new(None)],
            #[cfg(feature = "parallel")]
            pool,
        })
    }

    /// The form of the kernels.
    pub fn path(&self) -> CpuPath {
        self.path
    }

    /// Runs `f` on the device's threads.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        #[cfg(feature = "parallel")]
        if let Some(pool) = &self.pool {
            return pool.install(f);
        }
        f()
    }

    /// Runs kernels on the device's threads; on the caller's, if the device has one, which saves two switches of threads.
    pub(crate) fn run<R: Send>(&self, kernels: impl FnOnce() -> R + Send) -> R {
        if self.info.threads == 1 { parallel::alone(kernels) } else { self.install(kernels) }
    }

    pub(super) fn budget(&self) -> MemoryBudget {
        self.memory_budget.map_or_else(MemoryBudget::of_host, MemoryBudget::bytes)
    }

    /// An empty vector with room for `len` elements.
    fn reserve<T: Elem>(&self, len: usize) -> Result<Vec<T>> {
        let requested = (len as u64).saturating_mul(size_of::<T>() as u64);
        let budget = self.budget();
        budget.require("buffer", requested)?;
        let mut elements = Vec::new();
        // A budget may promise more than the system has.
        elements.try_reserve_exact(len).map_err(|_| Error::OutOfMemory {
            what: "buffer",
            requested,
            available: budget.available(),
        })?;
        Ok(elements)
    }

    fn twiddles(&self, log_n: u32, generator: Generator) -> Result<Arc<Twiddles>> {
        let tables = match generator {
            Generator::Five => &self.twiddles[0],
            Generator::Seven => &self.twiddles[1],
        };
        // A poisoned lock still holds whole tables: they are replaced in one step.
        let current = tables.read().unwrap_or_else(|e| e.into_inner()).clone();
        if let Some(tables) = current.filter(|t| t.log_n() >= log_n) {
            return Ok(tables);
        }
        let mut kept = tables.write().unwrap_or_else(|e| e.into_inner());
        match &*kept {
            // Another caller brought larger ones in the meantime.
            Some(larger) if larger.log_n() >= log_n => Ok(larger.clone()),
            _ => {
                let larger = Arc::new(Twiddles::new(self.path, log_n, generator)?);
                *kept = Some(larger.clone());
                Ok(larger)
            }
        }
    }

    /// Σ kᵢ·Pᵢ in pieces whose scratch memory fits the budget.
    fn msm_within_budget<G: Group>(
        &self,
        bases: &MsmBases<G::Coordinate>,
        scalars: Scalars<'_>,
    ) -> Result<Affine<G::Coordinate>> {
        let n = scalars.len();
        let needs = scratch_bytes::<G>;
        let available = self.budget().available();
        let mut piece = n;
        while piece > MIN_MSM_PIECE && needs(piece) > available {
            piece = piece.div_ceil(2);
        }
        self.budget().require("multi-scalar multiplication", needs(piece))?;
        if piece >= n {
            return Ok(msm::msm(self.path, bases, scalars));
        }
        Ok(msm::msm_in_pieces(self.path, bases, scalars, piece))
    }
}

/// More threads than any machine has processors only exhaust the system.
#[cfg(feature = "parallel")]
const MAX_THREADS: usize = 4096;

/// Smaller pieces of an MSM would save little memory and cost much time.
const MIN_MSM_PIECE: usize = 1 << 10;

fn path_from_environment() -> Result<CpuPath> {
    match std::env::var_os("ZKWATT_CPU") {
        None => Ok(CpuPath::active()),
        Some(name) => CpuPath::from_name(&name.to_string_lossy())
            .map_err(|e| Error::NoSuchDevice { device: "cpu".into(), reason: e.to_string() }),
    }
}

/// The processor's model as Linux reports it, or the architecture.
fn processor_name() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or_else(|| std::env::consts::ARCH.to_string(), |(_, name)| name.trim().to_string())
}

/// Memory of the host.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuBuffer<T>(pub(super) Vec<T>);

impl<T> CpuBuffer<T> {
    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Send + Sync> Buffer<T> for CpuBuffer<T> {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Backend for CpuDevice {
    type Buf<T: Elem> = CpuBuffer<T>;

    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn on_host<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.install(work)
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<CpuBuffer<T>> {
        let mut elements = self.reserve(len)?;
        elements.resize(len, T::default());
        Ok(CpuBuffer(elements))
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<CpuBuffer<T>> {
        self.budget().require("buffer", size_of_val(data) as u64)?;
        Ok(CpuBuffer(data.to_vec()))
    }

    fn write<T: Elem>(&self, buffer: &mut CpuBuffer<T>, start: usize, data: &[T]) -> Result<()> {
        let len = buffer.0.len();
        let target = start.checked_add(data.len()).and_then(|end| buffer.0.get_mut(start..end));
        let reason = || format!("{} elements from {start} on reach beyond a buffer of {len}", data.len());
        target.ok_or_else(|| Error::invalid("data", reason()))?.copy_from_slice(data);
        Ok(())
    }

    async fn download<T: Elem>(&self, buffer: &CpuBuffer<T>) -> Result<Vec<T>> {
        Ok(buffer.0.clone())
    }

    fn download_blocking<T: Elem>(&self, buffer: &CpuBuffer<T>) -> Result<Vec<T>> {
        Ok(buffer.0.clone())
    }
}

impl MsmScalars<'_, CpuDevice> {
    fn on_cpu(&self) -> Scalars<'_> {
        match self {
            Self::Host(scalars) => *scalars,
            Self::Device(buffer) => Scalars::Field(&buffer.0),
        }
    }

    fn len(&self) -> usize {
        self.on_cpu().len()
    }
}

/// Longer sums have windows enough for all threads, and side by side would only take more memory.
const MAX_SIDE_BY_SIDE: usize = 1 << 14;

impl<G: Group> MsmOps<G> for CpuDevice {
    type Bases = MsmBases<G::Coordinate>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        MsmOps::<G>::prepare_with(self, bases, BaseHints::default())
    }

    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<Self::Bases> {
        if bases.len() >= 1 << 31 {
            return Err(Error::invalid("bases", format!("{} are too many; at most 2^31 − 1", bases.len())));
        }
        let bytes = size_of_val(bases) as u64 * if hints.repeats { 2 } else { 1 };
        self.budget().require("prepared bases", bytes)?;
        // Tables are a convenience: they may have half of what is left.
        let left = self.budget().available().saturating_sub(bytes) / 2;
        let hints = BaseHints { table_bytes: hints.table_bytes.min(left), ..hints };
        Ok(self.run(|| MsmBases::with_hints(self.path, bases.to_vec(), hints)))
    }

    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let scalars = scalars.on_cpu();
        if scalars.len() > bases.points().len() {
            return Err(Error::LengthMismatch {
                left: "bases",
                left_len: bases.points().len(),
                right: "scalars",
                right_len: scalars.len(),
            });
        }
        self.run(|| self.msm_within_budget::<G>(bases, scalars))
    }

    fn msm_batch(
        &self,
        bases: &Self::Bases,
        batch: Vec<MsmScalars<'_, Self>>,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        // Side by side, small sums keep all threads busy, where each alone has too few windows for that.
        let longest = batch.iter().map(|scalars| scalars.len()).max().unwrap_or(0);
        let at_once = scratch_bytes::<G>(longest).saturating_mul(self.info.threads as u64);
        if longest > MAX_SIDE_BY_SIDE || longest > bases.points().len() || at_once > self.budget().available()
        {
            return batch.into_iter().map(|scalars| MsmOps::<G>::msm(self, bases, scalars)).collect();
        }
        let batch: Vec<Scalars<'_>> = batch.iter().map(MsmScalars::on_cpu).collect();
        Ok(self.run(|| msm::msm_batch(self.path, bases, &batch)))
    }
}

/// Scratch memory of a sum of `n` scalars that all have a digit in every window.
fn scratch_bytes<G: Group>(n: usize) -> u64 {
    let histogram = msm::BitHistogram::uniform(n, 253);
    MsmPlan::new(&histogram, size_of::<Affine<G::Coordinate>>()).scratch_bytes
}

impl NttOps for CpuDevice {
    fn ntt(&self, data: &mut CpuBuffer<Fr>, plan: &NttPlan) -> Result<()> {
        self.ntt_in_place(&mut data.0, plan)
    }

    fn ntt_batch(&self, columns: Vec<&mut CpuBuffer<Fr>>, plan: &NttPlan) -> Result<()> {
        // The powers of a coset's shift beside the twiddles, where the kernels have tables of those.
        let bytes = plan.memory_bytes(self.path).saturating_add((plan.n() * size_of::<Fr>()) as u64);
        self.budget().require("twiddles of transforms and memory between their steps", bytes)?;
        let columns = columns.into_iter().map(|column| column.0.as_mut_slice()).collect();
        self.run(|| {
            let twiddles = self.twiddles(plan.log_n, plan.generator)?;
            Ok(ntt::ntt_batch(self.path, columns, plan, &twiddles)?)
        })
    }
}

impl CpuDevice {
    /// As [`NttOps::ntt`], on host memory.
    pub fn ntt_in_place(&self, data: &mut [Fr], plan: &NttPlan) -> Result<()> {
        self.budget()
            .require("twiddles of a transform and memory between its steps", plan.memory_bytes(self.path))?;
        self.run(|| {
            let twiddles = self.twiddles(plan.log_n, plan.generator)?;
            Ok(ntt::ntt(self.path, data, plan, &twiddles)?)
        })
    }
}

impl VectorOps for CpuDevice {
    fn add_assign(&self, a: &mut CpuBuffer<Fr>, b: &CpuBuffer<Fr>) -> Result<()> {
        self.run(|| Ok(vector::add_assign(self.path, &mut a.0, &b.0)?))
    }

    fn sub_assign(&self, a: &mut CpuBuffer<Fr>, b: &CpuBuffer<Fr>) -> Result<()> {
        self.run(|| Ok(vector::sub_assign(self.path, &mut a.0, &b.0)?))
    }

    fn mul_assign(&self, a: &mut CpuBuffer<Fr>, b: &CpuBuffer<Fr>) -> Result<()> {
        self.run(|| Ok(vector::mul_assign(self.path, &mut a.0, &b.0)?))
    }

    fn axpy(&self, y: &mut CpuBuffer<Fr>, a: Fr, x: &CpuBuffer<Fr>) -> Result<()> {
        self.run(|| Ok(vector::axpy(self.path, &mut y.0, a, &x.0)?))
    }

    fn scale(&self, a: &mut CpuBuffer<Fr>, c: Fr) -> Result<()> {
        self.run(|| vector::scale(self.path, &mut a.0, c));
        Ok(())
    }

    fn batch_inverse(&self, a: &mut CpuBuffer<Fr>) -> Result<()> {
        self.run(|| vector::batch_inverse(self.path, &mut a.0));
        Ok(())
    }

    fn prefix_sum(&self, a: &mut CpuBuffer<Fr>, scan: Scan) -> Result<Fr> {
        Ok(self.run(|| vector::prefix_sum(self.path, &mut a.0, scan)))
    }

    fn prefix_product(&self, a: &mut CpuBuffer<Fr>, scan: Scan) -> Result<Fr> {
        Ok(self.run(|| vector::prefix_product(self.path, &mut a.0, scan)))
    }

    fn evaluate(&self, coefficients: &CpuBuffer<Fr>, x: Fr) -> Result<Fr> {
        Ok(self.run(|| vector::evaluate(self.path, &coefficients.0, x)))
    }

    fn evaluate_many(&self, polynomials: &[&CpuBuffer<Fr>], x: Fr) -> Result<Vec<Fr>> {
        let polynomials: Vec<_> = polynomials.iter().map(|p| p.as_slice()).collect();
        Ok(self.run(|| vector::evaluate_many(self.path, &polynomials, x)))
    }

    fn resized(&self, a: &CpuBuffer<Fr>, len: usize) -> Result<CpuBuffer<Fr>> {
        let mut elements = self.reserve(len)?;
        elements.extend_from_slice(a.0.get(..len).unwrap_or(&a.0));
        elements.resize(len, Fr::default());
        Ok(CpuBuffer(elements))
    }

    fn linear_combination(&self, terms: &[(Fr, &CpuBuffer<Fr>)], len: usize) -> Result<CpuBuffer<Fr>> {
        let terms: Vec<_> = terms.iter().map(|(a, v)| (*a, v.as_slice())).collect();
        let mut out = self.alloc(len)?;
        self.run(|| vector::linear_combination(self.path, &mut out.0, &terms))?;
        Ok(out)
    }

    fn divide_by_linear(&self, coefficients: &mut CpuBuffer<Fr>, z: Fr) -> Result<Fr> {
        Ok(self.run(|| vector::divide_by_linear(self.path, &mut coefficients.0, z)))
    }
}

impl QuotientOps for CpuDevice {
    fn run_program(
        &self,
        program: &Program,
        columns: &[&CpuBuffer<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut CpuBuffer<Fr>],
    ) -> Result<()> {
        let bytes = quotient::scratch_bytes(program, self.info.threads);
        self.budget().require("registers of a program", bytes as u64)?;
        let columns: Vec<_> = columns.iter().map(|column| column.as_slice()).collect();
        let mut outputs: Vec<_> = outputs.iter_mut().map(|output| output.0.as_mut_slice()).collect();
        Ok(self.run(|| quotient::run(self.path, program, &columns, uniforms, &mut outputs))?)
    }
}
