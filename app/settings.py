"""The server's settings: one table from which flags, environment variables, YAML keys and their help come.

Precedence: flag, environment, YAML file, default.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from app import settings_file
from app.durations import parse_duration
from app.errors import InvalidArgument
from app.outbound import reach
from app.outbound.url import parse as parse_url
from app.settings_file import Organization, Problem, SettingsFile

_ORIGIN = re.compile(r"https?://[^/@\s,]+")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingsError(Exception):
    """A setting that cannot be used; says where it came from and what would do."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Settings(msgspec.Struct, frozen=True):
    host: str = "127.0.0.1"
    port: int = 9123
    grpc_port: int = 9124
    dap_port: int = 0
    data_dir: str = ".ironflow"
    database_url: str = ""
    nats_url: str = ""
    nats_port: int = 0
    master_key_file: str = ""
    dev: bool = False
    insecure: bool = False
    tls_cert: str = ""
    tls_key: str = ""
    bootstrap_key_file: str = ""
    rate_limit_key: int = 0
    rate_limit_org: int = 0
    receive_timeout: str = "30s"
    stop_delay: str = "0s"
    always_replay: bool = False
    allow_origin: str = ""
    trusted_proxies: str = ""
    push_allow: str = ""
    push_timeout: str = "10s"
    push_concurrency: int = 100
    signing_key: str = ""
    webhook_secret_grace_hours_default: int = 24
    embedding_url: str = ""
    embedding_model: str = ""
    embedding_api_key: str = ""
    log_level: str = "info"
    log_format: str = "auto"
    organizations: tuple[Organization, ...] = ()
    """Made at the start if they are missing; only a file has them."""

    @property
    def is_local(self) -> bool:
        """Whether the server listens on this machine only."""
        return self.host in _LOOPBACK

    @property
    def is_private(self) -> bool:
        """Whether nobody but programs on this machine can reach the server, not even through a proxy."""
        return self.is_local and not self.trusted_proxies

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins whose pages may call the server."""
        return tuple(one.strip() for one in self.allow_origin.split(",") if one.strip())


class Setting(NamedTuple):
    """`path` is its place in the YAML file, below `spec`. A number lies in `span`; `check` raises ValueError or
    InvalidArgument for a text that will not do. One that is `secret` has no flag: others could read it there."""

    name: str
    path: str
    help: str
    choices: tuple[str, ...] = ()
    span: tuple[int, int] = (0, 65_535)
    check: Callable[[str], object] = str
    secret: bool = False

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "IRONFLOW_" + self.name.upper()


SETTINGS = (
    Setting("host", "host", "Address to listen on."),
    Setting("port", "port", "HTTP port; 0 takes a free one."),
    Setting("grpc_port", "grpcPort", "gRPC port, for workers; 0 takes a free one."),
    Setting("dap_port", "dapPort", "Port for debuggers of editors (DAP), on this machine only; 0 is none."),
    Setting("data_dir", "dataDir", "Folder of the SQLite database, NATS and the lock."),
    Setting("database_url", "storage.url", "Postgres to use instead of SQLite: postgresql://user@host/database."),
    Setting("nats_url", "nats.url", "NATS to use instead of our own; several servers of a cluster with commas."),
    Setting("nats_port", "nats.port", "Port of our own NATS server, on this machine only; 0 takes a free one."),
    Setting("master_key_file", "auth.masterKeyFile", "Key that encrypts secrets; else one is made in the data folder."),
    Setting("dev", "dev", "For development on this machine only: nobody is asked who they are."),
    Setting("tls_cert", "tls.cert", "Certificate, with its chain (PEM), for HTTPS and gRPC over TLS."),
    Setting("tls_key", "tls.key", "The certificate's private key (PEM)."),
    Setting("insecure", "insecure", "Allow listening beyond this machine without TLS: keys travel in the clear."),
    Setting(
        "bootstrap_key_file",
        "auth.bootstrapKeyFile",
        "File of the first key, made at the first start; else it is in the data folder.",
    ),
    Setting(
        "rate_limit_key", "limits.perKey", "Requests a second that a key may make; 0 is no limit.", span=(0, 1_000_000)
    ),
    Setting(
        "rate_limit_org",
        "limits.perOrganization",
        "Requests a second that all keys of an organization may make together; 0 is no limit.",
        span=(0, 1_000_000),
    ),
    Setting(
        "receive_timeout",
        "limits.receiveTimeout",
        "How long the head of a request may take to arrive, and then its body, with a second more for each 10,000 bytes"
        " that have come.",
        check=lambda text: _positive(text),
    ),
    Setting(
        "stop_delay",
        "stop.delay",
        "How long to serve on after a signal to stop, while /ready says no, so that a load balancer notices. A second"
        " signal ends it.",
        check=parse_duration,
    ),
    Setting(
        "always_replay",
        "alwaysReplay",
        "Replay runs from their memo whenever they go on, instead of keeping them in memory: for tests.",
    ),
    Setting("allow_origin", "allowOrigin", "Origins whose pages may call the server: https://app.example.com, …"),
    Setting(
        "trusted_proxies",
        "trustedProxies",
        "Address ranges of proxies in front of the server, such as 127.0.0.1,10.0.0.0/8: what they say in"
        " X-Forwarded-For, -Proto and -Host, or in Forwarded, is believed.",
        check=lambda text: _narrow(text),
    ),
    Setting(
        "push_allow",
        "push.allow",
        "Address ranges that push endpoints may have besides public ones: 10.0.0.0/8,192.168.1.7. A server that listens"
        " on loopback allows loopback.",
        check=reach.networks,
    ),
    Setting(
        "push_timeout",
        "push.timeout",
        "How long a push endpoint may be silent; a function's own timeout, if it is shorter.",
        check=lambda text: _positive(text),
    ),
    Setting("push_concurrency", "push.concurrency", "Requests at a time to one function's endpoint.", span=(1, 10_000)),
    Setting("signing_key", "push.signingKey", "Key that signs requests to push endpoints.", secret=True),
    Setting(
        "webhook_secret_grace_hours_default",
        "webhooks.secretGraceHours",
        "How long the old secret of a webhook counts beside a new one, unless its rotation says otherwise.",
        span=(0, 7 * 24),
    ),
    Setting(
        "embedding_url",
        "search.embedding.url",
        "Embeddings endpoint, as OpenAI's: https://api.example.com/v1/embeddings. Failures are sent to it, masked.",
        check=lambda text: parse_url(text, field="it") if text else None,
    ),
    Setting("embedding_model", "search.embedding.model", "Model that the embeddings endpoint is asked for."),
    Setting("embedding_api_key", "search.embedding.apiKey", "Key for the embeddings endpoint.", secret=True),
    Setting("log_level", "logging.level", "Least severe log line shown.", ("debug", "info", "warning", "error")),
    Setting(
        "log_format", "logging.format", "console, json, or auto: console on a terminal.", ("auto", "console", "json")
    ),
)
_TYPES = Settings.__annotations__
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_EACH_URL = re.compile(r",(?=\s*[a-z][a-z+.-]*://)", re.IGNORECASE)
_PARAMETERS = re.compile(r"[?#]")


def shown(settings: Settings) -> dict[str, Any]:
    """The settings as whoever helps may see them: of what is secret whether it is set, URLs without credentials."""
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if setting.secret:
            value = "set" if value else ""
        elif setting.name.endswith("_url"):
            value = ",".join(map(_without_credentials, _EACH_URL.split(value)))
        found[setting.name] = value
    return {**found, "organizations": len(settings.organizations)}


def _without_credentials(url: str) -> str:
    """The address, without who asks and without parameters, which may say so too. Nothing of one that can be read in
    more than one way: a password may have any of `?`, `#` and `,` as it is."""
    scheme, divider, rest = url.strip().partition("://")
    address, *parameters = _PARAMETERS.split(rest, maxsplit=1)
    if not divider or any("@" in one for one in parameters):
        return "set" if url else ""
    return f"{scheme}://{address.rpartition('@')[2]}"


def resolve(
    flags: Mapping[str, Any], *, file: Path | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings. `flags` holds those given on the command line. Raises SettingsError."""
    given = os.environ if environment is None else environment
    from_file = _from_file(file, given) if file else SettingsFile()
    chosen: dict[str, Any] = {}
    for setting in SETTINGS:
        if flags.get(setting.name) is not None:
            chosen[setting.name] = _value(setting, flags[setting.name], setting.flag)
        elif setting.variable in given:
            chosen[setting.name] = _value(setting, given[setting.variable], setting.variable)
        elif setting.path in from_file.settings:
            chosen[setting.name] = _value(setting, from_file.settings[setting.path].text, f"spec.{setting.path}")
    settings = Settings(**chosen, organizations=tuple(from_file.organizations))
    for origin in settings.origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"allow_origin {origin!r} is not an origin", hint="such as https://app.example.com, several with commas"
            )
    if settings.dev and not settings.is_local:
        raise SettingsError(
            f"--dev asks nobody who they are, and host {settings.host} is reachable from other machines",
            hint="leave --dev or --host out",
        )
    if settings.dev and settings.trusted_proxies:
        raise SettingsError(
            "--dev asks nobody who they are, and through a proxy others reach this server",
            hint="leave --dev or --trusted-proxies out",
        )
    _check_tls(settings)
    if not settings.is_local and not settings.insecure and not settings.tls_cert:
        raise SettingsError(
            f"host {settings.host} is reachable from other machines, and keys would travel in the clear",
            hint="give --tls-cert and --tls-key; or --insecure, if the network is private or a proxy in front does TLS",
        )
    return settings


def _check_tls(settings: Settings) -> None:
    """Raises SettingsError for a certificate and key that are not a pair."""
    if not settings.tls_cert and not settings.tls_key:
        return
    if not (settings.tls_cert and settings.tls_key):
        missing = "tls_key" if settings.tls_cert else "tls_cert"
        raise SettingsError(f"{missing} is missing", hint="TLS needs both, --tls-cert and --tls-key")
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"tls_cert {settings.tls_cert} and tls_key {settings.tls_key} cannot be used: {error}",
            hint="a certificate and its private key, both PEM, the key without a password",
        ) from None


def _narrow(text: str) -> None:
    if any(network.prefixlen == 0 for network in reach.networks(text)):
        raise ValueError("everybody would be believed")


def _positive(text: str) -> int:
    length_us = parse_duration(text, field="it")
    if not length_us:
        raise ValueError("it is no time at all")
    return length_us


def _value(setting: Setting, value: Any, source: str) -> Any:
    kind = _TYPES[setting.name]
    if kind == "bool":
        text = str(value).lower()
        if text not in _TRUE + _FALSE:
            raise SettingsError(f"{source} is {value!r}, which is neither true nor false", hint="write true or false")
        return text in _TRUE
    if kind == "int":
        low, high = setting.span
        if not str(value).isdecimal() or not low <= int(value) <= high:
            raise SettingsError(f"{source} is {value!r}, which is out of range", hint=f"{low} to {high}")
        return int(value)
    if setting.choices and value not in setting.choices:
        near = settings_file.meant(value, setting.choices)
        raise SettingsError(f"{source} is {value!r}", hint=f"one of {', '.join(setting.choices)}{near}")
    try:
        setting.check(str(value))
    except (ValueError, InvalidArgument) as error:
        raise SettingsError(f"{source} is {value!r}: {error}", hint=setting.help) from None
    return str(value)


def check(path: Path, environment: Mapping[str, str] | None = None) -> tuple[str, list[Problem]]:
    """The kind of a settings file, and everything that keeps it from being used, by line. Raises OSError."""
    given = os.environ if environment is None else environment
    file = settings_file.read(path, given)
    problems = [*file.problems, *_unusable(file)]
    if not problems:
        try:
            resolve({}, file=path, environment=given)
        except SettingsError as error:
            problems.append(Problem(1, str(error), error.hint))
    return file.kind, sorted(problems)


def _from_file(path: Path, environment: Mapping[str, str]) -> SettingsFile:
    """What can be used. Raises SettingsError with the first thing that cannot."""
    try:
        file = settings_file.read(path, environment)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}", hint="give the path of a YAML file to -f"
        ) from None
    for problem in sorted([*file.problems, *_unusable(file)]):
        raise SettingsError(f"{path}:{problem.line}: {problem.message}", hint=problem.hint)
    return file


def _unusable(file: SettingsFile) -> Iterator[Problem]:
    """Settings of the file that are none, or whose values will not do."""
    known = {setting.path: setting for setting in SETTINGS}
    for path, (text, line) in file.settings.items():
        if path not in known:
            near = settings_file.meant(path, tuple(known))
            yield Problem(line, f"spec.{path} is not a setting", f"settings are {', '.join(known)}{near}")
            continue
        try:
            _value(known[path], text, f"spec.{path}")
        except SettingsError as error:
            yield Problem(line, str(error), error.hint)
