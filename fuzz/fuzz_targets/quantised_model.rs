//! Any bytes as a quantised model. What is read is written and read again as the same model.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::mlp::QuantisedModel;

fuzz_target!(|data: &[u8]| {
    if let Ok(model) = QuantisedModel::from_json(data) {
        let json = model.to_json().expect("a valid model can be written");
        assert_eq!(QuantisedModel::from_json(json.as_bytes()).expect("what was written is read"), model);
        let _ = model.infer(&vec![1; model.input.len]);
    }
});
