"""The compiled half of the matching core. Where it cannot be built, the same files run interpreted."""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = (
    "books",
    "standing",
    "stops",
    "protection",
    "arrival",
    "indication",
    "auction",
    "pegs",
    "special",
    "identity",
    "plain",
)
COMPILED = (*(f"svc_match.core.{name}" for name in CORE), "svc_match.decoder", "svc_match.encoder")
# What books.pxd calls inline is: the compiler's own choice took a quarter longer.
INLINE = "-DCYTHON_INLINE=inline __attribute__((always_inline))"

wanted = [Extension(name, [f"{name.replace('.', '/')}.py"], extra_compile_args=["-O3", INLINE]) for name in COMPILED]
# All of them: what only layout.pxd changed is not seen.
extensions = cythonize(wanted, build_dir="build/cython", quiet=True, force=True)
for extension in extensions:
    extension.optional = True
setup(ext_modules=extensions, options={"build_ext": {"parallel": os.cpu_count() or 1}})
