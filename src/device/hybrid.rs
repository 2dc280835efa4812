//! The CPU and another device as one: each operation runs where it is done sooner.

use super::backend::{
    Backend, Buffer, DeviceInfo, Elem, Group, LookupOps, MsmOps, MsmScalars, NttOps, QuotientOps, VectorOps,
};
use super::costs::{Costs, Operation, Side};
use super::cpu::{CpuBuffer, CpuDevice};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::{BaseHints, Scalars};
use zkwatt_kernels::ntt::NttPlan;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;

/// The CPU and `B`, with the costs by which work is given to one or the other.
///
/// Results do not depend on the choice: devices agree bit for bit. A buffer is copied to where it is needed and its copy
/// kept until it changes.
pub struct Hybrid<B> {
    cpu: Arc<CpuDevice>,
    device: Arc<B>,
    costs: Costs,
    given: [AtomicU64; 2],
}

impl<B: Backend> Hybrid<B> {
    /// Both devices, and what operations cost on them.
    pub fn new(cpu: Arc<CpuDevice>, device: Arc<B>, costs: Costs) -> Self {
        Self { cpu, device, costs, given: Default::default() }
    }

    /// The CPU.
    pub fn cpu(&self) -> &Arc<CpuDevice> {
        &self.cpu
    }

    /// The other device.
    pub fn device(&self) -> &Arc<B> {
        &self.device
    }

    /// The costs.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Operations given to the CPU and to the other device so far.
    pub fn given(&self) -> (u64, u64) {
        let [cpu, device] = &self.given;
        (cpu.load(Ordering::Relaxed), device.load(Ordering::Relaxed))
    }

    /// Who does `items` items of an operation on these operands.
    fn side(&self, operation: Operation, items: usize, operands: &[&dyn Located]) -> Side {
        let missing = |side| operands.iter().filter(|o| !o.is_at(side)).map(|o| o.bytes()).sum();
        let side = self.costs.choose(operation, items as f64, missing(Side::Host), missing(Side::Device));
        self.count(side);
        side
    }

    fn count(&self, side: Side) {
        self.given[side as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn here<'a, T: Elem>(&self, buffer: &'a HybridBuffer<B, T>) -> Result<&'a CpuBuffer<T>> {
        if let (None, Some(there)) = (buffer.host.get(), buffer.device.get()) {
            let copy = self.cpu.upload(&self.device.download_blocking(there)?)?;
            // Another thread may have been faster; its copy is as good.
            let _ = buffer.host.set(copy);
        }
        buffer.host.get().ok_or_else(nothing)
    }

    fn there<'a, T: Elem>(&self, buffer: &'a HybridBuffer<B, T>) -> Result<&'a B::Buf<T>> {
        if let Some(there) = buffer.device.get() {
            return Ok(there);
        }
        let copy = self.device.upload(self.here(buffer)?.as_slice())?;
        Ok(buffer.device.get_or_init(|| copy))
    }

    fn here_mut<'a, T: Elem>(&self, buffer: &'a mut HybridBuffer<B, T>) -> Result<&'a mut CpuBuffer<T>> {
        self.here(buffer)?;
        buffer.device.take();
        buffer.host.get_mut().ok_or_else(nothing)
    }

    fn there_mut<'a, T: Elem>(&self, buffer: &'a mut HybridBuffer<B, T>) -> Result<&'a mut B::Buf<T>> {
        self.there(buffer)?;
        buffer.host.take();
        buffer.device.get_mut().ok_or_else(nothing)
    }
}

/// Not reached: contents are put where they are missing before they are asked for.
fn nothing() -> Error {
    Error::SelfCheck("a buffer without contents".into())
}

/// Contents on the host, on the device, or on both; at least on one.
pub struct HybridBuffer<B: Backend, T: Elem> {
    len: usize,
    host: OnceLock<CpuBuffer<T>>,
    device: OnceLock<B::Buf<T>>,
}

impl<B: Backend, T: Elem> HybridBuffer<B, T> {
    fn on_host(buffer: CpuBuffer<T>) -> Self {
        Self { len: buffer.len(), host: OnceLock::from(buffer), device: OnceLock::new() }
    }

    fn on_device(buffer: B::Buf<T>) -> Self {
        Self { len: buffer.len(), host: OnceLock::new(), device: OnceLock::from(buffer) }
    }
}

impl<B: Backend, T: Elem> Buffer<T> for HybridBuffer<B, T> {
    fn len(&self) -> usize {
        self.len
    }
}

/// What routing must know of an operand.
trait Located {
    fn bytes(&self) -> u64;
    fn is_at(&self, side: Side) -> bool;
}

impl<B: Backend, T: Elem> Located for HybridBuffer<B, T> {
    fn bytes(&self) -> u64 {
        (self.len * size_of::<T>()) as u64
    }

    fn is_at(&self, side: Side) -> bool {
        match side {
            Side::Host => self.host.get().is_some(),
            Side::Device => self.device.get().is_some(),
        }
    }
}

impl<B: Backend> Backend for Hybrid<B> {
    type Buf<T: Elem> = HybridBuffer<B, T>;

    fn info(&self) -> &DeviceInfo {
        self.device.info()
    }

    fn on_host<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.cpu.on_host(work)
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<HybridBuffer<B, T>> {
        self.cpu.alloc(len).map(HybridBuffer::on_host)
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<HybridBuffer<B, T>> {
        self.cpu.upload(data).map(HybridBuffer::on_host)
    }

    fn write<T: Elem>(&self, buffer: &mut HybridBuffer<B, T>, start: usize, data: &[T]) -> Result<()> {
        if buffer.is_at(Side::Host) {
            return self.cpu.write(self.here_mut(buffer)?, start, data);
        }
        self.device.write(self.there_mut(buffer)?, start, data)
    }

    async fn download<T: Elem>(&self, buffer: &HybridBuffer<B, T>) -> Result<Vec<T>> {
        match (buffer.host.get(), buffer.device.get()) {
            (None, Some(there)) => self.device.download(there).await,
            _ => Ok(self.here(buffer)?.as_slice().to_vec()),
        }
    }

    fn download_blocking<T: Elem>(&self, buffer: &HybridBuffer<B, T>) -> Result<Vec<T>> {
        Ok(self.here(buffer)?.as_slice().to_vec())
    }
}

/// Bases on the CPU, and on the device if any sum over them would go there.
pub struct HybridBases<C, D> {
    cpu: C,
    device: Option<D>,
}

fn sum_over<G: Group>() -> Operation {
    if G::DEGREE == 1 { Operation::MsmG1 } else { Operation::MsmG2 }
}

impl<G: Group, B: MsmOps<G>> MsmOps<G> for Hybrid<B> {
    type Bases = HybridBases<<CpuDevice as MsmOps<G>>::Bases, <B as MsmOps<G>>::Bases>;

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        MsmOps::<G>::prepare_with(self, bases, BaseHints::default())
    }

    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<Self::Bases> {
        let goes = self.costs.choose(sum_over::<G>(), bases.len() as f64, 0, 0) == Side::Device;
        let prepare = || MsmOps::<G>::prepare_with(&*self.device, bases, hints);
        let device = goes.then(prepare).transpose()?;
        Ok(HybridBases { cpu: MsmOps::<G>::prepare_with(&*self.cpu, bases, hints)?, device })
    }

    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let side = match (&bases.device, &scalars) {
            (None, _) => {
                self.count(Side::Host);
                Side::Host
            }
            (_, MsmScalars::Host(scalars)) => {
                self.side(sum_over::<G>(), scalars.len(), &[&HostScalars(scalar_bytes(scalars))])
            }
            (_, MsmScalars::Device(buffer)) => self.side(sum_over::<G>(), buffer.len(), &[*buffer]),
        };
        match (&bases.device, side) {
            (Some(there), Side::Device) => {
                let scalars = match scalars {
                    MsmScalars::Host(scalars) => MsmScalars::Host(scalars),
                    MsmScalars::Device(buffer) => MsmScalars::Device(self.there(buffer)?),
                };
                MsmOps::<G>::msm(&*self.device, there, scalars)
            }
            _ => {
                let scalars = match scalars {
                    MsmScalars::Host(scalars) => MsmScalars::Host(scalars),
                    MsmScalars::Device(buffer) => MsmScalars::Device(self.here(buffer)?),
                };
                MsmOps::<G>::msm(&*self.cpu, &bases.cpu, scalars)
            }
        }
    }
}

/// Scalars in host memory that are no buffer.
struct HostScalars(u64);

impl Located for HostScalars {
    fn bytes(&self) -> u64 {
        self.0
    }

    fn is_at(&self, side: Side) -> bool {
        side == Side::Host
    }
}

fn scalar_bytes(scalars: &Scalars<'_>) -> u64 {
    let bytes = match scalars {
        Scalars::Field(s) => size_of_val(*s),
        Scalars::I8(s) => size_of_val(*s),
        Scalars::I16(s) => size_of_val(*s),
        Scalars::I32(s) => size_of_val(*s),
        Scalars::I64(s) => size_of_val(*s),
        Scalars::I128(s) => size_of_val(*s),
    };
    bytes as u64
}

impl<B: NttOps> NttOps for Hybrid<B> {
    fn ntt(&self, data: &mut Self::Buf<Fr>, plan: &NttPlan) -> Result<()> {
        let items = data.len() * plan.log_n as usize;
        match self.side(Operation::Ntt, items, &[&*data]) {
            Side::Host => self.cpu.ntt(self.here_mut(data)?, plan),
            Side::Device => self.device.ntt(self.there_mut(data)?, plan),
        }
    }

    fn ntt_batch(&self, columns: Vec<&mut Self::Buf<Fr>>, plan: &NttPlan) -> Result<()> {
        let items = columns.len() * plan.n() * plan.log_n as usize;
        let operands: Vec<_> = columns.iter().map(|column| &**column as &dyn Located).collect();
        match self.side(Operation::Ntt, items, &operands) {
            Side::Host => {
                let columns =
                    columns.into_iter().map(|column| self.here_mut(column)).collect::<Result<_>>()?;
                self.cpu.ntt_batch(columns, plan)
            }
            Side::Device => {
                let columns =
                    columns.into_iter().map(|column| self.there_mut(column)).collect::<Result<_>>()?;
                self.device.ntt_batch(columns, plan)
            }
        }
    }
}

/// Methods that change one buffer and may read another.
macro_rules! in_place {
    ($($operation:ident: $name:ident($target:ident $(, $argument:ident: $kind:tt)*) -> $value:ty;)*) => {$(
        fn $name(&self, $target: &mut Self::Buf<Fr> $(, $argument: in_place!(@type $kind))*) -> Result<$value> {
            let operands: &[&dyn Located] = &[&*$target $(, in_place!(@operand $kind $argument))*];
            match self.side(Operation::$operation, $target.len(), operands) {
                Side::Host => {
                    self.cpu.$name(self.here_mut($target)? $(, in_place!(@here self $kind $argument))*)
                }
                Side::Device => {
                    self.device.$name(self.there_mut($target)? $(, in_place!(@there self $kind $argument))*)
                }
            }
        }
    )*};
    (@type buffer) => { &Self::Buf<Fr> };
    (@type scalar) => { Fr };
    (@type scan) => { Scan };
    (@operand buffer $a:ident) => { $a };
    (@operand $kind:tt $a:ident) => { &HostScalars(0) };
    (@here $self:ident buffer $a:ident) => { $self.here($a)? };
    (@here $self:ident $kind:tt $a:ident) => { $a };
    (@there $self:ident buffer $a:ident) => { $self.there($a)? };
    (@there $self:ident $kind:tt $a:ident) => { $a };
}

impl<B: VectorOps> VectorOps for Hybrid<B> {
    in_place! {
        Elementwise: add_assign(a, b: buffer) -> ();
        Elementwise: sub_assign(a, b: buffer) -> ();
        Elementwise: mul_assign(a, b: buffer) -> ();
        Elementwise: axpy(y, a: scalar, x: buffer) -> ();
        Elementwise: scale(a, c: scalar) -> ();
        Inverse: batch_inverse(a) -> ();
        Scan: prefix_sum(a, scan: scan) -> Fr;
        Scan: prefix_product(a, scan: scan) -> Fr;
        Scan: divide_by_linear(coefficients, z: scalar) -> Fr;
    }

    fn evaluate(&self, coefficients: &Self::Buf<Fr>, x: Fr) -> Result<Fr> {
        match self.side(Operation::Scan, coefficients.len(), &[coefficients]) {
            Side::Host => self.cpu.evaluate(self.here(coefficients)?, x),
            Side::Device => self.device.evaluate(self.there(coefficients)?, x),
        }
    }

    fn evaluate_many(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        let items = polynomials.iter().map(|p| p.len()).sum();
        match self.side(Operation::Scan, items, &located(polynomials)) {
            Side::Host => self.cpu.evaluate_many(&self.all_here(polynomials)?, x),
            Side::Device => self.device.evaluate_many(&self.all_there(polynomials)?, x),
        }
    }

    fn resized(&self, a: &Self::Buf<Fr>, len: usize) -> Result<Self::Buf<Fr>> {
        // A copy stays where its original is.
        match a.is_at(Side::Host) {
            true => self.cpu.resized(self.here(a)?, len).map(HybridBuffer::on_host),
            false => self.device.resized(self.there(a)?, len).map(HybridBuffer::on_device),
        }
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Buf<Fr>)], len: usize) -> Result<Self::Buf<Fr>> {
        let (factors, vectors): (Vec<Fr>, Vec<&Self::Buf<Fr>>) = terms.iter().copied().unzip();
        let side = self.side(Operation::Elementwise, len * terms.len(), &located(&vectors));
        match side {
            Side::Host => {
                let terms: Vec<_> = factors.into_iter().zip(self.all_here(&vectors)?).collect();
                self.cpu.linear_combination(&terms, len).map(HybridBuffer::on_host)
            }
            Side::Device => {
                let terms: Vec<_> = factors.into_iter().zip(self.all_there(&vectors)?).collect();
                self.device.linear_combination(&terms, len).map(HybridBuffer::on_device)
            }
        }
    }
}

fn located<'a, B: Backend, T: Elem>(buffers: &[&'a HybridBuffer<B, T>]) -> Vec<&'a dyn Located> {
    buffers.iter().map(|buffer| *buffer as &dyn Located).collect()
}

impl<B: Backend> Hybrid<B> {
    fn all_here<'a>(&self, buffers: &[&'a HybridBuffer<B, Fr>]) -> Result<Vec<&'a CpuBuffer<Fr>>> {
        buffers.iter().map(|buffer| self.here(buffer)).collect()
    }

    fn all_there<'a>(&self, buffers: &[&'a HybridBuffer<B, Fr>]) -> Result<Vec<&'a B::Buf<Fr>>> {
        buffers.iter().map(|buffer| self.there(buffer)).collect()
    }
}

impl<B: QuotientOps> QuotientOps for Hybrid<B> {
    fn run_program(
        &self,
        program: &Program,
        columns: &[&Self::Buf<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut Self::Buf<Fr>],
    ) -> Result<()> {
        let rows = outputs.first().map_or(0, |output| output.len());
        // Columns that are not read need not be anywhere, and are handed over empty.
        let is_read = |i: usize| u32::try_from(i).is_ok_and(|i| program.columns().contains_key(&i));
        let read: Vec<_> =
            (0..).zip(columns).filter(|(i, _)| is_read(*i)).map(|(_, c)| *c as &dyn Located).collect();
        match self.side(Operation::Program, rows * program.instructions().len(), &read) {
            Side::Host => {
                let nothing = self.cpu.alloc(0)?;
                let columns =
                    (0..).zip(columns).map(|(i, c)| if is_read(i) { self.here(c) } else { Ok(&nothing) });
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let mut outputs =
                    outputs.iter_mut().map(|output| self.here_mut(output)).collect::<Result<Vec<_>>>()?;
                self.cpu.run_program(program, &columns, uniforms, &mut outputs)
            }
            Side::Device => {
                let nothing = self.device.alloc(0)?;
                let columns =
                    (0..).zip(columns).map(|(i, c)| if is_read(i) { self.there(c) } else { Ok(&nothing) });
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let mut outputs =
                    outputs.iter_mut().map(|output| self.there_mut(output)).collect::<Result<Vec<_>>>()?;
                self.device.run_program(program, &columns, uniforms, &mut outputs)
            }
        }
    }
}

impl<B: LookupOps> LookupOps for Hybrid<B> {
    fn multiplicities_range(&self, values: &Self::Buf<Fr>, table: RangeTable) -> Result<Self::Buf<u32>> {
        match self.side(Operation::Lookup, values.len(), &[values]) {
            Side::Host => self.cpu.multiplicities_range(self.here(values)?, table).map(HybridBuffer::on_host),
            Side::Device => {
                self.device.multiplicities_range(self.there(values)?, table).map(HybridBuffer::on_device)
            }
        }
    }

    fn multiplicities_table(&self, values: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<Self::Buf<u32>> {
        match self.side(Operation::Lookup, values.len(), &[values, table]) {
            Side::Host => {
                let counts = self.cpu.multiplicities_table(self.here(values)?, self.here(table)?)?;
                Ok(HybridBuffer::on_host(counts))
            }
            Side::Device => {
                let counts = self.device.multiplicities_table(self.there(values)?, self.there(table)?)?;
                Ok(HybridBuffer::on_device(counts))
            }
        }
    }

    fn logup_terms(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
        multiplicities: &Self::Buf<u32>,
        beta: Fr,
    ) -> Result<[Self::Buf<Fr>; 2]> {
        match self.side(Operation::Lookup, values.len(), &[values, table, multiplicities]) {
            Side::Host => {
                let (values, table) = (self.here(values)?, self.here(table)?);
                let terms = self.cpu.logup_terms(values, table, self.here(multiplicities)?, beta)?;
                Ok(terms.map(HybridBuffer::on_host))
            }
            Side::Device => {
                let (values, table) = (self.there(values)?, self.there(table)?);
                let terms = self.device.logup_terms(values, table, self.there(multiplicities)?, beta)?;
                Ok(terms.map(HybridBuffer::on_device))
            }
        }
    }

    fn grand_sum(&self, inputs: &[&Self::Buf<Fr>], table: &Self::Buf<Fr>) -> Result<(Self::Buf<Fr>, Fr)> {
        let mut operands = located(inputs);
        operands.push(table);
        match self.side(Operation::Scan, table.len(), &operands) {
            Side::Host => {
                let (sum, last) = self.cpu.grand_sum(&self.all_here(inputs)?, self.here(table)?)?;
                Ok((HybridBuffer::on_host(sum), last))
            }
            Side::Device => {
                let (sum, last) = self.device.grand_sum(&self.all_there(inputs)?, self.there(table)?)?;
                Ok((HybridBuffer::on_device(sum), last))
            }
        }
    }

    fn permuted_pair(&self, input: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<[Self::Buf<Fr>; 2]> {
        match self.side(Operation::Lookup, input.len(), &[input, table]) {
            Side::Host => {
                let pair = self.cpu.permuted_pair(self.here(input)?, self.here(table)?)?;
                Ok(pair.map(HybridBuffer::on_host))
            }
            Side::Device => {
                let pair = self.device.permuted_pair(self.there(input)?, self.there(table)?)?;
                Ok(pair.map(HybridBuffer::on_device))
            }
        }
    }
}
