from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "hitl.delivery"
    label = "delivery"
