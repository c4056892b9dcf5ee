"""Who may see and do what: permission sets, and the org as each user sees it.

A user without a permission set has every right, as an administrator has; one with some has what they grant together,
as with the profile "Minimum Access - API Only Integrations". Sharing of records is not modelled: who may read an
object may read all of its records.
"""

from sandboxes.salesforce.access.permissions import PermissionSet, permission_set
from sandboxes.salesforce.access.views import Access

__all__ = ["Access", "PermissionSet", "permission_set"]
