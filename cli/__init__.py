"""The `bourse` command: thin, one module a command.

To add the command `bourse depth`: a module `cli/depth.py` (or a package `cli/depth/`) that holds a click command or
group named `depth`, and whose docstring begins with "`bourse depth`: " and the command's line in the list of commands.
Nothing is registered elsewhere. The module is imported only when its command runs. A module whose docstring begins
otherwise is no command.
"""
