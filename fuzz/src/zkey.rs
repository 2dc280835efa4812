//! Keys whose frame, counts and lengths are right, whatever else they are: a fuzzer that changes bytes of a `.zkey` breaks
//! those first, and never finds another point of the curve.

use crate::iden3::{file, modulus, section};
use std::sync::LazyLock;
use zkwatt::interop::ark;
use zkwatt::kernels::bn254::{BASE_MODULUS, SCALAR_MODULUS};
use zkwatt::kernels::curve::{Affine, Xyzz};
use zkwatt::kernels::{Field, Fq, Fq2, Fr, G1Affine, G2Affine};

/// As src/groth16/circom/zkey.rs has it.
const DEVELOPMENT: u32 = 0x5457_4b5a;

/// Choices from a fuzzer's bytes; zeros once they are used up.
pub struct Choices<'a>(pub &'a [u8]);

impl Choices<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *byte
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    /// Zeros, small ones of both signs, and wide ones.
    pub fn scalar(&mut self) -> Fr {
        let byte = self.byte();
        let small = Fr::from(u64::from(byte >> 2));
        match byte & 3 {
            0 => small,
            1 => -small,
            2 => small.square().square().square().square(),
            _ => (small + Fr::from(2u64)).inverse_vartime().unwrap_or_default(),
        }
    }
}

/// A key of up to 15 variables and 16 rows.
pub struct Key {
    pub bytes: Vec<u8>,
    pub variables: usize,
}

/// Builds a key as `choices` say. Most of its points are on the curve.
pub fn key(choices: &mut Choices<'_>) -> Key {
    let public = choices.below(4);
    let variables = public + 1 + choices.below(12);
    let n = (1 << choices.below(5)).max((public + 1).next_power_of_two());
    let flags = choices.byte();
    let same_b = flags & 7 != 7;

    let mut header = modulus(BASE_MODULUS).to_vec();
    header.extend_from_slice(&modulus(SCALAR_MODULUS));
    header.extend_from_slice(words([variables, public, n]).as_flattened());
    // α and β in G1, β and γ in G2, δ in G1 and G2: infinity would be refused at once.
    for in_g1 in [true, true, false, false, true, false] {
        let choice = choices.byte().max(1);
        header.extend_from_slice(if in_g1 { &G1[place(choice)][..] } else { &G2[place(choice)][..] });
    }
    let mut g1 = |count: usize| (0..count).map(|_| choices.byte()).collect::<Vec<_>>();
    let [ic, a, b, c, h] = [public + 1, variables, variables, variables - public - 1, n].map(&mut g1);
    let b_g2 = if same_b { b.clone() } else { g1(variables) };
    let coefficients = choices.below(24);
    let mut section_4 = words([coefficients]).as_flattened().to_vec();
    for _ in 0..coefficients {
        let indices = [choices.below(2), choices.below(n), choices.below(variables)];
        section_4.extend_from_slice(words(indices).as_flattened());
        section_4.extend_from_slice(choices.scalar().to_montgomery().map(u64::to_le_bytes).as_flattened());
    }

    let in_g1 = |choices: &[u8]| choices.iter().flat_map(|c| G1[place(*c)]).collect::<Vec<_>>();
    let in_g2 = |choices: &[u8]| choices.iter().flat_map(|c| G2[place(*c)]).collect::<Vec<_>>();
    let mut sections = vec![
        section(1, &1u32.to_le_bytes()),
        section(2, &header),
        section(3, &in_g1(&ic)),
        section(4, &section_4),
        section(5, &in_g1(&a)),
        section(6, &in_g1(&b)),
        section(7, &in_g2(&b_g2)),
        section(8, &in_g1(&c)),
        section(9, &in_g1(&h)),
    ];
    if flags & 8 != 0 {
        // The hash of the circuit, and no contributions.
        sections.push(section(10, &[0; 64 + 4]));
    }
    if flags & 16 != 0 {
        sections.push(section(DEVELOPMENT, b""));
    }
    Key { bytes: file(b"zkey", 1, &sections), variables }
}

/// Points that a byte chooses among: infinity, multiples of the generator and, rarely, such as no key may have.
const POINTS: usize = 20;
static G1: LazyLock<[[u8; 64]; POINTS]> = LazyLock::new(|| {
    let outside = [Fq::ZERO, Fq::ONE, Fq::from(2u64)].map(|y| Affine::new_unchecked(Fq::ONE + y, y));
    points(G1Affine::generator(), outside, |f: Fq| fq(f).to_vec())
});
static G2: LazyLock<[[u8; 128]; POINTS]> = LazyLock::new(|| {
    let no_point = Affine::new_unchecked(Fq2::ONE, Fq2::ZERO);
    // On the curve, but of another order: hardly one in q of its points is in the group.
    let stray = (1u64..).find_map(|x| ark_bn254::G2Affine::get_point_from_x_unchecked(x.into(), true));
    let stray = ark::g2_point(&stray.unwrap_or_default());
    let outside = [no_point, stray, Xyzz::from(stray).mul_vartime(&SCALAR_MODULUS).to_affine()];
    points(G2Affine::generator(), outside, |f: Fq2| [fq(f.c0), fq(f.c1)].concat())
});

fn words<const N: usize>(numbers: [usize; N]) -> [[u8; 4]; N] {
    numbers.map(|number| (number as u32).to_le_bytes())
}

fn place(choice: u8) -> usize {
    match choice {
        // Mostly multiples of the generator.
        0..16 => usize::from(choice),
        240.. => usize::from(choice) % (POINTS - 16) + 16,
        _ => usize::from(choice) % 16,
    }
}

/// Infinity, ±1 to ±7 and 8 times the generator, three others, and bytes that are no coordinates.
fn points<F, const N: usize>(
    generator: Affine<F>,
    outside: [Affine<F>; 3],
    bytes: impl Fn(F) -> Vec<u8>,
) -> [[u8; N]; POINTS]
where
    F: zkwatt::kernels::curve::Coordinate,
{
    let multiple = |i: usize| {
        let p = Xyzz::from(generator).mul_vartime(&[i as u64 / 2, 0, 0, 0]).to_affine();
        p.negate_if(i % 2 == 1)
    };
    std::array::from_fn(|i| {
        let point = match i {
            0 => Affine::IDENTITY,
            1..16 => multiple(i + 1),
            _ => match outside.get(i - 16) {
                Some(point) => *point,
                None => return [0xff; N],
            },
        };
        let mut out = [0; N];
        out.copy_from_slice(&[bytes(point.x), bytes(point.y)].concat());
        out
    })
}

fn fq(element: Fq) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(element.to_montgomery().map(u64::to_le_bytes).as_flattened());
    out
}
