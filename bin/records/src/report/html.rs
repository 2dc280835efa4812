//! The report as one page: text and tables are in it as they are, plots are drawn by its script from data in it. It
//! fetches nothing, and its content security policy forbids it to.

use super::plots::{self, Plot};
use super::{Best, Entry, Report};
use crate::device::Kind;
use crate::numbers::{bytes, per, seconds, si};
use crate::prediction::{Interval, rerun_interval};
use crate::text::{html as escaped, script};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

const STYLE: &str = include_str!("assets/report.css");
const SCRIPT: &str = include_str!("assets/report.js");
/// plotly.js (MIT), as the crate plotly embeds it, without the renderer of formulas that follows it there.
fn plotly_js() -> String {
    let scripts = plotly::Plot::offline_js_sources();
    let first = scripts.split_once("</script>").map_or(scripts.as_str(), |(first, _)| first);
    first.split_once('>').map_or(first, |(_, script)| script).to_owned()
}

/// A cell of a table: what is shown, and what it is sorted by.
struct Cell {
    html: String,
    number: Option<f64>,
    /// Whose it is, in a row of several: its device, and whether it is a peer's.
    whose: Option<(String, bool)>,
}

fn words(text: impl AsRef<str>) -> Cell {
    Cell { html: escaped(text.as_ref()), number: None, whose: None }
}

fn number(value: Option<f64>, shown: impl Fn(f64) -> String) -> Cell {
    let value = value.filter(|value| value.is_finite());
    Cell { html: value.map(|value| escaped(&shown(value))).unwrap_or_default(), number: value, whose: None }
}

fn size(log_n: Option<u32>) -> Cell {
    Cell {
        html: log_n.map(|n| format!("2<sup>{n}</sup>")).unwrap_or_default(),
        number: log_n.map(f64::from),
        whose: None,
    }
}

/// Bounds that stay on one line.
fn between(interval: Interval) -> String {
    format!("{}\u{a0}to\u{a0}{}", seconds(interval.low), seconds(interval.high)).replace(' ', "\u{a0}")
}

/// A row, with what the filters go by; an empty one is always shown.
struct Row {
    device: String,
    op: String,
    peer: bool,
    cells: Vec<Cell>,
}

impl Row {
    fn of(entry: &Entry, cells: Vec<Cell>) -> Self {
        Self { device: entry.device.clone(), op: entry.record.op.clone(), peer: !entry.ours(), cells }
    }
}

/// Columns whose titles begin with `#` hold numbers and align right.
fn table(caption: &str, columns: &[&str], rows: &[Row]) -> String {
    let mut out = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\"><table class=\"sortable\" role=\"table\"><caption>{0}</caption><thead role=\"rowgroup\"><tr role=\"row\">",
        escaped(caption)
    );
    let title = |column: &str| escaped(column.trim_start_matches('#'));
    let class = |column: &str| if column.starts_with('#') { " class=\"number\"" } else { "" };
    for column in columns {
        let _ = write!(
            out,
            "<th scope=\"col\" role=\"columnheader\" aria-sort=\"none\"{}><button type=\"button\">{}</button></th>",
            class(column),
            title(column)
        );
    }
    out.push_str("</tr></thead><tbody role=\"rowgroup\">");
    for row in rows {
        let _ = write!(
            out,
            "<tr role=\"row\" data-device=\"{}\" data-op=\"{}\"{}>",
            escaped(&row.device),
            escaped(&row.op),
            if row.peer { " data-peer" } else { "" }
        );
        for (cell, column) in row.cells.iter().zip(columns) {
            let value = cell.number.map(|number| format!(" data-value=\"{number}\"")).unwrap_or_default();
            let empty = if cell.html.is_empty() { " data-empty" } else { "" };
            let whose = cell.whose.as_ref().map(|(device, peer)| {
                format!(" data-device=\"{}\"{}", escaped(device), if *peer { " data-peer" } else { "" })
            });
            let (class, label, whose) = (class(column), title(column), whose.unwrap_or_default());
            let _ = write!(
                out,
                "<td role=\"cell\" data-label=\"{label}\"{class}{value}{empty}{whose}>{}</td>",
                cell.html
            );
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
    out
}

/// A plot's place, and its data as a table.
fn figure(plot: &Plot) -> String {
    let rows: Vec<Row> = plot
        .series
        .iter()
        .flat_map(|series| series.points.iter().map(move |point| (series, point)))
        .map(|(series, point)| {
            let label = match plot.kind {
                "lines" => {
                    Cell { html: format!("2<sup>{}</sup>", point.x), number: Some(point.x), whose: None }
                }
                _ => words(&point.label),
            };
            let cells = vec![
                words(&series.name),
                label,
                number(Some(point.y), |_| format!("{} {}", point.text, point.note)),
            ];
            let op = if series.op.is_empty() { &plot.op } else { &series.op };
            Row { device: point.device.clone(), op: op.clone(), peer: series.style == "peer", cells }
        })
        .collect();
    let second = if plot.kind == "lines" { "#size" } else { "bar" };
    let value = format!("#{}", if plot.kind == "lines" { plot.y } else { plot.x });
    let title = escaped(&plot.title);
    let marks: String =
        plot.marks.iter().map(|mark| format!(" Crossover at {}.", escaped(&mark.text))).collect();
    format!(
        "<figure data-plot=\"{id}\" data-op=\"{op}\"><figcaption id=\"{id}-title\">{title}</figcaption>\
         <div class=\"plot\" id=\"{id}\" role=\"img\" aria-label=\"Plot: {title}.{marks} The table below has its data.\"></div>\
         <ul class=\"legend\" id=\"{id}-legend\"></ul>\
         <details><summary>Data of this plot</summary>{table}</details></figure>",
        id = plot.id,
        op = escaped(&plot.op),
        table = table(&plot.title, &["series", second, &value], &rows),
    )
}

fn figures(plots: &[Plot], none: &str) -> String {
    match plots {
        [] => format!("<p class=\"none\">{none}</p>"),
        plots => format!("<div class=\"figures\">{}</div>", plots.iter().map(figure).collect::<String>()),
    }
}

fn section(id: &str, title: &str, lead: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\"><h2 id=\"{id}-title\">{title}</h2><p class=\"lead\">{lead}</p>{body}</section>\n"
    )
}

fn overview(report: &Report) -> String {
    let best = |best: &Option<Best>, unit: &str| match best {
        None => words(""),
        Some(best) => {
            let size = best.entry.record.log_n.map(|n| format!(" at 2<sup>{n}</sup>")).unwrap_or_default();
            let source = match unit {
                "/J" => format!(", by {}", escaped(best.entry.energy_by())),
                _ => String::new(),
            };
            Cell {
                // The filters hide what is in the outer element, and leave the cell in its column.
                html: format!(
                    "<span><strong>{}</strong>{size} <span class=\"who\">{}{source}</span></span>",
                    escaped(&per(best.value, unit)),
                    escaped(&best.entry.series())
                ),
                number: Some(best.value),
                whose: Some((best.entry.device.clone(), !best.entry.ours())),
            }
        }
    };
    let rows: Vec<Row> = report
        .overview
        .iter()
        .filter_map(|row| {
            let first = row.throughput.as_ref().or(row.peer.as_ref())?;
            Some(Row {
                device: String::new(),
                op: first.entry.record.op.clone(),
                // Cells tell whose they are.
                peer: false,
                cells: vec![
                    words(&row.workload),
                    best(&row.throughput, "/s"),
                    best(&row.per_joule, "/J"),
                    best(&row.score, "/J"),
                    best(&row.peer, "/s"),
                ],
            })
        })
        .collect();
    let columns = [
        "operation",
        "most per second",
        "most per joule",
        "ZK-Score (products per joule)",
        "fastest peer, per second",
    ];
    table("Best device for each operation", &columns, &rows).replacen(
        "class=\"sortable\"",
        "class=\"sortable cards\"",
        1,
    )
}

fn crossovers(report: &Report) -> String {
    let rows: Vec<Row> = report
        .crossovers
        .iter()
        .map(|crossover| {
            let cells = vec![
                words(&crossover.workload),
                words(crossover.gpu.series()),
                words(crossover.cpu.series()),
                words(crossover.crossing.describe()),
            ];
            Row::of(&crossover.gpu, cells)
        })
        .collect();
    match rows.as_slice() {
        [] => String::new(),
        rows => table("Crossovers", &["operation", "GPU", "CPU", "crossover"], rows),
    }
}

fn bounds(report: &Report) -> String {
    let rows: Vec<Row> = report
        .bounds
        .iter()
        .map(|bound| {
            let share = bound.peak.map(|peak| bound.rate / peak);
            let cells = vec![
                words(&bound.entry.workload),
                size(bound.entry.record.log_n),
                words(bound.entry.series()),
                number(Some(bound.rate), |rate| per(rate, "/s")),
                number(bound.peak, |peak| per(peak, "/s")),
                number(share, |share| format!("{:.0} %", 100.0 * share)),
            ];
            Row::of(&bound.entry, cells)
        })
        .collect();
    let columns = ["operation", "#size", "by", "#products per second", "#bench-field", "#share"];
    match rows.as_slice() {
        [] => String::new(),
        rows => format!(
            "<details><summary>All {} measurements against bench-field</summary>{}</details>",
            rows.len(),
            table("Modular products per second against bench-field", &columns, rows)
        ),
    }
}

fn proofs(report: &Report) -> String {
    let whole = |count: Option<u64>| number(count.map(|c| c as f64), |count| format!("{count}"));
    let memory = |count: Option<u64>| number(count.map(|c| c as f64), |count| bytes(count as u64));
    let rows: Vec<Row> = report
        .latest
        .iter()
        .filter(|entry| entry.record.op == "prove")
        .map(|entry| {
            let record = &entry.record;
            let cells = vec![
                words(entry.workload.trim_start_matches("prove ")),
                words(entry.series()),
                number(Some(record.median_s), seconds),
                number(record.cpu_s, seconds),
                number(record.witness_s, seconds),
                number(record.verify_s, seconds),
                number(record.setup_s, seconds),
                whole(record.constraints),
                whole(record.rows),
                memory(record.proof_bytes),
                memory(record.key_bytes),
                memory(record.peak_rss_bytes),
                number(record.accuracy_quantised, |share| format!("{:.2} %", 100.0 * share)),
            ];
            Row::of(entry, cells)
        })
        .collect();
    let columns = [
        "proof",
        "by",
        "#prove",
        "#CPU time",
        "#witness",
        "#verify",
        "#setup",
        "#constraints",
        "#rows",
        "#proof",
        "#key",
        "#peak memory",
        "#accuracy",
    ];
    match rows.as_slice() {
        [] => String::new(),
        rows => table("Proofs", &columns, rows),
    }
}

fn failures(report: &Report) -> String {
    let failed = report.entries.iter().filter(|entry| entry.record.failure.is_some());
    let rows: Vec<Row> = failed
        .map(|entry| {
            let why = entry.record.failure.as_deref().unwrap_or_default();
            let cells =
                vec![words(&entry.workload), size(entry.record.log_n), words(entry.series()), words(why)];
            Row::of(entry, cells)
        })
        .collect();
    match rows.as_slice() {
        [] => String::new(),
        rows => section(
            "failures",
            "Did not finish",
            "Running out of time or memory is a result too.",
            &table("Measurements that did not finish", &["operation", "#size", "by", "why"], rows),
        ),
    }
}

fn repetitions(report: &Report) -> String {
    if report.repetitions.is_empty() {
        return String::new();
    }
    let within = report.repetitions.iter().filter(|r| r.interval.contains(r.again_s)).count();
    let rows: Vec<Row> = report
        .repetitions
        .iter()
        .map(|repetition| {
            let cells = vec![
                words(&repetition.entry.workload),
                size(repetition.entry.record.log_n),
                words(repetition.entry.series()),
                number(Some(repetition.entry.record.median_s), seconds),
                words(between(repetition.interval)),
                number(Some(repetition.again_s), seconds),
                words(if repetition.interval.contains(repetition.again_s) { "within" } else { "outside" }),
            ];
            Row::of(&repetition.entry, cells)
        })
        .collect();
    let lead = format!(
        "{within} of {} re-runs have their median where the first run's samples expected it with 90 % confidence.",
        rows.len()
    );
    let columns = ["operation", "#size", "by", "#median", "expected", "#again", "verdict"];
    section("repetitions", "Repeated measurements", &lead, &table("Repeated measurements", &columns, &rows))
}

fn records(report: &Report) -> String {
    let rows: Vec<Row> = report
        .entries
        .iter()
        .map(|entry| {
            let record = &entry.record;
            let time = |value| number(Some(value).filter(|_| entry.measured()), seconds);
            let interval = record.samples_s.as_deref().and_then(rerun_interval);
            let rerun = interval.map(between);
            let source = match record.joules {
                Some(_) => entry.energy_by(),
                None => record.energy_source.as_str(),
            };
            let verified = if record.verified { "yes" } else { "no" };
            let cells = vec![
                words(&entry.workload),
                size(record.log_n),
                words(
                    format!("{} {}", record.implementation, record.cpu_path.as_deref().unwrap_or_default())
                        .trim_end(),
                ),
                words(&entry.device),
                number(Some(record.threads as f64).filter(|threads| *threads > 0.0), |threads| {
                    format!("{threads}")
                }),
                match &record.failure {
                    None => time(record.median_s),
                    Some(failure) => words(failure.split(':').next().unwrap_or_default()),
                },
                words(rerun.unwrap_or_default()),
                number(record.predicted_s, seconds),
                number(record.per_second, |rate| per(rate, "/s")),
                number(record.joules, |joules| si(joules, "J")),
                number(record.per_joule, |rate| per(rate, "/J")),
                words(source),
                words(verified),
                words(record.measured_at.as_deref().unwrap_or_default()),
                words(
                    record
                        .commit
                        .as_deref()
                        .map(|commit| commit.chars().take(12).collect::<String>())
                        .unwrap_or_default(),
                ),
            ];
            Row::of(entry, cells)
        })
        .collect();
    let columns = [
        "operation",
        "#size",
        "implementation",
        "device",
        "#threads",
        "#median",
        "re-run, 90 %",
        "#products alone",
        "#per second",
        "#energy",
        "#per joule",
        "energy by",
        "checked",
        "when",
        "commit",
    ];
    table("All records", &columns, &rows)
}

fn filters(report: &Report) -> String {
    let mut devices: BTreeMap<(Kind, &str), usize> = BTreeMap::new();
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &report.entries {
        *devices.entry((entry.kind, &entry.device)).or_default() += 1;
        *ops.entry(&entry.record.op).or_default() += 1;
    }
    let choice = |name: &str, value: &str, note: &str, count: usize| {
        let value = escaped(value);
        format!(
            "<label><input type=\"checkbox\" name=\"{name}\" value=\"{value}\" checked> <span>{value}{note} <small>{count}</small></span></label>"
        )
    };
    let devices: String = devices
        .iter()
        .map(|((kind, device), count)| {
            let note = if kind.is_real() {
                format!(" <small class=\"kind\">{}</small>", kind.label())
            } else {
                String::new()
            };
            choice("device", device, &note, *count)
        })
        .collect();
    let ops: String = ops.iter().map(|(op, count)| choice("op", op, "", *count)).collect();
    let peers = report.entries.iter().any(|entry| !entry.ours());
    let peers = if peers {
        "<fieldset><legend>Implementations</legend><label><input type=\"checkbox\" name=\"peers\" checked> <span>peers beside zkwatt</span></label></fieldset>"
    } else {
        ""
    };
    format!(
        "<details class=\"filters\" id=\"filters\" open><summary>Filter <output id=\"shown\" aria-live=\"polite\"></output></summary>\
         <form id=\"filter\"><fieldset><legend>Devices</legend>{devices}</fieldset><fieldset><legend>Operations</legend>{ops}</fieldset>{peers}\
         <button type=\"reset\">Show all</button></form></details>"
    )
}

fn header(report: &Report) -> String {
    let count = |what: &str, n: usize| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let devices: BTreeSet<&str> = report.entries.iter().map(|entry| entry.device.as_str()).collect();
    let machines: BTreeSet<&str> =
        report.entries.iter().filter_map(|e| e.record.machine.as_deref()).collect();
    let mut facts = vec![count("record", report.entries.len()), count("device", devices.len())];
    if !machines.is_empty() {
        facts.push(count("machine", machines.len()));
    }
    let days: BTreeSet<&str> =
        report.entries.iter().filter_map(|entry| entry.record.measured_at.as_deref()?.get(..10)).collect();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) if first == last => facts.push((*first).to_owned()),
        (Some(first), Some(last)) => facts.push(format!("{first} to {last}")),
        _ => (),
    }
    // Days stay on one line.
    escaped(&facts.join(" · ").replace('-', "\u{2011}"))
}

/// The whole page.
pub fn page(report: &Report) -> String {
    let throughput = plots::throughput(report);
    let joules = plots::per_joule(report);
    let crossing = plots::crossovers(report);
    let phases = plots::phases(report);
    let roofs = plots::roofs(report);
    let has_proofs = report.entries.iter().any(|entry| entry.record.op == "prove");

    let mut body = section(
        "overview",
        "Best device for each operation",
        "Each at the size that suits it best, over all devices. Units per joule are units per second and watt. \
         Energy from a stated wattage counts only where no sensor has a figure. What only acts like a GPU takes no part. \
         A cell whose device is filtered out is blank.",
        &overview(report),
    );
    body += &section(
        "throughput",
        "Throughput over size",
        "Units of work per second of wall time. Bars are where 90 of 100 re-runs are expected.",
        &figures(&throughput, "No operation was measured at more than one size."),
    );
    body += &section(
        "energy",
        "Work per joule",
        "The best of each device. The data say whose figure the energy is.",
        &figures(
            &joules,
            "No record has a figure of energy: pass <code>--watts</code> to the benches where there is no sensor.",
        ),
    );
    body += &section(
        "crossover",
        "CPU against GPU",
        "How many times sooner a GPU is than the fastest CPU of these records, over size. Above 1 the GPU is sooner.",
        &format!(
            "{}{}",
            figures(&crossing, "No operation was measured on a CPU and on a GPU at the same size."),
            crossovers(report)
        ),
    );
    if has_proofs {
        let none = "No record has times of phases.";
        body += &section(
            "proofs",
            "Proofs",
            "Where the time of one proof goes.",
            &format!(
                "{}{}",
                figures(&phases, none).replace("class=\"figures\"", "class=\"figures wide\""),
                proofs(report)
            ),
        );
    }
    body += &section(
        "roofline",
        "Against the multiplier",
        "Modular products per second of an operation, against what bench-field measured on the same device with the same \
         kernels and threads (the line). A product in F_q² counts as three. It measures CPUs: GPUs have no line yet.",
        &format!(
            "{}{}",
            figures(&roofs, "No record of ours tells how many modular products it took."),
            bounds(report)
        ),
    );
    body += &failures(report);
    body += &repetitions(report);
    body += &section("records", "All records", "A click on a heading sorts.", &records(report));
    if !report.notes.is_empty() {
        let notes: String = report.notes.iter().map(|note| format!("<li>{}</li>", escaped(note))).collect();
        body += &section(
            "notes",
            "Notes",
            "What to know before quoting a figure.",
            &format!("<ul class=\"notes\">{notes}</ul>"),
        );
    }

    let all: Vec<&Plot> = [&throughput, &joules, &crossing, &phases, &roofs].into_iter().flatten().collect();
    let data = script(&serde_json::to_string(&all).unwrap_or_else(|_| "[]".into()));
    let links = [
        ("overview", "Overview"),
        ("throughput", "Throughput"),
        ("energy", "Energy"),
        ("crossover", "CPU and GPU"),
        ("proofs", "Proofs"),
        ("roofline", "Roofline"),
        ("failures", "Failures"),
        ("records", "Records"),
        ("notes", "Notes"),
    ];
    let links: String = links
        .iter()
        .filter(|(id, _)| body.contains(&format!("<section id=\"{id}\"")))
        .map(|(id, name)| format!("<a href=\"#{id}\">{name}</a>"))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"zkwatt report {version}\">\n\
         <link rel=\"icon\" href=\"data:,\">\n<title>zkwatt: measurements</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the results</a>\n\
         <header><div class=\"top\"><h1>zkwatt <span>measurements</span></h1>\
         <button type=\"button\" id=\"theme\" aria-live=\"polite\">Theme: system</button></div><p>{facts}</p>\
         <nav aria-label=\"Sections\">{links}</nav></header>\n\
         <main id=\"main\">\n<noscript><p class=\"none\">Plots, filters and sorting need JavaScript; the tables are all here.</p></noscript>\n\
         {filters}\n{body}</main>\n<footer><p>zkwatt report {version}. Plots by plotly.js (MIT).</p></footer>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{plotly}</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        version = env!("CARGO_PKG_VERSION"),
        facts = header(report),
        filters = filters(report),
        plotly = plotly_js(),
    )
}
