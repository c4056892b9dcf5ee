"""What clients of the shop must know, apart from what makes the shop: that imports GraphQL, which takes its time."""

TOKEN = "shpat_9b1c4e7a2d5f4c8e"  # noqa: S105 - opens this sandbox and nothing else
WEBHOOK_SECRET = "shpss_3f1d6c0b8a5e4792"  # noqa: S105 - signs what this sandbox sends and nothing else
LOCATION = "69000001"
