"""Requests as the senders of webhooks sign them, written from their documentation and not from our descriptors."""

from __future__ import annotations

import base64
import hashlib
import hmac

Headers = dict[str, str]

STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def _hex(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def github(secret: str, body: bytes, *, event: str, delivery: str) -> Headers:
    return {
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={_hex(secret, body)}",
        "content-type": "application/json",
    }


def stripe(secret: str, body: bytes, *, at: int, others: tuple[str, ...] = ()) -> Headers:
    """`others` are secrets that it signs with too, while one is rolled."""
    signatures = [f"v1={_hex(one, f'{at}.'.encode() + body)}" for one in (*others, secret)]
    return {"stripe-signature": ",".join([f"t={at}", "v0=6ffbb59b2300aae63f272406069a9788", *signatures])}


def slack(secret: str, body: bytes, *, at: int) -> Headers:
    return {
        "x-slack-request-timestamp": str(at),
        "x-slack-signature": f"v0={_hex(secret, f'v0:{at}:'.encode() + body)}",
    }


def shopify(secret: str, body: bytes, *, topic: str, webhook_id: str) -> Headers:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": webhook_id,
        "x-shopify-hmac-sha256": base64.b64encode(digest).decode(),
    }


def standard(secret: str, body: bytes, *, id: str, at: int) -> Headers:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
