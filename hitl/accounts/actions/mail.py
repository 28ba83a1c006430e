"""The link by which a person sets their own password. Nobody else ever sees a password."""

import logging
from smtplib import SMTPException

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from hitl.accounts.models import User, Workspace
from hitl.core.errors import Unavailable

log = logging.getLogger(__name__)


def send_password_link(*, user: User, workspace: Workspace, base_url: str, invited: bool) -> None:
    """Mail `user` a link to set a password. Network: call it outside transactions.

    `base_url` is where people reach this installation (``https://host``). Raises Unavailable (`mail_away`).
    """
    path = reverse(
        "account_reset_password_from_key",
        kwargs={"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)},
    )
    context = {
        "user": user,
        "workspace": workspace,
        "invited": invited,
        "link": base_url.rstrip("/") + path,
        "login": base_url.rstrip("/") + reverse("account_login"),
    }
    title = " ".join(workspace.title.split())
    with translation.override(user.language or translation.get_language()):
        if invited:
            subject = _("You are invited to %(workspace)s on hitl") % {"workspace": title}
        else:
            subject = _("Set a new password for hitl")
        text = render_to_string("accounts/password_link.txt", context)
    try:
        send_mail(subject, text, None, [user.email])
    except (SMTPException, OSError) as error:
        log.warning("mail away: %s", error)
        raise Unavailable("The e-mail could not be sent. Send the link again later.", code="mail_away") from None
