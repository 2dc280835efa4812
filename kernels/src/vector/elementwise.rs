//! Element-wise kernels. Each costs one pass over its operands; those without a product are bound by memory, and
//! have no form on lanes.

#[cfg(target_arch = "x86_64")]
use super::lanes;
use super::{CHUNK, FrOn, LengthMismatch};
use crate::dispatch::{CpuPath, with_arith};
use crate::field::{Arith, Fr, cast, cast_slice, cast_slice_mut};
#[cfg(target_arch = "x86_64")]
use crate::field::{words, words_mut};
use crate::parallel::for_each_chunk_mut;

/// out_i ← a_i + b_i.
///
/// Error: `a` or `b` is not as long as `out`.
pub fn add(path: CpuPath, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    check_operands(out, a, b)?;
    with_arith!(path, A => zip_into::<A>(out, a, b, |a, b| a + b));
    Ok(())
}

/// out_i ← a_i − b_i.
///
/// Error: `a` or `b` is not as long as `out`.
pub fn sub(path: CpuPath, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    check_operands(out, a, b)?;
    with_arith!(path, A => zip_into::<A>(out, a, b, |a, b| a - b));
    Ok(())
}

/// out_i ← a_i·b_i. Cost: n products.
///
/// Error: `a` or `b` is not as long as `out`.
pub fn mul(path: CpuPath, out: &mut [Fr], a: &[Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    check_operands(out, a, b)?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let (a, b) = (words(a), words(b));
        for_each_chunk_mut(words_mut(out), CHUNK, |start, chunk| {
            let range = start..start + chunk.len();
            lanes::mul(ifma, chunk, &a[range.clone()], &b[range]);
        });
        return Ok(());
    }
    with_arith!(path, A => zip_into::<A>(out, a, b, |a, b| a * b));
    Ok(())
}

/// a_i ← a_i + b_i.
///
/// Error: `b` is not as long as `a`.
pub fn add_assign(path: CpuPath, a: &mut [Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    LengthMismatch::check("b", b.len(), a.len())?;
    with_arith!(path, A => zip_assign::<A>(a, b, |a, b| a + b));
    Ok(())
}

/// a_i ← a_i − b_i.
///
/// Error: `b` is not as long as `a`.
pub fn sub_assign(path: CpuPath, a: &mut [Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    LengthMismatch::check("b", b.len(), a.len())?;
    with_arith!(path, A => zip_assign::<A>(a, b, |a, b| a - b));
    Ok(())
}

/// a_i ← a_i·b_i. Cost: n products.
///
/// Error: `b` is not as long as `a`.
pub fn mul_assign(path: CpuPath, a: &mut [Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    LengthMismatch::check("b", b.len(), a.len())?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let b = words(b);
        for_each_chunk_mut(words_mut(a), CHUNK, |start, chunk| {
            lanes::mul_assign(ifma, chunk, &b[start..start + chunk.len()]);
        });
        return Ok(());
    }
    with_arith!(path, A => zip_assign::<A>(a, b, |a, b| a * b));
    Ok(())
}

/// y_i ← y_i + a·x_i. Cost: n products.
///
/// Error: `x` is not as long as `y`.
pub fn axpy(path: CpuPath, y: &mut [Fr], a: Fr, x: &[Fr]) -> Result<(), LengthMismatch> {
    LengthMismatch::check("x", x.len(), y.len())?;
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        let x = words(x);
        for_each_chunk_mut(words_mut(y), CHUNK, |start, chunk| {
            lanes::axpy(ifma, chunk, a, &x[start..start + chunk.len()]);
        });
        return Ok(());
    }
    with_arith!(path, A => {
        let a = cast::<Fr, A>(a);
        zip_assign::<A>(y, x, |y, x| y + a * x);
    });
    Ok(())
}

/// v_i ← v_i·`factor`. Cost: n products.
pub fn scale(path: CpuPath, values: &mut [Fr], factor: Fr) {
    #[cfg(target_arch = "x86_64")]
    if let Some(ifma) = path.lanes() {
        for_each_chunk_mut(words_mut(values), CHUNK, |_, chunk| lanes::scale(ifma, chunk, factor));
        return;
    }
    with_arith!(path, A => {
        let factor = cast::<Fr, A>(factor);
        for_each_chunk_mut(cast_slice_mut::<Fr, A>(values), CHUNK, |_, chunk| {
            chunk.iter_mut().for_each(|v| *v *= factor);
        });
    });
}

fn check_operands(out: &[Fr], a: &[Fr], b: &[Fr]) -> Result<(), LengthMismatch> {
    LengthMismatch::check("a", a.len(), out.len())?;
    LengthMismatch::check("b", b.len(), out.len())
}

fn zip_into<A: Arith>(
    out: &mut [Fr],
    a: &[Fr],
    b: &[Fr],
    f: impl Fn(FrOn<A>, FrOn<A>) -> FrOn<A> + Send + Sync,
) {
    let (a, b) = (cast_slice::<Fr, A>(a), cast_slice::<Fr, A>(b));
    for_each_chunk_mut(cast_slice_mut::<Fr, A>(out), CHUNK, |start, chunk| {
        for ((out, &a), &b) in chunk.iter_mut().zip(&a[start..]).zip(&b[start..]) {
            *out = f(a, b);
        }
    });
}

fn zip_assign<A: Arith>(a: &mut [Fr], b: &[Fr], f: impl Fn(FrOn<A>, FrOn<A>) -> FrOn<A> + Send + Sync) {
    let b = cast_slice::<Fr, A>(b);
    for_each_chunk_mut(cast_slice_mut::<Fr, A>(a), CHUNK, |start, chunk| {
        for (a, &b) in chunk.iter_mut().zip(&b[start..]) {
            *a = f(*a, b);
        }
    });
}
