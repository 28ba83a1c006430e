from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo: real data, really trained models, simulated reviewers. It has no models of its own."""

    name = "hitl.demo"
    label = "demo"
