"""The compiled half of the matching core. Where there is no C compiler the same files run interpreted; where there is one, what does
not compile fails.
"""

import os
import shutil
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CORE = Path("svc_match")
# What is compiled says so in its first line.
COMPILED = sorted(file for file in CORE.rglob("*.py") if file.read_text("utf-8").startswith("# cython:"))
# What books.pxd calls inline is: the compiler's own choice took a quarter longer.
INLINE = "-DCYTHON_INLINE=inline __attribute__((always_inline))"
# What one of them changed is seen by its time, and by all modules: Cython's own look misses what is imported under another name.
SHARED = [*CORE.rglob("*.pxd"), Path("setup.py"), Path("requirements.txt")]
WRITTEN, BUILT = Path("build/cython"), Path("build/core")


class Build(build_ext):
    """Compiles where there are a compiler and Python's headers; for the tree itself only what changed."""

    def finalize_options(self) -> None:
        if self.editable_mode:
            self.build_lib, self.build_temp = str(BUILT), "build/temp"
        super().finalize_options()

    def build_extensions(self) -> None:
        headers = Path(sysconfig.get_path("include"), "Python.h")
        if shutil.which(self.compiler.compiler_so[0]) and headers.exists():
            super().build_extensions()
            return
        for extension in self.extensions:
            extension.optional = True
        for file in [*BUILT.rglob("*.so"), *CORE.rglob("*.so")]:
            file.unlink()  # of other sources


newest = max(file.stat().st_mtime for file in SHARED)
setup(
    ext_modules=cythonize(
        [
            Extension(".".join(file.with_suffix("").parts), [str(file)], extra_compile_args=["-O3", INLINE])
            for file in COMPILED
        ],
        build_dir=str(WRITTEN),
        quiet=True,
        force=any(file.stat().st_mtime < newest for file in WRITTEN.rglob("*.c")),
    ),
    cmdclass={"build_ext": Build},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
