"""Pages of people and settings; login, logout and passwords through allauth."""

from allauth.account import views as allauth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, re_path

from hitl.accounts.views import people, settings


def home(request: HttpRequest) -> HttpResponse:
    """The root leads to where one works, by the login if need be."""
    return redirect("/work" if request.user.is_authenticated else "account_login")


urlpatterns = [
    path("", home, name="home"),
    path("login", allauth.login, name="account_login"),
    path("logout", allauth.logout, name="account_logout"),
    path("inactive", allauth.account_inactive, name="account_inactive"),
    path("signup", allauth.signup, name="account_signup"),  # closed; allauth links to it by name
    path("reauthenticate", allauth.reauthenticate, name="account_reauthenticate"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path(
        "password/set/",
        allauth.PasswordSetView.as_view(template_name="accounts/password_set.html"),
        name="account_set_password",
    ),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("people", people.People.as_view(), name="people"),
    path("people/<uuid:membership_id>/role", people.ChangeRole.as_view(), name="person-role"),
    path("people/<uuid:membership_id>/deactivate", people.Deactivate.as_view(), name="person-deactivate"),
    path("people/<uuid:membership_id>/reset", people.SendReset.as_view(), name="person-reset"),
    path("settings", settings.Settings.as_view(), name="settings"),
    path("settings/keys", settings.OwnKeys.as_view(), name="own-keys"),
    path("settings/keys/<uuid:key_id>/revoke", settings.RevokeOwnKey.as_view(), name="own-key-revoke"),
    path("settings/machine", settings.StopButton.as_view(), name="stop-button"),
]
