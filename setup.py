"""The compiled half of the matching core. Where it cannot be built, the same files run interpreted."""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# What is compiled says so in its first line.
COMPILED = sorted(file for file in Path("svc_match").rglob("*.py") if file.read_text("utf-8").startswith("# cython:"))
# What books.pxd calls inline is: the compiler's own choice took a quarter longer.
INLINE = "-DCYTHON_INLINE=inline __attribute__((always_inline))"

wanted = [
    Extension(".".join(file.with_suffix("").parts), [str(file)], extra_compile_args=["-O3", INLINE])
    for file in COMPILED
]
# All of them: what only layout.pxd changed is not seen.
extensions = cythonize(wanted, build_dir="build/cython", quiet=True, force=True)
for extension in extensions:
    extension.optional = True
setup(ext_modules=extensions, options={"build_ext": {"parallel": os.cpu_count() or 1}})
