//! One suite over every device: it is generic over the capability traits, and a device joins it with one line below.
//!
//! Levels, from the bottom: `field` (edge values through element-wise operations), `stage` (memory, and kernels at the
//! seams of their stages, against the obvious forms in `kernels::reference`), `operation` (against arkworks, which
//! shares no code with us), `prover` (equal proof bytes everywhere, accepted by ark-groth16).
//!
//! A device that is not here is reported as SKIPPED on stderr. What the environment variable `ZKWATT_REQUIRE` names
//! (names of lines, separated by commas) may not be skipped: its tests fail then. So does a name that no line has.

mod devices;
mod field;
mod operation;
#[cfg(feature = "groth16")]
mod prover;
mod stage;
mod support;
#[cfg(feature = "wgpu")]
mod wgpu_faults;

use zkwatt::device::{G1, G2, LookupOps, MsmOps, NttOps, QuotientOps, VectorOps};

/// All capabilities that the suite exercises.
pub trait Conforming: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps + LookupOps + QuotientOps {}

impl<D: MsmOps<G1> + MsmOps<G2> + NttOps + VectorOps + LookupOps + QuotientOps> Conforming for D {}

/// The tests of one device, as a module of its name.
macro_rules! conformance {
    ($($name:ident: $open:expr;)*) => {
        /// Every line, with what opening its device says.
        const LINES: &[devices::Line] =
            &[$(devices::Line { name: stringify!($name), probe: || $open.map(drop) }),*];

        $(mod $name {
            use crate::devices;

            tests! { $open, stringify!($name);
                field(lent) {
                    sums_differences_products, inverses, axpy_and_scale, results_are_fully_reduced,
                }
                stage(lent) {
                    memory_round_trips, fresh_memory_is_zero, scans_at_chunk_seams, inversion_at_chunk_seams,
                    evaluation_at_chunk_seams, ntt_follows_the_formula, msm_of_single_digits,
                    msm_follows_the_formula, divisions_at_chunk_seams, combinations_at_chunk_seams,
                    programs_follow_the_graph, programs_refuse,
                }
                operation(lent) {
                    msm_sizes_g1, msm_sizes_g2, msm_larger_g2, msm_exceptional_points, msm_scalars_of_every_class,
                    msm_integers_of_every_width, msm_batches, msm_scalars_on_the_device,
                    msm_with_fewer_scalars_than_bases, msm_of_many, ntt_all_sizes, ntt_of_many, ntt_columns, ntt_refuses, vectors,
                    vector_lengths, polynomials, gates, range_lookups, table_lookups, logup, permuted_pairs, lookups_refuse,
                    repetition_on_dirty_memory, callers_at_the_same_time, first_transforms_at_the_same_time,
                }
                #[cfg(feature = "groth16")]
                prover(shared) {
                    proofs_are_those_of_arkworks, proofs_under_a_zkey_are_those_of_arkworks,
                    proofs_of_one_random_stream_are_pinned, tampered_proofs_are_rejected,
                }
            }
        })*
    };
}

/// One `#[test]` for each name of each level; in parentheses how the test gets the device.
macro_rules! tests {
    ($open:expr, $device:expr; $($(#[$cfg:meta])? $level:ident($how:ident) { $($test:ident),* $(,)? })*) => {$(
        $(#[$cfg])?
        mod $level {
            use super::devices;
            $(
                #[test]
                fn $test() {
                    devices::$how($device, super::open, crate::$level::$test);
                }
            )*
        }
    )*
        fn open() -> zkwatt::Result<impl crate::Conforming> {
            use crate::devices::*;
            $open
        }
    };
}
use devices::*;
conformance! {
    cpu_plain: cpu(path("plain"), None);
    cpu_adx: cpu(path("portable-adx"), None);
    cpu_ifma: cpu(path("avx512ifma"), None);
    cpu_ifma_one_thread: cpu(path("avx512ifma"), Some(1));
    cpu_one_thread: cpu(path("portable"), Some(1));
    cpu_three_threads: cpu(path("portable"), Some(3));
    dual_plain_adx: dual(cpu(path("plain"), Some(1)), cpu(path("portable-adx"), None));
    dual_adx_ifma: dual(cpu(path("portable-adx"), None), cpu(path("avx512ifma"), Some(3)));
    wgpu_int64: gpu("int64");
    wgpu_int32: gpu("int32");
    hybrid: hybrid(cpu(path("portable"), Some(2)));
    hybrid_wgpu: hybrid(gpu("int64"));
    cuda: cuda(false);
    cuda_emulator: cuda(true);
    hybrid_cuda: hybrid(cuda(true));
    icicle: icicle();
}

/// Says in one place what ran and what did not.
#[test]
fn report_skips() {
    devices::report(LINES);
}
