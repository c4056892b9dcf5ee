"""The org's schema: objects as TOML, one file each in `objects/`, described the way the API describes them."""

from sandboxes.salesforce.schema.catalogue import Catalogue, load_catalogue, parent_name
from sandboxes.salesforce.schema.model import ID_TYPES, NUMBERS, Child, Field, SObject

__all__ = ["ID_TYPES", "NUMBERS", "Catalogue", "Child", "Field", "SObject", "load_catalogue", "parent_name"]
