//! Two devices that do the same work and must agree: test support.

use super::backend::{
    Backend, Buffer, DeviceInfo, Elem, Group, LookupOps, MsmOps, MsmScalars, NttOps, QuotientOps, VectorOps,
};
use crate::error::{Error, Result};
use zkwatt_kernels::Fr;
use zkwatt_kernels::curve::Affine;
use zkwatt_kernels::lookup::RangeTable;
use zkwatt_kernels::msm::BaseHints;
use zkwatt_kernels::ntt::NttPlan;
use zkwatt_kernels::quotient::Program;
use zkwatt_kernels::vector::Scan;

/// Runs every operation on both devices and compares the results.
///
/// A difference is [`Error::SelfCheck`] naming the operation. Slow: every buffer is downloaded after every operation.
pub struct Dual<A, B> {
    left: A,
    right: B,
}

impl<A: Backend, B: Backend> Dual<A, B> {
    /// Both devices.
    pub fn new(left: A, right: B) -> Self {
        Self { left, right }
    }

    fn compare<T: Elem>(&self, operation: &str, buffer: &DualBuf<A, B, T>) -> Result<()> {
        let left = self.left.download_blocking(&buffer.left)?;
        let right = self.right.download_blocking(&buffer.right)?;
        agree(operation, &left, &right)
    }
}

fn agree<T: PartialEq + ?Sized>(operation: &str, left: &T, right: &T) -> Result<()> {
    if left == right { Ok(()) } else { Err(Error::SelfCheck(format!("{operation}: the devices disagree"))) }
}

/// The buffers of [`Dual`].
type DualBuf<A, B, T> = DualBuffer<<A as Backend>::Buf<T>, <B as Backend>::Buf<T>>;

/// The same contents on both devices.
pub struct DualBuffer<L, R> {
    left: L,
    right: R,
}

impl<T, L: Buffer<T>, R: Buffer<T>> Buffer<T> for DualBuffer<L, R> {
    fn len(&self) -> usize {
        self.left.len()
    }
}

impl<A: Backend, B: Backend> Backend for Dual<A, B> {
    type Buf<T: Elem> = DualBuffer<A::Buf<T>, B::Buf<T>>;

    fn info(&self) -> &DeviceInfo {
        self.left.info()
    }

    fn alloc<T: Elem>(&self, len: usize) -> Result<Self::Buf<T>> {
        Ok(DualBuffer { left: self.left.alloc(len)?, right: self.right.alloc(len)? })
    }

    fn upload<T: Elem>(&self, data: &[T]) -> Result<Self::Buf<T>> {
        Ok(DualBuffer { left: self.left.upload(data)?, right: self.right.upload(data)? })
    }

    fn write<T: Elem>(&self, buffer: &mut Self::Buf<T>, start: usize, data: &[T]) -> Result<()> {
        self.left.write(&mut buffer.left, start, data)?;
        self.right.write(&mut buffer.right, start, data)
    }

    async fn download<T: Elem>(&self, buffer: &Self::Buf<T>) -> Result<Vec<T>> {
        let left = self.left.download(&buffer.left).await?;
        let right = self.right.download(&buffer.right).await?;
        agree("download", &left, &right)?;
        Ok(left)
    }

    fn download_blocking<T: Elem>(&self, buffer: &Self::Buf<T>) -> Result<Vec<T>> {
        let left = self.left.download_blocking(&buffer.left)?;
        agree("download", &left, &self.right.download_blocking(&buffer.right)?)?;
        Ok(left)
    }
}

impl<G: Group, A: MsmOps<G>, B: MsmOps<G>> MsmOps<G> for Dual<A, B> {
    type Bases = (A::Bases, B::Bases);

    fn prepare(&self, bases: &[Affine<G::Coordinate>]) -> Result<Self::Bases> {
        Ok((self.left.prepare(bases)?, self.right.prepare(bases)?))
    }

    fn prepare_with(&self, bases: &[Affine<G::Coordinate>], hints: BaseHints) -> Result<Self::Bases> {
        Ok((self.left.prepare_with(bases, hints)?, self.right.prepare_with(bases, hints)?))
    }

    fn msm(&self, bases: &Self::Bases, scalars: MsmScalars<'_, Self>) -> Result<Affine<G::Coordinate>> {
        let (left, right) = match scalars {
            MsmScalars::Host(s) => (MsmScalars::Host(s), MsmScalars::Host(s)),
            MsmScalars::Device(buffer) => {
                (MsmScalars::Device(&buffer.left), MsmScalars::Device(&buffer.right))
            }
        };
        let left = self.left.msm(&bases.0, left)?;
        agree("msm", &left, &self.right.msm(&bases.1, right)?)?;
        Ok(left)
    }
}

impl<A: NttOps, B: NttOps> NttOps for Dual<A, B> {
    fn ntt(&self, data: &mut Self::Buf<Fr>, plan: &NttPlan) -> Result<()> {
        self.left.ntt(&mut data.left, plan)?;
        self.right.ntt(&mut data.right, plan)?;
        self.compare("ntt", data)
    }
}

/// Methods that run on both sides and compare the buffer they change, and their value if they have one.
macro_rules! both {
    ($($name:ident($target:ident $(, $argument:ident: $kind:tt)*) -> $value:ty;)*) => {$(
        fn $name(&self, $target: &mut Self::Buf<Fr> $(, $argument: both!(@type $kind))*) -> Result<$value> {
            let left = self.left.$name(&mut $target.left $(, both!(@left $kind $argument))*)?;
            let right = self.right.$name(&mut $target.right $(, both!(@right $kind $argument))*)?;
            agree(stringify!($name), &left, &right)?;
            self.compare(stringify!($name), $target)?;
            Ok(left)
        }
    )*};
    (@type buffer) => { &Self::Buf<Fr> };
    (@type scalar) => { Fr };
    (@type scan) => { Scan };
    (@left buffer $a:ident) => { &$a.left };
    (@left $kind:tt $a:ident) => { $a };
    (@right buffer $a:ident) => { &$a.right };
    (@right $kind:tt $a:ident) => { $a };
}

impl<A: VectorOps, B: VectorOps> VectorOps for Dual<A, B> {
    both! {
        add_assign(a, b: buffer) -> ();
        sub_assign(a, b: buffer) -> ();
        mul_assign(a, b: buffer) -> ();
        axpy(y, a: scalar, x: buffer) -> ();
        scale(a, c: scalar) -> ();
        batch_inverse(a) -> ();
        prefix_sum(a, scan: scan) -> Fr;
        prefix_product(a, scan: scan) -> Fr;
        divide_by_linear(coefficients, z: scalar) -> Fr;
    }

    fn evaluate(&self, coefficients: &Self::Buf<Fr>, x: Fr) -> Result<Fr> {
        let left = self.left.evaluate(&coefficients.left, x)?;
        agree("evaluate", &left, &self.right.evaluate(&coefficients.right, x)?)?;
        Ok(left)
    }

    fn evaluate_many(&self, polynomials: &[&Self::Buf<Fr>], x: Fr) -> Result<Vec<Fr>> {
        let (lefts, rights) = sides(polynomials);
        let left = self.left.evaluate_many(&lefts, x)?;
        agree("evaluate_many", &left, &self.right.evaluate_many(&rights, x)?)?;
        Ok(left)
    }

    fn resized(&self, a: &Self::Buf<Fr>, len: usize) -> Result<Self::Buf<Fr>> {
        let copy =
            DualBuffer { left: self.left.resized(&a.left, len)?, right: self.right.resized(&a.right, len)? };
        self.compare("resized", &copy)?;
        Ok(copy)
    }

    fn linear_combination(&self, terms: &[(Fr, &Self::Buf<Fr>)], len: usize) -> Result<Self::Buf<Fr>> {
        let lefts: Vec<_> = terms.iter().map(|(a, v)| (*a, &v.left)).collect();
        let rights: Vec<_> = terms.iter().map(|(a, v)| (*a, &v.right)).collect();
        let left = self.left.linear_combination(&lefts, len)?;
        let sum = DualBuffer { left, right: self.right.linear_combination(&rights, len)? };
        self.compare("linear_combination", &sum)?;
        Ok(sum)
    }
}

impl<A: QuotientOps, B: QuotientOps> QuotientOps for Dual<A, B> {
    fn run_program(
        &self,
        program: &Program,
        columns: &[&Self::Buf<Fr>],
        uniforms: &[Fr],
        outputs: &mut [&mut Self::Buf<Fr>],
    ) -> Result<()> {
        let (lefts, rights) = sides(columns);
        let mut out: Vec<_> = outputs.iter_mut().map(|output| &mut output.left).collect();
        self.left.run_program(program, &lefts, uniforms, &mut out)?;
        let mut out: Vec<_> = outputs.iter_mut().map(|output| &mut output.right).collect();
        self.right.run_program(program, &rights, uniforms, &mut out)?;
        outputs.iter().try_for_each(|output| self.compare("run_program", output))
    }
}

/// What each device holds of these buffers.
fn sides<'a, L, R>(buffers: &[&'a DualBuffer<L, R>]) -> (Vec<&'a L>, Vec<&'a R>) {
    buffers.iter().map(|buffer| (&buffer.left, &buffer.right)).unzip()
}

impl<A: LookupOps, B: LookupOps> LookupOps for Dual<A, B> {
    fn multiplicities_range(&self, values: &Self::Buf<Fr>, table: RangeTable) -> Result<Self::Buf<u32>> {
        let left = self.left.multiplicities_range(&values.left, table)?;
        let right = self.right.multiplicities_range(&values.right, table)?;
        let counts = DualBuffer { left, right };
        self.compare("multiplicities_range", &counts)?;
        Ok(counts)
    }

    fn multiplicities_table(&self, values: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<Self::Buf<u32>> {
        let left = self.left.multiplicities_table(&values.left, &table.left)?;
        let right = self.right.multiplicities_table(&values.right, &table.right)?;
        let counts = DualBuffer { left, right };
        self.compare("multiplicities_table", &counts)?;
        Ok(counts)
    }

    fn logup_terms(
        &self,
        values: &Self::Buf<Fr>,
        table: &Self::Buf<Fr>,
        multiplicities: &Self::Buf<u32>,
        beta: Fr,
    ) -> Result<[Self::Buf<Fr>; 2]> {
        let left = self.left.logup_terms(&values.left, &table.left, &multiplicities.left, beta)?;
        let right = self.right.logup_terms(&values.right, &table.right, &multiplicities.right, beta)?;
        self.pair("logup_terms", left, right)
    }

    fn grand_sum(&self, inputs: &[&Self::Buf<Fr>], table: &Self::Buf<Fr>) -> Result<(Self::Buf<Fr>, Fr)> {
        let lefts: Vec<_> = inputs.iter().map(|b| &b.left).collect();
        let rights: Vec<_> = inputs.iter().map(|b| &b.right).collect();
        let (left, last) = self.left.grand_sum(&lefts, &table.left)?;
        let (right, right_last) = self.right.grand_sum(&rights, &table.right)?;
        agree("grand_sum", &last, &right_last)?;
        let phi = DualBuffer { left, right };
        self.compare("grand_sum", &phi)?;
        Ok((phi, last))
    }

    fn permuted_pair(&self, input: &Self::Buf<Fr>, table: &Self::Buf<Fr>) -> Result<[Self::Buf<Fr>; 2]> {
        let left = self.left.permuted_pair(&input.left, &table.left)?;
        let right = self.right.permuted_pair(&input.right, &table.right)?;
        self.pair("permuted_pair", left, right)
    }
}

impl<A: Backend, B: Backend> Dual<A, B> {
    fn pair(
        &self,
        operation: &str,
        left: [A::Buf<Fr>; 2],
        right: [B::Buf<Fr>; 2],
    ) -> Result<[DualBuf<A, B, Fr>; 2]> {
        let ([l0, l1], [r0, r1]) = (left, right);
        let pair = [DualBuffer { left: l0, right: r0 }, DualBuffer { left: l1, right: r1 }];
        self.compare(operation, &pair[0])?;
        self.compare(operation, &pair[1])?;
        Ok(pair)
    }
}
