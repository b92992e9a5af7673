"""/api/v1/auth: signing in by password or by a link, out again, and who one is.

A page gets its session as a cookie that no script can read and that no other site's request carries (HttpOnly,
SameSite=Strict), and a CSRF token to send along; a program gets the token itself, as its bearer.
"""

from __future__ import annotations

from collections.abc import Sequence

import falcon.asgi
import msgspec

from app import clock
from app.access.records import Session, User
from app.access.sessions import LIFE_S, SignedIn, csrf_of
from app.api.answers import answer, body_of, decoded
from app.api.caller import caller_of
from app.api.door import COOKIE, cookie_of
from app.api.services import Answer, Body, Operation, Route, Services
from app.api.shapes.access import ExchangeRequest, LoginRequest, LoginResponse, MeResponse, SessionUser

BODY_BYTES_MAX = 16 * 2**10
"""Of what nobody has to be known for to send it."""

_login = msgspec.json.Decoder(LoginRequest)
_exchange = msgspec.json.Decoder(ExchangeRequest)


class Login:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: LoginRequest = decoded(_login, await body_of(req, bytes_max=BODY_BYTES_MAX))
        sessions = self._services.access.sessions
        welcome(req, resp, await sessions.log_in(body.email, body.password, address=req.remote_addr))


class Exchange:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        body: ExchangeRequest = decoded(_exchange, await body_of(req, bytes_max=BODY_BYTES_MAX))
        welcome(req, resp, await self._services.access.sessions.exchange(body.token, address=req.remote_addr))


class Logout:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        grant = caller_of(req).grant
        if grant is not None and grant.proof is not None and grant.proof.noun is Session:
            await self._services.access.sessions.log_out(grant.proof.id)
        resp.append_header("Set-Cookie", _cookie(req, "", 0))
        resp.status = 204


class Me:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        caller, access = caller_of(req), self._services.access
        who, user = caller.who, access.register.find(User, caller.who.id)
        token = cookie_of(req.get_header)
        content = MeResponse(
            id=who.id,
            kind=who.kind,
            roles=list(who.roles),
            permissions=sorted(who.permissions),
            org_id=who.org,
            environment_id=access.tenancy.shown(caller.environment),
            bound=bool(who.environment),
            auth_required=self._services.door.required,
            user=_shown(user) if user is not None else None,
            csrf_token=csrf_of(token) if token and user is not None else "",
        )
        resp.set_header("Cache-Control", "no-store")
        answer(resp, content)


def welcome(req: falcon.asgi.Request, resp: falcon.asgi.Response, signed_in: SignedIn) -> None:
    """Answer with the session: as a cookie, and to a program with its token."""
    page = req.get_header("Origin") or req.get_header("Sec-Fetch-Site")
    resp.append_header("Set-Cookie", _cookie(req, signed_in.token, LIFE_S))
    resp.set_header("Cache-Control", "no-store")
    content = LoginResponse(
        user=_shown(signed_in.user),
        csrf_token=csrf_of(signed_in.token),
        expires_at=clock.rfc3339(signed_in.session.expires_at),
        token="" if page else signed_in.token,
    )
    answer(resp, content)


def _cookie(req: falcon.asgi.Request, token: str, life_s: int) -> str:
    secure = "; Secure" if req.scheme == "https" else ""
    return f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={life_s}{secure}"


def _shown(user: User) -> SessionUser:
    return SessionUser(id=user.id, email=user.email, name=user.name, roles=list(user.roles))


def routes(services: Services) -> Sequence[Route]:
    session = Answer("the session", LoginResponse, headers={"Set-Cookie": "the session, for pages"})
    new = "whoever signs in has no credentials yet"
    refused = {401: "not known, or no longer", 429: "too many failed attempts"}
    login = {
        "POST": Operation(
            "Sign in with an e-mail address and a password",
            {200: session, **refused},
            body=Body(LoginRequest, {"email": "ada@example.com", "password": "correct horse battery"}),
            open=new,
        )
    }
    exchange = {
        "POST": Operation(
            "Sign in with the token of a link, once",
            {200: session, **refused},
            body=Body(ExchangeRequest, {"token": "iflink_…"}),
            open=new,
        )
    }
    logout = {"POST": Operation("Sign out: the session is over, everywhere", {204: "signed out"}, permission="self")}
    me = {"GET": Operation("Who one is, and what one may", {200: Answer("you", MeResponse)}, permission="self")}
    return [
        Route("/api/v1/auth/login", Login(services), login),
        Route("/api/v1/platform/auth/login", Login(services), login),
        Route("/api/v1/auth/exchange", Exchange(services), exchange),
        Route("/api/v1/auth/logout", Logout(services), logout),
        Route("/api/v1/auth/me", Me(services), me),
    ]
