"""Names and streets go into SAP's short fields and come back as they were, in any script."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical.party import NewErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import ErpCustomerRejected
from shared.security.secrets import Secret
from system_apis.sap.lines import broken, joined, tidy, width
from system_apis.sap.partner_body import NAME_WIDTHS, STREET_WIDTHS, customer_body
from system_apis.sap.records import BusinessPartner, BusinessPartnerAddress, CustomerRow, Results
from system_apis.sap.settings import SapSettings
from system_apis.sap.translator import customer

TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")) | st.sampled_from("   -äß株製作所شركةنخلжя𠮷🚰"),
    max_size=170,
).map(tidy)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SapSettings:

    path = tmp_path_factory.mktemp("sap") / "password"
    path.write_text("none")
    return SapSettings(url="http://127.0.0.1:1", username="X", password=Secret(f"file:{path}"))


@given(TEXT)
def test_a_text_that_is_broken_fits_its_lines_and_joins_again(text: str) -> None:
    for widths in (NAME_WIDTHS, STREET_WIDTHS):
        lines = broken(text, widths)
        if lines is None:
            assert width(text) > sum(widths) - len(widths)  # only what hardly fits or does not
            continue
        assert all(width(line) <= wide for line, wide in zip(lines, widths, strict=False))
        assert joined([*lines, None, ""][:4], (*widths, 0)[: len(lines) + 2]) == text
        assert all(line == unicodedata.normalize("NFC", line) or line in text for line in lines)


@given(st.text(st.sampled_from("ab ぁ𠮷 é"), min_size=100, max_size=160).map(tidy))
def test_texts_of_much_space_and_wide_letters_join_again(text: str) -> None:
    lines = broken(text, NAME_WIDTHS)
    assert lines is None or joined(lines, NAME_WIDTHS) == text


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("Tarn Gauge Works", ["Tarn Gauge Works"]),
        ("a" * 40, ["a" * 40]),
        ("a" * 160, ["a" * 40] * 4),
        ("a" * 161, None),
        ("𠮷" * 80, ["𠮷" * 20] * 4),
        ("𠮷" * 81, None),
        ("x" * 30 + " " + "y" * 20, ["x" * 30, "y" * 20]),
        ("x" * 40 + " y", ["x" * 40, " y"]),  # the line is full, so its space goes to the next
        ("x" * 39 + " y", ["x" * 39, "y"]),
        ("x" * 39 + " 𠮷", ["x" * 39, " 𠮷"]),
    ],
)
def test_lines_end_at_a_space_in_time_or_where_they_are_full(text: str, lines: list[str] | None) -> None:
    assert broken(text, NAME_WIDTHS) == lines
    assert lines is None or joined(lines, NAME_WIDTHS) == text


def test_spaces_are_tidied_first() -> None:
    assert tidy(" Rue \n de\tl'Église  ") == "Rue de l'Église"


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=255).filter(str.strip)


@given(NAMES, NAMES, NAMES.map(lambda text: tidy(text)[:40]), st.sampled_from(["", "10115", "〒100-00", "AB1 2CD"]))
def test_a_customer_comes_back_from_its_body_as_it_was_or_is_refused(
    settings: SapSettings, name: str, street: str, city: str, postal_code: str
) -> None:
    address = Address(street, "7 b", city, "", postal_code, "DE")
    body = None
    try:
        body = customer_body(NewErpCustomer("001", name, "EUR", address), settings)
    except ErpCustomerRejected as rejected:
        refused = {one.pointer for one in rejected.errors}
    else:
        refused = set[str | None]()
    long = {
        "/name": width(name) > 150,
        "/address/street": width(street) > 130,
        "/address/city": width(city) > 40 or not city.strip(),
    }
    assert all(long[pointer or ""] for pointer in refused)
    if body is None:
        return
    [new] = body.to_BusinessPartnerAddress
    row = BusinessPartnerAddress(
        new.StreetName, new.StreetSuffixName, new.AdditionalStreetSuffixName, new.HouseNumber, new.CityName,
        new.Region, new.PostalCode, new.Country,
    )  # fmt: skip
    partner = BusinessPartner(
        "1", body.OrganizationBPName1, body.OrganizationBPName2, body.OrganizationBPName3, body.OrganizationBPName4,
        to_BusinessPartnerAddress=Results([row]),
    )  # fmt: skip
    found = customer(partner, CustomerRow("1"), settings)
    assert found.name == tidy(name)
    assert found.address == Address(tidy(street), "7 b", tidy(city), "", postal_code, "DE")
    assert width(body.SearchTerm1) <= 20
