//! Any bytes as a `.r1cs`; what is read is the same once it was written, and can be evaluated.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::groth16::Assignment;
use zkwatt::groth16::circom::R1csFile;
use zkwatt::kernels::{Field, Fr};

fuzz_target!(|data: &[u8]| {
    if let Ok(file) = R1csFile::decode(data) {
        let mut written = Vec::new();
        assert!(file.r1cs.write_r1cs(&mut written).is_ok());
        let again = R1csFile::decode(&written).map(|again| again.r1cs.digest());
        assert_eq!(again.ok(), Some(file.r1cs.digest()));
        let _ = file.r1cs.check(&Assignment::new(vec![Fr::ONE; file.r1cs.num_variables()]));
    }
});
