import time
import uuid

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from hitl.delivery.signing import new_secret, signed_headers

BODY = '{"type":"case.decided","data":{"label":"größer"}}'.encode()


def headers_for(secret: str, timestamp: int) -> dict[str, str]:
    return signed_headers(secret=secret, message_id=uuid.uuid4(), timestamp=timestamp, body=BODY)


def test_the_reference_library_accepts_our_signature() -> None:
    secret = new_secret()
    assert Webhook(secret).verify(BODY, headers_for(secret, int(time.time())))["type"] == "case.decided"


def test_another_secret_body_or_time_does_not_verify() -> None:
    secret = new_secret()
    headers = headers_for(secret, int(time.time()))
    for verifier, body, sent in [
        (Webhook(new_secret()), BODY, headers),
        (Webhook(secret), BODY + b" ", headers),
        (Webhook(secret), BODY, headers | {"webhook-timestamp": str(int(time.time()) + 1)}),
        (Webhook(secret), BODY, headers_for(secret, int(time.time()) - 3600)),
    ]:
        with pytest.raises(WebhookVerificationError):
            verifier.verify(body, sent)


def test_secrets_have_the_standard_form_and_never_repeat() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert all(secret.startswith("whsec_") for secret in secrets)
