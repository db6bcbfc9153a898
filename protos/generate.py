"""Generates protos/gen from protos/bourse: messages, their types, gRPC stubs and their types.

`python protos/generate.py [FOLDER]`: the folder (default protos/gen) then holds exactly what the protos say; a file
that already says it stays as it is.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent


def generate(output: Path) -> None:
    """Brings output/bourse up to date with every proto; when protoc refuses one, RuntimeError and no change."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder)
        compile_protos(fresh)
        made = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_file()}
        for path in (output / "bourse").rglob("*"):
            if path.is_file() and path.relative_to(output) not in made:
                path.unlink()
        for name in made:
            if not (output / name).exists() or (output / name).read_bytes() != (fresh / name).read_bytes():
                (output / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(fresh / name, output / name)


def compile_protos(output: Path) -> None:
    sources = sorted(PROTOS.glob("bourse/**/*.proto"))
    for folder in {source.parent.relative_to(PROTOS) for source in sources}:
        (output / folder).mkdir(parents=True)
        (output / folder / "py.typed").touch()
    arguments = [
        "protoc",
        f"--proto_path={PROTOS}",
        f"--proto_path={Path(grpc_tools.__file__).with_name('_proto')}",
        f"--proto_path={Path(status_pb2.__file__).parents[2]}",
        f"--plugin=protoc-gen-mypy_grpc={Path(sys.executable).with_name('protoc-gen-mypy_grpc')}",
        *(f"--{stubs}:{output}" for stubs in ("python_out=", "pyi_out=", "grpc_python_out=", "mypy_grpc_out=quiet")),
        *map(str, sources),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused the protos; its words are above")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS / "gen")
