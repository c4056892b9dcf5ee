"""Callers of function modules: zeep as it comes, and envelopes written by hand."""

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
import requests
import zeep
from zeep.transports import Transport

AUTH = ("TRIPTYCH", "sandbox-only")
SESSION = "http://www.sap.com/webas/630/soap/features/session/"
RFC = "urn:sap-com:document:sap:rfc:functions"
_FUNCTIONS = (
    "BAPI_SALESORDER_CREATEFROMDAT2,BAPI_SALESORDER_SIMULATE,BAPI_SALESORDER_GETSTATUS,BAPI_SALESORDER_GETLIST,"
    "BAPI_SALESORDER_CHANGE,BAPISDORDER_GETDETAILEDLIST,BAPI_MATERIAL_AVAILABILITY,BAPI_CUSTOMER_GETDETAIL2,"
    "BAPI_CREDIT_ACCOUNT_GET_STATUS,BAPI_CR_ACC_GETDETAIL,SD_CREDIT_EXPOSURE,BAPI_TRANSACTION_COMMIT,"
    "BAPI_TRANSACTION_ROLLBACK"
)


class Caller:
    """A zeep client with cookies of its own."""

    def __init__(self, url: str) -> None:
        self.session = requests.Session()
        self.session.auth = AUTH
        wsdl = f"{url}/sap/bc/soap/wsdl11?services={_FUNCTIONS}&sap-client=100"
        self.functions: Any = zeep.Client(wsdl, transport=Transport(session=self.session)).service

    def call(self, function: str, session: bool | None = None, **parameters: Any) -> Any:
        """Call a function; `session` asks to keep the context (True) or to end it (False)."""
        headers = [] if session is None else [_session_header(enabled=session)]
        return self.functions[function](_soapheaders=headers, **parameters)


def _session_header(*, enabled: bool) -> Any:
    from lxml import etree

    header = etree.Element(f"{{{SESSION}}}Session")
    etree.SubElement(header, "enableSession").text = str(enabled).lower()
    return header


@pytest.fixture
def caller(fresh: str) -> Callable[[], Caller]:
    """Makes callers of a stand-in that is back to its seed afterwards."""
    return lambda: Caller(fresh)


@pytest.fixture
def post(fresh: str) -> Callable[..., httpx.Response]:
    """Posts the inside of a SOAP body."""

    def posted(inside: str, path: str = "/sap/bc/soap/rfc", **headers: str) -> httpx.Response:
        envelope = (
            f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{inside}</e:Body></e:Envelope>'
        )
        return httpx.post(f"{fresh}{path}?sap-client=100", content=envelope.encode(), headers=headers, auth=AUTH)

    return posted


@pytest.fixture
def answered() -> Callable[[httpx.Response], ET.Element]:
    """The element inside the body of a reply."""
    return lambda reply: ET.fromstring(reply.content)[0][0]


@pytest.fixture
def order() -> dict[str, Any]:
    """The parameters of an order of two items."""
    return {
        "ORDER_HEADER_IN": {
            "DOC_TYPE": "TA",
            "SALES_ORG": "1010",
            "DISTR_CHAN": "10",
            "DIVISION": "00",
            "PURCH_NO_C": "PO-77",
            "PURCH_NO_S": "FLOW-1",
            "REQ_DATE_H": "2031-01-15",
        },
        "ORDER_PARTNERS": {"item": [{"PARTN_ROLE": "AG", "PARTN_NUMB": "0010100001"}]},
        "ORDER_ITEMS_IN": {
            "item": [
                {"ITM_NUMBER": "000010", "MATERIAL": "TG-00001"},
                {"ITM_NUMBER": "000020", "MATERIAL": "TG-00002"},
            ]
        },
        "ORDER_SCHEDULES_IN": {
            "item": [
                {"ITM_NUMBER": "000010", "SCHED_LINE": "0001", "REQ_QTY": "5"},
                {"ITM_NUMBER": "000020", "SCHED_LINE": "0001", "REQ_QTY": "2"},
            ]
        },
        "RETURN": {},
    }
