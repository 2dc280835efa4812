//! Reading records of many files, of other versions of the tool, and of nobody knows whom.

use crate::error::{Error, Result};
use crate::record::{Record, SCHEMA};
use crate::text;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes of a line; samples of a long run take some thousands.
const LONGEST_LINE: u64 = 4 << 20;

/// Directories within directories that are looked into.
const DEEPEST: usize = 32;

/// Something that was not as expected, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// What was wrong.
    pub message: String,
    /// Whether the line was left out.
    pub skipped: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = text::plain(&self.path.display().to_string());
        let skipped = if self.skipped { "; the line is skipped" } else { "" };
        write!(f, "{path}:{}: {}{skipped}", self.line, self.message)
    }
}

/// What many files held.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// Records, each once, in the order of files and lines.
    pub records: Vec<Record>,
    /// What was not as expected.
    pub problems: Vec<Problem>,
    /// Number of files.
    pub files: usize,
    /// Records that were there already.
    pub duplicates: usize,
    seen: HashSet<String>,
}

impl Collection {
    /// Adds the lines of one file. `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn add(&mut self, path: &Path, lines: impl Read) -> Result<()> {
        let mut reader = BufReader::new(lines);
        self.files += 1;
        for line in 1.. {
            let mut bytes = Vec::new();
            let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes);
            if read.map_err(|e| Error::io(path, e))? == 0 {
                break;
            }
            let mut problem = |message: String, skipped| {
                self.problems.push(Problem {
                    path: path.to_owned(),
                    line,
                    message: text::plain(&message),
                    skipped,
                });
            };
            if bytes.len() as u64 == LONGEST_LINE && bytes.last() != Some(&b'\n') {
                problem(format!("is longer than {LONGEST_LINE} bytes"), true);
                skip_line(&mut reader).map_err(|e| Error::io(path, e))?;
                continue;
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match parse(&bytes) {
                Ok((record, warnings)) => {
                    warnings.into_iter().for_each(|warning| problem(warning, false));
                    match self.seen.insert(fingerprint(&record)) {
                        true => self.records.push(record),
                        false => self.duplicates += 1,
                    }
                }
                Err(message) => problem(message, true),
            }
        }
        Ok(())
    }
}

/// Reads files, and the `.jsonl` files in directories and in those within them, in the order of their names.
///
/// # Errors
/// [`Error::Io`] for what cannot be opened; [`Error::NoRecords`] if no line was a record.
pub fn read(paths: &[PathBuf]) -> Result<Collection> {
    let mut files = BTreeSet::new();
    for path in paths {
        if path.is_dir() { find(path, 0, &mut files)? } else { files.extend([path.clone()]) }
    }
    let mut collection = Collection::default();
    for path in &files {
        collection.add(path, File::open(path).map_err(|e| Error::io(path, e))?)?;
    }
    if collection.records.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| text::plain(&path.display().to_string())).collect();
        let problems = collection.problems.iter().map(Problem::to_string).collect();
        return Err(Error::NoRecords { what: names.join(", "), problems });
    }
    Ok(collection)
}

fn find(directory: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).map_err(|e| Error::io(directory, e))? {
        let entry = entry.map_err(|e| Error::io(directory, e))?;
        let kind = entry.file_type().map_err(|e| Error::io(entry.path(), e))?;
        // A link to a directory might lead back up.
        if kind.is_dir() && depth < DEEPEST {
            find(&entry.path(), depth + 1, files)?;
        } else if entry.path().extension().is_some_and(|end| end == "jsonl") && entry.path().is_file() {
            files.insert(entry.path());
        }
    }
    Ok(())
}

fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let mut rest = Vec::new();
        let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut rest)?;
        if read == 0 || rest.last() == Some(&b'\n') {
            return Ok(());
        }
    }
}

/// Equal records are one: a measurement has its samples and its time.
fn fingerprint(record: &Record) -> String {
    serde_json::to_string(record).unwrap_or_default()
}

/// One line, with what is strange about it.
fn parse(line: &[u8]) -> Result<(Record, Vec<String>), String> {
    let line = std::str::from_utf8(line).map_err(|_| "is not text in UTF-8".to_owned())?;
    let mut fields: Map<String, Value> =
        serde_json::from_str(line.trim()).map_err(|e| format!("is no object of JSON: {e}"))?;
    let mut warnings = Vec::new();
    let schema = fields.get("schema").and_then(Value::as_str).unwrap_or_default().to_owned();
    let newer = match schema.strip_prefix(SCHEMA) {
        Some("") => false,
        Some(rest) => match rest.strip_prefix('.').map(str::parse::<u32>) {
            Some(Ok(_)) => true,
            _ => return Err(unknown_schema(&schema)),
        },
        None => return Err(unknown_schema(&schema)),
    };
    let known = known_fields();
    let unknown: Vec<String> = fields.keys().filter(|name| !known.contains(*name)).cloned().collect();
    if !unknown.is_empty() {
        let version = if newer { format!(" of {schema}") } else { String::new() };
        warnings.push(format!(
            "fields{version} that this version does not know are ignored: {}",
            unknown.join(", ")
        ));
        fields.retain(|name, _| known.contains(name));
    }
    fields.values_mut().for_each(clean);
    let mut record: Record =
        serde_json::from_value(Value::Object(fields)).map_err(|e| format!("is no record: {e}"))?;
    check(&mut record, &mut warnings)?;
    Ok((record, warnings))
}

fn unknown_schema(schema: &str) -> String {
    match schema {
        "" => format!("has no schema; expected {SCHEMA}"),
        schema => format!("has the schema {schema}; this version reads {SCHEMA}"),
    }
}

fn known_fields() -> BTreeSet<String> {
    match serde_json::to_value(Record::default()) {
        Ok(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
        _ => BTreeSet::new(),
    }
}

/// Makes the text of a value, and of what is in it, fit to be shown.
fn clean(value: &mut Value) {
    match value {
        Value::String(string) => *string = text::plain(string),
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(name, mut value)| {
                    clean(&mut value);
                    (text::plain(&name), value)
                })
                .collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => (),
    }
}

/// Numbers that no measurement has: the record is refused where there is nothing without them.
fn check(record: &mut Record, warnings: &mut Vec<String>) -> Result<(), String> {
    if record.op.is_empty() {
        return Err("has no op".into());
    }
    if !(0.0..=LONGEST).contains(&record.median_s) {
        return Err(format!("has a median_s of {}; expected 0 to {LONGEST:e} seconds", record.median_s));
    }
    if !(0.0..=LONGEST).contains(&record.mad_s) {
        warnings.push(format!("has a mad_s of {}, which is ignored", record.mad_s));
        record.mad_s = 0.0;
    }
    let mut drop = |name: &str, value: &mut Option<f64>| {
        if let Some(number) = value.filter(|v| !(0.0..=LARGEST).contains(v)) {
            warnings.push(format!("has a {name} of {number}, which is ignored"));
            *value = None;
        }
    };
    for (name, value) in [
        ("cpu_s", &mut record.cpu_s),
        ("per_second", &mut record.per_second),
        ("modmul", &mut record.modmul),
        ("transfer_s", &mut record.transfer_s),
        ("compute_s", &mut record.compute_s),
        ("first_use_s", &mut record.first_use_s),
        ("joules", &mut record.joules),
        ("per_joule", &mut record.per_joule),
        ("setup_s", &mut record.setup_s),
        ("witness_s", &mut record.witness_s),
        ("verify_s", &mut record.verify_s),
        ("accuracy_float", &mut record.accuracy_float),
        ("accuracy_quantised", &mut record.accuracy_quantised),
        ("clock_mhz", &mut record.clock_mhz),
        ("device_joules", &mut record.device_joules),
        ("host_joules", &mut record.host_joules),
        ("idle_watts", &mut record.idle_watts),
        ("modmul_per_joule", &mut record.modmul_per_joule),
        ("predicted_s", &mut record.predicted_s),
    ] {
        drop(name, value);
    }
    if let Some(log_n) = record.log_n.filter(|n| *n > 64) {
        warnings.push(format!("has a log_n of {log_n}, which is ignored"));
        record.log_n = None;
    }
    let is_time = |seconds: &f64| (0.0..=LONGEST).contains(seconds);
    if record.samples_s.as_ref().is_some_and(|samples| !samples.iter().all(is_time)) {
        warnings.push("has samples_s that are no times, which are ignored".into());
        record.samples_s = None;
    }
    if record.phases_s.as_ref().is_some_and(|phases| !phases.values().all(is_time)) {
        warnings.push("has phases_s that are no times, which are ignored".into());
        record.phases_s = None;
    }
    Ok(())
}

/// Seconds: 30 years.
const LONGEST: f64 = 1e9;

/// Of anything; sums and quotients of such numbers stay finite.
const LARGEST: f64 = 1e30;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &str) -> String {
        format!(r#"{{"schema":"zkwatt-bench/1","op":"ntt","median_s":0.5{fields}}}"#)
    }

    fn collect(text: &[u8]) -> Collection {
        let mut collection = Collection::default();
        collection.add(Path::new("a.jsonl"), text).unwrap();
        collection
    }

    #[test]
    fn older_and_newer_records_merge() {
        let newer = line(r#","new_field":3"#).replace("bench/1", "bench/1.4");
        let collection = collect(format!("{}\n{newer}\n", line("")).as_bytes());
        assert_eq!(collection.records.len(), 2);
        assert_eq!(collection.problems.len(), 1);
        let shown = collection.problems[0].to_string();
        assert!(shown.starts_with("a.jsonl:2: ") && shown.contains("new_field"), "{shown}");
        assert!(!collection.problems[0].skipped);
    }

    #[test]
    fn bad_lines_are_named_and_skipped() {
        let good = line("");
        let bad = [
            r#"{"schema":"zkwatt-bench/1","op":"ntt","medi"#.to_owned(),
            "[]".into(),
            "null".into(),
            good.replace("bench/1", "bench/2"),
            good.replace("bench/1", "bench/1.x"),
            good.replace("zkwatt-bench/1", ""),
            line(r#","threads":-1"#),
            line(r#","joules":1e999"#),
            line(r#","op":{}"#),
            good.replace("0.5", "-0.5"),
            good.replace("0.5", "null"),
            good.replace("0.5", "NaN"),
            good.replace("ntt", ""),
            "[".repeat(100_000),
        ];
        for text in bad {
            let collection = collect(format!("{good}\n\n{text}\n").as_bytes());
            assert_eq!(collection.records.len(), 1, "{text:.60}");
            assert_eq!(collection.problems.len(), 1, "{text:.60}");
            assert!(collection.problems[0].skipped && collection.problems[0].line == 3);
        }
        assert_eq!(collect(b"\xff\xfe\n").problems.len(), 1);
    }

    #[test]
    fn impossible_numbers_are_left_out() {
        let collection = collect(
            line(r#","joules":-4,"log_n":4000000000,"samples_s":[1,-1],"per_second":1e300,"phases_s":{"a":-1}"#)
                .as_bytes(),
        );
        let record = &collection.records[0];
        assert_eq!((record.joules, record.log_n, record.per_second), (None, None, None));
        assert_eq!((&record.samples_s, &record.phases_s), (&None, &None));
        assert_eq!(collection.problems.len(), 5);
    }

    #[test]
    fn duplicates_count_once() {
        let text = format!("{}\n{}\n{}", line(""), line(""), line(r#","log_n":3"#));
        let mut collection = collect(text.as_bytes());
        collection.add(Path::new("b.jsonl"), text.as_bytes()).unwrap();
        assert_eq!((collection.records.len(), collection.duplicates, collection.files), (2, 4, 2));
    }

    #[test]
    fn endless_lines_take_no_memory() {
        let endless = std::io::repeat(b'x').take(3 * LONGEST_LINE);
        let rest = format!("\n{}\n", line(""));
        let mut collection = Collection::default();
        collection.add(Path::new("a.jsonl"), endless.chain(rest.as_bytes())).unwrap();
        assert_eq!((collection.records.len(), collection.problems.len()), (1, 1));
    }

    #[test]
    fn directories_are_searched() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("a/b");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(inner.join("x.jsonl"), line("")).unwrap();
        std::fs::write(inner.join("x.txt"), "no").unwrap();
        std::fs::write(directory.path().join("y.jsonl"), line(r#","log_n":4"#)).unwrap();
        let paths = [directory.path().to_owned()];
        assert_eq!(read(&paths).unwrap().records.len(), 2);
        assert!(matches!(read(&[directory.path().join("no")]), Err(Error::Io { .. })));
        assert!(matches!(read(&[inner.join("x.txt")]), Err(Error::NoRecords { .. })));
    }
}
