"""EZKL as a peer of bench-prove: one phase a process, one line of JSON on standard output.

tools/peers/README.md has the protocol. What EZKL says for itself goes to standard error.
"""

import contextlib
import json
import os
import resource
import sys
import time
from pathlib import Path

# What the framework calls the visibilities of job.json. The hash of a committed input is a public value, a commitment to
# private weights is a part of the proof.
INPUT = {"private": "private", "committed": "hashed", "public": "public"}
WEIGHTS = {"public": "fixed", "private": "polycommit"}


class Fault(Exception):
    """What a user can do something about."""


def peak_rss_bytes():
    """The peak resident memory of this process since it was loaded.

    ru_maxrss will not do on Linux: it begins with what the process had before, which was its parent.
    """
    try:
        with open("/proc/self/status") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return 1024 * int(line.split()[1])
    except OSError:
        pass
    # Bytes on macOS, KiB elsewhere.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def timed(work):
    """The work's result with wall and CPU time."""
    wall, cpu = time.monotonic(), cpu_s()
    result = work()
    return result, time.monotonic() - wall, cpu_s() - cpu


class Job:
    """The folder of a job: what bench-prove wrote, and what EZKL makes of it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.given = json.loads((self.folder / "job.json").read_text())

    def path(self, name):
        return str(self.folder / name)

    def settings(self):
        return json.loads(Path(self.path("settings.json")).read_text())

    def write_input(self, name, values):
        Path(self.path(name)).write_text(json.dumps({"input_data": [values]}))


def must(what, result):
    if result is False:
        raise Fault(f"ezkl.{what} answered False")
    return result


def setup(ezkl, job):
    given = job.given
    onnx, settings = job.path("model.onnx"), job.path("settings.json")
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = INPUT[given["input"]]
    arguments.param_visibility = WEIGHTS[given["weights"]]
    arguments.output_visibility = "public"

    def calibrate():
        must("gen_settings", ezkl.gen_settings(onnx, settings, arguments))
        # One list: EZKL cuts it into as many inputs as it holds.
        job.write_input("calibration.json", [x for image in given["calibration"] for x in image])
        must("calibrate_settings", ezkl.calibrate_settings(job.path("calibration.json"), onnx, settings, "resources"))

    steps = {}
    _, steps["calibrate"], _ = timed(calibrate)
    _, steps["compile"], _ = timed(
        lambda: must("compile_circuit", ezkl.compile_circuit(onnx, job.path("model.ezkl"), settings))
    )
    chosen = job.settings()
    run = chosen["run_args"]
    # A reference string by one party: those of ceremonies would have to be downloaded, and cost the prover the same.
    _, steps["srs"], _ = timed(lambda: ezkl.gen_srs(job.path("kzg.srs"), run["logrows"]))
    _, steps["keys"], _ = timed(
        lambda: must(
            "setup",
            ezkl.setup(job.path("model.ezkl"), job.path("vk"), job.path("pk"), srs_path=job.path("kzg.srs")),
        )
    )
    return {
        "setup_s": steps["compile"] + steps["keys"],
        "steps": steps,
        "log_rows": run["logrows"],
        "rows_used": chosen["num_rows"],
        "key_bytes": os.path.getsize(job.path("pk")),
        "settings": f"calibrated for resources on {len(given['calibration'])} inputs: "
        f"scales {run['input_scale']} and {run['param_scale']}, {run['num_inner_cols']} inner columns; "
        f"inputs {INPUT[given['input']]}, weights {WEIGHTS[given['weights']]}",
    }


def class_of(ezkl, witness):
    """The index of the largest output, the lowest one among equals."""
    outputs = [ezkl.felt_to_int(x) for x in witness["outputs"][0]]
    return outputs.index(max(outputs))


def infer(ezkl, job, values, name):
    job.write_input(f"{name}.input.json", values)
    keys = {"vk_path": job.path("vk"), "srs_path": job.path("kzg.srs")}
    work = lambda: ezkl.gen_witness(  # noqa: E731
        job.path(f"{name}.input.json"), job.path("model.ezkl"), job.path(f"{name}.witness.json"), **keys
    )
    return timed(work)


def witness(ezkl, job):
    made, wall, _ = infer(ezkl, job, job.given["image"], "proved")
    return {"witness_s": wall, "class": class_of(ezkl, made)}


def classify(ezkl, job):
    """Classes of as many of job.json's images as there is time for."""
    until = time.monotonic() + job.given["classify_s"]
    classes = []
    for image in job.given["images"]:
        classes.append(class_of(ezkl, infer(ezkl, job, image, "other")[0]))
        if time.monotonic() > until:
            break
    return {"classes": classes}


def prove(ezkl, job):
    proof = Path(job.path("proof.json"))
    proof.unlink(missing_ok=True)
    srs = job.path("kzg.srs")
    made, wall, cpu = timed(
        lambda: ezkl.prove(job.path("proved.witness.json"), job.path("model.ezkl"), job.path("pk"), str(proof), srs)
    )
    must("prove", made)
    size = len(bytes.fromhex(json.loads(proof.read_text())["hex_proof"].removeprefix("0x")))
    return {"prove_s": wall, "cpu_s": cpu, "proof_bytes": size}


def verify(ezkl, job):
    arguments = [job.path(name) for name in ("proof.json", "settings.json", "vk")]
    accepted, wall, _ = timed(lambda: ezkl.verify(*arguments, srs_path=job.path("kzg.srs")))
    return {"verify_s": wall, "accepted": bool(accepted)}


PHASES = {"setup": setup, "witness": witness, "classify": classify, "prove": prove, "verify": verify}


def main(arguments):
    # EZKL prints to our standard output from Rust, so the line of the result goes to a copy of it.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        if arguments == ["version"]:
            import ezkl

            answer = {"version": ezkl.__version__}
        elif len(arguments) == 2 and arguments[0] in PHASES:
            import ezkl

            with contextlib.redirect_stdout(sys.stderr):
                answer = PHASES[arguments[0]](ezkl, Job(arguments[1]))
        else:
            print(f"usage: tools/peers/ezkl version | {' | '.join(PHASES)} FOLDER", file=sys.stderr)
            return 2
    except (Fault, OSError, RuntimeError, ValueError, KeyError) as error:
        print(f"error: {error}" if isinstance(error, (Fault, RuntimeError)) else f"error: {error!r}", file=sys.stderr)
        return 1
    out.write(json.dumps(answer | {"peak_rss_bytes": peak_rss_bytes()}, separators=(",", ":")) + "\n")
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
