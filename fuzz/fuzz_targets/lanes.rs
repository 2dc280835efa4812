//! The lanes of AVX-512 IFMA against the portable path: their steps on hostile limbs, and whole kernels.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::kernels::hostile;

fuzz_target!(init: {
    assert!(hostile::check(&[]), "this CPU has no AVX-512 IFMA, so there is nothing to compare");
    for (name, bytes) in hostile::seeds() {
        zkwatt_fuzz::seed(&name, &bytes);
    }
}, |data: &[u8]| {
    hostile::check(data);
});
