"""HTTPS, and gRPC over TLS, with a certificate of the user's."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc
from tests.support.server import ServerProcess

PASSWORD = "correct horse battery"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ironflow test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def test_both_faces_speak_tls_and_cookies_are_for_it_only(
    start_server: Callable[..., ServerProcess], certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    server = start_server(guarded=True, arguments=["--tls-cert", str(cert), "--tls-key", str(key)])
    assert server.url.startswith("https://127.0.0.1:")
    bearer = {"Authorization": f"Bearer {server.key}"}

    trusting = ssl.create_default_context(cafile=str(cert))
    with httpx.Client(base_url=server.url, verify=trusting, timeout=30) as client:
        assert client.get("/api/v1/runs", headers=bearer).status_code == 200
        client.post("/api/v1/users", json={"email": "ada@example.com", "password": PASSWORD}, headers=bearer)
        told = client.post("/api/v1/auth/login", json={"email": "ada@example.com", "password": PASSWORD})
        assert told.headers["Set-Cookie"].endswith("; Secure")
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url.replace("https", "http") + "/health", timeout=10)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health", timeout=10)  # of an authority that is not known
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    with grpc.secure_channel(server.grpc_address, credentials) as channel:
        metadata = [("authorization", bearer["Authorization"])]
        stub = ironflow_pb2_grpc.IronflowServiceStub(channel)  # type: ignore[no-untyped-call]
        assert stub.ListRuns(ironflow_pb2.ListRunsRequest(), metadata=metadata, timeout=30).total_count == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--tls-cert", "CERT"], "tls_key is missing"),
        (["--tls-cert", "CERT", "--tls-key", "CERT"], "cannot be used"),
        (["--tls-cert", "nowhere", "--tls-key", "KEY"], "cannot be used"),
        (["--host", "0.0.0.0"], "keys would travel in the clear"),
        (["--host", "0.0.0.0", "--dev"], "asks nobody who they are"),
        (["--host", "0.0.0.0", "--dev", "--insecure"], "asks nobody who they are"),
    ],
)
def test_what_would_not_be_safe_is_refused_before_anything_is_served(
    tmp_path: Path, certificate: tuple[Path, Path], arguments: list[str], told: str
) -> None:
    given = {"CERT": str(certificate[0]), "KEY": str(certificate[1])}
    flags = [given.get(one, one) for one in arguments]
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--data-dir", str(tmp_path / "d"), *flags]

    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert shown.returncode == 2
    assert told in shown.stderr
    assert not (tmp_path / "d").exists()
