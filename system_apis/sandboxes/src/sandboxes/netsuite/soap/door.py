"""SOAP over HTTP: the passport, operations, their answers."""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from xml.etree import ElementTree as ET

from sandboxes.kit import Request, Response
from sandboxes.kit.xml import child, local
from sandboxes.netsuite.account import Account
from sandboxes.netsuite.auth.credentials import ACCOUNT, CONSUMER_KEY, TOKEN_ID
from sandboxes.netsuite.concurrency import TooManyRequestsError
from sandboxes.netsuite.records.content import Content
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.rest.record_service import origin
from sandboxes.netsuite.schema import BY_LOWER_CASE, RECORD_TYPES, RecordType
from sandboxes.netsuite.soap import reading
from sandboxes.netsuite.soap.async_jobs import ASYNC_OPERATIONS, SoapJobs
from sandboxes.netsuite.soap.deletions import deleted_page
from sandboxes.netsuite.soap.faults import SoapFault, fault_response
from sandboxes.netsuite.soap.names import SOAP, VERSIONS, XSI, namespace
from sandboxes.netsuite.soap.reading import text
from sandboxes.netsuite.soap.searching import Searches
from sandboxes.netsuite.soap.select_values import values_page
from sandboxes.netsuite.soap.writing import XML, Writing, text_of
from sandboxes.netsuite.soap.wsdl import OPERATIONS, wsdl

MOST_IN_LIST = 200  # off-peak
MOST_IN_JOB = 400
_MOST_IN_PAGE, _LEAST_IN_PAGE = 1000, 5
_PORT = re.compile(r"/services/NetSuitePort_(\w+)")
_WSDL = re.compile(r"/wsdl/v(\d{4}_\d)_0/netsuite\.wsdl")


class SoapDoor:
    """The WSDLs, and the ports they name."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._searches = Searches(account.records)
        self.jobs = SoapJobs(account.state.connection, account.clock, self._perform_later)

    def described(self, request: Request) -> Response:
        """`GET /wsdl/v2024_2_0/netsuite.wsdl`."""
        match = _WSDL.fullmatch(request.path)
        if match is None or match[1] not in VERSIONS or request.method != "GET":
            return Response("There is no such WSDL.", 404, media_type="text/plain")
        address = f"{origin(request)}/services/NetSuitePort_{match[1]}"
        return Response(wsdl(match[1], address), media_type="text/xml; charset=utf-8")

    async def answer(self, request: Request) -> Response:
        """`POST /services/NetSuitePort_2024_2`."""
        match = _PORT.fullmatch(request.path)
        version = match[1] if match else ""
        if version not in VERSIONS or request.method != "POST":
            return Response("There is no such port.", 404, media_type="text/plain")
        self.jobs.work()
        try:
            envelope = reading.parsed(request.body)
            call = _call(envelope)
            name = local(call)
            if name != "getDataCenterUrls":
                self._believe(child(child(envelope, "Header"), "tokenPassport"))
            async with self._account.concurrency.slot():
                work = _Call(self._account, self._searches, origin(request), version, envelope)
                body = self._answered(work, name, call, request.body)
            return Response(_enveloped(body, name, version), media_type="text/xml; charset=utf-8")
        except TooManyRequestsError:
            blocked = "Only one request may be made against a session at a time: concurrent request limit exceeded."
            return fault_response(SoapFault("exceededConcurrentRequestLimit", "WS_REQUEST_BLOCKED", blocked), version)
        except SoapFault as fault:
            return fault_response(fault, version)

    def _answered(self, call: "_Call", name: str, element: ET.Element, envelope: bytes) -> str:
        if name in ASYNC_OPERATIONS:
            _limited(element, MOST_IN_JOB)
            return call.job_status(self.jobs, self.jobs.submit(name, call.version, envelope))
        if name == "checkAsyncStatus":
            return call.job_status(self.jobs, text(element, "jobId"))
        if name == "getAsyncResult":
            return call.job_result(self.jobs, element)
        return _ANSWERS[name](call, element)

    def _perform_later(self, operation: str, version: str, envelope: bytes) -> str:
        document = reading.parsed(envelope)
        call = _Call(self._account, self._searches, "", version, document, most=MOST_IN_JOB)
        return _ANSWERS[operation](call, _call(document))

    def _believe(self, passport: ET.Element | None) -> None:
        """Check the token passport: signature, time, nonce."""
        wrong = SoapFault("invalidCredentials", "INVALID_LOGIN_ATTEMPT", "Invalid login attempt.")
        if passport is None:
            raise wrong
        account, consumer, token, nonce, timestamp = (
            text(passport, name) for name in ("account", "consumerKey", "token", "nonce", "timestamp")
        )
        if account != ACCOUNT:
            raise SoapFault("invalidAccount", "INVALID_ACCT", "Invalid account number.")
        signature = child(passport, "signature")
        if signature is None or signature.get("algorithm") not in ("HMAC-SHA256", "HMAC_SHA256"):
            raise wrong
        base = f"{account}&{consumer}&{token}&{nonce}&{timestamp}"
        key = self._account.credentials.signing_key()
        expected = b64encode(hmac.digest(key, base.encode(), hashlib.sha256)).decode()
        named = consumer == CONSUMER_KEY and token == TOKEN_ID
        said = (signature.text or "").strip()
        if not (named and hmac.compare_digest(expected.encode(), said.encode())):
            raise wrong
        if not self._account.nonces.use(nonce, timestamp):
            raise wrong


class _Call:
    """One request at work."""

    def __init__(
        self,
        account: Account,
        searches: Searches,
        host: str,
        version: str,
        envelope: ET.Element,
        *,
        most: int = MOST_IN_LIST,
    ) -> None:
        self.account, self.searches, self.host, self.version = account, searches, host, version
        self._most = most
        self.writing = Writing(account.records, version)
        preferences = child(child(envelope, "Header"), "searchPreferences")
        self.body_only = text(preferences, "bodyFieldsOnly") not in ("false", "0")
        said = text(preferences, "pageSize")
        self.page_size = int(said) if said.isdecimal() else _MOST_IN_PAGE
        if not _LEAST_IN_PAGE <= self.page_size <= _MOST_IN_PAGE:
            raise SoapFault("unexpectedError", "INVALID_PAGE_SIZE", "The page size is 5 to 1000.")

    def get(self, element: ET.Element) -> str:
        """`get`."""
        return self._read(child(element, "baseRef"))

    def get_list(self, element: ET.Element) -> str:
        """`getList`."""
        return self._listed("readResponse", [self._read(one) for one in _limited(element, self._most)])

    def write(self, how: str, element: ET.Element) -> str:
        """`add`, `update`, `upsert`, `delete`: one writeResponse."""
        only = child(element, "baseRef" if how == "delete" else "record")
        if only is None:
            raise SoapFault("unexpectedError", "UNEXPECTED_ERROR", f"{how} needs a record.")
        try:
            with self.account.state.transaction():
                record_type, key = self._written(how, only)
                document = self.account.records.get(record_type.name, key) or {"id": key}
        except Refusal as refused:
            return f"<writeResponse>{self.writing.status(refused)}</writeResponse>"
        reference = self.writing.reference("baseRef", record_type.name, document)
        return f"<writeResponse>{self.writing.status()}{reference}</writeResponse>"

    def write_list(self, how: str, element: ET.Element) -> str:
        """`addList` and the like: a writeResponse per record, each on its own."""
        answers = list[str]()
        for one in _limited(element, self._most):
            single = ET.Element(how)
            single.append(one)
            answers.append(self.write(how, single))
        return self._listed("writeResponse", answers)

    def search(self, element: ET.Element) -> str:
        """`search`: the first page."""
        wanted = child(element, "searchRecord")
        if wanted is None:
            raise SoapFault("unexpectedError", "UNEXPECTED_ERROR", "search needs a searchRecord.")
        try:
            return self._page(self.searches.search(wanted, self.page_size), 1)
        except Refusal as refused:
            return self._not_found(refused)

    def search_more(self, element: ET.Element) -> str:
        """`searchMoreWithId`: any page."""
        index = text(element, "pageIndex")
        try:
            return self._page(text(element, "searchId"), int(index) if index.isdecimal() else 0)
        except Refusal as refused:
            return self._not_found(refused)

    def initialize(self, element: ET.Element) -> str:
        """`initialize`: what a transform would make."""
        wanted = child(element, "initializeRecord")
        reference = child(wanted, "reference")
        target = BY_LOWER_CASE.get(text(wanted, "type").lower())
        source = BY_LOWER_CASE.get(reference.get("type", "").lower()) if reference is not None else None
        try:
            if target is None or source is None or reference is None:
                raise Refusal("INVALID_INITIALIZE_REF", "initialize needs a type and a reference with its type.")
            document = self.account.saving.initialized(source, reading.key_of(reference), target)
        except Refusal as refused:
            return f"<readResponse>{self.writing.status(refused)}</readResponse>"
        return f"<readResponse>{self.writing.status()}{self.writing.record(target, document)}</readResponse>"

    def deleted(self, element: ET.Element) -> str:
        """`getDeleted`: a page of what is gone."""
        try:
            return deleted_page(self.account.records, self.writing, element, self.page_size)
        except Refusal as refused:
            core, status = self.writing.core, self.writing.status(refused)
            return f"<platformCore:getDeletedResult {core}>{status}</platformCore:getDeletedResult>"

    def select_values(self, element: ET.Element) -> str:
        """`getSelectValue`: a page of what a field may refer to."""
        try:
            return values_page(self.account.records, self.writing, element, self.page_size)
        except Refusal as refused:
            core, status = self.writing.core, self.writing.status(refused)
            return f"<platformCore:getSelectValueResult {core}>{status}</platformCore:getSelectValueResult>"

    def account_limits(self, _: ET.Element) -> str:
        """`getAccountGovernanceInfo`: all of the account's slots, and those set aside for nobody."""
        slots = self.account.concurrency
        figures = {"accountConcurrencyLimit": slots.limit, "unallocatedConcurrencyLimit": slots.limit - slots.own}
        return self._governance("getAccountGovernanceInfoResult", figures)

    def own_limits(self, _: ET.Element) -> str:
        """`getIntegrationGovernanceInfo`: the caller's own slots, where it has any."""
        slots = self.account.concurrency
        if not slots.own:
            return self._governance("getIntegrationGovernanceInfoResult", {"limitType": "_accountLimit"})
        figures = {"integrationConcurrencyLimit": slots.own, "limitType": "_integrationSpecific"}
        return self._governance("getIntegrationGovernanceInfoResult", figures)

    def job_status(self, jobs: SoapJobs, job: str) -> str:
        """`asyncAddList` and the like, and `checkAsyncStatus`: a job and how far it is."""
        status = jobs.status(job)
        done = 0.0 if status == "pending" else 100.0
        return (
            f"<platformCore:asyncStatusResult {self.writing.core}>"
            f"<platformCore:jobId>{job}</platformCore:jobId><platformCore:status>{status}</platformCore:status>"
            f"<platformCore:percentCompleted>{done}</platformCore:percentCompleted>"
            "<platformCore:estRemainingDuration>0.0</platformCore:estRemainingDuration>"
            "</platformCore:asyncStatusResult>"
        )

    def job_result(self, jobs: SoapJobs, element: ET.Element) -> str:
        """`getAsyncResult`: what the operation would have answered; lists have one page."""
        operation, result = jobs.result(text(element, "jobId"))
        if text(element, "pageIndex") not in ("", "1"):
            raise SoapFault("async", "INVALID_PAGE_INDEX", "The result has one page.")
        kind = f"Async{operation[0].upper()}{operation[1:]}Result"
        uri = namespace(self.version, "messages")
        return f'<asyncResult xmlns:platformMsgs="{uri}" xsi:type="platformMsgs:{kind}">{result}</asyncResult>'

    def _governance(self, name: str, figures: Mapping[str, object]) -> str:
        told = "".join(f"<platformCore:{one}>{value}</platformCore:{one}>" for one, value in figures.items())
        core = self.writing.core
        return f"<platformCore:{name} {core}>{self.writing.status()}{told}</platformCore:{name}>"

    def data_center_urls(self, _: ET.Element) -> str:
        """`getDataCenterUrls`: this host for everything."""
        urls = "".join(
            f"<platformCore:{name}>{text_of(self.host)}</platformCore:{name}>"
            for name in ("restDomain", "webservicesDomain", "systemDomain")
        )
        return (
            f"<platformCore:getDataCenterUrlsResult {self.writing.core}>{self.writing.status()}"
            f"<platformCore:dataCenterUrls>{urls}</platformCore:dataCenterUrls></platformCore:getDataCenterUrlsResult>"
        )

    def _read(self, reference: ET.Element | None) -> str:
        try:
            record_type = BY_LOWER_CASE.get(reference.get("type", "").lower()) if reference is not None else None
            if record_type is None or reference is None:
                raise Refusal("INVALID_RCRD_TYPE", "The reference does not name a record type.")
            document = self.account.saving.held(record_type, reading.key_of(reference))
        except Refusal as refused:
            return f"<readResponse>{self.writing.status(refused)}</readResponse>"
        return f"<readResponse>{self.writing.status()}{self.writing.record(record_type, document)}</readResponse>"

    def _written(self, how: str, element: ET.Element) -> tuple[RecordType, str]:
        saving = self.account.saving
        if how == "delete":
            record_type = BY_LOWER_CASE.get(element.get("type", "").lower())
            if record_type is None:
                raise Refusal("INVALID_RCRD_TYPE", "The reference does not name a record type.")
            key = str(saving.held(record_type, reading.key_of(element))["id"])
            saving.remove(record_type, key)
            return record_type, key
        record_type, sent, replaced = reading.record(element)
        source = sent.pop("createdFrom", None)
        content = Content(self.account.records, _strict).read(record_type, sent)
        if how == "add" and source is not None:
            return record_type, self._transformed(record_type, source, content, replaced)
        if how == "add":
            return record_type, saving.create(record_type, content)
        if how == "update":
            key = str(saving.held(record_type, reading.key_of(element))["id"])
            return record_type, saving.change(record_type, key, content, replaced)
        external_id = element.get("externalId")
        if not external_id:
            raise Refusal("INVALID_KEY_OR_REF", "upsert needs an external id.")
        return record_type, saving.upsert(record_type, external_id, content, replaced)[0]

    def _transformed(
        self, target: RecordType, source: dict[str, str], content: dict[str, object], replaced: frozenset[str]
    ) -> str:  # fmt: skip
        found = self.account.records.transaction(source.get("id"))
        if found is None:
            raise Refusal("INVALID_KEY_OR_REF", "Invalid createdFrom reference key.", path="createdFrom")
        return self.account.saving.transform(found[0], str(found[1]["id"]), target, content, replaced)

    def _page(self, search: str, index: int) -> str:
        found, total, size = self.searches.page(search, index)
        records = "".join(
            self.writing.record(RECORD_TYPES[kind], document, body_only=self.body_only) for kind, document in found
        ).replace("<record ", "<platformCore:record ").replace("</record>", "</platformCore:record>")  # fmt: skip
        figures = {"totalRecords": total, "pageSize": size, "totalPages": -(-total // size), "pageIndex": index}
        counted = "".join(f"<platformCore:{name}>{value}</platformCore:{name}>" for name, value in figures.items())
        return (
            f"<platformCore:searchResult {self.writing.core}>{self.writing.status()}{counted}"
            f"<platformCore:searchId>{search}</platformCore:searchId>"
            f"<platformCore:recordList>{records}</platformCore:recordList></platformCore:searchResult>"
        )

    def _not_found(self, refused: Refusal) -> str:
        core = self.writing.core
        return f"<platformCore:searchResult {core}>{self.writing.status(refused)}</platformCore:searchResult>"

    def _listed(self, name: str, answers: list[str]) -> str:
        return f"<{name}List>{self.writing.status()}{''.join(answers)}</{name}List>"


def _call(envelope: ET.Element) -> ET.Element:
    body = child(envelope, "Body")
    call = next(iter(body), None) if body is not None else None
    if envelope.tag != f"{{{SOAP}}}Envelope" or call is None or local(call) not in OPERATIONS:
        said = local(call) if call is not None else "(none)"
        raise SoapFault("unexpectedError", "UNEXPECTED_ERROR", f"There is no operation {said}.")
    return call


def _limited(element: ET.Element, most: int) -> list[ET.Element]:
    each = list(element)
    if len(each) > most:
        raise SoapFault(
            "exceededRecordCount",
            "MAX_RCRDS_EXCEEDED",
            f"The maximum number of records for this operation is {most}.",
        )
    return each


def _strict(refusal: Refusal) -> None:
    raise refusal


def _enveloped(body: str, name: str, version: str) -> str:
    messages = namespace(version, "messages")
    return (
        f'{XML}<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:xsi="{XSI}"><soapenv:Header>'
        f'<platformMsgs:documentInfo xmlns:platformMsgs="{messages}">'
        f"<platformMsgs:nsId>WEBSERVICES_{ACCOUNT}</platformMsgs:nsId></platformMsgs:documentInfo></soapenv:Header>"
        f'<soapenv:Body><{name}Response xmlns="{messages}">{body}</{name}Response></soapenv:Body></soapenv:Envelope>'
    )


def _writer(how: str) -> Callable[[_Call, ET.Element], str]:
    return lambda call, element: call.write(how, element)


def _list_writer(how: str) -> Callable[[_Call, ET.Element], str]:
    return lambda call, element: call.write_list(how, element)


_ANSWERS: dict[str, Callable[[_Call, ET.Element], str]] = {
    "get": _Call.get,
    "getList": _Call.get_list,
    "search": _Call.search,
    "searchMoreWithId": _Call.search_more,
    "initialize": _Call.initialize,
    "getDeleted": _Call.deleted,
    "getDataCenterUrls": _Call.data_center_urls,
    "getSelectValue": _Call.select_values,
    "getAccountGovernanceInfo": _Call.account_limits,
    "getIntegrationGovernanceInfo": _Call.own_limits,
    **{how: _writer(how) for how in ("add", "update", "upsert", "delete")},
    **{f"{how}List": _list_writer(how) for how in ("add", "update", "upsert", "delete")},
}
