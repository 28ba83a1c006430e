from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "hitl.accounts"
    label = "accounts"
    verbose_name = "People and clients"

    def ready(self) -> None:
        from hitl.accounts import openapi  # noqa: F401  registers itself by being imported
