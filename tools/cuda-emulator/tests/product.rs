//! What NVRTC makes of CUDA C++, end to end: `data/product.cu` against arithmetic on long integers.

mod common;

use common::{Session, Shape, report};

const PTX: &str = include_str!("data/product.ptx");

/// Little-endian words.
type Number = [u64; 4];

const MODULUS: Number =
    [0x43e1_f593_f000_0001, 0x2833_e848_79b9_7091, 0xb850_45b6_8181_585d, 0x3064_4e72_e131_a029];

fn less(a: &Number, b: &Number) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

fn subtract(a: &Number, b: &Number) -> Number {
    let (mut borrow, mut out) = (0, [0; 4]);
    for i in 0..4 {
        let difference = i128::from(a[i]) - i128::from(b[i]) - borrow;
        out[i] = difference as u64;
        borrow = i128::from(difference < 0);
    }
    out
}

/// 2a + bit, reduced; a is reduced, and the modulus leaves two bits free.
fn double_and_add(a: &Number, bit: u64) -> Number {
    let mut out = [a[0] << 1 | bit, 0, 0, 0];
    for i in 1..4 {
        out[i] = a[i] << 1 | a[i - 1] >> 63;
    }
    if less(&out, &MODULUS) { out } else { subtract(&out, &MODULUS) }
}

/// The remainder of an integer of any length.
fn remainder(words: &[u64]) -> Number {
    let bits = (0..64 * words.len()).rev().map(|i| words[i / 64] >> (i % 64) & 1);
    bits.fold([0; 4], |rest, bit| double_and_add(&rest, bit))
}

fn product(a: &Number, b: &Number) -> Number {
    let mut long = [0_u64; 8];
    for i in 0..4 {
        let mut carry = 0;
        for j in 0..4 {
            let sum = u128::from(a[i]) * u128::from(b[j]) + u128::from(long[i + j]) + carry;
            long[i + j] = sum as u64;
            carry = sum >> 64;
        }
        long[i + 4] = carry as u64;
    }
    remainder(&long)
}

/// a·R, with R = 2^256.
fn times_radix(a: &Number) -> Number {
    remainder(&[0, 0, 0, 0, a[0], a[1], a[2], a[3]])
}

/// Edges and random elements, all reduced.
fn elements(count: usize, seed: u64) -> Vec<Number> {
    let mut state = seed;
    let mut random = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        state ^ state >> 29
    };
    let edges = [[0; 4], [1, 0, 0, 0], subtract(&MODULUS, &[1, 0, 0, 0]), remainder(&[0, 0, 0, 0, 1])];
    let saturated = remainder(&[u64::MAX; 4]);
    let random = std::iter::repeat_with(|| remainder(&[random(), random(), random(), random()]));
    edges.into_iter().chain([saturated]).chain(random).take(count).collect()
}

fn upload(session: &Session, elements: &[Number]) -> u64 {
    session.upload(&elements.iter().flatten().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>())
}

fn download(session: &Session, address: u64, count: usize) -> Vec<Number> {
    let bytes = session.download(address, 32 * count);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap());
    bytes.chunks(32).map(|element| std::array::from_fn(|i| word(&element[8 * i..8 * i + 8]))).collect()
}

#[test]
fn products_are_right() {
    let session = Session::new();
    let function = session.function(PTX, "products");
    let (a, mut b) = (elements(1000, 1), elements(1000, 2));
    // Edges against edges.
    b[..5].rotate_left(1);
    let c = session.allocate(32 * a.len());
    let args = [upload(&session, &a).into(), upload(&session, &b).into(), c.into(), 1000_u32.into()];
    assert_eq!(session.launch(function, Shape::new(8, 128), &args), 0, "{}", report());
    for (i, found) in download(&session, c, a.len()).iter().enumerate() {
        assert!(less(found, &MODULUS));
        assert_eq!(times_radix(found), product(&a[i], &b[i]), "element {i}");
    }
}

#[test]
fn powers_are_right() {
    let session = Session::new();
    let function = session.function(PTX, "powers");
    let a = elements(200, 3);
    let c = session.allocate(32 * a.len());
    let args = [upload(&session, &a).into(), c.into(), 200_u32.into()];
    assert_eq!(session.launch(function, Shape::new(2, 128), &args), 0, "{}", report());
    for (i, found) in download(&session, c, a.len()).iter().enumerate() {
        let (mut left, mut right) = (*found, a[i]);
        for _ in 0..i % 7 {
            left = times_radix(&left);
            right = product(&right, &a[i]);
        }
        assert_eq!(left, right, "element {i}");
    }
}

#[test]
fn folds_are_right() {
    let session = Session::new();
    let function = session.function(PTX, "fold");
    let a: Vec<Number> = elements(389, 4).split_off(5);
    let c = session.allocate(32 * 3);
    let args = [upload(&session, &a).into(), c.into()];
    assert_eq!(session.launch(function, Shape::new(3, 128), &args), 0, "{}", report());
    for (found, tile) in download(&session, c, 3).iter().zip(a.chunks(128)) {
        let left = (0..127).fold(*found, |left, _| times_radix(&left));
        let right = tile[1..].iter().fold(tile[0], |right, element| product(&right, element));
        assert_eq!(left, right);
    }
}

#[test]
fn a_dropped_carry_is_noticed() {
    // Every carry that is written, one at a time, in the product.
    let begin = PTX.find(".entry products").unwrap();
    let end = begin + PTX[begin..].find("\n}").unwrap();
    let (a, b) = (elements(256, 5), elements(256, 6));
    let run = |text: &str| {
        let session = Session::new();
        let function = session.function(text, "products");
        let c = session.allocate(32 * a.len());
        let args = [upload(&session, &a).into(), upload(&session, &b).into(), c.into(), 256_u32.into()];
        let status = session.launch(function, Shape::new(2, 128), &args);
        (status == 0).then(|| download(&session, c, a.len()))
    };
    let right = run(PTX).unwrap();
    let places: Vec<usize> = PTX[begin..end].match_indices(".cc.").map(|(at, _)| begin + at).collect();
    assert!(places.len() > 200);
    let mut survivors = Vec::new();
    for &at in places.iter().step_by(17) {
        let text = format!("{}.{}", &PTX[..at], &PTX[at + 4..]);
        if run(&text).as_ref() == Some(&right) {
            survivors.push(PTX[..at].lines().count());
        }
    }
    // The second carry into the top word of a row is none in the first row.
    assert!(survivors.len() <= 1, "lines {survivors:?}");
}
