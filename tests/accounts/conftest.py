from tests.delivery.conftest import race_world

__all__ = ["race_world"]
