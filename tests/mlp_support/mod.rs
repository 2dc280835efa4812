//! What the tests of `zkwatt::mlp` share.
#![allow(dead_code)]

pub mod files;
pub mod onnx_writer;
