//! Damaged and hostile ONNX files: an error, never a panic, a hang or a huge allocation.
#![cfg(feature = "onnx")]

mod mlp_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use mlp_support::onnx_writer::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use zkwatt::mlp::Model;

/// Remembers the largest single allocation of each thread.
struct Meter;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn note(size: usize) {
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's obligations are those of `System`.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static METER: Meter = Meter;

/// Reads `bytes`; no allocation may be larger than some ten times the file.
#[track_caller]
fn read(bytes: &[u8]) -> zkwatt::Result<Model> {
    LARGEST.set(0);
    let result = Model::from_onnx_bytes("hostile", bytes);
    let largest = LARGEST.get();
    assert!(largest <= 16 * bytes.len() + (1 << 16), "{largest} bytes for a file of {}", bytes.len());
    result
}

/// 7 -> 5 -> 3 with all kinds of data, 1 KiB or so.
fn sample() -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut values = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.next_u32() as f32 / 4e9 - 0.5).collect() };
    let nodes = vec![
        node("Constant", "c", &[], "v", &[attribute_tensor("value", &tensor("", &[5, 3], &values(15)))]),
        node("Reshape", "flat", &["x", "shape"], "f", &[]),
        node(
            "Gemm",
            "fc1",
            &["f", "w", "b"],
            "m",
            &[attribute_int("transB", 1), attribute_float("alpha", 2.0)],
        ),
        node("Relu", "relu", &["m"], "r", &[]),
        node("MatMul", "fc2", &["r", "v"], "n", &[]),
        node("Add", "add", &["d", "n"], "o", &[]),
        node("Softmax", "head", &["o"], "y", &[attribute_int("axis", -1)]),
    ];
    let tensors = vec![
        tensor("w", &[5, 7], &values(35)),
        tensor_typed("b", &[5], &values(5)),
        tensor("d", &[3], &values(3)),
        tensor_ints("shape", &[-1, 7], false),
    ];
    Graph::new(&[0, 1, 7], nodes, tensors).bytes()
}

#[test]
fn the_sample_is_read() {
    let model = read(&sample()).unwrap();
    assert_eq!((model.dims(), model.dropped), (vec![7, 5, 3], vec!["Softmax".to_owned()]));
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let bytes = sample();
    for len in 0..bytes.len() {
        // The operator set is the last field: without it the file is whole but says nothing about its
        // version.
        assert!(read(&bytes[..len]).is_err(), "the first {len} of {} bytes were accepted", bytes.len());
    }
}

#[test]
fn a_real_file_cut_at_every_64th_byte_is_an_error() {
    let Some(path) = mlp_support::files::find("models/mnist-196-25-10.onnx") else { return };
    let bytes = std::fs::read(path).unwrap();
    assert!(read(&bytes).is_ok());
    for len in (0..bytes.len()).step_by(64) {
        assert!(read(&bytes[..len]).is_err(), "the first {len} bytes were accepted");
    }
}

#[test]
fn mutations_are_errors_or_models() {
    let bytes = sample();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut mutant = bytes.clone();
        for _ in 0..1 + rng.next_u32() % 4 {
            let at = rng.next_u32() as usize % mutant.len();
            match rng.next_u32() % 6 {
                0 => mutant[at] ^= 1 << (rng.next_u32() % 8),
                1 => mutant[at] = rng.next_u32() as u8,
                2 => mutant[at] = [0, 0x7f, 0x80, 0xff][rng.next_u32() as usize % 4],
                3 => drop(mutant.remove(at)),
                4 => mutant.insert(at, rng.next_u32() as u8),
                _ => {
                    let len = (rng.next_u32() as usize % 32).min(mutant.len() - at);
                    let copy = mutant[at..at + len].to_vec();
                    let to = rng.next_u32() as usize % mutant.len();
                    mutant.splice(to..to, copy);
                }
            }
        }
        if let Ok(model) = read(&mutant) {
            accepted += 1;
            model.validate().unwrap();
            assert!(model.infer(&vec![0.5; model.input_len]).is_ok());
        }
    }
    // Changed weights and names are accepted, so some must be.
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn hostile_lengths_are_errors() {
    // A byte field that claims more than is there, up to 2^64 - 1.
    for len in [1 << 20, 1 << 40, (1 << 63) - 1, u64::MAX] {
        for field in [2u64, 7, 8, 100] {
            let mut message = Message::default();
            message.raw_varint(field << 3 | 2).raw_varint(len);
            message.0.extend([0; 16]);
            assert!(read(&message.0).is_err());
        }
        // The same inside of a graph, where the outer lengths are right.
        let mut name = Message::default();
        name.raw_varint(8 << 3 | 2).raw_varint(len);
        let graph = Message::default().message(5, &name);
        assert!(read(&Message::default().message(7, &graph).0).is_err());
    }
}

#[test]
fn an_inner_message_may_not_reach_beyond_the_outer_one() {
    let mut tensor = Message::default();
    tensor.raw_varint(9 << 3 | 2).raw_varint(8);
    let graph = Message::default().message(5, &tensor);
    // Enough bytes follow in the file, but not in the tensor.
    let bytes = Message::default().message(7, &graph).text(2, "producer with some length").0;
    assert!(read(&bytes).unwrap_err().to_string().contains("TensorProto"));
}

#[test]
fn endless_varints_are_errors() {
    for n in [9, 10, 11, 40] {
        for (prefix, field) in [(vec![], 0), (vec![0x08], 1), (vec![0x3a], 7)] {
            let bytes: Vec<u8> = prefix.into_iter().chain(std::iter::repeat_n(0xff, n)).chain([1]).collect();
            assert!(read(&bytes).is_err(), "{n} {field}");
        }
    }
    let tensor = tensor_head("s", INT64, &[2]).bytes(7, &[0xff; 24]);
    let graph = Graph::new(&[1, 3], vec![], vec![tensor]);
    assert!(read(&graph.bytes()).unwrap_err().to_string().contains("varint"));
}

#[test]
fn deep_nesting_is_an_error() {
    // Model > graph > node > attribute > graph > …, a thousand times.
    let mut graph = Message::default();
    for _ in 0..1000 {
        let attribute = Message::default().text(1, "body").message(6, &graph);
        graph = Message::default().message(1, &Message::default().text(4, "If").message(5, &attribute));
    }
    let text = read(&Message::default().message(7, &graph).0).unwrap_err().to_string();
    assert!(text.contains("nested"), "{text}");
}

#[test]
fn floods_of_empty_messages_are_errors() {
    for (what, field) in [("node", 1), ("tensor", 5), ("input", 11)] {
        let mut graph = Message::default();
        for _ in 0..200_000 {
            graph = graph.bytes(field, &[]);
        }
        let bytes = Message::default().message(7, &graph).0;
        let text = Model::from_onnx_bytes(what, &bytes).unwrap_err().to_string();
        assert!(text.contains("more than"), "{text}");
    }
}

#[test]
fn a_weight_used_many_times_does_not_multiply_without_limit() {
    let nodes: Vec<_> = (0..300)
        .map(|i| {
            let (input, output) = (format!("v{i}"), format!("v{}", i + 1));
            node("MatMul", &format!("m{i}"), &[&input, "w"], &output, &[])
        })
        .collect();
    let mut graph = Graph::new(&[1, 1024], nodes, vec![tensor("w", &[256, 256], &[0.5; 1 << 16])]);
    graph.inputs = vec![value("v0", &[1, 256])];
    graph.outputs = vec![value("v300", &[1, 256])];
    let text = read(&graph.bytes()).unwrap_err().to_string();
    assert!(text.contains("weights, the most for its file"), "{text}");
}

#[test]
fn other_files_are_errors() {
    assert!(read(b"").unwrap_err().to_string().contains("no graph"));
    assert!(read(b"{\"format\": \"zkwatt\"}").is_err());
    assert!(read(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]).is_err());
    let sample = sample();
    assert!(read(&[sample.clone(), sample].concat()).unwrap_err().to_string().contains("2 graphs"));
    assert!(Model::from_onnx_file("/does/not/exist.onnx").is_err());
}
