//! Image files.

use zkwatt::mlp::Dataset;

fn idx(magic: u32, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let head = std::iter::once(magic).chain(dims.iter().copied()).flat_map(u32::to_be_bytes);
    head.chain(data.iter().copied()).collect()
}

fn images(dims: [u32; 3], data: &[u8]) -> Vec<u8> {
    idx(0x803, &dims, data)
}

fn labels(data: &[u8]) -> Vec<u8> {
    idx(0x801, &[data.len() as u32], data)
}

#[test]
fn idx_files_are_read() {
    let pixels: Vec<u8> = (0..12).collect();
    let dataset = Dataset::from_idx(&images([2, 3, 2], &pixels), &labels(&[7, 1])).unwrap();
    assert_eq!((dataset.width, dataset.height, dataset.channels), (2, 3, 1));
    assert_eq!((dataset.len(), dataset.image_len(), dataset.classes()), (2, 6, 8));
    assert_eq!(dataset.image(1), Some(&pixels[6..]));
    assert_eq!(dataset.input(0), Some(vec![0, 1, 2, 3, 4, 5]));
    assert_eq!((dataset.image(2), dataset.image(usize::MAX)), (None, None));
    assert_eq!(dataset.inputs().len(), 2);
    assert_eq!(dataset.take(1).labels, [7]);
    assert_eq!(dataset.take(9), dataset);
    let empty = Dataset::from_idx(&images([0, 3, 2], &[]), &labels(&[])).unwrap();
    assert!(empty.is_empty() && empty.classes() == 0);
}

#[test]
fn damaged_idx_files_are_errors() {
    let good = images([2, 2, 2], &[0; 8]);
    let text = |images: &[u8], labels: &[u8]| Dataset::from_idx(images, labels).unwrap_err().to_string();
    for len in 0..good.len() {
        assert!(text(&good[..len], &labels(&[0, 1])).starts_with("IDX images: "), "{len}");
    }
    for len in 0..10 {
        assert!(text(&good, &labels(&[0, 1])[..len]).starts_with("IDX labels: "), "{len}");
    }
    assert!(text(&[&good[..], &[0]].concat(), &labels(&[0, 1])).contains("9 bytes follow"));
    assert!(text(&good, &labels(&[0])).contains("they are 1, but there are 2 images"));
    assert!(text(&labels(&[0; 8]), &labels(&[0, 1])).contains("0x00000803 was expected"));
    assert!(text(&images([u32::MAX; 3], &[0; 8]), &labels(&[0, 1])).contains("8 bytes follow"));
    assert!(text(&images([2, 0, 2], &[]), &labels(&[0, 1])).contains("0"));
    assert!(text(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0], &labels(&[])).contains("gzip"));
}

#[test]
fn cifar_batches_are_read() {
    let record =
        |label: u8| std::iter::once(label).chain((0..3072).map(|i| (i / 1024) as u8)).collect::<Vec<_>>();
    let batch = [record(3), record(9)].concat();
    let dataset = Dataset::from_cifar10(&[&batch, &record(0)]).unwrap();
    assert_eq!((dataset.width, dataset.height, dataset.channels), (32, 32, 3));
    assert_eq!(dataset.labels, [3, 9, 0]);
    let image = dataset.image(2).unwrap();
    assert_eq!((image.len(), image[0], image[1024], image[3071]), (3072, 0, 1, 2));
    assert_eq!(
        dataset.average_pool_2x2().unwrap().image(0).map(|i| (i.len(), i[255], i[256])),
        Some((768, 0, 1))
    );
    for bad in [&batch[..0], &batch[..1], &batch[..3072], &batch[..3074]] {
        let text = Dataset::from_cifar10(&[&batch, bad]).unwrap_err().to_string();
        assert!(text.starts_with("CIFAR-10 batch 1: ") && text.contains("3073"), "{text}");
    }
    assert!(
        Dataset::from_cifar10(&[&record(10)]).unwrap_err().to_string().contains("record 0 has the label 10")
    );
}

#[test]
fn pooling_rounds_half_up() {
    #[rustfmt::skip]
    let pixels = [
        0, 0, 1, 0, 255, 255,
        0, 1, 1, 0, 255, 255,
        1, 1, 1, 2, 254, 255,
        1, 0, 2, 2, 255, 254,
    ];
    let dataset = Dataset::new(6, 4, 1, pixels.to_vec(), vec![5]).unwrap();
    let pooled = dataset.average_pool_2x2().unwrap();
    assert_eq!((pooled.width, pooled.height), (3, 2));
    assert_eq!(pooled.images, [0, 1, 255, 1, 2, 255]);
    let text = pooled.average_pool_2x2().unwrap_err().to_string();
    assert!(text.contains("3 x 2") && text.contains("even"), "{text}");
}

#[test]
fn sizes_must_agree() {
    assert!(Dataset::new(2, 2, 1, vec![0; 7], vec![0, 1]).is_err());
    assert!(Dataset::new(usize::MAX, 2, 1, vec![], vec![]).is_err());
    assert!(Dataset::from_idx_files("/does/not/exist", "/does/not/exist").is_err());
}
