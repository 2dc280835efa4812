//! Any bytes as an ONNX file: a model or an error. What is read can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zkwatt::mlp::Model;

fuzz_target!(|data: &[u8]| {
    if let Ok(model) = Model::from_onnx_bytes("fuzz", data) {
        assert!(model.validate().is_ok());
        if model.input_len < 1 << 12 {
            let _ = model.infer(&vec![0.5; model.input_len]);
        }
    }
});
