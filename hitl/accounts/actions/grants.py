"""What one person may hand to another: never more than their own office allows."""

from collections.abc import Collection

from hitl.core.actors import Actor, ActorKind
from hitl.core.errors import Forbidden
from hitl.core.permissions import ROLE_SCOPES, Permission, Role, Scope

# What connecting a partner means; whoever manages clients may grant it without holding it for themselves.
_INTEGRATION = frozenset({Scope.CASES_WRITE, Scope.CASES_READ, Scope.OUTCOMES_WRITE})


def grantable_scopes(actor: Actor) -> frozenset[Scope]:
    """The scopes this actor may give to a client's key."""
    if actor.kind is ActorKind.SYSTEM:
        return frozenset(Scope)
    own = ROLE_SCOPES[actor.role] if actor.role else frozenset()
    return own | _INTEGRATION if actor.may(Permission.MANAGE_CLIENTS) else own


def require_scopes(actor: Actor, scopes: Collection[Scope]) -> None:
    """Raises Forbidden (`scope_not_grantable`) for scopes above what the actor may give."""
    above = sorted(set(scopes) - grantable_scopes(actor))
    if above:
        raise Forbidden(f"You may not give: {', '.join(above)}.", code="scope_not_grantable")


def grantable_roles(actor: Actor) -> tuple[Role, ...]:
    """The roles this actor may give, change or take away; supervisors are made by supervisors only."""
    if not actor.may(Permission.MANAGE_PEOPLE):
        return ()
    alike = actor.kind is ActorKind.SYSTEM or actor.role is Role.SUPERVISOR
    return tuple(role for role in Role if alike or role is not Role.SUPERVISOR)


def require_role(actor: Actor, role: Role) -> None:
    """Raises Forbidden (`role_not_grantable`) for a role above what the actor may give or take."""
    if role not in grantable_roles(actor):
        raise Forbidden("Only a supervisor decides who is a supervisor.", code="role_not_grantable")
