"""What a role may do in its workspace, and what a key's scope allows. One table each; rows are narrowed elsewhere."""

from enum import StrEnum


class Role(StrEnum):
    """A person's role in one workspace."""

    REVIEWER = "reviewer"
    EXPERT = "expert"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ENGINEER = "engineer"
    OPERATOR = "operator"


class Scope(StrEnum):
    """What an API key may be used for (contract: Authentication)."""

    CASES_WRITE = "cases:write"
    CASES_READ = "cases:read"
    REVIEWS_WRITE = "reviews:write"
    OUTCOMES_WRITE = "outcomes:write"
    POLICIES_READ = "policies:read"
    POLICIES_WRITE = "policies:write"
    EXPORTS_READ = "exports:read"
    AUDIT_READ = "audit:read"
    METRICS_READ = "metrics:read"


class Permission(StrEnum):
    """What a person's role permits."""

    SEE_ALL_CASES = "see_all_cases"
    SUBMIT_CASES = "submit_cases"
    REVIEW = "review"
    AUDIT_DECISIONS = "audit_decisions"
    READ_POLICIES = "read_policies"
    PROPOSE_POLICIES = "propose_policies"
    WRITE_POLICIES = "write_policies"
    APPROVE_POLICIES = "approve_policies"
    CONFIGURE = "configure"
    READ_AUDIT = "read_audit"
    READ_METRICS = "read_metrics"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_CLIENTS = "manage_clients"
    STOP_MACHINE = "stop_machine"
    ANSWER_ALERTS = "answer_alerts"
    EXPORT = "export"
    EXPORT_RAW = "export_raw"
    ASSIGN_REVIEWS = "assign_reviews"


_P = Permission
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.REVIEWER: frozenset({_P.REVIEW}),
    # Knows the cases: reviews them, and proposes rules that a supervisor then approves.
    Role.EXPERT: frozenset({_P.REVIEW, _P.READ_POLICIES, _P.PROPOSE_POLICIES}),
    Role.SUPERVISOR: frozenset(_P),
    Role.AUDITOR: frozenset({_P.SEE_ALL_CASES, _P.READ_POLICIES, _P.READ_AUDIT, _P.READ_METRICS, _P.EXPORT}),
    Role.ENGINEER: frozenset({_P.READ_POLICIES, _P.PROPOSE_POLICIES, _P.WRITE_POLICIES, _P.READ_METRICS, _P.EXPORT}),
    Role.OPERATOR: frozenset({_P.READ_METRICS, _P.MANAGE_PEOPLE, _P.MANAGE_CLIENTS, _P.STOP_MACHINE, _P.ANSWER_ALERTS}),
}

# The scopes a person's session or key carries at most, by what the role permits.
_SCOPE_NEEDS: dict[Scope, frozenset[Permission]] = {
    Scope.CASES_WRITE: frozenset({_P.SUBMIT_CASES}),
    Scope.CASES_READ: frozenset({_P.REVIEW, _P.SEE_ALL_CASES}),
    Scope.REVIEWS_WRITE: frozenset({_P.REVIEW}),
    Scope.OUTCOMES_WRITE: frozenset({_P.SUBMIT_CASES}),
    Scope.POLICIES_READ: frozenset({_P.READ_POLICIES}),
    Scope.POLICIES_WRITE: frozenset({_P.PROPOSE_POLICIES, _P.WRITE_POLICIES, _P.APPROVE_POLICIES}),
    Scope.EXPORTS_READ: frozenset({_P.EXPORT}),
    Scope.AUDIT_READ: frozenset({_P.READ_AUDIT}),
    Scope.METRICS_READ: frozenset({_P.READ_METRICS}),
}
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    role: frozenset(scope for scope, needs in _SCOPE_NEEDS.items() if needs & permissions)
    for role, permissions in ROLE_PERMISSIONS.items()
}
