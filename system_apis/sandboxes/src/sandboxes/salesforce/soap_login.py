"""The SOAP door, as far as login() goes: how older clients get a session (partner and enterprise WSDL)."""

import re
from xml.sax.saxutils import escape

from sandboxes.kit.xml import XmlRefusedError, parse_xml
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import PASSWORD, SECURITY_TOKEN, Org
from sandboxes.salesforce.sessions import SESSION_SECONDS
from sandboxes.salesforce.storage import Row

_XML = "text/xml;charset=UTF-8"
_PATH = re.compile(r"/services/soap/([uc])/(\d+\.\d)", re.IGNORECASE)
_WITHDRAWN_FROM = 65.0
_NAMESPACES = {"u": "urn:partner.soap.sforce.com", "c": "urn:enterprise.soap.sforce.com"}
_CLIENT = "SOAP"
# Clients read userInfo by position, so the order is the WSDL's.
_USER_INFO = """<accessibilityMode>false</accessibilityMode><chatterExternal>false</chatterExternal>\
<currencySymbol xsi:nil="true"/><orgAttachmentFileSizeLimit>26214400</orgAttachmentFileSizeLimit>\
<orgDefaultCurrencyIsoCode>EUR</orgDefaultCurrencyIsoCode>\
<orgDefaultCurrencyLocale>en_IE_EURO</orgDefaultCurrencyLocale>\
<orgDisallowHtmlAttachments>false</orgDisallowHtmlAttachments>\
<orgHasPersonAccounts>false</orgHasPersonAccounts><organizationId>{organization}</organizationId>\
<organizationMultiCurrency>true</organizationMultiCurrency><organizationName>{firm}</organizationName>\
<profileId>00eaj0000000001AAA</profileId><roleId xsi:nil="true"/>\
<sessionSecondsValid>{seconds}</sessionSecondsValid>\
<userDefaultCurrencyIsoCode>EUR</userDefaultCurrencyIsoCode><userEmail>{Email}</userEmail>\
<userFullName>{Name}</userFullName><userId>{Id}</userId><userLanguage>en_US</userLanguage>\
<userLocale>en_GB</userLocale><userName>{Username}</userName><userTimeZone>GMT</userTimeZone>\
<userType>Standard</userType><userUiSkin>Theme3</userUiSkin>"""


class SoapLogin:
    """Answers POST /services/Soap/{u,c}/{version}.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, request: Request) -> Response:
        """A session for a username and password with the security token appended."""
        path = _PATH.match(request.path)
        if path is None or float(path[2]) >= _WITHDRAWN_FROM:
            return _fault("UNSUPPORTED_API_VERSION", "login() is not available in this API version")
        username, password = _credentials(request.body)
        if username is None:
            return _fault("UNKNOWN_EXCEPTION", "Only login() is served here")
        user = self._org.user_named(username)
        if user is None or password not in (PASSWORD, PASSWORD + SECURITY_TOKEN):
            message = "Invalid username, password, security token; or user locked out."
            return _fault("INVALID_LOGIN", message)
        session = self._org.sessions.start(user["Id"], _CLIENT, "api web")
        result = self._result(request, path, user, session.token)
        return Response(200, _envelope(_NAMESPACES[path[1].lower()], result), {}, _XML)

    def _result(self, request: Request, path: re.Match[str], user: Row, token: str) -> str:
        short = self._org.id[:15]
        soap = f"{request.origin}/services/Soap"
        facts = {name: escape(str(value)) for name, value in user.items()}
        facts |= {"organization": self._org.id, "firm": "Tarn Gauge Works"}
        info = _USER_INFO.format(**facts, seconds=int(SESSION_SECONDS))
        return (
            f"<metadataServerUrl>{soap}/m/{path[2]}/{short}</metadataServerUrl>"
            "<passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
            f"<serverUrl>{soap}/{path[1]}/{path[2]}/{short}</serverUrl>"
            f"<sessionId>{token}</sessionId><userId>{user['Id']}</userId><userInfo>{info}</userInfo>"
        )


def _credentials(body: bytes) -> tuple[str | None, str]:
    """Username and password of a login() body, (None, "") if it is another operation."""
    try:
        root = parse_xml(body, bare=True)
    except XmlRefusedError:
        return None, ""
    login = next(root.iter("login"), None)
    if login is None:
        return None, ""
    values = {each.tag: each.text or "" for each in login}
    return values.get("username", ""), values.get("password", "")


def _envelope(namespace: str, result: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        f'xmlns="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body><loginResponse><result>{result}</result></loginResponse></soapenv:Body>"
        "</soapenv:Envelope>"
    ).encode()


def _fault(code: str, message: str) -> Response:
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:sf="urn:fault.partner.soap.sforce.com" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault>'
        f"<faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(message)}</sf:exceptionMessage></sf:LoginFault></detail>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    return Response(500, document.encode(), {}, _XML)
