use super::*;
use std::cell::Cell;
use std::time::Instant;

fn limits(seconds: f64) -> Limits {
    Limits { timeout: Duration::from_secs_f64(seconds), memory_bytes: None }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", script]);
    command
}

fn run(script: &str) -> Result<Finished, Failure> {
    process::run(shell(script), limits(10.0))
}

fn is_running(pid: &str) -> bool {
    // One that has ended and is not waited for yet runs no more.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, after)| !after.trim().starts_with('Z')))
}

#[test]
fn a_process_is_accounted_for() {
    let finished = run("for ((i = 0; i < 200000; i++)); do :; done; echo done; echo noise >&2").unwrap();
    assert_eq!(finished.stdout, "done\n");
    assert!(finished.wall_s > 0.0);
    if cfg!(target_os = "linux") {
        let cpu_s = finished.cpu_s.unwrap();
        assert!(cpu_s > 0.02 && cpu_s <= finished.wall_s + 0.05, "{finished:?}");
        assert!((1 << 20..1 << 30).contains(&finished.peak_rss_bytes.unwrap()), "{finished:?}");
    }
}

#[test]
fn more_output_than_a_pipe_holds_is_read() {
    let finished = run("head -c 3000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero >&2").unwrap();
    assert_eq!(finished.stdout.len(), 3_000_000);
}

#[test]
fn endings_are_told_apart() {
    for (script, kind, words) in [
        (
            "echo 'error: no such thing' >&2; echo '  do this' >&2; exit 3",
            "failed",
            "exit code 3: no such thing",
        ),
        ("exit 1", "failed", "exit code 1"),
        ("kill -9 $$", "out of memory", "killed by signal 9"),
        ("exit 137", "out of memory", "killed by signal 9"),
        ("echo 'memory allocation of 8 bytes failed' >&2; kill -6 $$", "out of memory", "memory allocation"),
        ("echo MemoryError >&2; exit 1", "out of memory", "MemoryError"),
        ("kill -11 $$", "failed", "killed by signal 11"),
    ] {
        let failure = run(script).unwrap_err();
        assert_eq!(failure.kind(), kind, "{script}: {failure}");
        assert!(failure.to_string().contains(words), "{script}: {failure}");
    }
    let missing = process::run(Command::new("/no/such/program"), limits(10.0)).unwrap_err();
    assert!(matches!(&missing, Failure::NotInstalled(reason) if reason.contains("/no/such/program")));
    assert_eq!(
        run("echo 'error: x is not installed' >&2; exit 69").unwrap_err().reason(),
        "x is not installed"
    );
}

#[test]
fn a_timeout_ends_the_whole_group() {
    let folder = Folder::new().unwrap();
    let pids = folder.path().join("pids");
    let script = format!("sleep 60 & echo $! >{0}; echo $$ >>{0}; wait", pids.display());
    let start = Instant::now();
    let failure = process::run(shell(&script), limits(0.5)).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(matches!(&failure, Failure::Timeout(_)), "{failure}");
    for pid in std::fs::read_to_string(pids).unwrap().lines() {
        // Whom nobody waits for, the system does.
        let until = Instant::now() + Duration::from_secs(5);
        while is_running(pid) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!is_running(pid), "{pid} still runs");
    }
}

#[test]
fn what_a_process_leaves_running_is_ended() {
    // The pipe of its standard output would stay open for a minute.
    let start = Instant::now();
    assert_eq!(run("sleep 60 & echo done").unwrap().stdout, "done\n");
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_takes_too_much_memory_is_ended() {
    let script = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 60";
    let limits = Limits { memory_bytes: Some(32 << 20), ..limits(20.0) };
    let failure = process::run(shell(script), limits).unwrap_err();
    assert!(matches!(&failure, Failure::OutOfMemory(reason) if reason.contains("32.0 MiB")), "{failure}");
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_children_counts() {
    // The shell itself waits; two of its children have 30 MB each.
    let child = "bash -c 'x=$(head -c 30000000 /dev/zero | tr \"\\0\" x); sleep $0'";
    let script = |seconds: u32| format!("{child} {seconds} & {child} {seconds} & wait");
    let limits = Limits { memory_bytes: Some(48 << 20), ..limits(30.0) };
    let failure = process::run(shell(&script(30)), limits).unwrap_err();
    assert!(matches!(&failure, Failure::OutOfMemory(_)), "{failure}");
    let peak = run(&script(1)).unwrap().peak_rss_bytes.unwrap();
    assert!((58_000_000..1 << 30).contains(&peak), "{peak}");
}

#[test]
fn folders_go_with_their_owner() {
    let folder = Folder::new().unwrap();
    let path = folder.path().to_owned();
    std::fs::write(path.join("file"), "x").unwrap();
    assert!(path.is_dir());
    drop(folder);
    assert!(!path.exists());
}

/// A framework whose program is a script of bash, in which `$1` is the phase and `$2` the folder.
struct Fake {
    folder: Folder,
    keys: Cell<u32>,
}

impl Fake {
    fn new(script: &str) -> Self {
        let folder = Folder::new().unwrap();
        let [text, program] = ["text", "program"].map(|name| folder.path().join(name));
        std::fs::write(&text, format!("#!/usr/bin/env bash\n{script}\n")).unwrap();
        // Written by another process: a file that a thread of ours has open for writing, or a child of another test
        // that was just forked, is too busy to be run.
        let copy = "cat \"$0\" >\"$1\" && chmod +x \"$1\"";
        let status = Command::new("bash").args(["-c", copy]).arg(text).arg(program).status().unwrap();
        assert!(status.success());
        Self { folder, keys: Cell::new(0) }
    }

    fn measure(&self, seconds: f64, plan: Plan) -> Measured {
        let loaded = crate::models::load("synthetic-4-3-2", &crate::models::LoadOptions::default()).unwrap();
        let image = loaded.inputs(1).remove(0);
        let task = Task {
            loaded: &loaded,
            onnx: None,
            image: &image,
            calibration: &[],
            weights: Weights::Public,
            input: Input::Private,
            output: Output::Class,
            threads: 1,
        };
        measure(self, &task, limits(seconds), plan)
    }
}

impl Framework for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn system(&self) -> System {
        System::Groth16
    }

    fn statement(&self, task: &Task<'_>) -> Statement {
        Statement { weights: task.weights, input: task.input, output: task.output }
    }

    fn prepare(&self, _task: &Task<'_>, folder: &Path) -> Result<Prepared> {
        write(&folder.join("prepared"), b"yes")?;
        Ok(Prepared { job: Map::new(), witness: Some((0.5, 1)) })
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    fn make_keys(&self, folder: &Path) -> Result<Option<(f64, u64)>> {
        assert!(folder.join("prepared").exists());
        self.keys.set(self.keys.get() + 1);
        Ok(Some((0.25, 1000)))
    }
}

const GOOD: &str = r#"
case $1 in
    version) echo '{"version":"1.2"}' ;;
    setup) grep -q '"threads":1' "$2/job.json" && echo noise && echo '{"setup_s":1.5,"steps":{"compile":1.5},"constraints":7}' ;;
    witness) echo '{}' ;;
    prove) echo '{"prove_s":0.01,"cpu_s":0.02,"proof_bytes":128,"peak_rss_bytes":999999999999}' ;;
    verify) echo '{"verify_s":0.001,"accepted":true}' ;;
esac"#;

fn plan(samples: usize, budget_s: f64) -> Plan {
    Plan { samples, budget: Some(Duration::from_secs_f64(budget_s)) }
}

#[test]
fn a_framework_is_measured() {
    let fake = Fake::new(GOOD);
    assert_eq!(version(&fake, limits(10.0)).unwrap(), "1.2");
    let measured = fake.measure(10.0, plan(3, 60.0));
    assert_eq!(measured.failure, None);
    assert_eq!((measured.setup_s, fake.keys.get()), (Some(1.75), 1));
    assert_eq!((measured.setup.constraints, measured.setup.key_bytes), (Some(7), Some(1000)));
    assert_eq!(measured.setup.steps["keys"], 0.25);
    assert_eq!((measured.witness_s, measured.class, measured.proof_bytes), (Some(0.5), Some(1), Some(128)));
    assert_eq!((measured.samples.len(), measured.verify_s.len()), (3, 3));
    let sample = measured.samples[0];
    assert_eq!((sample.prove_s, sample.cpu_s), (0.01, Some(0.02)));
    // What the process says of its memory is no less than what was seen of it.
    assert_eq!(sample.peak_rss_bytes, Some(999_999_999_999));
    assert_eq!(measured.peak_rss_total_bytes, Some(999_999_999_999));
    assert!(measured.classes.is_empty());
}

#[test]
fn a_slow_framework_has_one_sample() {
    assert_eq!(Fake::new(GOOD).measure(10.0, plan(5, 1e-9)).samples.len(), 1);
}

#[test]
fn failures_are_results() {
    let with = |phase: &str, script: &str| format!("if [[ $1 == {phase} ]]; then {script}; fi\n{GOOD}");
    for (phase, script, kind, words) in [
        ("setup", "echo 'error: bad model' >&2; exit 1", "failed", "bad model"),
        ("setup", "echo 'hello'; exit 0", "failed", "not understood"),
        ("setup", "exit 0", "failed", "not understood"),
        ("witness", "echo '{\"class\":\"seven\"}'; exit 0", "failed", "not understood"),
        ("prove", "kill -9 $$", "out of memory", "signal 9"),
        ("prove", "sleep 60", "timeout", "ended after"),
        ("verify", "echo '{\"verify_s\":0.1,\"accepted\":false}'; exit 0", "failed", "rejects"),
    ] {
        let seconds = if kind == "timeout" { 2.0 } else { 30.0 };
        let measured = Fake::new(&with(phase, script)).measure(seconds, plan(1, 1.0));
        let (at, failure) = measured.failure.unwrap();
        assert_eq!((at, failure.kind()), (phase, kind), "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        // What was measured before stays.
        assert_eq!(measured.setup_s.is_some(), phase != "setup");
        assert_eq!(measured.samples.len(), 0);
    }
}

#[test]
fn a_framework_that_is_not_installed_is_an_error() {
    for script in ["echo 'error: fake is not installed' >&2; exit 69", "exit 1", "echo 1.2"] {
        let error = version(&Fake::new(script), limits(10.0)).unwrap_err().to_string();
        assert!(error.contains("--peers") && error.contains("tools/peers/install"), "{error}");
    }
    let gone = Fake::new("");
    std::fs::remove_file(gone.program()).unwrap();
    let error = version(&gone, limits(10.0)).unwrap_err().to_string();
    assert!(error.contains("did not start") && error.contains("ZKWATT_TOOLS"), "{error}");
}
