//! Float models: inference, checks, folding.

use zkwatt::mlp::{DenseLayer, Model};

fn layer(inputs: usize, outputs: usize, weights: &[f32], bias: &[f32], relu: bool) -> DenseLayer {
    DenseLayer { inputs, outputs, weights: weights.to_vec(), bias: bias.to_vec(), relu }
}

fn model(layers: Vec<DenseLayer>) -> Model {
    Model { name: "m".into(), input_len: layers.first().map_or(0, |l| l.inputs), layers, dropped: vec![] }
}

fn two_layers() -> Model {
    model(vec![
        layer(2, 3, &[1.0, 2.0, -1.0, 0.5, 0.0, 4.0], &[0.0, 1.0, -3.0], true),
        layer(3, 2, &[1.0, 1.0, 1.0, -2.0, 0.5, 0.25], &[0.5, -0.5], false),
    ])
}

/// Some values without a pattern, exact in `f32`.
fn values(n: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 24) as f32 - 128.0) / 64.0
    };
    (0..n).map(|_| next()).collect()
}

#[test]
fn inference_by_hand() {
    // Hidden: relu(1 + 6, -1 + 1.5 + 1, 12 - 3) = (7, 1.5, 9)
    let outputs = two_layers().infer(&[1.0, 3.0]).unwrap();
    assert_eq!(outputs, [7.0 + 1.5 + 9.0 + 0.5, -14.0 + 0.75 + 2.25 - 0.5]);
    assert_eq!(two_layers().classify(&[1.0, 3.0]).unwrap(), 0);
    // Hidden: relu(-1 - 4, 1 - 1 + 1, -8 - 3) = (0, 1, 0)
    assert_eq!(two_layers().infer(&[-1.0, -2.0]).unwrap(), [1.5, 0.0]);
}

#[test]
fn inference_at_widths_around_a_simd_chunk() {
    for inputs in [1, 15, 16, 17, 31, 32, 33, 100] {
        let (weights, x) = (values(inputs * 3, 1), values(inputs, 2));
        let y = model(vec![layer(inputs, 3, &weights, &[0.5; 3], false)]).infer(&x).unwrap();
        for (o, y) in y.iter().enumerate() {
            // The values are multiples of 2^-6, so all sums are exact.
            let row = &weights[o * inputs..(o + 1) * inputs];
            let expected = row.iter().zip(&x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>() + 0.5;
            assert_eq!(f64::from(*y), expected);
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let text = |input: &[f32]| two_layers().infer(input).unwrap_err().to_string();
    assert_eq!(text(&[1.0]), "input: has 1 values; model `m` takes 2");
    assert_eq!(text(&[1.0, f32::NAN]), "input: value 1 is NaN; all values must be finite");
}

#[test]
fn invalid_models_are_named() {
    let text = |change: fn(&mut Model)| {
        let mut model = two_layers();
        change(&mut model);
        let error = model.validate().unwrap_err();
        assert!(model.folded().is_err());
        // Never a panic, whatever the fields say.
        let _ = model.infer(&[0.0, 0.0]);
        error.to_string()
    };
    assert_eq!(text(|m| m.layers.clear()), "model: m: has no layers; at least one dense layer is needed");
    assert_eq!(
        text(|m| m.layers[1].weights[4] = f32::NAN),
        "model: layer 1: weight 4 is NaN; all values must be finite"
    );
    assert_eq!(
        text(|m| m.layers[0].bias[2] = f32::INFINITY),
        "model: layer 0: bias 2 is inf; all values must be finite"
    );
    assert_eq!(text(|m| m.layers[1].inputs = 4), "model: layer 1: takes 4 values, but 3 come in");
    assert_eq!(text(|m| m.input_len = 1), "model: layer 0: takes 2 values, but 1 come in");
    assert!(text(|m| m.layers[0].outputs = 0).contains("has 0 outputs"));
    assert!(text(|m| m.layers[0].outputs = usize::MAX).contains("layer 0: has 18446744073709551615 outputs"));
    assert!(text(|m| m.layers[0].weights.truncate(5)).contains("has 5 weights; 3 x 2 were expected"));
    assert!(text(|m| m.layers[0].bias.truncate(2)).contains("has 2 biases for 3 outputs"));
    assert!(text(|m| m.layers[1].relu = true).contains("layer 1: is the last one and has a ReLU"));
    assert!(text(|m| m.layers = vec![layer(2, 2, &[0.0; 4], &[0.0; 2], true); 300]).contains("300 layers"));
}

#[test]
fn folding_keeps_the_function() {
    let dims = [6, 5, 4, 7, 3, 2];
    let relu = [false, false, true, false, false];
    let layers = (0..5)
        .map(|l| {
            let (inputs, outputs) = (dims[l], dims[l + 1]);
            layer(inputs, outputs, &values(inputs * outputs, 3), &values(outputs, 4), relu[l])
        })
        .collect();
    let deep = model(layers);
    let folded = deep.folded().unwrap();
    assert_eq!(folded.dims(), [6, 7, 2]);
    assert!(folded.layers[0].relu && !folded.layers[1].relu);
    for seed in 0..20 {
        let x = values(6, seed);
        for (a, b) in deep.infer(&x).unwrap().iter().zip(folded.infer(&x).unwrap()) {
            assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{a} {b}");
        }
    }
    assert_eq!(folded.folded().unwrap(), folded);
    assert_eq!(two_layers().folded().unwrap(), two_layers());
}

#[test]
fn folding_into_something_huge_is_an_error() {
    // Each matrix is small; their product would have 2^32 weights.
    let n = 1 << 16;
    let narrow = model(vec![
        layer(n, 1, &vec![0.0; n], &[0.0], false),
        layer(1, n, &vec![0.0; n], &vec![0.0; n], false),
    ]);
    let text = narrow.folded().unwrap_err().to_string();
    assert!(text.contains("layer 1") && text.contains("put a ReLU between"), "{text}");
}
