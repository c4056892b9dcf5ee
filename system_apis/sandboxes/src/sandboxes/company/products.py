"""The catalogue and what lies in the warehouses."""

from decimal import Decimal

from sandboxes.company.identifiers import pick, salesforce_id, spread
from sandboxes.company.locales import Place
from sandboxes.company.records import Address, Product, Warehouse

COUNT = 540
_FAMILIES = (
    ("Pressure gauge", 18, 35),
    ("Flow meter", 220, 220),
    ("Level sensor", 95, 75),
    ("Ball valve", 35, 150),
    ("Check valve", 28, 100),
    ("Temperature probe", 22, 20),
    ("Control valve", 640, 780),
    ("Rotary pump", 410, 1150),
    ("Diaphragm seal", 60, 60),
    ("Transmitter", 180, 55),
    ("Manifold", 75, 250),
    ("Calibration kit", 350, 340),
)
_MATERIALS = ("brass", "stainless steel 316L", "Hastelloy C-276", "PVDF", "cast iron")
_SIZES = ("DN 15", "DN 25", "DN 40", "DN 50", "DN 80", '1/2"', '1 1/4"', "⌀ 63 mm", "⌀ 100 mm")
_PLACES = {
    "HAM1": ("Hamburg", "1010", "1010", "Dessauer Straße", "10", Place("Hamburg", "HH", "20457"), "DE"),
    "RNO1": ("Reno", "1710", "1710", "Longley Ln", "5555", Place("Reno", "NV", "89511"), "US"),
    "OSA1": ("Osaka", "1510", "1510", "南港北二丁目", "1", Place("大阪市", "大阪府", "559-0034"), "JP"),
}
_OUT_OF_STOCK = 37
_SCARCE = 29
_DISCONTINUED = 53


def warehouses() -> tuple[Warehouse, ...]:
    """The three places stock is kept."""
    return tuple(
        Warehouse(
            code=code,
            name=f"Tarn Gauge {name}",
            sap_plant=plant,
            sap_sales_organization=organization,
            address=Address(street, number, place.city, place.region, place.postal_pattern, country),
        )
        for code, (name, plant, organization, street, number, place, country) in _PLACES.items()
    )


def products() -> tuple[Product, ...]:
    """All products, number 1 first."""
    return tuple(_product(number) for number in range(1, COUNT + 1))


def _product(number: int) -> Product:
    family, price, weight = _FAMILIES[(number - 1) % len(_FAMILIES)]
    variant = (number - 1) // len(_FAMILIES)
    name = f"{family} {_MATERIALS[variant % 5]}, {_SIZES[variant // 5]}"
    length = 40 + spread("length", number) % 400
    return Product(
        number=number,
        salesforce_id=salesforce_id("01t", number),
        sku=f"TG-{number:05}",
        name=name,
        description=f"{name}. Delivered calibrated, with certificate.",
        family=family,
        list_price=Decimal(price * 100 + spread("price", number) % (price * 40)) / 100,
        currency="EUR",
        weight_grams=weight + spread("weight", number) % weight,
        dimensions_mm=(length, length * 2 // 3, pick((35, 60, 110, 180), "height", number)),
        base_unit="PC",
        stock={code: _on_hand(number, code) for code in _PLACES},
        active=number % _DISCONTINUED != 0,
    )


def _on_hand(number: int, warehouse: str) -> int:
    if number % _OUT_OF_STOCK == 0:
        return 0
    if number % _SCARCE == 0:
        return 2 if warehouse == "HAM1" else 0
    return 400 + spread("stock", number, warehouse) % 4600
