//! Any bytes as a `.zkey`; whatever can be read can be proved with. `zkey_prover` is for what its points may be.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::device::CpuDevice;
use zkwatt::groth16::circom::{Witness, Zkey, ZkeyProver, ZkeyProverOptions};
use zkwatt::groth16::keys::Validate;
use zkwatt::kernels::{Field, Fr};
use zkwatt_fuzz::DEVICE;
use zkwatt_fuzz::zkey::{Choices, key};

fuzz_target!(init: {
    // 4 variables, 4 rows, and all sections.
    let choices: Vec<u8> = (85..=148).collect();
    zkwatt_fuzz::seed("small.zkey", &key(&mut Choices(&choices)).bytes);
}, |data: &[u8]| {
    let Ok(zkey) = Zkey::decode(data) else { return };
    let witness = Witness::new(vec![Fr::ONE; zkey.header().num_variables]);
    // Verification would take most of the time, and refuse the proof.
    let options =
        ZkeyProverOptions { validate: Validate::Trust, verify: false, ..ZkeyProverOptions::default() };
    let Ok(prover) = ZkeyProver::<CpuDevice>::new(zkey, DEVICE.clone(), options) else { return };
    assert!(prover.prove_with_blinding(&witness, Fr::ONE, Fr::ONE).is_ok());
});
