"""The compiled half of the matching core. Where it cannot be built, the same files run interpreted."""

from Cython.Build import cythonize
from setuptools import Extension, setup

COMPILED = ("svc_match.core.books",)

# What books.pxd calls inline is: the compiler's own choice took a quarter longer.
INLINE = "-DCYTHON_INLINE=inline __attribute__((always_inline))"

extensions = [
    Extension(name, [f"{name.replace('.', '/')}.py"], extra_compile_args=["-O3", INLINE], optional=True)
    for name in COMPILED
]
setup(ext_modules=cythonize(extensions, build_dir="build/cython", quiet=True))
