//! Any bytes as a `.zkey`, to the end of what a prover reads of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::groth16::circom::{Residence, Zkey, ZkeyProver, ZkeyProverOptions};
use zkwatt::groth16::keys::Validate;

fuzz_target!(|data: &[u8]| {
    for validate in [Validate::Trust, Validate::Full] {
        let Ok(zkey) = Zkey::decode(data) else { return };
        let Ok(device) = CpuDevice::new(CpuOptions { threads: Some(1), ..CpuOptions::default() }) else {
            return;
        };
        let options =
            ZkeyProverOptions { validate, residence: Residence::Device, ..ZkeyProverOptions::default() };
        let _ = ZkeyProver::<CpuDevice>::new(zkey, device, options);
    }
});
