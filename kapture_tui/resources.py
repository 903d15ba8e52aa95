"""Where the data files are that ship with the package: themes, manifests and results."""

from __future__ import annotations

from pathlib import Path

from kapture_tui.model.errors import KaptureError

_PACKAGE = Path(__file__).resolve().parent


def themes_dir() -> Path:
    """Return the folder with one YAML file a theme.

    Raises: KaptureError: the installation lacks it.
    """
    return _data_dir("themes")


def manifests_dir() -> Path:
    """Return the folder with the kustomize sources of the stack.

    Raises: KaptureError: the installation lacks it.
    """
    return _data_dir("manifests")


def results_dir() -> Path:
    """Return the folder of the catalogue: one JSON file a run of `bench`.

    Raises: KaptureError: the installation lacks it.
    """
    return _data_dir("benchmark/results")


def _data_dir(name: str) -> Path:
    # A wheel carries them inside the package; a checkout has them beside it, where people look for them.
    for folder in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise KaptureError(
        f"looking for {name}/ beside {_PACKAGE}", "it is not there", "install kapture-tui again"
    )
