"""OpenAPI 3.1: the description of an application, and pages that show it."""
