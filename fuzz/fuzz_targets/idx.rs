//! Any bytes as a pair of IDX files; the first two say where the images end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::mlp::Dataset;

fuzz_target!(|data: &[u8]| {
    let Some((head, data)) = data.split_first_chunk::<2>() else { return };
    let (images, labels) = data.split_at(usize::from(u16::from_le_bytes(*head)).min(data.len()));
    if let Ok(dataset) = Dataset::from_idx(images, labels) {
        assert_eq!(dataset.inputs().len(), dataset.len());
        let _ = dataset.average_pool_2x2();
    }
});
