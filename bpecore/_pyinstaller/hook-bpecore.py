# ruff: noqa: N999 (PyInstaller finds a hook by this name)
"""The parts of bpecore that a frozen program needs and PyInstaller cannot see in its imports.

Tables and ranks are read by path, and the pattern compiler and the command line import modules by
name.
"""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata

datas = collect_data_files("bpecore") + copy_metadata("bpecore")
hiddenimports = collect_submodules("bpecore", filter=lambda name: "._pyinstaller" not in name)
