"""What is kept of IDocs: the document, where it stands, and every status it has had (EDIDC, EDIDS)."""

from sandboxes.sap.odata_v2.edm import Service, entity_set
from sandboxes.sap.storage import table_of

IDOC_STORE = Service(
    name="IDOC_STORE",
    title="IDocs, which no OData service shows",
    sets={
        one.name: one
        for one in (
            entity_set(
                "Idoc",
                "DOCNUM",
                "DOCNUM:16 DIRECT:1 IDOCTYP:30 MESTYP:30 STATUS:2 PartnerDocnum:16 Partner:10 ARCKEY:70 "
                "Document: ObjectKey:70 DueAt:dto",
            ),
            entity_set(
                "IdocStatus",
                "DOCNUM COUNTR",
                "DOCNUM:16 COUNTR:int STATUS:2 STAMID:20 STAMNO:3 STATXT: LoggedAt:dto",
            ),
        )
    },
)
IDOCS = table_of(IDOC_STORE, "Idoc")
STATUSES = table_of(IDOC_STORE, "IdocStatus")
IDOC_SEARCHED = ((IDOCS, "STATUS"), (IDOCS, "ARCKEY"), (IDOCS, "PartnerDocnum"))
