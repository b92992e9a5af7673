"""The door of every face: who calls, whether they may, and in which environment.

    Authorization: Bearer …      a key, or the token of somebody who signed in; gRPC metadata by the same name
    the session's cookie         from our own pages, with X-Ironflow-CSRF wherever something could change
    X-Ironflow-Environment-ID    which of the environments that the credentials may name
    X-Ironflow-Org               another organization, for who may act in one

Nothing of a request is looked at before: not its parameters, not its body.
"""

from __future__ import annotations

from contextlib import suppress

from app.access.access import Access
from app.access.actor import Actor
from app.access.authorize import Resource
from app.access.credentials import ANONYMOUS, NOBODY, Proof, Recognised
from app.access.guard import Request
from app.access.limits import RateLimits
from app.access.live import Grant
from app.access.passes import Asked, Pass, digest_of
from app.access.permissions import RPC, RPC_OPEN, RPC_UNLISTED
from app.access.records import Key
from app.access.sessions import is_csrf_of
from app.access.sight import About, Sight, following
from app.access.turned_away import CONNECTING
from app.api.caller import RUN_HEADER, Caller, Header, named_environment, run_of
from app.api.proxies import Proxies
from app.errors import CsrfRefused, IronflowError, PermissionDenied, Unauthenticated

COOKIE = "ironflow_session"
CSRF_HEADER = "X-Ironflow-CSRF"
ORG_HEADER = "X-Ironflow-Org"
SAFE = ("GET", "HEAD", "OPTIONS")
IMPERSONATE = "platform:impersonate"
_AUTHORIZATION, _CSRF, _ORG, _RUN = "authorization", CSRF_HEADER.lower(), ORG_HEADER.lower(), RUN_HEADER.lower()


class Door:
    """Without `required` nobody is asked who they are: everybody may do everything."""

    def __init__(self, access: Access, limits: RateLimits, *, required: bool, proxies: Proxies | None = None) -> None:
        self._credentials = access.credentials
        self._passes = access.passes
        self._clock = access.clock
        self._tenancy = access.tenancy
        self._authorizer = access.authorizer
        self._limits = limits
        self.required = required
        self.proxies = proxies or Proxies()
        self.live = access.live
        self._refusals = access.refusals

    def admit(
        self,
        header: Header,
        action: str,
        resource: Resource = "*",
        *,
        method: str = "",
        address: str = "",
        safe: bool = False,
        ends: bool = False,
    ) -> Caller:
        """Who calls, if they may. `safe`: the request changes nothing, and whoever sent it cannot read the answer
        unless it is one of our pages. `ends`: the face promises to tell of its end (`Caller.ended`). Raises
        Unauthenticated, PermissionDenied, EnvironmentNotFound, RateLimited, InvalidArgument."""
        told, org = header(_AUTHORIZATION), header(_ORG)
        asked: Asked | None = None
        if isinstance(resource, str) and not org and (told or not self.required):
            credentials = digest_of(told) if told and self.required else b""
            asked = (credentials, named_environment(header), action, resource)
            known = self._again(asked, header, address)
            if known is not None:
                grant = self._grant(known.actor, known.proof, action, resource, known.environment, method, address)
                return _caller(header, known.actor, grant)
        actor = None
        try:
            found = self._recognised(header, told, safe=safe) if self.required else NOBODY
            actor = found.actor
            if found.proof is not None and found.proof.noun is Key:
                self._credentials.use(found.proof.id, self._clock.now_us(), address, header)
            if org and org != actor.org:
                actor = self._entered(actor, org, method, address)
            if self._limits.any:
                self._limits.take(actor.id or address, actor.org)
            environment = self._tenancy.namespace(actor, named_environment(header))
            begun = self._authorizer.allow(
                actor, action, resource, environment, method=method, address=address, ends=ends
            )
        except (Unauthenticated, PermissionDenied) as refusal:
            self._turned_away(header, action, refusal, actor, address)
            raise
        if asked is not None and self._authorizer.lasts(actor, action, asked[3], environment):
            self._passes.keep(asked, Pass(actor, found.proof, environment))
        grant = self._grant(actor, found.proof, action, resource, environment, method, address)
        return _caller(header, actor, grant._replace(begun=[begun]) if begun else grant)

    def _again(self, asked: Asked, header: Header, address: str) -> Pass | None:
        """Who was let in to that before, if their credentials still count; a use of a key is noted. Raises
        RateLimited."""
        known = self._passes.find(asked)
        if known is None:
            return None
        proof = known.proof
        if proof is not None:
            now = self._clock.now_us()
            if now >= proof.until:
                return None
            if proof.noun is Key:
                self._credentials.use(proof.id, now, address, header)
        if self._limits.any:
            self._limits.take(known.actor.id or address, known.actor.org)
        return known

    def _grant(
        self,
        actor: Actor,
        proof: Proof | None,
        action: str,
        resource: Resource,
        environment: str,
        method: str,
        address: str,
    ) -> Grant:
        grant = Grant(self._authorizer, proof, actor.org, action, resource, environment, method, address, [])
        return grant._replace(asked=self.live.changes)

    def _entered(self, home: Actor, org: str, method: str, address: str) -> Actor:
        """The actor in an organization that is not its own, which both are told of. Raises PermissionDenied,
        IdentityNotFound."""
        action = IMPERSONATE if home.may(IMPERSONATE) else f"{IMPERSONATE}:read"
        if home.may(action):
            self._credentials.within(home, org)  # there is one
        asked = Request(home, action, f"org/{org}", home.org, method, address)
        self._authorizer.allow(home, action, asked.resource, home.org, method=method, address=address)
        self._authorizer.tell(asked._replace(environment=org))
        return self._credentials.within(home, org)

    def sight(self, caller: Caller, about: About = following) -> Sight | None:
        """What of the entries that the caller follows it may be told of; None for all of them."""
        return Sight(caller.grant, caller.who, self.live, about) if caller.grant is not None else None

    def admit_call(
        self, header: Header, call: str, resource: Resource = "*", *, address: str = "", ends: bool = False
    ) -> Caller:
        """The same for `Service/Method`, of Connect and gRPC alike."""
        if call in RPC_OPEN:
            return Caller("")
        return self.admit(header, RPC.get(call, RPC_UNLISTED), resource, method=call, address=address, ends=ends)

    def recognise(self, header: Header) -> None:
        """Returns if whoever asks is known, or need not be: where it cannot be said what they ask for before something
        has been waited for. Raises Unauthenticated, CsrfRefused."""
        if self.required:
            self._recognised(header, header(_AUTHORIZATION), safe=False)

    def recognise_call(self, header: Header, call: str) -> None:
        """The same for `Service/Method`."""
        if call not in RPC_OPEN:
            try:
                self.recognise(header)
            except Unauthenticated as refusal:
                self._turned_away(header, RPC.get(call, RPC_UNLISTED), refusal, None, "")
                raise

    def _turned_away(
        self, header: Header, action: str, refusal: IronflowError, actor: Actor | None, address: str
    ) -> None:
        """Remember it, if it was a worker, where those see it who look after the environment that it named."""
        if action not in CONNECTING:
            return
        with suppress(IronflowError):  # there is no such environment: nobody looks after it
            environment = self._tenancy.namespace(actor or ANONYMOUS, named_environment(header))
            token = (header(_AUTHORIZATION) or "").partition(" ")[2].strip() or cookie_of(header)
            self._refusals.note(environment, token, code=refusal.code, message=str(refusal), address=address)

    def _recognised(self, header: Header, told: str | None, *, safe: bool) -> Recognised:
        if told:
            scheme, _, token = told.partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Unauthenticated(
                    "Authorization is not of the form `Bearer KEY`",
                    field="Authorization",
                    hint="send the key like that",
                )
            return self._credentials.of_token(token.strip())
        token = cookie_of(header)
        if not token:
            raise Unauthenticated(
                "no credentials were sent",
                field="Authorization",
                hint="set IRONFLOW_API_KEY, or send Authorization: Bearer KEY",
            )
        found = self._credentials.of_token(token)
        if not safe and not is_csrf_of(token, header(_CSRF) or ""):
            raise CsrfRefused(
                "the session's CSRF token is missing or another's",
                field=CSRF_HEADER,
                hint="send what GET /api/v1/auth/me tells as csrf_token",
            )
        return found


def _caller(header: Header, actor: Actor, grant: Grant) -> Caller:
    run = header(_RUN)
    return Caller(grant.environment, actor.id, run_of(run) if run else "", actor, grant)


def cookie_of(header: Header) -> str:
    """The token of the session that a browser sends; "" if there is none."""
    for part in (header("cookie") or "").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""
