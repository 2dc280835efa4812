"""Compiles the CUDA kernels to PTX through NVRTC's C API."""

import argparse
import collections
import ctypes
import multiprocessing
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "cuda"
RESULTS = SOURCES / "ptx"
VERSION = "12.0.140"
# Volta is the oldest that NVRTC 12 knows.
OPTIONS = ["--gpu-architecture=compute_70", "--std=c++17", f"--include-path={SOURCES}"]
# Around every line of assembly.
NOISE = re.compile(r"^[ \t]*// (begin|end) inline asm\n", re.MULTILINE)
# Constants at file scope, which are written out even where nothing loads them; some are named by a digest of the path.
CONSTANT = re.compile(r"\.global \.align \d+ \.\w+ ([\w$]+)(\[\d+\])?( = .*)?;")


class CompileError(Exception):
    pass


class Nvrtc:
    """The functions of libnvrtc that a compilation needs."""

    def __init__(self):
        folder = Path(sys.prefix).glob("lib/python*/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12")
        self.library = ctypes.CDLL(str(next(folder)))
        self.library.nvrtcGetErrorString.restype = ctypes.c_char_p

    def call(self, name, *arguments):
        code = getattr(self.library, name)(*arguments)
        if code:
            raise CompileError(f"{name}: {self.library.nvrtcGetErrorString(code).decode()}")

    def text(self, what, program):
        """nvrtcGetPTX or nvrtcGetProgramLog: a length, then the bytes."""
        length = ctypes.c_size_t()
        self.call(f"nvrtcGet{what}Size", program, ctypes.byref(length))
        buffer = ctypes.create_string_buffer(length.value)
        self.call(f"nvrtcGet{what}", program, buffer)
        return buffer.value.decode()

    def compile(self, path):
        program = ctypes.c_void_p()
        source = path.read_bytes()
        self.call("nvrtcCreateProgram", ctypes.byref(program), source, str(path).encode(), 0, None, None)
        try:
            options = (ctypes.c_char_p * len(OPTIONS))(*[option.encode() for option in OPTIONS])
            self.call("nvrtcCompileProgram", program, len(OPTIONS), options)
            return self.text("PTX", program)
        except CompileError as error:
            raise CompileError(f"{error}\n{self.text('ProgramLog', program)}") from None
        finally:
            self.library.nvrtcDestroyProgram(ctypes.byref(program))


def compiled(path):
    """The PTX of `path`, the same wherever it is compiled."""
    text = Nvrtc().compile(path)
    if f"V{VERSION}" not in text:
        raise CompileError(f"not NVRTC {VERSION}")
    if str(ROOT) in text:
        raise CompileError("the PTX names the folder that it was compiled in")
    text = NOISE.sub("", text)
    used = collections.Counter(re.findall(r"[\w$]+", text))

    def is_needed(line):
        constant = CONSTANT.fullmatch(line)
        return not constant or used[constant[1]] > 1

    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(filter(is_needed, lines)).strip() + "\n"


def main():
    parser = argparse.ArgumentParser(prog="tools/cuda/build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where cuda/ptx is stale")
    parser.add_argument("files", nargs="*", metavar="FILE", help="cuda/NAME.cu or NAME; all, if there is none")
    arguments = parser.parse_args()

    names = sorted(Path(name).stem for name in arguments.files) or sorted(p.stem for p in SOURCES.glob("*.cu"))
    stale = []
    if not arguments.files:
        leftovers = [p for p in RESULTS.glob("*.ptx") if p.stem not in names]
        stale += [str(p.relative_to(ROOT)) for p in leftovers]
        if not arguments.check:
            for path in leftovers:
                path.unlink()
    # A process for each file: NVRTC numbers the calls of all that it has compiled.
    pool = multiprocessing.Pool(1, maxtasksperchild=1)
    for name in names:
        path = SOURCES / f"{name}.cu"
        if not path.is_file():
            parser.error(f"no file {path}")
        try:
            text = pool.apply(compiled, [path])
        except CompileError as error:
            sys.exit(f"error: {path}: {error}")
        result = RESULTS / f"{name}.ptx"
        if arguments.check:
            if not result.is_file() or result.read_text() != text:
                stale.append(str(result.relative_to(ROOT)))
        else:
            result.parent.mkdir(exist_ok=True)
            result.write_text(text)
    if arguments.check and stale:
        sys.exit(f"error: stale: {', '.join(stale)}; run `tools/cuda/build`")


if __name__ == "__main__":
    main()
