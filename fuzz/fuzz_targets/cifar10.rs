//! Any bytes as a CIFAR-10 batch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::mlp::Dataset;

fuzz_target!(|data: &[u8]| {
    if let Ok(dataset) = Dataset::from_cifar10(&[data]) {
        assert_eq!(dataset.inputs().len(), dataset.len());
    }
});
