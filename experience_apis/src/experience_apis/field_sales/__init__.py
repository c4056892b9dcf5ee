"""What the field-sales app shows on a phone."""

from experience_apis.field_sales.service import FieldSalesApp
from shared.host.api import Api

api = Api(service=FieldSalesApp)
