//! The forms of a report, of records of every kind and of some that nobody should have written.

#[path = "fixtures/mod.rs"]
mod fixtures;

use serde_json::Value;
use std::path::Path;
use zkwatt_records::Collection;
use zkwatt_records::record::Record;
use zkwatt_records::report::{Crossing, Report};

fn collect(records: &[Record]) -> Collection {
    let lines: String = records.iter().map(|record| serde_json::to_string(record).unwrap() + "\n").collect();
    let mut collection = Collection::default();
    collection.add(Path::new("a.jsonl"), lines.as_bytes()).unwrap();
    collection
}

fn report(records: &[Record]) -> Report {
    Report::new(&collect(records))
}

#[test]
fn what_only_acts_like_a_gpu_is_never_best_and_never_a_gpu() {
    let mut records = fixtures::records();
    for record in &mut records {
        if record.device_name.contains("no GPU's speed") {
            record.per_second = record.per_second.map(|rate| rate * 1e12);
            record.median_s *= 1e-12;
        }
    }
    let report = report(&records);
    assert!(report.overview.len() >= 6);
    for row in &report.overview {
        let best = [&row.throughput, &row.per_joule, &row.score, &row.peer];
        assert!(best.into_iter().flatten().all(|best| best.entry.kind.is_real()), "{}", row.workload);
    }
    assert!(!report.crossovers.is_empty());
    assert!(report.crossovers.iter().all(|crossover| crossover.gpu.device.starts_with("Example GPU")));
    let html = report.html();
    assert!(html.contains("software on a CPU, no GPU") && html.contains("emulator on a CPU, no GPU"));
}

#[test]
fn crossovers_are_between_the_sizes_that_show_them() {
    let report = report(&fixtures::records());
    let of = |workload: &str, gpu: &str| {
        let found = report.crossovers.iter().find(|c| c.workload == workload && c.gpu.device.contains(gpu));
        found.unwrap().crossing
    };
    // 0.5 ms + n · 71 ns on 16 threads against 2.8 ms + n · 6.5 ns: equal at n = 35,659, 2^15.1.
    assert!(matches!(of("msm_g1 uniform", "GPU A"), Crossing::At(log_n) if (14.5..15.5).contains(&log_n)));
    assert!(matches!(of("msm_g1 zkml", "GPU B"), Crossing::Never(20)));
    assert!(report.markdown().contains("no crossover: the CPU is sooner up to 2^20"));
}

#[test]
fn roofs_are_of_the_same_device_threads_and_kernels() {
    let report = report(&fixtures::records());
    let cpu = report.bounds.iter().filter(|bound| bound.entry.record.device == "cpu");
    for bound in cpu {
        let share = bound.rate / bound.peak.unwrap();
        assert!(share > 0.0 && share < 1.0, "{} {share}", bound.entry.workload);
    }
    assert!(report.bounds.iter().any(|bound| bound.peak.is_none()));
}

#[test]
fn a_product_in_the_extension_is_three() {
    let mut peak = fixtures::records().into_iter().find(|r| r.op == "field_mul").unwrap();
    (peak.modmul, peak.median_s) = (Some(1000.0), 1.0);
    let msm = |op: &str, field_bits| Record { op: op.into(), field_bits, variant: None, ..peak.clone() };
    let mut report =
        report(&[peak.clone(), msm("msm_g1", Some(254)), msm("msm_g2", Some(508)), msm("msm_x", None)]);
    report.bounds.sort_by(|a, b| a.entry.workload.cmp(&b.entry.workload));
    let shares: Vec<f64> = report.bounds.iter().map(|bound| bound.rate / bound.peak.unwrap()).collect();
    assert_eq!(shares, [1.0, 3.0, 1.0]);
}

#[test]
fn stated_watts_rank_only_where_no_sensor_has_a_figure() {
    let mut records = fixtures::records();
    for record in &mut records {
        if record.energy_source == "user" {
            record.per_joule = record.per_joule.map(|rate| rate * 1e9);
            record.modmul_per_joule = record.modmul_per_joule.map(|rate| rate * 1e9);
        }
    }
    let sources = |report: &Report, workload: &str| {
        let row = report.overview.iter().find(|row| row.workload == workload).unwrap();
        let best = [&row.per_joule, &row.score].into_iter().flatten();
        best.map(|best| best.entry.record.energy_source.clone()).collect::<Vec<_>>()
    };
    let both = report(&records);
    assert_eq!(both.overview.len(), 9);
    for row in &both.overview {
        let sources = sources(&both, &row.workload);
        assert!(sources.iter().all(|source| source != "user"), "{} {sources:?}", row.workload);
    }
    let shown = both.markdown();
    let row = shown.lines().find(|line| line.starts_with("| msm\\_g1 uniform |")).unwrap();
    assert!(row.contains(", by rapl:") || row.contains(", by nvml:"), "{row}");

    // Nobody counted the products of a GPU's MSM: there is no score.
    records.retain(|record| record.energy_source == "user" || record.op != "msm_g1");
    let stated = report(&records);
    assert_eq!(sources(&stated, "msm_g1 uniform"), ["user"]);
    let shown = stated.markdown();
    let row = shown.lines().find(|line| line.starts_with("| msm\\_g1 uniform |")).unwrap();
    assert!(row.contains("by the user's watts"), "{row}");
}

#[test]
fn peers_are_held_against_ours_whatever_either_chose() {
    let report = report(&fixtures::records());
    let halo2: Vec<_> = report.overview.iter().filter(|row| row.workload.contains("halo2")).collect();
    assert_eq!(halo2.len(), 1);
    assert!(halo2[0].workload.contains("fast") && halo2[0].throughput.is_some());
    assert_eq!(halo2[0].peer.as_ref().unwrap().entry.record.implementation, "arkworks");
    // A peer that nobody of ours did the same as has a row of its own.
    let alone: Vec<Record> =
        fixtures::records().into_iter().filter(|r| r.implementation != "zkwatt").collect();
    let report = self::report(&alone);
    assert!(report.overview.iter().any(|row| row.workload.contains("halo2") && row.throughput.is_none()));
}

/// The data of the plots whose title begins so.
fn plots(html: &str, title: &str) -> Vec<Value> {
    let (_, data) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let data: Value = serde_json::from_str(&data[..data.find("</script>").unwrap()]).unwrap();
    let plots = data.as_array().unwrap().iter();
    plots.filter(|plot| plot["title"].as_str().unwrap().starts_with(title)).cloned().collect()
}

#[test]
fn phases_are_of_our_proofs() {
    let html = report(&fixtures::records()).html();
    let found = plots(&html, "Phases of one proof");
    assert_eq!(found.len(), 2);
    for series in found.iter().flat_map(|plot| plot["series"].as_array().unwrap()) {
        let name = series["name"].as_str().unwrap();
        assert!(!["calibrate", "process"].contains(&name), "{name}");
        for point in series["points"].as_array().unwrap() {
            assert!(!point["label"].as_str().unwrap().contains("arkworks"), "{point}");
        }
    }
}

#[test]
fn filters_reach_the_roofline_and_the_overview() {
    let report = report(&fixtures::records());
    let html = report.html();
    let roofs = plots(&html, "zkwatt avx512ifma, Example CPU 16-core, 16 threads");
    let roof = roofs.iter().find(|plot| plot["id"].as_str().unwrap().starts_with("roof-")).unwrap();
    for series in roof["series"].as_array().unwrap() {
        let (name, op) = (series["name"].as_str().unwrap(), series["op"].as_str().unwrap());
        assert!(!op.is_empty() && name.starts_with(op), "{series}");
    }
    let (_, overview) = html.split_once("<section id=\"overview\"").unwrap();
    let overview = &overview[..overview.find("</section>").unwrap()];
    assert!(overview.contains(" data-device=\"Example GPU A (cuda)\"><span><strong>"));
    assert!(overview.contains(" data-device=\"Example CPU 16-core\" data-peer><span><strong>"));
}

#[test]
fn markdown_mentions_nobody_and_links_nowhere() {
    let mut record = fixtures::hostile();
    record.device_name = "@someone #12 https://example.com www.example.com".into();
    let text = report(&[record]).markdown();
    for live in ["@someone", "#12 ", "https://", " www."] {
        assert!(!text.contains(live), "{live}");
    }
    assert!(text.contains("@&#8203;someone #&#8203;12 https:&#8203;//example.com www&#8203;.example.com"));
}

#[test]
fn failures_are_results() {
    let report = report(&fixtures::records());
    for text in [report.html(), report.markdown()] {
        assert!(text.contains("timeout: 600 s") && text.contains("out of memory: 6.1 GiB"));
    }
    assert!(report.latest.iter().all(|entry| entry.record.failure.is_none()));
}

#[test]
fn repetitions_are_held_against_what_was_expected() {
    let report = report(&fixtures::records());
    assert_eq!(report.repetitions.len(), 1);
    assert!(report.repetitions[0].interval.contains(report.repetitions[0].again_s));
}

#[test]
fn html_fetches_nothing_and_takes_names_for_text() {
    let html = report(&[fixtures::hostile(), fixtures::records().remove(0)]).html();
    let (page, rest) = html.split_once("<script type=\"application/json\"").unwrap();
    for rule in ["default-src 'none'", "base-uri 'none'", "form-action 'none'"] {
        assert!(page.contains(rule), "{rule}");
    }
    assert!(
        !page.contains("<img") && !page.contains("alert(1)</script>") && !page.contains("<b onmouseover")
    );
    for reference in ["src=\"http", "href=\"http", "url(", "@import"] {
        assert!(!page.contains(reference), "{reference}");
    }
    let data = &rest[..rest.find("</script>").unwrap()];
    assert!(!data[1..].contains('<'));
    let data: Value = serde_json::from_str(&data[data.find('[').unwrap()..]).unwrap();
    assert!(data.is_array());
}

#[test]
fn csv_has_a_line_for_each_record_and_its_units() {
    let mut records = fixtures::records();
    records.push(fixtures::hostile());
    records[0].version = "=HYPERLINK(\"x\"),\"y\"".into();
    let csv = report(&records).csv();
    let heading: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
    for column in ["op", "median_s", "joules", "rerun_low_s", "phase_msm_h_s", "failure", "device_kind"] {
        assert!(heading.contains(&column), "{column}");
    }
    assert_eq!(csv.lines().count(), records.len() + 1);
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\"),\"\"y\"\"\""));
}

#[test]
fn zkalc_has_nanoseconds_by_size() {
    let files = report(&fixtures::records()).zkalc();
    let name = "bn254/zkwatt/example_cpu_16_core_avx512ifma_16t.json";
    let file: Value = serde_json::from_str(&files[name]).unwrap();
    let sizes = file["msm_G1"]["range"].as_array().unwrap();
    assert_eq!((sizes[0].as_u64(), sizes.len()), (Some(256), 8));
    assert_eq!(file["msm_G1"]["stddev"].as_array().unwrap().len(), 8);
    // 0.5 ms and 256 points of 71 ns.
    let first = file["msm_G1"]["results"][0].as_f64().unwrap();
    assert!((4.9e5..5.4e5).contains(&first), "{first}");
    // A chain's product: 18 ns on each thread.
    let product = file["mul_ff"]["results"][0].as_f64().unwrap();
    assert!((17.0..19.0).contains(&product), "{product}");
    assert!(file.get("fft").is_some() && file.get("msm_G2").is_some());
    assert!(files.keys().any(|name| name == "bn254/arkworks/example_cpu_16_core_16t.json"));
    assert!(files.keys().any(|name| name == "bn254/zkwatt/example_gpu_a_cuda.json"));
    assert!(!files.keys().any(|name| name.contains("llvmpipe") || name.contains("emulator")));
}

#[test]
fn names_of_files_stay_below_their_directory() {
    let mut record = fixtures::hostile();
    record.op = "msm_g1".into();
    record.variant = None;
    record.curve = "../../etc".into();
    record.implementation = "..\\/..".into();
    for name in report(&[record]).zkalc().keys() {
        assert!(!name.contains("..") && !name.starts_with('/'), "{name}");
    }
}

#[test]
fn files_of_zkalc_do_not_replace_each_other() {
    let first = fixtures::records().into_iter().find(|r| r.op == "msm_g1" && r.device == "cpu").unwrap();
    let named = |name: &str, median_s| Record { device_name: name.into(), median_s, ..first.clone() };
    let files = report(&[named("A (CPU)", 1.0), named("A-CPU", 2.0), named("a cpu", 3.0)]).zkalc();
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let of = |end: &str| format!("bn254/zkwatt/a_cpu_avx512ifma_1t{end}.json");
    assert_eq!(names, [of(""), of("_2"), of("_3")]);
    let results: Vec<f64> = files
        .values()
        .map(|text| serde_json::from_str::<Value>(text).unwrap()["msm_G1"]["results"][0].as_f64().unwrap())
        .collect();
    assert_eq!(results, [1e9, 2e9, 3e9]);
}

#[test]
fn strange_numbers_break_nothing() {
    let lines = [
        r#"{"schema":"zkwatt-bench/1","op":"ntt","median_s":0,"log_n":0,"samples_s":[0,0,0,0,0,0,0],"per_second":1e30}"#,
        r#"{"schema":"zkwatt-bench/1","op":"ntt","median_s":5e-324,"log_n":64,"modmul":1e30,"per_joule":0,"joules":0}"#,
        r#"{"schema":"zkwatt-bench/1","op":"field_mul","median_s":1e9,"threads":18446744073709551615,"per_second":0}"#,
        r#"{"schema":"zkwatt-bench/1","op":"prove","median_s":1,"phases_s":{"total":0},"measured_at":"é","commit":"ß"}"#,
        r#"{"schema":"zkwatt-bench/1","op":"prove","device":"cuda","device_name":"é","median_s":1,"phases_s":{},"batch":0}"#,
    ];
    let mut collection = Collection::default();
    collection.add(Path::new("a.jsonl"), lines.join("\n").as_bytes()).unwrap();
    assert_eq!(collection.records.len(), lines.len());
    let report = Report::new(&collection);
    let html = report.html();
    // plotly.js speaks of such numbers too.
    let page = html.split("<script type=\"application/json\"").next().unwrap();
    let text = [page, &report.markdown(), &report.csv()].concat();
    assert!(!text.contains("NaN") && !text.contains("inf /s") && !text.contains("\"inf\""));
    report.zkalc();
    Report::new(&Collection::default()).html();
}
