"""What the REST door serves: each module holds the routes of one family of resources."""

from sandboxes.salesforce.resources import (
    analytics,
    batch,
    bulk,
    collections_,
    composite,
    deployments,
    discovery,
    events,
    graph,
    queries,
    rows,
    search,
    streaming,
    tooling,
    tree,
)

ROUTES = (
    *discovery.ROUTES,
    *queries.ROUTES,
    *rows.ROUTES,
    *search.ROUTES,
    *composite.ROUTES,
    *batch.ROUTES,
    *tree.ROUTES,
    *collections_.ROUTES,
    *graph.ROUTES,
    *bulk.ROUTES,
    *events.ROUTES,
    *streaming.ROUTES,
    *deployments.ROUTES,
    *tooling.ROUTES,
    *analytics.ROUTES,
)

__all__ = ["ROUTES"]
