//! `zkwatt-cuda-mutants`: do the tests notice if a kernel loses an instruction's part? `--help` says more.

mod known;
mod mutant;
mod suite;

use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use known::Known;
use mutant::{Kind, Mutant};
use rand_chacha::ChaCha20Rng;
use rand_core::{RngCore, SeedableRng};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use suite::{ROOT, Suite, Verdict};

/// Drops, one at a time, what an instruction of a CUDA kernel has (carry flags, barriers, comparisons of bounds, masks), runs the
/// tests that launch the kernel on tools/cuda-emulator, and prints which mutants no test noticed.
///
/// Tests run from the shortest to the longest until one fails; those above 20 s are left out. A mutant that is shown to compute
/// the same is listed in tools/cuda-mutants/equivalent.json, with why. Carry flags that nothing reads are no mutants.
///
/// Exit codes: 0 all noticed or known, 1 a mutant survived or something failed, 2 usage.
#[derive(Parser)]
#[command(name = "zkwatt-cuda-mutants", max_term_width = 100)]
struct Options {
    /// Mutants whose file or name contains one of these; all, if there is none. A name is `FUNCTION KIND NUMBER CHANGE`, such as
    /// `vector_fr carry 12 dropped`.
    texts: Vec<String>,
    /// Takes so many of them, drawn so that functions and kinds get equal shares
    #[arg(long, value_name = "COUNT")]
    sample: Option<usize>,
    /// Of the draw
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Counts the mutants, and runs none
    #[arg(long)]
    list: bool,
    /// Also runs mutants that are known to compute the same
    #[arg(long)]
    known: bool,
    /// Tests that run at the same time [default: cores]
    #[arg(long, value_name = "COUNT")]
    jobs: Option<usize>,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{command}: {message}")]
    Command { command: String, message: String },
    #[error("{path}: {error}")]
    File { path: String, error: std::io::Error },
    #[error("the test `{0}` fails on the kernels as they are")]
    Broken(String),
    #[error("the test `{0}` has not loaded the mutant: is it built from other PTX?")]
    NotReplaced(String),
    #[error("tools/cuda-mutants/equivalent.json: {0}")]
    Known(String),
    #[error("no mutant has a name like that")]
    NoMutant,
}

impl Error {
    fn file(path: &Path, error: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), error }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file of PTX that has kernels which are used.
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.path.file_name().unwrap_or_default().to_string_lossy()
    }
}

/// All but operations for tools/sass-report, which nothing launches.
fn files() -> Result<Vec<File>, Error> {
    let folder = Path::new(ROOT).join("cuda/ptx");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))? {
        let path = entry.map_err(|error| Error::file(&folder, error))?.path();
        if path.file_name().is_some_and(|name| name != "cost.ptx") {
            files.push(File { text: suite::read(&path)?, path });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

type Job<'a> = (&'a File, Mutant);

/// Some of the jobs: functions and kinds take turns, each in an order that the seed gives.
fn sample(jobs: Vec<Job<'_>>, count: usize, seed: u64) -> Vec<Job<'_>> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut groups: BTreeMap<(String, String, Kind), Vec<(u64, Job<'_>)>> = BTreeMap::new();
    for job in jobs {
        let key = (job.0.name().into_owned(), job.1.function.clone(), job.1.kind);
        groups.entry(key).or_default().push((rng.next_u64(), job));
    }
    let mut drawn: Vec<(usize, u64, Job<'_>)> = Vec::new();
    for mut group in groups.into_values() {
        group.sort_by_key(|(order, _)| *order);
        drawn.extend(group.into_iter().enumerate().map(|(turn, (order, job))| (turn, order, job)));
    }
    drawn.sort_by_key(|(turn, order, _)| (*turn, *order));
    drawn.into_iter().take(count).map(|(.., job)| job).collect()
}

/// What became of a mutant.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Fate {
    Killed,
    Known,
    Survived,
}

/// Runs the tests of a mutant until one notices. `killers` are tests that did before, by kernel: they come first.
fn fate(
    suite: &Suite,
    (file, mutant): &Job<'_>,
    killers: &Mutex<BTreeMap<String, usize>>,
) -> Result<Fate, Error> {
    let mutated = suite::scratch()?;
    std::fs::write(mutated.path(), mutant.apply(&file.text))
        .map_err(|error| Error::file(mutated.path(), error))?;
    let kernels = if mutant.is_kernel { vec![mutant.function.as_str()] } else { mutant::kernels(&file.text) };
    let is_apt = |test: &suite::Test| kernels.iter().any(|kernel| test.kernels.contains(*kernel));
    let mut tests: Vec<usize> = (0..suite.tests.len()).filter(|&test| is_apt(&suite.tests[test])).collect();
    let killer = lock(killers).get(&mutant.function).copied();
    tests.sort_by_key(|&test| Some(test) != killer);
    for test in tests {
        if suite.judge(&suite.tests[test], &file.path, mutated.path())? != Verdict::Passed {
            lock(killers).insert(mutant.function.clone(), test);
            return Ok(Fate::Killed);
        }
    }
    Ok(Fate::Survived)
}

fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg}: {pos}/{len} {wide_bar} {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn run(options: &Options) -> Result<bool, Error> {
    let start = Instant::now();
    let (files, known) = (files()?, Known::read()?);
    let all: Vec<Job<'_>> = files
        .iter()
        .flat_map(|file| mutant::mutants(&file.text).into_iter().map(move |m| (file, m)))
        .collect();
    let stale = known.stale(all.iter().map(|(_, mutant)| mutant));
    if !stale.is_empty() {
        return Err(Error::Known(format!("no longer in cuda/ptx: {}", stale.join(", "))));
    }
    let total = all.len();
    let is_wanted = |job: &Job<'_>| {
        let name = format!("{} {}", job.0.name(), job.1);
        options.texts.is_empty() || options.texts.iter().any(|text| name.contains(text.as_str()))
    };
    let mut jobs: Vec<Job<'_>> = all.into_iter().filter(is_wanted).collect();
    if let Some(count) = options.sample {
        jobs = sample(jobs, count, options.seed);
    }
    if jobs.is_empty() {
        return Err(Error::NoMutant);
    }
    if options.list {
        for kind in Kind::ALL {
            println!("{:7} {:6}", kind.name(), jobs.iter().filter(|(_, mutant)| mutant.kind == kind).count());
        }
        println!("{} of {total} mutants", jobs.len());
        return Ok(true);
    }

    let threads = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let progress = bar(0);
    let suite = Suite::new(threads.max(1), &progress)?;
    progress.finish_and_clear();
    println!(
        "{} of {total} mutants, {} tests that launch kernels ({} above 20 s left out)",
        jobs.len(),
        suite.tests.len(),
        suite.left_out
    );
    let progress = bar(jobs.len() as u64).with_message("mutants");
    let (next, killers, fates) = (AtomicUsize::new(0), Mutex::default(), Mutex::new(Ok(BTreeMap::new())));
    let work = || {
        loop {
            let at = next.fetch_add(1, SeqCst);
            let Some(job) = jobs.get(at).filter(|_| lock(&fates).is_ok()) else { return };
            let found = match known.why(&job.1) {
                Some(_) if !options.known => Ok(Fate::Known),
                _ => fate(&suite, job, &killers),
            };
            if matches!(found, Ok(Fate::Survived)) {
                let (file, mutant) = job;
                let line = format!("{}:{}: {}", file.name(), mutant.line + 1, mutant.original);
                progress.suspend(|| println!("SURVIVES {mutant}\n         {line}"));
            }
            progress.inc(1);
            let mut fates = lock(&fates);
            match (found, fates.as_mut()) {
                (Ok(fate), Ok(fates)) => drop(fates.insert(at, fate)),
                (Err(error), Ok(_)) => *fates = Err(error),
                (_, Err(_)) => return,
            }
        }
    };
    std::thread::scope(|scope| (0..threads.max(1)).for_each(|_| drop(scope.spawn(work))));
    progress.finish_and_clear();
    let fates = fates.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let count = |kind: Option<Kind>, fate: Fate| {
        let is_it = |(at, found): &(&usize, &Fate)| {
            **found == fate && kind.is_none_or(|kind| jobs[**at].1.kind == kind)
        };
        fates.iter().filter(is_it).count()
    };
    println!("        noticed  known to be the same  surviving");
    for kind in Kind::ALL.map(Some).into_iter().chain([None]) {
        let [killed, known, survived] =
            [Fate::Killed, Fate::Known, Fate::Survived].map(|fate| count(kind, fate));
        println!("{:7} {killed:7} {known:21} {survived:10}", kind.map_or("all", Kind::name));
    }
    println!("{} s", start.elapsed().as_secs());
    Ok(count(None, Fate::Survived) == 0)
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
