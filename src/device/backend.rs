//! What a device can do, as traits.

use crate::error::Result;
use std::fmt;
use zkwatt_kernels::curve::{Affine, Coordinate, Xyzz};
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::{BaseHints, Scalars};
use zkwatt_kernels::ntt::NttPlan;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;
use zkwatt_kernels::{Fq, Fq2, Fr};

/// A value that buffers can hold: plain data without padding, of which every bit pattern is a value. Sealed: devices copy
/// its bytes.
pub trait Elem: sealed::Plain + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {}

mod sealed {
    pub trait Plain {}
}

macro_rules! elements {
    ($($name:ty),*) => {$(
        impl sealed::Plain for $name {}
        impl Elem for $name {}
    )*};
}

elements!(Fr, u8, u32, u64, i8, i16, i32, i64, i128);
impl<F: Coordinate> sealed::Plain for Affine<F> {}
impl<F: Coordinate> Elem for Affine<F> {}
impl<F: Coordinate> sealed::Plain for Xyzz<F> {}
impl<F: Coordinate> Elem for Xyzz<F> {}

/// Memory of a device.
pub trait Buffer<T>: Send + Sync {
    /// Number of elements.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One of the groups that MSMs run over.
pub trait Group: Copy + fmt::Debug + Send + Sync + 'static {
    /// Field of the coordinates.
    type Coordinate: Coordinate;
    /// Degree of that field over F_q.
    const DEGREE: usize;
    /// `g1` or `g2`, as records and command lines spell it.
    const NAME: &'static str;
}

/// The group G1, over F_q.
#[derive(Copy, Clone, Debug)]
pub struct G1;

/// The group G2, over F_q².
#[derive(Copy, Clone, Debug)]
pub struct G2;

impl Group for G1 {
    type Coordinate = Fq;
    const DEGREE: usize = 1;
    const NAME: &'static str = "g1";
}

impl Group for G2 {
    type Coordinate = Fq2;
    const DEGREE: usize = 2;
    const NAME: &'static str = "g2";
}

/// The kinds of devices.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// This computer's processor.
    Cpu,
    /// NVIDIA GPUs through CUDA.
    Cuda,
    /// Any GPU through WGPU.
    Wgpu,
    /// An installed ICICLE.
    Icicle,
}

impl DeviceKind {
    /// All kinds, the one that is always there first.
    pub const ALL: [Self; 4] = [Self::Cpu, Self::Cuda, Self::Wgpu, Self::Icicle];

    /// The name that command lines and records use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
            Self::Icicle => "icicle",
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is known of a device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Its kind.
    pub kind: DeviceKind,
    /// Its model, as the system names it.
    pub name: String,
    /// The CPU form of the kernels, on a CPU.
    pub cpu_path: Option<&'static str>,
    /// Threads, on a CPU; with one, its caller's.
    pub threads: usize,
    /// Bytes that jobs may use; `u64::MAX` where nobody says.
    pub memory_bytes: u64,
    /// Whether a GPU's interface is served by software: its times are not those of a GPU.
    pub software: bool,
}

/// Owner of memory and of the order of work.
pub trait Backend: Send + Sync + Sized + 'static {
    /// Memory of this device.
    type Buf<T: Elem>: Buffer<T>;

    /// What is known of the device.
    fn info(&self) -> &DeviceInfo;

    /// Runs a job's work on the host with the threads that this device was given; by default the caller's.
    fn on_host<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        work()
    }

    /// `len` elements, all zero bits. Errors: [`OutOfMemory`](crate::Error::OutOfMemory).
    fn alloc<T: Elem>(&self, len: usize) -> Result<Self::Buf<T>>;

    /// A copy of host data on the device.
    fn upload<T: Elem>(&self, data: &[T]) -> Result<Self::Buf<T>>;

    /// buffer\[start + i\] ← dataᵢ. Errors: data that reach beyond the buffer.
    fn write<T: Elem>(&self, buffer: &mut Self::Buf<T>, start: usize, data: &[T]) -> Result<()>;

    /// A copy of the device's data on the host, once earlier work on the buffer is done.
    fn download<T: Elem>(&self, buffer: &Self::Buf<T>) -> impl Future<Output = Result<Vec<T>>> + Send;

    /// As [`Backend::download`], for callers that may block.
    fn download_blocking<T: Elem>(&self, buffer: &Self::Buf<T>) -> Result<Vec<T>>;
}

/// Scalars of an MSM: on the host, or field elements on the device.
pub enum MsmScalars<'a, B: Backend> {
    /// On the host, in any width.
    Host(Scalars<'a>),
    /// Field elements on the device.
    Device(&'a B::Buf<Fr>),
}

/// Multi-scalar multiplication over `G`.
pub trait MsmOps<G: Group>: Backend {
    /// Bases in the form that the device likes best.
    type Bases: Send + Sync;

    /// Prepares bases for many MSMs. Identities are allowed and skipped.
    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases>;

    /// As [`MsmOps::prepare`], with hints at the sums to come, of which a device may make what it can. Sums are the same.
    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<Self::Bases> {
        let _ = hints;
        self.prepare(bases)
    }

    /// Σ kᵢ·Pᵢ. Errors when there are more scalars than bases.
    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>>;

    /// One MSM for each item over the same bases.
    fn msm_batch(
        &self,
        bases: &Self::Bases,
        batch: Vec<MsmScalars<'_, Self>>,
    ) -> Result<Vec<Affine<G::Coordinate>>> {
        batch.into_iter().map(|scalars| self.msm(bases, scalars)).collect()
    }
}

/// Number-theoretic transforms.
pub trait NttOps: Backend {
    /// Transforms every column of the buffer in place; see [`zkwatt_kernels::ntt`].
    fn ntt(&self, data: &mut Self::Buf<Fr>, plan: &NttPlan) -> Result<()>;

    /// As [`NttOps::ntt`], for buffers of one column each, which a device may transform side by side.
    fn ntt_batch(&self, columns: Vec<&mut Self::Buf<Fr>>, plan: &NttPlan) -> Result<()> {
        columns.into_iter().try_for_each(|column| self.ntt(column, plan))
    }
}

/// Operations on vectors of scalars.
pub trait VectorOps: Backend {
    /// aᵢ ← aᵢ + bᵢ
    fn add_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()>;
    /// aᵢ ← aᵢ − bᵢ
    fn sub_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()>;
    /// aᵢ ← aᵢ·bᵢ
    fn mul_assign(&self, a: &mut Self::Buf<Fr>, b: &Self::Buf<Fr>) -> Result<()>;
    /// yᵢ ← yᵢ + a·xᵢ
    fn axpy(&self, y: &mut Self::Buf<Fr>, a: Fr, x: &Self::Buf<Fr>) -> Result<()>;
    /// aᵢ ← c·aᵢ
    fn scale(&self, a: &mut Self::Buf<Fr>, c: Fr) -> Result<()>;
    /// aᵢ ← 1/aᵢ; zeros stay zero.
    fn batch_inverse(&self, a: &mut Self::Buf<Fr>) -> Result<()>;
    /// Running sums in place; returns the total.
    fn prefix_sum(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr>;
    /// Running products in place; returns the total.
    fn prefix_product(&self, a: &mut Self::Buf<Fr>, scan: Scan) -> Result<Fr>;
    /// Σ cᵢ·xⁱ
    fn evaluate(&self, coefficients: &Self::Buf<Fr>, x: Fr) -> Result<Fr>;
    /// Σ cᵢ·xⁱ for each of several polynomials.
    fn evaluate_many(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        polynomials.iter().map(|coefficients| self.evaluate(coefficients, x)).collect()
    }
    /// A copy, on the device.
    fn copy(&self, a: &Self::Buf<Fr>) -> Result<Self::Buf<Fr>> {
        self.resized(a, a.len())
    }
    /// A copy of the first `len` elements, on the device, with zeros for those that are not there.
    fn resized(&self, a: &Self::Buf<Fr>, len: usize) -> Result<Self::Buf<Fr>>;
    /// Σⱼ aⱼ·vⱼ, `len` elements; what a shorter vⱼ lacks is zero. Errors when one is longer.
    fn linear_combination(&self, terms: &[(Fr, &Self::Buf<Fr>)], len: usize) -> Result<Self::Buf<Fr>>;
    /// c ← q and returns r, where c(X) = q(X)·(X − z) + r; the last coefficient becomes 0.
    fn divide_by_linear(&self, coefficients: &mut Self::Buf<Fr>, z: Fr) -> Result<Fr>;
}

/// Compiled expressions over the rows of columns; see [`zkwatt_kernels::quotient`].
pub trait QuotientOps: Backend {
    /// Runs the program in every row; all outputs, and all columns that the program reads, are equally long.
    fn run_program(
        &self,
        program: &Program,
        columns: &[&Self::Buf<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut Self::Buf<Fr>],
    ) -> Result<()>;
}

/// Kernels of lookup arguments; see [`zkwatt_kernels::lookup`] for the formulas.
pub trait LookupOps: Backend {
    /// How often each value start..start + len occurs.
    fn multiplicities_range(&self, values: &Self::Buf<Fr>, table: RangeTable) -> Result<Self::Buf<u32>>;
    /// How often each row of the table occurs; the first of equal rows counts.
    fn multiplicities_table(&self, values: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<Self::Buf<u32>>;
    /// The terms 1/(β + fᵢ) of the values and mᵢ/(β + tᵢ) of the table.
    fn logup_terms(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
        multiplicities: &Self::Buf<u32>,
        beta: Fr,
    ) -> Result<[Self::Buf<Fr>; 2]>;
    /// The running sum φ of input terms less table terms, and its last value.
    fn grand_sum(&self, inputs: &[&Self::Buf<Fr>], table: &Self::Buf<Fr>) -> Result<(Self::Buf<Fr>, Fr)>;
    /// The sorted input A′ and the aligned table S′.
    fn permuted_pair(&self, input: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<[Self::Buf<Fr>; 2]>;
}

/// Everything that a device can do.
pub trait AllOps: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps + LookupOps + QuotientOps {}

impl<B: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps + LookupOps + QuotientOps> AllOps for B {}
