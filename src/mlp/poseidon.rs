//! The Poseidon hash over F_r with circomlib's parameters.
//!
//! S-box x^5, 8 full rounds, a number of partial rounds that depends on the width t = inputs + 1. Round constants
//! and MDS matrix come from the Grain LFSR of the Poseidon paper (<https://eprint.iacr.org/2019/458>, appendices E
//! and F): field 1, S-box 0, n = 254. The state starts as (0, inputs…); the hash is lane 0 after the last round.

use crate::error::{Error, Result};
use crate::kernels::{Field, Fr};
use std::sync::OnceLock;

/// Most inputs of one call.
pub const MAX_INPUTS: usize = 16;
pub(crate) const FULL_ROUNDS: usize = 8;
/// For t = 2..=17, as circomlib has them.
const PARTIAL_ROUNDS: [usize; MAX_INPUTS] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];

/// Poseidon(inputs) for 1 to 16 inputs; the same value as circomlib's `Poseidon(n)`.
pub fn poseidon(inputs: &[Fr]) -> Result<Fr> {
    Ok(hash_with(Parameters::for_inputs(inputs.len())?, inputs, |_| ()))
}

/// The hash; `observe` is given (x², x⁴, x⁵) of every S-box in the order of the rounds and lanes.
///
/// In: as many inputs as the parameters are for.
pub(crate) fn hash_with(parameters: &Parameters, inputs: &[Fr], mut observe: impl FnMut([Fr; 3])) -> Fr {
    let mut state = Vec::with_capacity(parameters.width);
    state.push(Fr::ZERO);
    state.extend_from_slice(inputs);
    let mut mixed = state.clone();
    let mut s_box = |lane: &mut Fr| {
        let square = lane.square();
        let fourth = square.square();
        let fifth = fourth * *lane;
        observe([square, fourth, fifth]);
        *lane = fifth;
    };
    for round in 0..parameters.rounds() {
        for (lane, constant) in state.iter_mut().zip(parameters.constants(round)) {
            *lane += *constant;
        }
        let active = parameters.s_boxes(round);
        state[..active].iter_mut().for_each(&mut s_box);
        for (i, lane) in mixed.iter_mut().enumerate() {
            *lane = parameters.mds_row(i).iter().zip(&state).map(|(m, s)| *m * *s).sum();
        }
        core::mem::swap(&mut state, &mut mixed);
    }
    let hash = state[0];
    wipe(&mut state);
    wipe(&mut mixed);
    hash
}

fn wipe(values: &mut [Fr]) {
    values.fill(Fr::ZERO);
    zeroize::optimization_barrier(values);
}

/// Round constants and matrix of one width.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) width: usize,
    partial_rounds: usize,
    constants: Vec<Fr>,
    mds: Vec<Fr>,
}

impl Parameters {
    /// The parameters of width `inputs` + 1, generated once in a process.
    pub(crate) fn for_inputs(inputs: usize) -> Result<&'static Self> {
        static CACHE: [OnceLock<Parameters>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
        if !(1..=MAX_INPUTS).contains(&inputs) {
            return Err(Error::invalid(
                "inputs",
                format!("Poseidon takes 1 to {MAX_INPUTS} values, not {inputs}"),
            ));
        }
        Ok(CACHE[inputs - 1].get_or_init(|| Self::generate(inputs + 1)))
    }

    /// Full rounds (first and second half) and partial rounds together.
    pub(crate) fn rounds(&self) -> usize {
        FULL_ROUNDS + self.partial_rounds
    }

    /// The first so many lanes pass an S-box in round `round`.
    pub(crate) fn s_boxes(&self, round: usize) -> usize {
        let partial = FULL_ROUNDS / 2..FULL_ROUNDS / 2 + self.partial_rounds;
        if partial.contains(&round) { 1 } else { self.width }
    }

    /// What is added to the lanes before the S-boxes of round `round`.
    pub(crate) fn constants(&self, round: usize) -> &[Fr] {
        &self.constants[round * self.width..(round + 1) * self.width]
    }

    /// The row of the MDS matrix that yields lane `lane`.
    pub(crate) fn mds_row(&self, lane: usize) -> &[Fr] {
        &self.mds[lane * self.width..(lane + 1) * self.width]
    }

    fn generate(width: usize) -> Self {
        let partial_rounds = PARTIAL_ROUNDS[width - 2];
        let mut grain = Grain::new(width, partial_rounds);
        let constants = (0..width * (FULL_ROUNDS + partial_rounds)).map(|_| grain.element()).collect();
        // A Cauchy matrix 1/(x_i + y_j); these elements are reduced modulo r, not rejected.
        let (mut xs, mut ys): (Vec<Fr>, Vec<Fr>);
        let mds = loop {
            xs = (0..width).map(|_| grain.reduced_element()).collect();
            ys = (0..width).map(|_| grain.reduced_element()).collect();
            let inverses: Option<Vec<Fr>> =
                xs.iter().flat_map(|x| ys.iter().map(move |y| (*x + *y).inverse_vartime())).collect();
            if let Some(mds) = inverses {
                break mds;
            }
        };
        Self { width, partial_rounds, constants, mds }
    }
}

/// The 80-bit Grain LFSR in its self-shrinking form; bit 0 of the register is the oldest.
struct Grain(u128);

impl Grain {
    const BITS: u32 = 254;

    fn new(width: usize, partial_rounds: usize) -> Self {
        // (value, bits), most significant bit first: prime field, x^alpha, n, t, R_F, R_P, ones.
        let fields = [
            (1, 2),
            (0, 4),
            (u128::from(Self::BITS), 12),
            (width as u128, 12),
            (FULL_ROUNDS as u128, 10),
            (partial_rounds as u128, 10),
            ((1 << 30) - 1, 30),
        ];
        let mut register = 0;
        let mut position = 0;
        for (value, bits) in fields {
            for bit in (0..bits).rev() {
                register |= (value >> bit & 1) << position;
                position += 1;
            }
        }
        let mut grain = Self(register);
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let r = self.0;
        let bit = (r >> 62 ^ r >> 51 ^ r >> 38 ^ r >> 23 ^ r >> 13 ^ r) & 1;
        self.0 = r >> 1 | bit << 79;
        bit == 1
    }

    /// Of each pair of bits, the second one counts if the first is set.
    fn bit(&mut self) -> bool {
        loop {
            let (keep, bit) = (self.step(), self.step());
            if keep {
                return bit;
            }
        }
    }

    fn integer(&mut self) -> [u64; 4] {
        let mut limbs = [0u64; 4];
        for position in (0..Self::BITS as usize).rev() {
            limbs[position / 64] |= u64::from(self.bit()) << (position % 64);
        }
        limbs
    }

    fn element(&mut self) -> Fr {
        loop {
            if let Some(element) = Fr::from_canonical(self.integer()) {
                return element;
            }
        }
    }

    fn reduced_element(&mut self) -> Fr {
        Fr::from_u256_reduced(self.integer())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (Poseidon(1, …, n), Poseidon(−1², …, −n²)) for n = 1..=16; made with npm `poseidon-lite` 0.3.0.
    const VECTORS: [(&str, &str); MAX_INPUTS] = [
        (
            "18586133768512220936620570745912940619677854269274689475585506675881198879027",
            "3366645945435192953002076803303112651887535928162668198103357554665518664470",
        ),
        (
            "7853200120776062878684798364095072458815029376092732009249414926327459813530",
            "1846973365055127427885270547145229301562827928190700498390670646715510137769",
        ),
        (
            "6542985608222806190361240322586112750744169038454362455181422643027100751666",
            "4599161419249099851145980028992391765508530929076909437855157007499971109163",
        ),
        (
            "18821383157269793795438455681495246036402687001665670618754263018637548127333",
            "5942246765283235454065408367467571893016859903399419142099095586577723857079",
        ),
        (
            "6183221330272524995739186171720101788151706631170188140075976616310159254464",
            "2061197598836093622562450975263132176730844470001700844529910718794389175475",
        ),
        (
            "20400040500897583745843009878988256314335038853985262692600694741116813247201",
            "13640284057317747635114336548152827388176293378434932612619504047040026508626",
        ),
        (
            "12748163991115452309045839028154629052133952896122405799815156419278439301912",
            "11267820910396398558492159965756002913052688983937589923936321233723954649680",
        ),
        (
            "18604317144381847857886385684060986177838410221561136253933256952257712543953",
            "5220830977373632281824434015766467845867676640975188141028751343182582307623",
        ),
        (
            "13589767895268936107593642967621470491511464502761040466226072462545218539640",
            "8092134670537405450802773020688130082348416479605980618312656847188764434820",
        ),
        (
            "3657500514307717306974218405144578736633140001277925127187636780142269815841",
            "6688104558599700119803792484438959769358056411628683182459178557329643808569",
        ),
        (
            "3572015662710076994097916907865950486270383304442561406230608893458731714472",
            "635956075459074691527132964958506285498686304659521719120894688376281652340",
        ),
        (
            "2501997477381648492950318384533644783248002172679259592360114615426357826485",
            "14153102271639801008278953613200449242556690151017204393455785079911404251211",
        ),
        (
            "7041832639553862712666971417715061873827921493498355005117622707743491651590",
            "9782654537569891805154890846588569318394005392821012852218256838473966585742",
        ),
        (
            "8354478399926161176778659061636406690034081872658507739535256090879947077494",
            "2988488785709647137068715921343879027060490201829994475936421611056187171318",
        ),
        (
            "4203130618016961831408770638653325366880478848856764494148034853759773445968",
            "877859442790751013518831278100119581299560916452679343565968091689175766893",
        ),
        (
            "9989051620750914585850546081941653841776809718687451684622678807385399211877",
            "6326724844438811409848603553501559729254053585366758672637480553927965941788",
        ),
    ];

    fn decimal(digits: &str) -> Fr {
        digits.bytes().fold(Fr::ZERO, |acc, d| acc * Fr::from(10u64) + Fr::from(u64::from(d - b'0')))
    }

    #[test]
    fn matches_circomlib_for_every_width() {
        for (n, (small, negative)) in (1u64..).zip(VECTORS) {
            let inputs: Vec<Fr> = (1..=n).map(Fr::from).collect();
            assert_eq!(poseidon(&inputs).unwrap(), decimal(small), "{n} inputs");
            let inputs: Vec<Fr> = (1..=n).map(|i| -Fr::from(i * i)).collect();
            assert_eq!(poseidon(&inputs).unwrap(), decimal(negative), "{n} inputs");
        }
    }

    #[test]
    fn refuses_other_widths() {
        assert!(poseidon(&[]).is_err());
        assert!(poseidon(&[Fr::ONE; 17]).is_err());
    }
}
