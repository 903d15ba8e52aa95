"""`render`: the stack as files, for those who apply them themselves."""

from __future__ import annotations

import secrets

from kapture_tui.cli.output import note
from kapture_tui.cli.settings import Render

_PASSWORD_BYTES = 24


def run(command: Render) -> int:
    """Write the kustomization; no cluster is asked. Raises KaptureError: no bundle, or the folder cannot be written."""
    from kapture_tui.stack.bundle import bundle
    from kapture_tui.stack.catalogue import passwords
    from kapture_tui.stack.folder import write
    from kapture_tui.stack.render import RunFacts, render

    spec, folder = command.spec, command.folder
    architectures = () if spec.cluster.image else command.architectures
    bundles = tuple(bundle(name, components=spec.components) for name in architectures)
    for one in bundles:
        if one.slow:
            note(f"{one.architecture}: {one.slow}")
    facts = RunFacts(
        run_id=secrets.token_hex(4),
        bundles=bundles,
        passwords={name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in passwords(spec)},
        cpu_limits=spec.cluster.cpu_limits,
    )
    manifests = render(spec, facts)
    write(spec, manifests, folder)
    note(f"{len(manifests)} objects in {folder}, with the passwords of this stack: keep it to yourself")
    note(f"kubectl create namespace {spec.namespace}; kubectl apply --server-side -k {folder}")
    return 0
