//! The memory of a prover under a `.zkey`: what its plan says, and that proofs leave none behind.
#![cfg(feature = "groth16")]

#[path = "groth16_support/mod.rs"]
mod groth16_support;

use groth16_support::{circuit, rng};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use zkwatt::device::{CpuDevice, CpuOptions};
use zkwatt::groth16::circom::{
    PtauInfo, R1csFile, Residence, Witness, Zkey, ZkeyProver, ZkeyProverOptions, setup,
};

/// Counts the bytes that live, and the most that ever did.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(bytes: usize) {
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may live for a moment.
        grown(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test at a time counts.
static COUNTED: Mutex<()> = Mutex::new(());

fn device() -> CpuDevice {
    CpuDevice::new(CpuOptions { threads: Some(2), ..CpuOptions::default() }).unwrap()
}

fn options(residence: Residence) -> ZkeyProverOptions {
    ZkeyProverOptions { residence, ..ZkeyProverOptions::default() }
}

#[test]
fn plans_predict_the_peak() {
    let _alone = COUNTED.lock().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let (r1cs, assignment) = circuit(2, 30_000, &mut rng(1));
    std::fs::write(file.path(), setup(&r1cs, &mut rng(2)).unwrap()).unwrap();
    let witness = Witness::new(assignment.values().to_vec());
    drop((r1cs, assignment));
    for residence in [Residence::Device, Residence::File] {
        let device = device();
        // The witness counts as the prover's.
        let before = LIVE.load(Relaxed) - size_of_val(witness.values());
        PEAK.store(LIVE.load(Relaxed), Relaxed);
        let zkey = Zkey::open(file.path()).unwrap();
        let prover = ZkeyProver::<CpuDevice>::new(zkey, device, options(residence)).unwrap();
        let plan = *prover.plan();
        prover.prove(&witness, &mut rng(3)).unwrap();
        let peak = (PEAK.load(Relaxed) - before) as f64;
        let ratio = peak / plan.peak_on_cpu_bytes() as f64;
        eprintln!("{residence:?}: {peak} of {}, {ratio:.3}: {plan:?}", plan.peak_on_cpu_bytes());
        assert!((0.75..1.1).contains(&ratio), "{residence:?}: {ratio}");
    }
}

#[test]
fn five_hundred_proofs_leave_no_memory_behind() {
    let _alone = COUNTED.lock().unwrap();
    let (r1cs, assignment) = circuit(2, 60, &mut rng(1));
    let witness = Witness::new(assignment.values().to_vec());
    let zkey = Zkey::decode(setup(&r1cs, &mut rng(2)).unwrap()).unwrap();
    // Side by side, tasks of a sum meet in other ways in every proof, and so do their peaks.
    let one_thread = CpuDevice::new(CpuOptions { threads: Some(1), ..CpuOptions::default() }).unwrap();
    let prover = ZkeyProver::<CpuDevice>::new(zkey, one_thread, options(Residence::Device)).unwrap();
    let prove = |seed| prover.prove(&witness, &mut rng(seed)).unwrap();
    // What is made on first use: twiddles, and the threads' own.
    (0..20).map(prove).for_each(|_| ());
    let (before, mut last) = (LIVE.load(Relaxed), None);
    PEAK.store(before, Relaxed);
    let mut first_peak = 0;
    for seed in 0..500 {
        let proof = prove(seed);
        assert_ne!(last, Some(proof.clone()));
        last = Some(proof);
        if seed == 10 {
            first_peak = PEAK.load(Relaxed);
        }
    }
    let (after, peak) = (LIVE.load(Relaxed), PEAK.load(Relaxed));
    assert!(after.abs_diff(before) < 64 << 10, "{before} before, {after} after");
    assert!(peak < first_peak + (64 << 10), "peak {first_peak}, then {peak}");
}

/// Numbers that claim more than there is, at every place of the beginning of a file.
#[test]
fn lengths_that_lie_allocate_little() {
    let _alone = COUNTED.lock().unwrap();
    let file = |name: &str| {
        let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
    };
    type Read = fn(&[u8]);
    let readers: [(&str, Read); 4] = [
        ("circom/fixtures/chain.zkey", |bytes| {
            let Ok(zkey) = Zkey::decode(bytes) else { return };
            let _ = zkey.matrices();
            let _ = ZkeyProver::<CpuDevice>::new(zkey, device(), ZkeyProverOptions::default());
        }),
        ("circom/fixtures/chain.wtns", |bytes| drop(Witness::decode(bytes))),
        ("circom/fixtures/chain.r1cs", |bytes| drop(R1csFile::decode(bytes))),
        ("halo2_srs/power3.ptau", |bytes| drop(PtauInfo::decode(bytes))),
    ];
    for (name, read) in readers {
        let file = file(name);
        for at in (0..file.len().min(1200) - 4).step_by(2) {
            for lie in [u32::MAX, 1 << 28, 1 << 20] {
                let mut bytes = file.clone();
                bytes[at..at + 4].copy_from_slice(&lie.to_le_bytes());
                let before = LIVE.load(Relaxed);
                PEAK.store(before, Relaxed);
                read(&bytes);
                let taken = PEAK.load(Relaxed) - before;
                assert!(taken < 16 * file.len() + (1 << 20), "{name}: {taken} bytes for {lie} at {at}");
            }
        }
    }
}
