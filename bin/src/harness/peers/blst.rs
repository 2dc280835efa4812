//! blst over G1 of BLS12-381: another curve, as a reference across curves, and labelled so.
//!
//! Its bases are Pᵢ = (a + i·s)·G for known a and s, so a sum is checked as one multiple of G: Σ kᵢ·(a + i·s) mod r in
//! blst's arithmetic of the field. Scalars are ours, as integers: they are below both curves' orders.

use super::{Peer, Pool};
use crate::environment::available_threads;
use crate::measure::Contestant;
use blst::{blst_fr, blst_p1, blst_scalar, p1_affines};
use zkwatt::kernels::Fr;
use zkwatt::{Error, Result};

/// What records say of the curve.
pub const CURVE: &str = "bls12-381";

/// Bits of its scalars.
const BITS: usize = 255;
/// Of the discrete logarithms of the bases: that of the first one, and how far the next ones are apart.
const FIRST: [u64; 4] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 0x1234_5678];
const STEP: [u64; 4] = [0xd6e8_feb8_6659_fd93, 0xa076_1d64_78bd_642f, 0xe703_7ed1_a0b4_28db, 0x0fed_cba9];

/// Whether it runs on so many threads.
///
/// # Errors
/// Invalid but for one, and for all.
pub fn check(threads: usize) -> Result<()> {
    let all = available_threads();
    if threads == 1 || threads == all {
        return Ok(());
    }
    let reason = format!("blst runs on one thread or on all {all}, not on {threads}; give --threads 1,{all}");
    Err(Error::invalid("--peers", reason))
}

/// Sums over so many points as there are scalars, on one thread or on all: it has a pool of its own.
///
/// # Errors
/// Invalid for other numbers of threads; a self-check in the first run if its sum is not the multiple of G that it should be.
pub fn msm<'a, R>(scalars: &[Fr], pool: &Pool) -> Result<Contestant<'a, R>> {
    let threads = pool.threads();
    check(threads)?;
    let bases = bases(scalars.len());
    let bytes: Vec<u8> = scalars.iter().flat_map(|k| k.to_canonical()).flat_map(u64::to_le_bytes).collect();
    let expected = multiple(&sum_of_logarithms(scalars));
    let mut is_checked = false;
    let pool = pool.clone();
    let contestant = Contestant::new(Peer::Blst.name(), Peer::Blst.version(), move |watch| {
        let sum = pool.run(|| {
            watch.time(|| if threads == 1 { alone(&bases, &bytes) } else { bases.mult(&bytes, BITS) })
        });
        if !is_checked && sum != expected {
            return Err(Error::SelfCheck(
                "blst's sum is not the multiple of the generator that it should be".into(),
            ));
        }
        is_checked = true;
        Ok(None)
    });
    Ok(contestant.of_another_curve(CURVE))
}

/// Pippenger's method on the calling thread; the crate's own call would use all.
fn alone(bases: &p1_affines, scalars: &[u8]) -> blst_p1 {
    let points = bases.as_slice();
    let (bases, scalars) = ([points.as_ptr(), core::ptr::null()], [scalars.as_ptr(), core::ptr::null()]);
    let mut sum = blst_p1::default();
    // SAFETY: a pure function of a number.
    let scratch = unsafe { blst::blst_p1s_mult_pippenger_scratch_sizeof(points.len()) };
    let mut scratch = vec![0u64; scratch.div_ceil(size_of::<u64>())];
    // SAFETY: a null after the first pointer says that what follows lies behind it: as many points and scalars of 32 bytes as
    // are told, which `msm` made; the scratch memory has the size that was asked for.
    unsafe {
        blst::blst_p1s_mult_pippenger(
            &mut sum,
            bases.as_ptr(),
            points.len(),
            scalars.as_ptr(),
            BITS,
            scratch.as_mut_ptr(),
        );
    }
    sum
}

/// (a + i·s)·G for i = 0..n.
fn bases(n: usize) -> p1_affines {
    let (mut point, step) = (multiple(&element(&FIRST)), multiple(&element(&STEP)));
    let mut points = Vec::with_capacity(n);
    for _ in 0..n {
        points.push(point);
        let before = point;
        // SAFETY: three points of this program.
        unsafe { blst::blst_p1_add_or_double(&mut point, &before, &step) };
    }
    p1_affines::from(&points)
}

fn element(value: &[u64; 4]) -> blst_fr {
    let mut element = blst_fr::default();
    // SAFETY: reads four words.
    unsafe { blst::blst_fr_from_uint64(&mut element, value.as_ptr()) };
    element
}

/// Σ kᵢ·(a + i·s).
fn sum_of_logarithms(scalars: &[Fr]) -> blst_fr {
    let (mut logarithm, step) = (element(&FIRST), element(&STEP));
    let mut sum = blst_fr::default();
    for scalar in scalars {
        let scalar = element(&scalar.to_canonical());
        let (before, current) = (sum, logarithm);
        let mut product = blst_fr::default();
        // SAFETY: elements of this program.
        unsafe {
            blst::blst_fr_mul(&mut product, &scalar, &current);
            blst::blst_fr_add(&mut sum, &before, &product);
            blst::blst_fr_add(&mut logarithm, &current, &step);
        }
    }
    sum
}

fn multiple(scalar: &blst_fr) -> blst_p1 {
    let (mut integer, mut point) = (blst_scalar::default(), blst_p1::default());
    // SAFETY: the generator is a constant of the library, and the scalar has 32 bytes.
    unsafe {
        blst::blst_scalar_from_fr(&mut integer, scalar);
        blst::blst_p1_mult(&mut point, blst::blst_p1_generator(), integer.b.as_ptr(), BITS);
    }
    point
}
