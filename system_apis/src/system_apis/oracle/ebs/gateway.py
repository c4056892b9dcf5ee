"""PL/SQL procedures over REST: the envelope in, the envelope out, and what the suite's refusals mean.

Source: Oracle E-Business Suite Integrated SOA Gateway Developer's Guide, "Using PL/SQL REST services".
"""

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, NotFound, Problem, Refused
from shared.resilience.credentials import Credentials, FetchedCredentials
from shared.resilience.outbound import Outbound
from shared.resilience.outbound_faults import decode_json, problem_of_status
from shared.resilience.wire import WireReply
from system_apis.oracle.credentials import PasswordCredentials
from system_apis.oracle.ebs.settings import EbsSettings
from system_apis.oracle.error_messages import Message
from system_apis.oracle.faults import plain, refused_with

NAME = "Oracle EBS"
ROOT = "/webservices/rest"
_APPLICATIONS = "http://xmlns.oracle.com/apps/ont/rest"
_HEADERS = {"accept": "application/json", "content-type": "application/json"}
_SUCCESS, _ERROR = "S", "E"

_Output = TypeVar("_Output", bound="Outcome")


class Outcome(msgspec.Struct, frozen=True):
    """What every public procedure says of itself: S success, E error, U unexpected error."""

    X_RETURN_STATUS: str
    X_MSG_COUNT: int | None = 0
    X_MSG_DATA: str | None = ""


class IntegratedSoaGateway:
    """The gateway of one suite.

    Args:
        settings: How it is reached.
        outbound: Makes the backend with its policies.

    Attributes:
        settings: The same.
    """

    def __init__(self, settings: EbsSettings, outbound: Outbound) -> None:
        self.settings = settings
        self._password = PasswordCredentials(settings.username, settings.password)
        self._login = outbound.backend(f"{NAME} login", settings, credentials=self._password, classify=problem_of)
        token = FetchedCredentials(self._token)
        chosen: Credentials = token if settings.auth == "token" else self._password
        self._backend = outbound.backend(NAME, settings, credentials=chosen, classify=problem_of)

    async def call(
        self,
        alias: str,
        procedure: str,
        parameters: Mapping[str, Any],
        kind: type[_Output],
        *,
        refusal: type[Refused] | None = None,
        repeatable: bool = False,
    ) -> _Output:
        """Call a procedure; returns its output parameters.

        Args:
            alias: Of the deployed interface.
            procedure: Its name, in lower case as the gateway's paths have it.
            parameters: Input parameters.
            kind: What the output parameters are.
            refusal: What X_RETURN_STATUS E becomes; without one it is a `BackendFault`.
            repeatable: Whether calling it twice does what calling it once does.

        Raises:
            Problem: The call failed; `BackendFault` for status U, with the suite's message as `remark`.
        """
        reply = await self._backend.send(
            "POST",
            f"{ROOT}/{alias}/{procedure}/",
            headers=_HEADERS,
            body=_encode(self._envelope(alias, procedure, parameters)),
            repeatable=repeatable,
            operation=procedure,
        )
        output = decode_json(reply, _Answer[kind], backend=NAME).OutputParameters
        if output.X_RETURN_STATUS == _SUCCESS:
            return output
        said = plain(output.X_MSG_DATA or "")
        if output.X_RETURN_STATUS == _ERROR and refusal is not None:
            raise refused_with(refusal, [Message(said)])
        raise BackendFault(f"{NAME} failed in {procedure}.", extensions={"remark": said} if said else {})

    def _envelope(self, alias: str, procedure: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings
        header = {
            "Responsibility": settings.responsibility,
            "RespApplication": settings.application,
            "SecurityGroup": settings.security_group,
            "NLSLanguage": settings.language,
            "Org_Id": settings.org_id,
        }
        namespace = f"{_APPLICATIONS}/{alias}/{procedure}/"
        body = {"@xmlns": namespace, "RESTHeader": header, "InputParameters": parameters}
        return {f"{procedure.upper()}_Input": body}

    async def _token(self) -> Mapping[str, str]:
        """The login's token, which goes along as a cookie."""
        reply = await self._login.send("GET", f"{ROOT}/login", headers=_HEADERS, operation="login")
        login = decode_json(reply, _Login, backend=NAME).data
        return {"cookie": f"{login.accessTokenName}={login.accessToken}"}


def problem_of(reply: WireReply) -> Problem | None:
    """What a reply means to the caller, or None if it is an answer; procedures answer 200 whatever they say."""
    status = reply.status
    if status < 300:  # noqa: PLR2004 - success (RFC 9110 §15.3)
        return None
    if status in (401, 403):
        return BackendFault(f"{NAME} refuses our user ({status}); check its password and the grants of the interface.")
    code = _fault_code(reply)
    if status == 404 and not code:  # noqa: PLR2004 - a page: nothing is deployed at this path
        return BackendFault(f"{NAME} has no service at this path; check order_alias and that it is deployed.")
    if status == 404:  # noqa: PLR2004
        return NotFound(f"{NAME} has no such record.")
    if status >= 500:  # noqa: PLR2004
        return BackendUnavailable(f"{NAME} answered {status}.", extensions={"code": code} if code else {})
    if status == 400:  # noqa: PLR2004
        return BackendFault(f"{NAME} does not understand what it was asked.", extensions={"code": code} if code else {})
    return problem_of_status(reply, NAME)


def _fault_code(reply: WireReply) -> str:
    try:
        return plain(_fault_decoder.decode(reply.body).ISGServiceFault.Code)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


class _Fault(msgspec.Struct, frozen=True):
    Code: str = ""


class _Faulted(msgspec.Struct, frozen=True):
    ISGServiceFault: _Fault


class _Token(msgspec.Struct, frozen=True):
    accessToken: str  # noqa: N815 - Oracle's spelling
    accessTokenName: str  # noqa: N815 - as above


class _Login(msgspec.Struct, frozen=True):
    data: _Token


class _Answer(msgspec.Struct, Generic[_Output], frozen=True):
    OutputParameters: _Output


_fault_decoder = msgspec.json.Decoder(_Faulted)
_encode = msgspec.json.Encoder(decimal_format="number").encode
