"""Certificates for tests, made with openssl."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True)
class Pair:
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class Authority:
    """Signs certificates; its own is `pair.certificate`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
        _openssl(
            *("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", str(self.pair.key), "-out", str(self.pair.certificate)),
        )

    def sign(self, name: str, alternatives: str = "IP:127.0.0.1", days: int = 1) -> Pair:
        """A certificate for `alternatives` ("DNS:x,IP:127.0.0.1"); one of -1 days has ended."""
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives}\n")
        subject = ("-subj", f"/CN={name}")
        _openssl("req", "-new", *KEY, *subject, "-keyout", str(pair.key), "-out", str(request))
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", str(days), "-extfile", str(extensions)),
            *("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key), "-CAcreateserial"),
            *("-out", str(pair.certificate)),
        )
        return pair

    def lock(self, pair: Pair) -> Path:
        """The pair's key with a password on it."""
        locked = pair.key.with_suffix(".locked")
        _openssl("ec", "-in", str(pair.key), "-aes128", "-passout", "pass:locked", "-out", str(locked))
        return locked


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)
