"""What makes two companies alike, for every ERP: the tax number, or the name at the same postal code."""

import re
import unicodedata
from collections.abc import Iterable

import msgspec

from shared.contracts.canonical.party import CustomerDescription, Likeness, SimilarCustomer

MOST_SIMILAR = 20
_LEGAL_FORMS = re.compile(
    r"\b(ag|bv|co|company|corp|corporation|gmbh|inc|incorporated|kg|limited|llc|lp|ltd|ltda|nv|oy|plc|pty|sa|sarl|sas|"
    r"se|spa|srl|sro)\b|株式会社|有限会社|有限公司|주식회사"
)


class Candidate(msgspec.Struct, frozen=True):
    """A customer that may be the company described, with what an ERP keeps of it.

    Attributes:
        erp_number: Its number.
        name: Its name.
        tax_number: Empty if it has none.
        places: Postal code and country of each of its addresses.
    """

    erp_number: str
    name: str
    tax_number: str = ""
    places: tuple[tuple[str, str], ...] = ()


def similar(description: CustomerDescription, candidates: Iterable[Candidate]) -> list[SimilarCustomer]:
    """Which of them are alike, those with most in common first, at most `MOST_SIMILAR`."""
    found = {one.erp_number: (one, alike) for one in candidates if (alike := likenesses(description, one))}
    ranked = sorted(found.values(), key=lambda pair: (-len(pair[1]), pair[0].erp_number))
    return [SimilarCustomer(one.erp_number, one.name, alike) for one, alike in ranked[:MOST_SIMILAR]]


def likenesses(description: CustomerDescription, candidate: Candidate) -> list[Likeness]:
    """What a candidate has in common with the company described."""
    alike: list[Likeness] = []
    wanted = comparable_code(description.tax_number)
    if wanted and comparable_code(candidate.tax_number) == wanted:
        alike.append("tax-number")
    here = (comparable_code(description.address.postal_code), description.address.country or "")
    there = {(comparable_code(code), country) for code, country in candidate.places}
    if here in there and comparable_name(candidate.name) == comparable_name(description.name):
        alike.append("name-and-postal-code")
    return alike


def comparable_code(code: str) -> str:
    """A tax number or postal code as it is compared: letter case and spaces do not count."""
    return "".join(code.split()).casefold()


def comparable_name(name: str) -> str:
    """A name as it is compared: letter case, width, punctuation, spaces and legal form do not count."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = "".join(char if char.isalnum() or unicodedata.combining(char) else " " for char in folded.replace(".", ""))
    return "".join(_LEGAL_FORMS.sub(" ", words).split()) or "".join(words.split())
