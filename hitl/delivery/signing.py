"""Standard Webhooks 1.0, symmetric (HMAC-SHA256): https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac
import secrets
import uuid

_PREFIX = "whsec_"


def new_secret() -> str:
    """A fresh signing secret: ``whsec_`` and 32 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signed_headers(*, secret: str, message_id: uuid.UUID, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; `timestamp` in seconds since 1970 is when this attempt is made."""
    head = f"{message_id}.{timestamp}.".encode()
    digest = hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), head + body, hashlib.sha256)
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
