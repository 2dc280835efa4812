//! Micro-benchmarks of the CPU kernels at sizes that fit a cache: for watching one kernel while changing it.
//!
//! `cargo bench --bench kernels -- ntt` runs those whose name contains `ntt`. What is published comes from the
//! `bench-*` binaries instead (docs/BENCHMARKING.md).

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};
use zkwatt::kernels::curve::fixed_base::FixedBase;
use zkwatt::kernels::curve::{Affine, Coordinate, Xyzz};
#[cfg(target_arch = "x86_64")]
use zkwatt::kernels::field::probe;
use zkwatt::kernels::lookup::{self, RangeTable, TableIndex};
use zkwatt::kernels::msm::{MsmBases, Scalars, msm};
use zkwatt::kernels::ntt::{Direction, Generator, NttPlan, Order, Twiddles, ntt, ntt_bit_reverse};
use zkwatt::kernels::vector::{self, Scan};
use zkwatt::kernels::{CpuPath, Field, Fq, Fq2, Fr};

const LOG_MSM: u32 = 12;
const LOG_NTT: u32 = 14;
const LOG_VECTOR: u32 = 14;

fn random(n: usize) -> Vec<Fr> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..n).map(|_| Fr::from_u256_reduced([(); 4].map(|()| rng.next_u64()))).collect()
}

/// Distinct points: random multiples of the generator.
fn points<F: Coordinate>(n: usize) -> Vec<Affine<F>> {
    let path = CpuPath::active();
    FixedBase::new(path, Affine::generator(), n).mul_batch_vartime(path, &random(n))
}

fn field(c: &mut Criterion) {
    let mut group = c.benchmark_group("field");
    let [x, y] = [random(2)[0], random(2)[1]];
    group.bench_function("fr_mul_plain", |b| b.iter(|| black_box(x) * black_box(y)));
    group.bench_function("fr_square_plain", |b| b.iter(|| black_box(x).square()));
    group.bench_function("fr_inverse_vartime", |b| b.iter(|| black_box(x).inverse_vartime()));
}

/// Products in lanes, and how near they come to what the vector ports allow.
#[cfg(target_arch = "x86_64")]
fn field_mul(c: &mut Criterion) {
    const ROUNDS: usize = 1 << 12;
    const SAMPLES: usize = 50;
    let Some(path) = CpuPath::ifma() else { return };
    let (y, random) = (random(1)[0], random(probe::CHAINS));
    let mut chains = [y; probe::CHAINS];
    chains.copy_from_slice(&random);
    let mut group = c.benchmark_group("field_mul");
    group.throughput(Throughput::Elements((probe::CHAINS * ROUNDS) as u64));
    group.bench_function("avx512ifma", |b| b.iter(|| probe::mul_chains(path, &mut chains, y, ROUNDS)));
    group.finish();

    // In turns, so that both meet the same clock; the best of each, since others only slow them down.
    let (mut product_ns, mut cycle_ns) = (f64::MAX, f64::MAX);
    let ns = |work: &mut dyn FnMut(), count: usize| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e9 / count as f64
    };
    for _ in 0..SAMPLES {
        let multiply = &mut || _ = probe::mul_chains(path, &mut chains, y, ROUNDS);
        product_ns = product_ns.min(ns(multiply, probe::CHAINS * ROUNDS));
        let rounds = 16 * ROUNDS;
        let cycles = rounds * probe::CYCLES_A_ROUND as usize;
        cycle_ns = cycle_ns.min(ns(&mut || _ = probe::wait_cycles(path, rounds), cycles));
    }
    let cycles = f64::from(probe::PRODUCT_UOPS) / f64::from(probe::PORTS);
    let bound_ns = cycles * cycle_ns / 8.0;
    eprintln!(
        "field_mul/avx512ifma: {product_ns:.3} ns a product; {bound_ns:.3} ns by {} instructions of {} ports for eight, \
         {cycle_ns:.4} ns a cycle; ratio {:.3}\n",
        probe::PRODUCT_UOPS,
        probe::PORTS,
        product_ns / bound_ns
    );
}

#[cfg(not(target_arch = "x86_64"))]
fn field_mul(_: &mut Criterion) {}

fn curve(c: &mut Criterion) {
    let mut group = c.benchmark_group("curve");
    let (g1, g2) = (points::<Fq>(2), points::<Fq2>(2));
    let (sum1, sum2) = (Xyzz::from(g1[0]), Xyzz::from(g2[0]));
    group.bench_function("g1_add_affine", |b| b.iter(|| black_box(sum1).add_affine(black_box(g1[1]))));
    group.bench_function("g2_add_affine", |b| b.iter(|| black_box(sum2).add_affine(black_box(g2[1]))));
}

fn msm_stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("msm_2^12");
    let (path, n) = (CpuPath::active(), 1usize << LOG_MSM);
    group.throughput(Throughput::Elements(n as u64));
    let (g1, g2) = (MsmBases::new(points::<Fq>(n)), MsmBases::new(points::<Fq2>(n)));
    let scalars = random(n);
    let bytes: Vec<i8> = scalars.iter().map(|s| s.to_montgomery()[0] as i8).collect();
    group.bench_function("plan", |b| b.iter(|| g1.plan(Scalars::Field(&scalars))));
    group.bench_function("g1_uniform", |b| b.iter(|| msm(path, &g1, Scalars::Field(&scalars))));
    group.bench_function("g1_i8", |b| b.iter(|| msm(path, &g1, Scalars::I8(&bytes))));
    group.bench_function("g2_uniform", |b| b.iter(|| msm(path, &g2, Scalars::Field(&scalars))));
}

fn ntt_stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("ntt_2^14");
    let path = CpuPath::active();
    let data = random(1 << LOG_NTT);
    group.throughput(Throughput::Elements(data.len() as u64));
    let twiddles = Twiddles::new(path, LOG_NTT, Generator::Five).expect("2^14 is within the two-adicity");
    let cases = [
        ("forward_nr", Direction::Forward, Order::NR),
        ("forward_nn", Direction::Forward, Order::NN),
        ("inverse_rn", Direction::Inverse, Order::RN),
    ];
    for (name, direction, order) in cases {
        let plan = NttPlan::new(LOG_NTT, direction).expect("2^14 is within the two-adicity").order(order);
        let run = |mut data: Vec<Fr>| {
            ntt(path, &mut data, &plan, &twiddles).expect("plan and twiddles fit");
            data
        };
        group.bench_function(name, |b| b.iter_batched(|| data.clone(), run, BatchSize::LargeInput));
    }
    let reverse = |mut data: Vec<Fr>| {
        ntt_bit_reverse(&mut data);
        data
    };
    group.bench_function("bit_reverse", |b| {
        b.iter_batched(|| data.clone(), reverse, BatchSize::LargeInput);
    });
}

fn vectors(c: &mut Criterion) {
    let mut group = c.benchmark_group("vector_2^14");
    let path = CpuPath::active();
    let data = random(1 << LOG_VECTOR);
    let other = data.clone();
    group.throughput(Throughput::Elements(data.len() as u64));
    type InPlace<'a> = &'a dyn Fn(&mut [Fr]);
    let kernels: [(&str, InPlace<'_>); 3] = [
        ("mul", &|v| vector::mul_assign(path, v, &other).expect("equal lengths")),
        ("batch_inverse", &|v| vector::batch_inverse(path, v)),
        ("prefix_product", &|v| {
            vector::prefix_product(path, v, Scan::Inclusive);
        }),
    ];
    for (name, kernel) in kernels {
        let run = |mut data: Vec<Fr>| {
            kernel(&mut data);
            data
        };
        group.bench_function(name, |b| b.iter_batched(|| data.clone(), run, BatchSize::LargeInput));
    }
    group.bench_function("evaluate", |b| b.iter(|| vector::evaluate(path, &data, data[0])));
}

fn lookups(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup_2^14");
    let path = CpuPath::active();
    let table_len = 1usize << 8;
    let table: Vec<Fr> = (0..table_len as u64).map(Fr::from).collect();
    let values: Vec<Fr> =
        random(1 << LOG_VECTOR).iter().map(|v| table[v.to_montgomery()[0] as usize % table_len]).collect();
    group.throughput(Throughput::Elements(values.len() as u64));
    let range = RangeTable { start: 0, len: table_len };
    let index = TableIndex::new(&table).expect("256 rows");
    let counts = lookup::multiplicities_table(&values, &index).expect("all values are in the table");
    let beta = random(1)[0];
    let mut padded = table.clone();
    padded.resize(values.len(), Fr::ZERO);
    group.bench_function("multiplicities_range", |b| {
        b.iter(|| lookup::multiplicities_range(path, &values, range));
    });
    group
        .bench_function("multiplicities_table", |b| b.iter(|| lookup::multiplicities_table(&values, &index)));
    group.bench_function("logup_terms", |b| {
        b.iter(|| lookup::logup_terms(path, &values, &table, &counts, beta));
    });
    group.bench_function("permuted_pair", |b| b.iter(|| lookup::permuted_pair(path, &values, &padded)));
}

criterion_group! {
    name = kernels;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = field, field_mul, curve, msm_stages, ntt_stages, vectors, lookups
}
criterion_main!(kernels);
