"""What policies match and what their conditions say; pure."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from app.access import clauses, irn, policy
from app.access.actor import Actor
from app.access.clauses import Meter
from app.access.guard import Request
from app.access.policy import Policy
from app.errors import InvalidArgument
from app.expressions import EvaluationFailed
from app.history.kinds import PolicyDefinition

NOW = 1_764_000_000_000_000
ANN = Actor("ak_ann", "key", ("developer", "oncall"), frozenset(["secrets:read"]))
ASKED = Request(ANN, "secrets:read", "secret/stripe", "prod", "GET /api/v1/secrets/{name}", "10.1.2.3")


def defined(**options: Any) -> PolicyDefinition:
    return PolicyDefinition(**{"name": "p", "actions": ("*",), **options})


def made(version: int = 1, environment: str = "prod", **options: Any) -> Policy:
    definition = policy.checked(defined(**options))
    return Policy.drafted(definition, id=definition.name, version=version, environment=environment)


def denied(*policies: Policy, asked: Request = ASKED, now: int = NOW) -> bool:
    there = [one for one in policies if one.is_there(asked.environment, asked.actor.org) and one.acts_on(asked.action)]
    return policy.rule(there, asked, now).denial is not None


def holds(condition: str, asked: Request = ASKED) -> bool:
    resource = clauses.resource_of(asked)
    return clauses.compile(condition).holds(clauses.variables(asked, resource, NOW), Meter())


def naively(pattern: str, text: str) -> bool:
    """Whether they fit, by trying everything."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(naively(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return text[:1] == pattern[0] and naively(pattern[1:], text[1:])


PIECES = st.text("ab:*", max_size=8)


@given(PIECES, st.text("ab:", max_size=9))
def test_a_glob_fits_what_trying_everything_fits(pattern: str, text: str) -> None:
    assert irn.glob(pattern)(text) == naively(pattern, text)


PART = st.text("ab*", min_size=1, max_size=3)


@given(st.tuples(PART, PART, PART, PART), st.tuples(*[st.text("ab", max_size=3)] * 3, st.text("ab:/", max_size=5)))
def test_a_pattern_of_resources_fits_part_by_part(parts: tuple[str, ...], names: tuple[str, ...]) -> None:
    org, type, environment, id = parts
    compiled = irn.compile(f"irn:ironflow:{org}:*:{type}:{environment}:{id}")

    fits = all(naively(pattern, name) for pattern, name in zip(parts, names, strict=True))

    assert compiled.matches(irn.Resource(names[0], names[1], names[2], names[3])) == fits


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        ("secret/*", True),
        ("secret/stripe", True),
        ("secret/str*pe", True),
        ("secret/other", False),
        ("kv/*", False),
        ("irn:ironflow:*", True),
        ("irn:ironflow:org_default:*:secret:prod:stripe", True),
        ("irn:ironflow:org_default:*:secret:*", True),
        ("irn:ironflow:org_default:*:secret:dev:*", False),
        ("irn:ironflow:other:*", False),
    ],
)
def test_patterns_of_resources(pattern: str, fits: bool) -> None:
    assert denied(made(resources=(pattern,))) is fits


@pytest.mark.parametrize(
    ("pattern", "resource", "fits"),
    [
        ("event/order.>", "event/order.placed", True),
        ("event/order.>", "event/order.a.b", True),
        ("event/order.>", "event/order.>", True),
        ("event/order.>", "event/orders.a", False),
        ("event/>", "event/a", True),
        ("topic/news.>", "topic/news.of.today", True),
        ("irn:ironflow:*:*:event:prod:order.>", "event/order.placed", True),
        ("kv/carts/a.>", "kv/carts/a.b", False),
    ],
)
def test_a_policy_may_write_patterns_as_subscribers_do(pattern: str, resource: str, fits: bool) -> None:
    assert denied(made(resources=(pattern,)), asked=ASKED._replace(resource=resource)) is fits


def test_ids_keep_their_colons_and_stars_do_not_cross_parts() -> None:
    asked = ASKED._replace(resource="kv/carts/a:secret:b")

    assert denied(made(resources=("irn:ironflow:*:*:kv:prod:carts/a:*",)), asked=asked)
    assert not denied(made(resources=("irn:ironflow:*:*:secret:*:b",)), asked=asked)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [("secrets:read", True), ("secrets:*", True), ("*:read", True), ("*", True), ("secrets:write", False)],
)
def test_patterns_of_actions(pattern: str, fits: bool) -> None:
    assert denied(made(actions=(pattern,))) is fits


def test_a_policy_is_for_its_roles_and_its_environment() -> None:
    assert denied(made(roles=("oncall", "admin")))
    assert not denied(made(roles=("admin",)))
    assert not denied(made(environment="dev"))


def test_a_policy_of_an_organization_is_for_its_environments() -> None:
    assert denied(made(environment="dev", org="org_default"))
    assert denied(made(environment="dev", org="org_default", environments=("pr*",)))
    assert not denied(made(environment="dev", org="org_default", environments=("staging",)))
    assert not denied(made(environment="prod", org="org_other"))


def test_a_policy_denies_between_its_instants() -> None:
    timed = made(valid_from=NOW, valid_until=NOW + 10)

    assert [denied(timed, now=at) for at in (NOW - 1, NOW, NOW + 9, NOW + 10)] == [False, True, True, False]


def test_a_ruling_holds_until_one_that_applies_begins_or_ends() -> None:
    def until(*policies: Policy) -> int:
        return policy.rule(policies, ASKED, NOW).until

    assert until(made(valid_from=NOW + 5)) == NOW + 5
    assert until(made(condition="false", valid_until=NOW + 7), made(name="q", valid_from=NOW + 9)) == NOW + 7
    assert until(made(condition='now > timestamp("2020-01-01T00:00:00Z")')) == NOW
    assert until(made(roles=("admin",), valid_until=NOW + 7)) == policy.FOREVER


def test_one_that_is_watched_only_tells() -> None:
    ruling = policy.rule([made(name="a", mode="monitor"), made(name="b", condition="false")], ASKED, NOW)

    assert ruling.denial is None
    assert [denial.policy for denial in ruling.monitored] == ["a"]


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        ('subject.id == "ak_ann"', True),
        ('"oncall" in subject.roles', True),
        ('subject.roles.exists(role, role.startsWith("on"))', True),
        ('subject.roles.all(role, role != "admin")', True),
        ('!("admin" in subject.roles) && resource.type == "secret"', True),
        ('resource.irn == "irn:ironflow:org_default:*:secret:prod:stripe"', True),
        ('environment in ["prod", "staging"]', True),
        ('request.address.startsWith("10.") || request.address == ""', True),
        ('request.method.contains("POST")', False),
        ("has(subject.org)", True),
        ("size(subject.roles) > 5", False),
        ("now.getFullYear() >= 2025", True),
        ('timestamp("2030-01-01T01:00:00+01:00").getHours() == 0', True),
        ('now < timestamp("2020-01-01T00:00:00Z")', False),
        ('resource.id.matches("^str.*e$")', True),
        ('environment == "dev" && resource.id.matches("[")', False),
    ],
)
def test_conditions(condition: str, held: bool) -> None:
    assert holds(condition) is held


NAMES = st.sampled_from(['"a"', '"b"', '"ab"', "subject.id", "resource.id", "environment", r'"\n"', 'r"\\d"'])
LISTS = st.sampled_from(["subject.roles", "subject.permissions", "[]", '["a", "b"]'])
INSTANTS = st.sampled_from(["now", 'timestamp("2025-11-24T16:00:00Z")', 'timestamp("2030-01-01T01:00:00+01:00")'])
NUMBERS = st.one_of(
    st.sampled_from(["0", "1", "16", "2025", "size(subject.roles)", "size(subject.id)"]),
    st.builds(
        "{}.get{}()".format,
        INSTANTS,
        st.sampled_from("FullYear Month Date DayOfMonth DayOfWeek Hours Minutes Seconds".split()),  # noqa: SIM905
    ),
)
LEAVES = st.one_of(
    st.sampled_from(["true", "false", "has(subject.id)"]),
    st.builds("{} == {}".format, NAMES, NAMES),
    st.builds("{} != {}".format, NAMES, NAMES),
    st.builds("{} in {}".format, NAMES, LISTS),
    st.builds("{}.startsWith({})".format, NAMES, NAMES),
    st.builds("{}.endsWith({})".format, NAMES, NAMES),
    st.builds("{}.contains({})".format, NAMES, NAMES),
    st.builds("{} == {}".format, NUMBERS, NUMBERS),
    st.builds("{} <= {}".format, NUMBERS, NUMBERS),
    st.builds("{} > {}".format, NUMBERS, NUMBERS),
    st.builds("{} < {}".format, INSTANTS, INSTANTS),
    st.builds("{} >= {}".format, INSTANTS, INSTANTS),
    st.builds("{}.exists(x, x == {})".format, LISTS, NAMES),
    st.builds("{}.all(x, x.contains({}))".format, LISTS, NAMES),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=5,
)
TEXTS = st.sampled_from(["", "a", "b", "ab", "\n", "\\d", "é"])


@given(CONDITIONS, TEXTS, TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
def test_the_short_way_and_the_engine_agree(
    condition: str, subject: str, resource: str, environment: str, roles: list[str]
) -> None:
    actor = Actor(subject, "key", tuple(roles), frozenset(roles))
    asked = Request(actor, "runs:read", f"run/{resource}", environment)
    variables = clauses.variables(asked, clauses.resource_of(asked), NOW)
    compiled = clauses.compile(condition)

    assert compiled._quick is not None, "there is one"
    assert compiled._quick(variables) == bool(compiled.expression.evaluate(variables))


BOMBS = [
    "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, a + b + c >= 0)))",
    '["aaaa"].map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a).map(a, a+a+a+a)[0] != ""',
    'resource.id.matches("((a{0,100}){0,100}){0,100}")',
    '"%1000000000d" % 1 == ""',
    "1 / 0 == 1",
    "9223372036854775807 + 1 > 0",
    "int(resource.id) > 1",
    'subject.roles[99] == ""',
    'now.getHours() > "x"',
    'duration("aaaaaaaaaaaaaaaaaaaaaaaaaaa!") > duration("1s")',
    '"a" + "b"',
]


@pytest.mark.parametrize("condition", BOMBS)
def test_what_cannot_be_evaluated_or_costs_too_much_denies(condition: str) -> None:
    before = time.process_time()
    ruling = policy.rule([made(condition=condition)], ASKED, NOW)

    assert ruling.denial is not None
    assert time.process_time() - before < 2, "it is stopped, and not waited for"
    if condition != BOMBS[1]:
        with pytest.raises(EvaluationFailed):
            holds(condition)


def test_many_costly_conditions_share_what_one_decision_may_cost() -> None:
    costly = "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, a + b < 0)) && size(subject.roles) + 0 > 9"
    slow = "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].exists(b, a == b)) && size(subject.roles) + 0 > 9"
    assert not denied(made(condition=costly))
    policies = [made(name=f"p{number}", condition=slow) for number in range(50)]

    ruling = policy.rule(policies, ASKED, NOW)

    assert ruling.denial is not None
    assert "steps" in ruling.denial.reason


def test_a_costly_one_that_is_watched_takes_nothing_from_those_that_decide() -> None:
    policies = [made(name="a", mode="monitor", condition=BOMBS[0]), made(name="b", condition="size(subject.id) > 99")]

    ruling = policy.rule(policies, ASKED, NOW)

    assert ruling.denial is None
    assert len(ruling.monitored) == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"actions": ()}, "actions"),
        ({"actions": ("read",)}, "actions"),
        ({"actions": ("secrets: read",)}, "actions"),
        ({"resources": ()}, "resources"),
        ({"resources": ("secret",)}, "resources"),
        ({"resources": ("irn:ironflow:a:shop:run:prod:*",)}, "resources"),
        ({"resources": ("irn:ironflow:a",)}, "resources"),
        ({"resources": ("irn:other:a:*",)}, "resources"),
        ({"resources": tuple(f"run/{n}" for n in range(51))}, "resources"),
        ({"mode": "log"}, "mode"),
        ({"environments": ("prod",)}, "environments"),
        ({"roles": ("",)}, "roles"),
        ({"valid_from": 5, "valid_until": 5}, "valid_until"),
        ({"description": "\0"}, "description"),
        ({"condition": "subject.id =="}, "condition"),
        ({"condition": "subject.nope == 1"}, "condition"),
        ({"condition": "user.id == 1"}, "condition"),
        ({"condition": "subject.id"}, "condition"),
        ({"condition": "exec(subject.id)"}, "condition"),
        ({"condition": "(" * 200 + "true" + ")" * 200}, "condition"),
        ({"condition": "true || " * 1_000 + "true"}, "condition"),
        ({"condition": "\u0455ubject.id == ''"}, "condition"),
    ],
)
def test_a_definition_that_cannot_be_is_refused_by_its_field(options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        policy.checked(defined(**options))

    assert refused.value.field == field


def test_an_explanation_says_which_policy_and_which_clause() -> None:
    condition = 'request.action == "secrets:read" && !("admin" in subject.roles || resource.id == "x")'
    told = policy.explain([made(name="a", condition=condition), made(name="b", roles=("admin",))], ASKED, NOW)

    assert told[0].denial is not None
    assert [(clause.text, clause.holds) for clause in told[0].clauses] == [
        ('request.action == "secrets:read"', True),
        ('"admin" in subject.roles', False),
        ('resource.id == "x"', False),
    ]
    assert told[1].why_not == "the caller has none of its roles"


def test_a_clause_that_cannot_be_evaluated_says_why() -> None:
    [told] = policy.explain([made(condition='environment == "prod" && subject.roles[9] == "x"')], ASKED, NOW)

    assert [clause.holds for clause in told.clauses] == [True, None]
    assert re.search("roles", told.clauses[1].error)
    assert told.denial is not None


def test_what_a_caller_is_bound_to_can_be_read() -> None:
    bound = replace(ANN, environment="prod")

    assert holds("subject.environment == environment", ASKED._replace(actor=bound))


def called(id: str) -> Request:
    return ASKED._replace(actor=replace(ANN, id=id))


def test_a_share_of_the_callers_is_denied_and_of_the_rest_it_only_tells() -> None:
    staged = made(enforce_percent=30)
    rulings = [policy.rule([staged], called(f"ak_{number}"), NOW) for number in range(1_000)]

    refused = [one for one in rulings if one.denial is not None]
    told = [one for one in rulings if one.monitored]

    assert 250 < len(refused) < 350
    assert len(refused) + len(told) == len(rulings)


def test_a_caller_stays_where_they_are_and_whoever_is_in_stays_in_as_the_share_grows() -> None:
    shares = [made(enforce_percent=percent) for percent in (1, 30, 60, 100)]

    for number in range(200):
        inside = [one.enforces(called(f"ak_{number}").actor) for one in shares]
        assert inside == sorted(inside), "never out again"
        assert inside == [one.enforces(called(f"ak_{number}").actor) for one in shares]
        assert inside[-1]


def test_what_only_tells_is_enforced_for_nobody() -> None:
    assert not made(mode="monitor", enforce_percent=99).enforces(ANN)


@pytest.mark.parametrize("percent", [0, -1, 101])
def test_a_share_that_is_none_is_refused(percent: int) -> None:
    with pytest.raises(InvalidArgument, match="enforce_percent"):
        policy.checked(defined(enforce_percent=percent))
