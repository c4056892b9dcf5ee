"""The WMS schema, for SQLite and PostgreSQL from one text.

Stock is oversold in no interleaving, because each rule is a constraint and not a habit of the client:
`allocated <= on_hand`, one reservation for a reference, one line for a SKU and warehouse.

A reservation is made in one transaction (BEGIN IMMEDIATE in SQLite):

    INSERT INTO reservation ...                                     -- a known reference: read the reservation
    UPDATE inventory_level SET allocated = allocated + :quantity, version = version + 1
     WHERE warehouse = :warehouse AND sku = :sku
       AND on_hand - safety_stock - allocated >= :quantity          -- no row changed: not enough stock
    INSERT INTO reservation_line ...

Release subtracts what the lines say; shipping subtracts it from on_hand as well. A return receipt adds to on_hand,
once for a reference.
"""

_TABLES = """
CREATE TABLE warehouse (
    code {text} PRIMARY KEY,
    name {text} NOT NULL,
    sap_plant {text} NOT NULL UNIQUE,
    street {text} NOT NULL,
    city {text} NOT NULL,
    region {text} NOT NULL,
    postal_code {text} NOT NULL,
    country {text} NOT NULL CHECK (length(country) = 2)
){strict};

CREATE TABLE item (
    sku {text} PRIMARY KEY CHECK (length(sku) BETWEEN 1 AND 40),
    description {text} NOT NULL,
    base_unit {text} NOT NULL,
    weight_grams {integer} NOT NULL CHECK (weight_grams > 0),
    length_mm {integer} NOT NULL CHECK (length_mm > 0),
    width_mm {integer} NOT NULL CHECK (width_mm > 0),
    height_mm {integer} NOT NULL CHECK (height_mm > 0),
    active {integer} NOT NULL DEFAULT 1 CHECK (active IN (0, 1))
){strict};

CREATE TABLE inventory_level (
    warehouse {text} NOT NULL REFERENCES warehouse (code),
    sku {text} NOT NULL REFERENCES item (sku),
    on_hand {integer} NOT NULL CHECK (on_hand >= 0),
    allocated {integer} NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    safety_stock {integer} NOT NULL DEFAULT 0 CHECK (safety_stock >= 0),
    version {integer} NOT NULL DEFAULT 1,
    updated_at {moment} NOT NULL,
    PRIMARY KEY (warehouse, sku),
    CONSTRAINT never_oversold CHECK (allocated <= on_hand)
){strict};
CREATE INDEX inventory_level_by_sku ON inventory_level (sku);

CREATE TABLE reservation (
    id {text} PRIMARY KEY,
    reference {text} NOT NULL UNIQUE,
    status {text} NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'released', 'expired', 'fulfilled')),
    created_at {moment} NOT NULL,
    expires_at {moment} NOT NULL,
    updated_at {moment} NOT NULL,
    CHECK (expires_at >= created_at)
){strict};
CREATE INDEX reservation_by_expiry ON reservation (expires_at) WHERE status = 'active';

CREATE TABLE reservation_line (
    reservation_id {text} NOT NULL REFERENCES reservation (id),
    warehouse {text} NOT NULL,
    sku {text} NOT NULL,
    quantity {integer} NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (reservation_id, warehouse, sku),
    FOREIGN KEY (warehouse, sku) REFERENCES inventory_level (warehouse, sku)
){strict};

CREATE TABLE shipment (
    id {text} PRIMARY KEY,
    reference {text} NOT NULL UNIQUE,
    reservation_id {text} REFERENCES reservation (id),
    warehouse {text} NOT NULL REFERENCES warehouse (code),
    status {text} NOT NULL DEFAULT 'planned'
        CHECK (status IN ('planned', 'picking', 'packed', 'shipped', 'delivered', 'cancelled')),
    carrier {text},
    service {text},
    tracking_number {text},
    ship_to_name {text} NOT NULL,
    ship_to_country {text} NOT NULL CHECK (length(ship_to_country) = 2),
    created_at {moment} NOT NULL,
    updated_at {moment} NOT NULL
){strict};
CREATE INDEX shipment_by_tracking_number ON shipment (tracking_number) WHERE tracking_number IS NOT NULL;

CREATE TABLE shipment_event (
    shipment_id {text} NOT NULL REFERENCES shipment (id),
    sequence {integer} NOT NULL CHECK (sequence > 0),
    status {text} NOT NULL,
    detail {text} NOT NULL DEFAULT '',
    occurred_at {moment} NOT NULL,
    PRIMARY KEY (shipment_id, sequence)
){strict};

CREATE TABLE return_receipt (
    id {text} PRIMARY KEY,
    reference {text} NOT NULL UNIQUE,
    warehouse {text} NOT NULL REFERENCES warehouse (code),
    received_at {moment} NOT NULL
){strict};

CREATE TABLE return_receipt_line (
    receipt_id {text} NOT NULL REFERENCES return_receipt (id),
    sku {text} NOT NULL REFERENCES item (sku),
    quantity {integer} NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (receipt_id, sku)
){strict};
"""

# SQLite keeps moments as ISO 8601 text in UTC, which sorts as time does; STRICT makes it mind its types.
SQLITE = _TABLES.format(text="TEXT", integer="INTEGER", moment="TEXT", strict=" STRICT")
POSTGRESQL = _TABLES.format(text="text", integer="integer", moment="timestamptz", strict="")
