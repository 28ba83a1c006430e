from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "hitl.core"
    label = "core"
