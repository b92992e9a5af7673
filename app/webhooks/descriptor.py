"""Descriptors: how a sender signs what it delivers, and where its name and id are. Pure.

    Stripe-Signature: t=1492774577,v1=5257a869…,v1=6ffbb59b…
    ─signature_header  ───────────┬──────────
                       entries, split at entry_separator ","; each a key and a value, split at kv_delimiter "="
                       signature_key "v1" says which are signatures, timestamp_key "t" which is the time

A signature is the HMAC of the signing template, in which {body} is the body byte for byte, {ts} the time as it was sent
and {id} the delivery's id as its header says. Paths say where something is found: `header:X-GitHub-Event`,
`body:event.type`; `a|b` is the first of both that there is, and `a+b` both, with a dot between, if there is a b.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.errors import InvalidArgument
from app.history.kinds import Descriptor

ALGORITHMS = {"hmac-sha256": "sha256", "hmac-sha1": "sha1", "hmac-sha512": "sha512"}
ENCODINGS = ("hex", "base64")
SECRET_ENCODINGS = ("utf8", "base64", "hex")
BASE64_SECRET_PREFIX = "whsec_"
TOLERANCE_S_DEFAULT = 300
TOLERANCE_S_MAX = 7 * 24 * 3_600
ANY_AGE = -1
TEXT_CHARS_MAX = 200

GITHUB = Descriptor(
    signature_header="X-Hub-Signature-256",
    kv_delimiter="=",
    signature_key="sha256",
    signing_template="{body}",
    event_name_path="header:X-GitHub-Event+body:action",
    dedup_id_path="header:X-GitHub-Delivery",
)
STRIPE = Descriptor(
    signature_header="Stripe-Signature",
    entry_separator=",",
    kv_delimiter="=",
    signature_key="v1",
    timestamp_key="t",
    signing_template="{ts}.{body}",
    event_name_path="body:type",
    dedup_id_path="body:id",
)
SLACK = Descriptor(
    signature_header="X-Slack-Signature",
    kv_delimiter="=",
    signature_key="v0",
    timestamp_header="X-Slack-Request-Timestamp",
    signing_template="v0:{ts}:{body}",
    event_name_path="body:event.type|body:type|body:command",
    dedup_id_path="body:event_id|body:trigger_id",
    challenge_path="body:challenge",
)
SHOPIFY = Descriptor(
    signature_header="X-Shopify-Hmac-Sha256",
    signing_template="{body}",
    encoding="base64",
    event_name_path="header:X-Shopify-Topic",
    dedup_id_path="header:X-Shopify-Webhook-Id",
)
STANDARD = Descriptor(
    signature_header="webhook-signature",
    entry_separator=" ",
    kv_delimiter=",",
    signature_key="v1",
    timestamp_header="webhook-timestamp",
    signing_template="{id}.{ts}.{body}",
    encoding="base64",
    event_name_path="body:type",
    dedup_id_path="header:webhook-id",
    secret_encoding="base64",
)
PROVIDERS: Mapping[str, Descriptor] = {
    "github": GITHUB,
    "stripe": STRIPE,
    "slack": SLACK,
    "shopify": SHOPIFY,
    "standard": STANDARD,
}

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*.^_`~-]+", re.ASCII)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def described(provider: str, given: Descriptor) -> Descriptor:
    """What is given, with what the provider is known for and defaults elsewhere, checked. Raises InvalidArgument."""
    if provider and provider not in PROVIDERS:
        raise InvalidArgument(
            f"provider {provider[:40]!r} is unknown",
            field="provider",
            hint=f"one of {', '.join(PROVIDERS)}; describe others with verify_config",
        )
    known = PROVIDERS.get(provider, Descriptor())
    fields = {name: getattr(given, name) or getattr(known, name) for name in Descriptor.__struct_fields__}
    if fields["signature_header"]:
        fields["algorithm"] = _algorithm(fields["algorithm"])
        fields["encoding"] = fields["encoding"] or "hex"
        fields["signing_template"] = fields["signing_template"] or "{body}"
        fields["secret_encoding"] = fields["secret_encoding"] or "utf8"
        if "{ts}" in fields["signing_template"]:
            fields["tolerance_seconds"] = fields["tolerance_seconds"] or TOLERANCE_S_DEFAULT
    descriptor = Descriptor(**fields)
    _check(descriptor)
    return descriptor


def secret_bytes(descriptor: Descriptor, secret: str) -> bytes:
    """The key of the HMAC. Raises InvalidArgument, which never says it."""
    try:
        match descriptor.secret_encoding:
            case "base64":
                key = base64.b64decode(secret.removeprefix(BASE64_SECRET_PREFIX), validate=True)
            case "hex":
                key = bytes.fromhex(secret)
            case _:
                key = secret.encode()
    except (ValueError, binascii.Error):
        key = b""
    if not key:
        raise InvalidArgument(
            f"the secret is not {descriptor.secret_encoding}",
            field="verify_secret",
            hint="as the sender shows it; secret_encoding says how it is written",
        )
    return key


def found(path: str, headers: Mapping[str, str], body: Any) -> str:
    """The text at the path, "" if there is none. Names of headers are in lower case."""
    for alternative in path.split("|"):
        first, *others = (_at(part, headers, body) for part in alternative.split("+"))
        if first:
            return ".".join([first, *filter(None, others)])
    return ""


def of_header(path: str) -> bool:
    """Whether all of the path is in headers, which are known before the body may be read."""
    return bool(path) and all(part.startswith("header:") for part in _parts(path))


def _at(part: str, headers: Mapping[str, str], body: Any) -> str:
    place, _, name = part.partition(":")
    if place == "header":
        return headers.get(name.lower(), "").strip()
    value = body
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _parts(path: str) -> Sequence[str]:
    return re.split(r"[|+]", path)


def _algorithm(text: str) -> str:
    name = text.lower() or "hmac-sha256"
    return name if name.startswith("hmac-") else f"hmac-{name}"


def _check(descriptor: Descriptor) -> None:
    for name in Descriptor.__struct_fields__:
        value = getattr(descriptor, name)
        if isinstance(value, str) and (len(value) > TEXT_CHARS_MAX or not value.isprintable()):
            raise _refused(name, "is not usable", f"at most {TEXT_CHARS_MAX} printable characters")
    for name in ("signature_header", "timestamp_header"):
        header = getattr(descriptor, name)
        if header and not _HEADER.fullmatch(header):
            raise _refused(name, f"{header!r} is no name of a header", "such as X-Signature")
    for name in ("event_name_path", "dedup_id_path", "challenge_path"):
        _check_path(name, getattr(descriptor, name))
    if descriptor.signature_header:
        _check_signing(descriptor)


def _check_path(name: str, path: str) -> None:
    for part in _parts(path) if path else ():
        place, _, rest = part.partition(":")
        if (
            place not in ("header", "body")
            or not all(rest.split("."))
            or (place == "header" and not _HEADER.fullmatch(rest))
        ):
            raise _refused(
                name, f"{path!r} is no path", "such as header:X-Event, body:event.type, or a|b and a+b of them"
            )


def _check_signing(descriptor: Descriptor) -> None:
    if descriptor.algorithm not in ALGORITHMS:
        raise _refused("algorithm", f"{descriptor.algorithm!r} is unknown", f"one of {', '.join(ALGORITHMS)}")
    if descriptor.encoding not in ENCODINGS:
        raise _refused("encoding", f"{descriptor.encoding!r} is unknown", f"one of {', '.join(ENCODINGS)}")
    if descriptor.secret_encoding not in SECRET_ENCODINGS:
        raise _refused(
            "secret_encoding", f"{descriptor.secret_encoding!r} is unknown", f"one of {', '.join(SECRET_ENCODINGS)}"
        )
    if bool(descriptor.signature_key) != bool(descriptor.kv_delimiter):
        raise _refused("signature_key", "and kv_delimiter go together", "such as v1 and =")
    template = descriptor.signing_template
    placeholders = _PLACEHOLDER.findall(template)
    if placeholders.count("body") != 1 or not {"body", "ts", "id"} >= set(placeholders):
        raise _refused(
            "signing_template", f"{template!r} is not usable", "{body}, and perhaps {ts} and {id}, such as {ts}.{body}"
        )
    if "ts" in placeholders and not (descriptor.timestamp_header or descriptor.timestamp_key):
        raise _refused(
            "timestamp_header", "is missing: the template has {ts}", "where the time is: a header, or timestamp_key"
        )
    if descriptor.timestamp_key and not descriptor.kv_delimiter:
        raise _refused("timestamp_key", "needs a kv_delimiter", "such as t and =")
    if "id" in placeholders and not of_header(descriptor.dedup_id_path):
        raise _refused("dedup_id_path", "is no header: the template has {id}", "such as header:webhook-id")
    if "ts" not in placeholders and descriptor.tolerance_seconds:
        raise _refused(
            "tolerance_seconds",
            "is of no use: the time is not signed",
            "put {ts} into signing_template, or leave it out",
        )
    if not ANY_AGE <= descriptor.tolerance_seconds <= TOLERANCE_S_MAX:
        raise _refused("tolerance_seconds", "is out of range", f"1 to {TOLERANCE_S_MAX}, or {ANY_AGE} for any age")


def _refused(name: str, what: str, hint: str) -> InvalidArgument:
    return InvalidArgument(f"verify_config.{name} {what}", field=f"verify_config.{name}", hint=hint)


def told(descriptor: Descriptor) -> str:
    """As JSON text."""
    return msgspec.json.encode(descriptor).decode()


_decode = msgspec.json.Decoder(Descriptor).decode


def read(text: str) -> Descriptor:
    """What `told` wrote."""
    return _decode(text)
