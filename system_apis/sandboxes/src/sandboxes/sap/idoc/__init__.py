"""IDocs: two doors in, one port out, and the status history of each document, over the same state as OData."""
