"""What we call of TensorRT is there in the bindings of 10.3 (JetPack 6) and of 11, as NVIDIA ships them.

The bindings alone: the libraries behind them can't be had without a GPU. They are loaded over empty
libraries, which is enough to ask them for classes, members and signatures. Those of 11 fit those of
TensorRT for RTX, so that the builder really builds through them; those of 10.3 don't.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from parts import part

ROOT = Path(__file__).parents[3]
BINDINGS = Path(sys.prefix) / "tensorrt"
"""Where `make test` puts them."""

VERSIONS = {"10.3.0": "10", "11.4.0.106": "11"}

CALLED = {
    "Builder": "build_serialized_network create_builder_config create_network "
    "create_optimization_profile",
    "DataType": "FLOAT",
    "IBuilderConfig": "add_optimization_profile create_timing_cache get_timing_cache "
    "progress_monitor set_memory_pool_limit set_timing_cache",
    "ICudaEngine": "create_execution_context get_tensor_dtype get_tensor_mode get_tensor_name "
    "get_tensor_shape num_io_tensors",
    "IExecutionContext": "execute_async_v3 get_tensor_shape set_input_shape set_tensor_address",
    "ILogger": "ERROR __init__ log",
    "INetworkDefinition": "get_input num_inputs",
    "IOptimizationProfile": "set_shape",
    "IProgressMonitor": "__init__ phase_finish phase_start step_complete",
    "ITensor": "name shape",
    "ITimingCache": "serialize",
    "Logger": "ERROR",
    "MemoryPoolType": "WORKSPACE",
    "NetworkDefinitionCreationFlag": "STRONGLY_TYPED",
    "OnnxParser": "get_error num_errors parse",
    "ParserError": "desc node_name node_operator",
    "Runtime": "deserialize_cuda_engine",
    "TensorIOMode": "INPUT",
}

SIGNATURES = {
    "IBuilderConfig.set_timing_cache": "ignore_mismatch: bool) -> bool",
    "IBuilderConfig.create_timing_cache": "serialized_timing_cache",
    "IExecutionContext.set_tensor_address": "-> bool",
    "IExecutionContext.execute_async_v3": "stream_handle",
    "IProgressMonitor.phase_start": "num_steps",
    "IProgressMonitor.step_complete": "-> bool",
    "OnnxParser.parse": "-> bool",
}

LIBRARIES = ("libnvinfer", "libnvinfer_plugin", "libnvonnxparser")

SYMBOLS = (
    "createInferBuilder_INTERNAL", "createInferRefitter_INTERNAL", "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL", "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry", "getNvOnnxParserVersion", "getPluginRegistry",
    "initLibNvInferPlugins",
)  # fmt: skip

LOAD = """
import json, os, sys
sys.setdlopenflags(os.RTLD_LAZY)
import tensorrt_bindings as tensorrt
"""

ASK = """
from edge.engines import tensorrt_plan
called, signatures = json.loads(sys.argv[1])
lacking = [
    f"{kind}.{member}"
    for kind, members in called.items()
    for member in members.split()
    if not hasattr(getattr(tensorrt, kind, None), member)
]
other = {}
for name, wanted in signatures.items():
    kind, member = name.split(".")
    text = getattr(getattr(tensorrt, kind), member).__doc__
    if wanted not in text:
        other[name] = text
said, told = [], []
tensorrt_plan._logger(tensorrt, said).log(tensorrt.ILogger.ERROR, "odd")
monitor = tensorrt_plan._monitor(tensorrt, told.append)
monitor.phase_start("Building", None, 6)
print(json.dumps({
    "version": tensorrt.__version__, "lacking": lacking, "other": other, "said": said, "told": told,
    "goes_on": monitor.step_complete("Building", 1),
}))
"""

BUILD = """
from pathlib import Path
from contract.bundle import open_bundle
from edge.config import REFERENCE_BUNDLE
from edge.engines.tensorrt_plan import build_plan
bundle = open_bundle(REFERENCE_BUNDLE)
built = {}
for graphs in dict(bundle.manifest.graphs).values():
    for member in graphs.values():
        built[member] = len(build_plan(tensorrt, bundle.files[member]).content)
print(json.dumps(built))
"""


def wanted(there: bool, what: str) -> None:
    if not there and os.environ.get("LOAMSCAN_STRICT") == "1":
        pytest.fail(f"{what} is missing")
    if not there:
        pytest.skip(f"{what} is missing")


def compiled(library: Path, symbols: tuple[str, ...]) -> None:
    """A library with functions of these names, and nothing in them."""
    compiler = shutil.which("cc")
    wanted(compiler is not None, "a C compiler (apt-get install gcc libc6-dev)")
    source = "\n".join(f"void *{symbol}(void) {{ return 0; }}" for symbol in symbols)
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-x", "c", "-", "-o", library],
        input=source, text=True, check=True,
    )  # fmt: skip


def said_by(version: str, found_in: list[Path], script: str, *given: str) -> dict:
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(str(folder) for folder in found_in),
        "PYTHONPATH": f"{BINDINGS / version}:{ROOT}",
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD + script, *given],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("version", VERSIONS)
def test_all_that_is_called_is_there(tmp_path: Path, version: str) -> None:
    if version == "10.3.0" and sys.version_info >= (3, 13):
        pytest.skip("NVIDIA has no bindings of 10.3 for this Python")
    wanted((BINDINGS / version).is_dir(), f"TensorRT's bindings {version} in {BINDINGS}")
    for name in LIBRARIES:
        compiled(tmp_path / f"{name}.so.{VERSIONS[version]}", SYMBOLS)
    found = said_by(version, [tmp_path], ASK, json.dumps([CALLED, SIGNATURES]))
    assert found.pop("version") == version
    assert found == {
        "lacking": [],
        "other": {},
        "said": ["odd"],
        "told": ["Building: 6 steps"],
        "goes_on": True,
    }


def test_every_graph_is_built_through_the_bindings_of_11(tmp_path: Path) -> None:
    version = "11.4.0.106"
    wanted((BINDINGS / version).is_dir(), f"TensorRT's bindings {version} in {BINDINGS}")
    rtx = part("tensorrt_rtx_libs")
    real = Path(rtx.__file__).parent
    (tmp_path / "libnvinfer.so.11").symlink_to(real / "libtensorrt_rtx.so.1")
    (tmp_path / "libnvonnxparser.so.11").symlink_to(real / "libtensorrt_onnxparser_rtx.so.1")
    # RTX has no plugins, and no graph of ours needs one.
    compiled(tmp_path / "libnvinfer_plugin.so.11", ("initLibNvInferPlugins",))
    built = said_by(version, [tmp_path, real], BUILD)
    assert len(built) == 6
    assert min(built.values()) > 100_000


def test_the_list_of_what_is_called_is_whole() -> None:
    tensorrt = part("tensorrt_rtx")
    called = {
        node.attr
        for name in ("tensorrt_plan", "plan_graph")
        for node in ast.walk(ast.parse((ROOT / "edge" / "engines" / f"{name}.py").read_text()))
        if isinstance(node, ast.Attribute)
    }
    kinds = [kind for _, kind in inspect.getmembers(tensorrt, inspect.isclass)]
    theirs = {name for name in called if any(hasattr(kind, name) for kind in kinds)}
    listed = {member for members in CALLED.values() for member in members.split()}
    assert theirs - listed <= {"append", "__name__"}
    for kind, members in CALLED.items():
        assert all(hasattr(getattr(tensorrt, kind), member) for member in members.split())
