//! Proofs under keys of the right form with any points and coefficients, of any witness.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::Error;
use zkwatt::device::CpuDevice;
use zkwatt::groth16::circom::{Residence, Witness, Zkey, ZkeyProver, ZkeyProverOptions};
use zkwatt::groth16::keys::Validate;
use zkwatt::kernels::{Field, Fr};
use zkwatt_fuzz::DEVICE;
use zkwatt_fuzz::zkey::{Choices, key};

fuzz_target!(init: {
    // What follows is zeros, and libFuzzer is slow to try longer inputs than it has seen.
    zkwatt_fuzz::seed("all", &std::array::from_fn::<u8, 256, _>(|i| i as u8));
}, |data: &[u8]| {
    let mut choices = Choices(data);
    let options = ZkeyProverOptions {
        validate: [Validate::Full, Validate::OnCurve, Validate::Trust][choices.below(3)],
        residence: [Residence::Device, Residence::File][choices.below(2)],
        verify: choices.below(4) == 1,
        r1cs: None,
    };
    let [r, s] = [choices.scalar(), choices.scalar()];
    let key = key(&mut choices);
    let mut values = vec![Fr::ONE];
    values.resize_with(key.variables, || choices.scalar());
    match prove(key.bytes, Witness::new(values), options, r, s) {
        Ok(()) | Err(Error::Format { .. } | Error::SelfCheck(_)) => {}
        Err(error) => panic!("{error}"),
    }
});

fn prove(key: Vec<u8>, witness: Witness, options: ZkeyProverOptions, r: Fr, s: Fr) -> Result<(), Error> {
    let prover = ZkeyProver::<CpuDevice>::new(Zkey::decode(key)?, DEVICE.clone(), options)?;
    prover.prove_with_blinding(&witness, r, s).map(drop)
}
