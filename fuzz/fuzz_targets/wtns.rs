//! Any bytes as a `.wtns`; what is read is written as it was, but for the version.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::circom::{Witness, WitnessClasses};

fuzz_target!(|data: &[u8]| {
    if let Ok(witness) = Witness::decode(data) {
        assert_eq!(Witness::decode(&witness.encode()).as_ref().ok(), Some(&witness));
        let classes = WitnessClasses::of(witness.values()).entries();
        assert_eq!(classes.iter().map(|(_, count)| count).sum::<usize>(), witness.values().len());
    }
});
