"""What changed in the ERP, heard of from the ERP itself and passed on."""

from process_apis.erp_changes.flow import PassOnErpChange
from process_apis.erp_changes.service import DurableErpChanges
from process_apis.erp_changes.subscriptions import IDOCS
from shared.host.api import Api

api = Api(service=DurableErpChanges, flows=(PassOnErpChange,), subscriptions=IDOCS)
