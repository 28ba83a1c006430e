"""Redis: a message whose acknowledgement could not be sent is no longer counted as being worked on.

A worker reads no more than it may have unacknowledged. kombu (5.7) goes on counting a message for which the broker was
away at the moment of its acknowledgement, on a connection that it has stopped reading, so a worker whose processes were
all busy when Redis went never noticed and never worked again. Such a message rings once more (docs/adr/0002).
"""

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """What may be read before something is acknowledged."""

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue)
        finally:
            virtual.QoS.ack(self, delivery_tag)


redis.Channel.QoS = QoS
