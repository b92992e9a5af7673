"""What a delivery says, once it is verified: its data as JSON, its name, its id. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from app import jsonvalue
from app.errors import InvalidArgument
from app.history.kinds import Descriptor
from app.webhooks import descriptor as descriptors
from app.webhooks.verification import Request

FORM = "application/x-www-form-urlencoded"
FORM_PAYLOAD = "payload"
FORM_FIELDS_MAX = 1_000
EXTERNAL_ID_BYTES_MAX = 255

_BETWEEN = re.compile(r"[\s/:]+")
_WILD = re.compile(r"[*>]")


class Content(NamedTuple):
    """`data` is the JSON text, `value` the same decoded."""

    data: bytes
    value: Any


def read(request: Request) -> Content:
    """JSON as it is; of a form its field `payload`, as GitHub and Slack send JSON in one, else its fields. An object is
    no form, whatever is said of it: curl calls all that it posts one. Raises InvalidArgument, PayloadTooLarge."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_form = media == FORM and not request.body.lstrip().startswith(b"{")
    data = _of_form(request.body) if is_form else request.body
    return Content(data, jsonvalue.check(data, field="body"))


def event_name(prefix: str, descriptor: Descriptor, headers: Mapping[str, str], value: Any) -> str:
    """`prefix.type`, where slashes, colons and spaces of the type become dots. Raises InvalidArgument."""
    told = descriptors.found(descriptor.event_name_path, headers, value) if descriptor.event_name_path else ""
    if descriptor.event_name_path and not told:
        raise InvalidArgument(
            f"there is nothing at {descriptor.event_name_path} to name the event by",
            field="body",
            hint="event_name_path of the source says where its name is",
        )
    dotted = _WILD.sub("_", _BETWEEN.sub(".", told))
    return ".".join(part for part in f"{prefix}.{dotted}".split(".") if part)


def external_id(descriptor: Descriptor, headers: Mapping[str, str], value: Any) -> str:
    """The sender's id of the delivery, "" if it has none. Raises InvalidArgument."""
    told = descriptors.found(descriptor.dedup_id_path, headers, value) if descriptor.dedup_id_path else ""
    if not told.isprintable() or len(told.encode("utf-8", "surrogatepass")) > EXTERNAL_ID_BYTES_MAX:
        raise InvalidArgument(
            f"the delivery's id at {descriptor.dedup_id_path} is not usable",
            field="body",
            hint=f"at most {EXTERNAL_ID_BYTES_MAX} bytes of printable characters",
        )
    return told


def challenge(descriptor: Descriptor, value: Any) -> str:
    """What the sender wants to be answered, to see that the URL is ours; "" if it is an event."""
    return descriptors.found(descriptor.challenge_path, {}, value) if descriptor.challenge_path else ""


def _of_form(body: bytes) -> bytes:
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=FORM_FIELDS_MAX)
    except ValueError as error:
        raise InvalidArgument(f"the body is not a form: {error}", field="body") from None
    if FORM_PAYLOAD in fields:
        return fields[FORM_PAYLOAD][0].encode()
    flat = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    return json.dumps(flat, ensure_ascii=False, separators=(",", ":")).encode()
