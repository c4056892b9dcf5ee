"""How IDocs travel between SAP and us."""

from typing import Literal

import msgspec

from shared.sql.database import DatabaseSettings


class IdocSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[backends.sap.idoc]`.

    Attributes:
        store: Database that keeps what was sent and received, `{ url = "sqlite:///{state}/sap-idocs.sqlite3" }`, on a
            disk that outlives the process; or `postgresql://…`, for processes of several machines. IDocs are neither
            sent nor taken in without it.
        keep_days: Days for which documents stay there.
        door: Which way in to SAP: `soap` takes each document exactly once; `xml` takes any, and tells less.
        soap_path: Of the SOAP IDoc service (SICF /sap/bc/srt/idoc).
        xml_path: Of the plain XML service (SICF /sap/bc/idoc_xml).
        partner: We as SAP's partner profiles know us (WE20, a logical system).
        port: Our port in documents we send.
        sap_partner: SAP's own logical system.
        sap_port: SAP's port in documents we send.
        reference_qualifier: Of the reference (E1EDK02) that SAP keeps as the ship-to party's order number.
        unit: ISO unit of quantities, or SAP's own where customizing says so; as `quantity_unit` when empty.
        check_first: Whether SAP simulates an order before its IDoc is sent for the first time, by the interface of
            `simulate_order`, so that what SAP would refuse is refused at once and not when it works on the document.
            A call more for each order; not needed where callers simulate, or SAP offers no simulation.
        wait_seconds: How long placing an order waits for it to appear, within the caller's deadline.
        doubt_seconds: Plain XML only: how long a document whose reply was lost is looked for before it is sent again.
        confirm: Whether SAP is told (ALEAUD) what became of the documents it sends.
    """

    store: DatabaseSettings | None = None
    keep_days: float = 90.0
    door: Literal["soap", "xml"] = "soap"
    soap_path: str = "/sap/bc/srt/idoc"
    xml_path: str = "/sap/bc/idoc_xml"
    partner: str = "TRIPTYCH"
    port: str = "TRIPTYCH"
    sap_partner: str = "S4HCLNT100"
    sap_port: str = "SAPS4H"
    reference_qualifier: str = "044"
    unit: str = ""
    check_first: bool = True
    wait_seconds: float = 10.0
    doubt_seconds: float = 3600.0
    confirm: bool = False
