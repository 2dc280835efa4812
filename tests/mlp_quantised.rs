//! Integer models: arithmetic, bounds, quantisation, files.

use zkwatt::mlp::{
    AUTO_DISAGREEMENTS_PER_MILLE, Dataset, DenseLayer, InputEncoding, InputSpec, Model, Preset,
    QuantiseOptions, QuantisedLayer, QuantisedModel, Requantise, accuracy, quantise, quantise_with_report,
};

fn layer(inputs: usize, weights: &[i32], bias: &[i64], requantise: Option<(u32, u32)>) -> QuantisedLayer {
    QuantisedLayer {
        inputs,
        outputs: bias.len(),
        weights: weights.to_vec(),
        bias: bias.to_vec(),
        requantise: requantise.map(|(shift, bits)| Requantise { shift, bits }),
        accumulator_scale: 0.25 / 255.0,
    }
}

fn small() -> QuantisedModel {
    QuantisedModel {
        name: "small".into(),
        input: InputSpec { len: 2, bits: 8, scale: 1.0 / 255.0 },
        layers: vec![
            layer(2, &[3, -2, 127, -128, 1, 1], &[4, -5, 1000], Some((3, 8))),
            layer(3, &[1, -1, 2, 0, 5, -3], &[-7, 9], None),
        ],
    }
}

#[test]
fn requantisation_rounds_half_up_and_saturates() {
    let apply = |shift, bits, acc| Requantise { shift, bits }.apply(acc);
    // 2^3: halves are 4, 12, …
    for (acc, expected) in [
        (0, 0),
        (3, 0),
        (4, 1),
        (11, 1),
        (12, 2),
        (-1, 0),
        (-4, 0),
        (-5, 0),
        (-1000, 0),
        (2035, 254),
        (2036, 255),
    ] {
        assert_eq!(apply(3, 8, acc), expected, "{acc}");
    }
    assert_eq!([apply(3, 8, 2043), apply(3, 8, 2044), apply(3, 8, i64::MAX >> 1)], [255; 3]);
    assert_eq!([apply(1, 1, 0), apply(1, 1, 1), apply(1, 1, 2), apply(1, 1, 3)], [0, 1, 1, 1]);
    assert_eq!([apply(40, 16, (1 << 39) - 1), apply(40, 16, 1 << 39), apply(40, 16, 1 << 56)], [0, 1, 65535]);
    assert_eq!([apply(40, 16, -(1 << 62)), apply(1, 16, -(1 << 62))], [0; 2]);
}

#[test]
fn inference_by_hand() {
    let inference = small().infer(&[200, 10]).unwrap();
    // 600 - 20 + 4, 25400 - 1280 - 5, 210 + 1000
    assert_eq!(inference.accumulators[0], [584, 24115, 1210]);
    assert_eq!(inference.activations[1], [73, 255, 151]);
    assert_eq!(inference.outputs(), [73 - 255 + 302 - 7, 1275 - 453 + 9]);
    assert_eq!(inference.class(), 1);
    let text = |input: &[u32]| small().infer(input).unwrap_err().to_string();
    assert_eq!(text(&[1]), "input: has 1 values; model `small` takes 2");
    assert_eq!(text(&[1, 256]), "input: value 256 at index 1 does not fit the model's 8 bits");
}

#[test]
fn accumulator_bounds_are_exact() {
    let model = small();
    assert_eq!(model.layers[0].accumulator_range(0, 255), (4 - 510, 4 + 765));
    assert_eq!(model.layers[0].accumulator_range(1, 255), (-5 - 128 * 255, -5 + 127 * 255));
    assert_eq!(
        (model.layer_input_max(0), model.layer_input_max(1), model.layer_input_max(2)),
        (Some(255), Some(255), None)
    );
    // 5 + 128 · 255 = 32645 < 2^15
    assert_eq!(model.max_accumulator_bits(), 15);
    // Both ends occur.
    assert_eq!(model.infer(&[255, 0]).unwrap().accumulators[0][1], -5 + 127 * 255);
    assert_eq!(model.infer(&[0, 255]).unwrap().accumulators[0][1], -5 - 128 * 255);
}

/// The error of `validate` after a change; inference must not panic on it.
fn text(change: impl Fn(&mut QuantisedModel)) -> String {
    let mut model = small();
    change(&mut model);
    let _ = model.infer(&vec![1; model.input.len.min(10)]);
    let _ = model.max_accumulator_bits();
    let error = model.validate().unwrap_err();
    assert!(model.to_json().is_err());
    error.to_string()
}

#[test]
fn invalid_models_are_named() {
    small().validate().unwrap();
    assert!(text(|m| m.layers.clear()).contains("has 0 layers"));
    assert!(text(|m| m.input.bits = 0).contains("input: has 0 bits; 1 to 16"));
    assert!(text(|m| m.input.bits = 40).contains("input: has 40 bits"));
    assert!(text(|m| m.input.scale = f64::NAN).contains("input: its scale is NaN"));
    assert!(text(|m| m.input.len = 3).contains("layer 0: takes 2 values, but 3 come in"));
    assert!(text(|m| m.layers[0].outputs = 4).contains("layer 0: has 6 weights; 4 x 2"));
    assert!(text(|m| m.layers[0].bias.truncate(2)).contains("layer 0: has 2 biases for 3 outputs"));
    assert!(text(|m| m.layers[1].inputs = 2).contains("layer 1: takes 2 values, but 3 come in"));
    assert!(text(|m| m.layers[0].requantise = None).contains("layer 0: has no requantise"));
    let some = |shift, bits| Some(Requantise { shift, bits });
    assert!(text(|m| m.layers[1].requantise = some(1, 8)).contains("layer 1: is the last one"));
    assert!(text(|m| m.layers[0].requantise = some(0, 8)).contains("layer 0: shifts by 0; 1 to 40"));
    assert!(text(|m| m.layers[0].requantise = some(41, 8)).contains("shifts by 41"));
    assert!(text(|m| m.layers[0].requantise = some(u32::MAX, 8)).contains("shifts by"));
    assert!(text(|m| m.layers[0].requantise = some(3, 17)).contains("17-bit outputs"));
    assert!(text(|m| m.layers[0].requantise = some(3, 0)).contains("0-bit outputs"));
    assert!(text(|m| m.layers[1].accumulator_scale = 0.0).contains("layer 1: its accumulator_scale is 0"));
    assert!(text(|m| m.layers[1].accumulator_scale = f64::INFINITY).contains("inf"));
    for bias in [i64::MAX, i64::MIN, 1 << 62, -(1 << 62)] {
        assert!(text(|m| m.layers[0].bias[1] = bias).contains("layer 0: accumulator 1 can reach"));
    }
}

#[test]
fn the_bound_leaves_room_for_rounding() {
    let mut model = small();
    // The largest |accumulator| + 2^3 may be 2^62 - 1: bias + 127 · 255 + 8 = 2^62 - 1.
    model.layers[0].bias[1] = (1 << 62) - 1 - 8 - 127 * 255;
    model.validate().unwrap();
    assert_eq!(model.max_accumulator_bits(), 62);
    assert_eq!(model.infer(&[255, 0]).unwrap().activations[1][1], 255);
    model.layers[0].bias[1] += 1;
    assert!(model.validate().is_err());
}

#[test]
fn extreme_weights_do_not_overflow_inference() {
    let n = 1 << 15;
    let model = QuantisedModel {
        name: "wide".into(),
        input: InputSpec { len: n, bits: 16, scale: 1.0 },
        layers: vec![layer(n, &vec![i32::MIN; n], &[0], None)],
    };
    // 2^15 · 2^31 · (2^16 − 1) is just below 2^62.
    let expected = -(n as i64) * (1 << 31) * 65535;
    assert_eq!(model.infer(&vec![65535; n]).unwrap().outputs(), [expected]);
    model.validate().unwrap();
    let mut wider = model;
    wider.input.len = 4 * n;
    wider.layers = vec![layer(4 * n, &vec![i32::MIN; 4 * n], &[0], None)];
    assert!(wider.infer(&vec![65535; 4 * n]).unwrap_err().to_string().contains("beyond 2^62"));
    assert!(wider.validate().is_err());
}

#[test]
fn files_come_back_bit_for_bit() {
    let model = small();
    let json = model.to_json().unwrap();
    assert!(json.starts_with(r#"{"format":"zkwatt-quantised-model","version":1,"name":"small","#), "{json}");
    assert_eq!(QuantisedModel::from_json(json.as_bytes()).unwrap(), model);

    let folder = std::env::temp_dir().join(format!("zkwatt-model-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("model.json");
    std::fs::write(&path, "old").unwrap();
    model.save(&path).unwrap();
    assert_eq!(QuantisedModel::load(&path).unwrap(), model);
    // Nothing else is left behind, and a folder that is not there is an error.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert!(model.save(folder.join("none/model.json")).is_err());
    assert!(QuantisedModel::load(folder.join("none.json")).is_err());
    std::fs::write(&path, &json[..json.len() / 2]).unwrap();
    let text = QuantisedModel::load(&path).unwrap_err().to_string();
    assert!(text.contains("model.json"), "{text}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn damaged_files_are_errors() {
    let json = small().to_json().unwrap();
    for len in 0..json.len() {
        assert!(QuantisedModel::from_json(&json.as_bytes()[..len]).is_err(), "{len}");
    }
    let text = |from: &str, to: &str| {
        assert!(json.contains(from));
        QuantisedModel::from_json(json.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    assert!(text("zkwatt-quantised-model", "other").contains("its format is `other`"));
    assert!(text("\"version\":1", "\"version\":2").contains("version 2; this program reads version 1"));
    assert!(text("\"name\"", "\"nome\"").contains("nome"));
    assert!(text("\"shift\":3", "\"shift\":99").contains("shifts by 99"));
    assert!(text("-128", "-1280000000000").contains("i32"));
    assert!(text("[4,", "[1e99,").starts_with("quantised model"));
    assert!(QuantisedModel::from_json(b"\xff\xfe").is_err());
}

#[test]
fn the_digest_sees_everything_but_the_name() {
    let digest = small().digest();
    let changed = |change: fn(&mut QuantisedModel)| {
        let mut model = small();
        change(&mut model);
        model.digest()
    };
    assert_eq!(changed(|m| m.name = "other".into()), digest);
    let changes: [fn(&mut QuantisedModel); 9] = [
        |m| m.input.len = 3,
        |m| m.input.bits = 7,
        |m| m.input.scale = 1.0,
        |m| m.layers[0].weights[5] = 2,
        |m| m.layers[1].bias[0] = -8,
        |m| m.layers[0].requantise = Some(Requantise { shift: 4, bits: 8 }),
        |m| m.layers[0].requantise = Some(Requantise { shift: 3, bits: 7 }),
        |m| m.layers[0].accumulator_scale = 1.0,
        |m| drop(m.layers.pop()),
    ];
    let mut digests: Vec<_> = changes.map(changed).into();
    digests.push(digest);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 10);
    // Fixed by the format, computed from its description with Python's hashlib: existing keys are bound to
    // it.
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "1d6ea8ed2d71c6e802da9b970f98a9ee9fd60302584f9c80bd73010d85ee118a");
}

/// A model whose exact integer form at k = 6 and shift 6 is known.
fn float_model() -> Model {
    let hidden = DenseLayer {
        inputs: 2,
        outputs: 2,
        weights: vec![1.0, -0.5, 0.25, 1.5],
        bias: vec![0.125, 0.0],
        relu: true,
    };
    let last = DenseLayer {
        inputs: 2,
        outputs: 2,
        weights: vec![1.0, -1.0, -0.75, 0.5],
        bias: vec![0.5, -0.25],
        relu: false,
    };
    Model { name: "float".into(), input_len: 2, layers: vec![hidden, last], dropped: vec![] }
}

fn samples(n: u32) -> Vec<Vec<u32>> {
    (0..n).map(|i| vec![i * 37 % 256, i * 101 % 256]).collect()
}

#[test]
fn quantised_weights_follow_the_formula() {
    let options = QuantiseOptions { preset: Preset::Bits8, ..Default::default() };
    let (model, report) = quantise_with_report(&float_model(), &options, &samples(200)).unwrap();
    model.validate().unwrap();
    let first = &model.layers[0];
    // 1.5 · 2^6 = 96 is the largest below 128, so k = 6; k = 7 would clamp 192.
    assert_eq!(first.weights, [64, -32, 16, 96]);
    // 0.125 · 255 · 64
    assert_eq!(first.bias, [2040, 0]);
    assert_eq!(first.accumulator_scale, 1.0 / 255.0 / 64.0);
    assert_eq!((report.weight_bits, report.activation_bits, report.samples), (8, 8, 200));
    let second = &model.layers[1];
    let shift = first.requantise.unwrap().shift;
    let scale_in = first.accumulator_scale * f64::from(1 << shift);
    assert_eq!(second.weights, [64, -64, -48, 32]);
    let bias = [0.5f64, -0.25].map(|b| (b / scale_in * 64.0 + 0.5).floor() as i64);
    assert_eq!(second.bias, bias);
    assert_eq!(second.accumulator_scale, scale_in / 64.0);
    assert!(report.mean_squared_error < 1e-4, "{report:?}");
}

#[test]
fn more_bits_are_nearer() {
    let error = |preset| {
        let options = QuantiseOptions { preset, ..Default::default() };
        quantise_with_report(&float_model(), &options, &samples(200)).unwrap().1.mean_squared_error
    };
    assert!(error(Preset::Bits16) < error(Preset::Bits8) / 1000.0);
}

#[test]
fn auto_takes_sixteen_bits_where_eight_change_the_class() {
    // Two outputs that differ by less than 8-bit activations can tell.
    let model = Model {
        name: "close".into(),
        input_len: 2,
        layers: vec![
            DenseLayer {
                inputs: 2,
                outputs: 2,
                weights: vec![1.0, 0.5, 1.0, 0.503],
                bias: vec![0.0; 2],
                relu: true,
            },
            DenseLayer {
                inputs: 2,
                outputs: 2,
                weights: vec![1.0, 0.0, 0.0, 1.0],
                bias: vec![0.0; 2],
                relu: false,
            },
        ],
        dropped: vec![],
    };
    let run = |model: &Model, preset| {
        let options = QuantiseOptions { preset, ..Default::default() };
        quantise_with_report(model, &options, &samples(500)).unwrap().1
    };
    let eight = run(&model, Preset::Bits8);
    assert!(eight.argmax_disagreements > 500 * AUTO_DISAGREEMENTS_PER_MILLE / 1000, "{eight:?}");
    let auto = run(&model, Preset::Auto);
    assert_eq!((auto.weight_bits, auto.activation_bits), (16, 16));
    assert!(auto.argmax_disagreements < eight.argmax_disagreements, "{auto:?}");
    assert_eq!(run(&float_model(), Preset::Auto).weight_bits, 8);
}

#[test]
fn quantising_extremes() {
    let options = QuantiseOptions::default();
    let with = |change: fn(&mut Model)| {
        let mut model = float_model();
        change(&mut model);
        quantise(&model, &options, &samples(20)).inspect(|quantised| quantised.validate().unwrap())
    };
    // No weights, no biases, a hidden layer that is always zero.
    assert!(with(|m| m.layers[0].weights.fill(0.0)).is_ok());
    assert!(with(|m| m.layers[1].weights.fill(0.0)).is_ok());
    assert!(with(|m| m.layers[0].bias.fill(-100.0)).is_ok());
    assert!(with(|m| m.layers.iter_mut().for_each(|l| l.weights.fill(0.0))).is_ok());
    assert!(with(|m| m.layers.iter_mut().for_each(|l| l.bias.fill(0.0))).is_ok());
    // Very small and very large values.
    assert!(with(|m| m.layers[0].weights.fill(f32::from_bits(1))).is_ok());
    assert!(with(|m| m.layers[0].bias.fill(1e30)).is_ok());
    assert!(with(|m| m.layers[1].bias.fill(f32::MAX)).is_ok());
    let text = with(|m| m.layers.iter_mut().for_each(|l| l.weights.fill(f32::MAX))).unwrap_err().to_string();
    assert!(text.contains("overflow"), "{text}");
    assert!(with(|m| m.layers[0].relu = false).is_ok_and(|q| q.layers.len() == 1));
}

#[test]
fn bad_arguments_of_quantisation_are_named() {
    let text = |model: &Model, options: &QuantiseOptions, samples: &[Vec<u32>]| {
        quantise(model, options, samples).unwrap_err().to_string()
    };
    let options = QuantiseOptions::default();
    let model = float_model();
    assert!(text(&model, &options, &[]).contains("calibration: has no samples"));
    assert!(
        text(&model, &options, &[vec![0, 0], vec![0]])
            .contains("sample 1 has 1 values; model `float` takes 2")
    );
    assert!(text(&model, &options, &[vec![0, 256]]).contains("sample 0 has the value 256"));
    let mut nan = model.clone();
    nan.layers[1].weights[3] = f32::NAN;
    assert!(text(&nan, &options, &samples(2)).contains("layer 1: weight 3 is NaN"));
    for (bits, scale) in [(0, 1.0), (17, 1.0), (8, 0.0), (8, -1.0), (8, f64::NAN)] {
        let options = QuantiseOptions { input: InputEncoding { bits, scale }, ..options };
        assert!(text(&model, &options, &samples(2)).contains("input encoding"));
    }
}

#[test]
fn inputs_are_encoded_and_decoded() {
    let pixels = InputEncoding::PIXELS;
    let all: Vec<u32> = (0..256).collect();
    let real = pixels.decode(&all);
    assert_eq!((real[0], real[255], real[51]), (0.0, 1.0, 0.2));
    assert_eq!(pixels.encode(&real).unwrap(), all);
    assert!(pixels.encode(&[0.0, 1.01]).unwrap_err().to_string().contains("value 1 is 1.01"));
    assert!(pixels.encode(&[-0.01]).is_err() && pixels.encode(&[f32::NAN]).is_err());
}

#[test]
fn accuracy_counts() {
    let model = float_model();
    let quantised = quantise(&model, &QuantiseOptions::default(), &samples(50)).unwrap();
    let inputs = samples(100);
    let classes: Vec<u8> = inputs.iter().map(|x| quantised.infer(x).unwrap().class() as u8).collect();
    // Every tenth label is wrong.
    let labels = classes.iter().enumerate().map(|(i, c)| if i % 10 == 0 { 1 - c } else { *c }).collect();
    let images = inputs.iter().flatten().map(|x| *x as u8).collect();
    let dataset = Dataset::new(2, 1, 1, images, labels).unwrap();
    let report = accuracy(&model, &quantised, &dataset).unwrap();
    assert_eq!((report.samples, report.quantised_correct), (100, 90));
    assert!(report.float_correct.abs_diff(90) <= report.argmax_disagreements);
    assert_eq!(report.per_class.iter().map(|c| c.samples).sum::<usize>(), 100);
    assert_eq!(report.per_class.iter().map(|c| c.quantised_correct).sum::<usize>(), 90);
    assert_eq!(report.quantised_accuracy(), 0.9);

    let wrong = Dataset::new(3, 1, 1, vec![0; 3], vec![0]).unwrap();
    assert!(accuracy(&model, &quantised, &wrong).unwrap_err().to_string().contains("3 values"));
    assert!(accuracy(&model, &small(), &dataset).is_ok());
    let mut wide = small();
    wide.layers.truncate(1);
    wide.layers[0].requantise = None;
    assert!(accuracy(&model, &wide, &dataset).unwrap_err().to_string().contains("3 outputs"));
    assert!(accuracy(&model, &quantised, &dataset.take(0)).is_err());
}
