"""The countries of the account's addresses, by ISO 3166 code; SOAP spells them `_germany`, `_unitedKingdom`."""

import re

COUNTRIES = {
    "AE": "United Arab Emirates",
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "BR": "Brazil",
    "CA": "Canada",
    "CH": "Switzerland",
    "CN": "China",
    "CZ": "Czech Republic",
    "DE": "Germany",
    "DK": "Denmark",
    "EG": "Egypt",
    "ES": "Spain",
    "FI": "Finland",
    "FR": "France",
    "GB": "United Kingdom",
    "GR": "Greece",
    "HU": "Hungary",
    "IE": "Ireland",
    "IL": "Israel",
    "IN": "India",
    "IT": "Italy",
    "JP": "Japan",
    "KR": "Korea, Republic of",
    "KW": "Kuwait",
    "MX": "Mexico",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SA": "Saudi Arabia",
    "SE": "Sweden",
    "SG": "Singapore",
    "TR": "Turkey",
    "UA": "Ukraine",
    "US": "United States",
    "ZA": "South Africa",
}


def soap_country(code: str) -> str:
    """The value of the `Country` enumeration, e.g. `_koreaRepublicOf`."""
    words = re.findall(r"[A-Za-z]+", COUNTRIES[code])
    return "_" + words[0].lower() + "".join(word.capitalize() for word in words[1:])


BY_SOAP = {soap_country(code): code for code in COUNTRIES}
