"""Plugin files: modules that each process loads from the same text."""

import builtins
import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

#: The group of entry points by which installed packages name their components.
ENTRY_POINTS = "collective_bench.plugins"


@dataclass(frozen=True)
class PluginFile:
    """A Python file outside the project, which is a module in each process that installs it.

    The module is a package whose folder is that of the file. So ``import helper`` in the file, or
    in a module beside it, imports ``helper.py`` from that folder if there is no other module of
    this name. The folder is not on ``sys.path``: no other code imports from it, and nothing in it
    replaces a module of the standard library, of an installed package or of this project.

    Arguments:
        path: Absolute path of the file.
        source: Contents of the file. Another process needs only the modules beside the file, if
            it imports some.

    Example:
        >>> plugin = PluginFile(Path("/nowhere/half.py"), b"HALF = 1 / 2")
        >>> plugin.load().HALF
        0.5
        >>> plugin.unload()
    """

    path: Path
    source: bytes

    @cached_property
    def name(self) -> str:
        """The name of the module, which other contents would change."""
        digest = hashlib.blake2b(self.source, digest_size=4).hexdigest()
        return f"plugin_{re.sub(r'[^0-9a-zA-Z_]', '_', self.path.stem)}_{digest}"

    def install(self) -> None:
        """Make the module importable by its name in this process."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def load(self) -> ModuleType:
        """Return the module, which is run if this process has not loaded it before."""
        self.install()
        return importlib.import_module(self.name)

    def unload(self) -> None:
        """Remove the module and the modules beside it that it imported from this process."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder != self]
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{self.name}.")]:
            del sys.modules[name]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of the module or of one beside it, as a finder of ``sys.meta_path``.

        Arguments:
            name: Full name of the module to import.
            path: Folders of the package to which it belongs; None without a package.
            target: Unused.
        """
        if name == self.name:
            loader, folder = _Loader(name, str(self.path), self), str(self.path.parent)
            return importlib.util.spec_from_file_location(
                name, self.path, loader=loader, submodule_search_locations=[folder]
            )
        if not name.startswith(f"{self.name}."):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path, self)
        return spec

    def offers(self, name: str) -> bool:
        """Return whether a top-level module lies beside the file, and nowhere else.

        Arguments:
            name: Name of the module in an import statement.
        """
        beside = f"{self.name}.{name}"
        if beside in sys.modules:
            return True
        if name in sys.modules:
            return False
        elsewhere = importlib.util.find_spec(name)
        # A folder without code, such as results/ of another program, has no origin.
        if elsewhere is not None and elsewhere.origin is not None:
            return False
        return PathFinder.find_spec(beside, [str(self.path.parent)]) is not None


class _Loader(SourceFileLoader):
    """A loader of a plugin file, or of a module beside it, without a cache of its bytecode.

    Arguments:
        name: Name of the module.
        path: File of the module.
        plugin: The plugin file, whose contents are not read again.
    """

    def __init__(self, name: str, path: str, plugin: PluginFile) -> None:
        super().__init__(name, path)
        self.plugin = plugin

    def get_data(self, path: str) -> bytes:
        """Return the contents of a file."""
        return self.plugin.source if path == str(self.plugin.path) else super().get_data(path)

    def get_code(self, fullname: str) -> Any:
        """Return the compiled module."""
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; its import statements see the modules beside the plugin file."""
        hook = {"__import__": partial(_import, self.plugin)}
        vars(module)["__builtins__"] = vars(builtins) | hook
        super().exec_module(module)


def _import(
    plugin: PluginFile,
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    """Import a module for an import statement of a plugin file.

    Arguments:
        plugin: The plugin file.
        name: Name of the module in the statement.
        globals: Global variables at the statement.
        locals: Local variables at the statement.
        fromlist: Names that the statement imports from the module.
        level: Number of dots before the name.
    """
    top = name.partition(".")[0]
    if level or not plugin.offers(top):
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    module = builtins.__import__(f"{plugin.name}.{name}", globals, locals, fromlist or (), 0)
    # As for all packages, `import a.b` binds the name `a`.
    return module if fromlist else sys.modules[f"{plugin.name}.{top}"]


def installed_plugins() -> tuple[PluginFile, ...]:
    """Return the plugin files that are installed in this process."""
    return tuple(finder for finder in sys.meta_path if isinstance(finder, PluginFile))
