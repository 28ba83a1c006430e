"""Who acts. Every action takes an Actor; every event names one."""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from hitl.core.errors import Forbidden
from hitl.core.permissions import ROLE_PERMISSIONS, Permission, Role, Scope

_NOBODY = uuid.UUID(int=0)


class ActorKind(StrEnum):
    """`user`: a person (by session or own key); `client`: a partner's integration; `system`: hitl itself."""

    USER = "user"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The authenticated caller in one workspace.

    `task_type_ids` null means every task type of the workspace. `label` is what the event log shows.
    """

    kind: ActorKind
    workspace_id: uuid.UUID
    label: str
    user_id: uuid.UUID | None = None
    client_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    task_type_ids: frozenset[uuid.UUID] | None = None

    @property
    def id(self) -> uuid.UUID | None:
        """The id the event log stores; null for the system."""
        return self.user_id or self.client_id

    @property
    def person_id(self) -> uuid.UUID:
        """The person's id for look-ups; the nil UUID, which no row has, where no person acts."""
        return self.user_id or _NOBODY

    def may(self, permission: Permission) -> bool:
        """Whether this person's role permits it; the system may do everything, a client nothing of this kind."""
        if self.kind is ActorKind.SYSTEM:
            return True
        return self.role is not None and permission in ROLE_PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Refuse with 403 unless `may`."""
        if not self.may(permission):
            raise Forbidden(f"Your role does not include “{permission.value.replace('_', ' ')}”.")

    def sees_task_type(self, task_type_id: uuid.UUID) -> bool:
        """False where the key is limited to other task types."""
        return self.task_type_ids is None or task_type_id in self.task_type_ids


def system_actor(workspace_id: uuid.UUID, label: str = "hitl") -> Actor:
    """The actor of scheduled work; `label` says which (for instance ``sla``)."""
    return Actor(kind=ActorKind.SYSTEM, workspace_id=workspace_id, label=label)
