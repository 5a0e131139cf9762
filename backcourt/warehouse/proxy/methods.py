"""The API's name of a REST call, by its path."""

_VERBS = {"GET": "get", "POST": "insert", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_QUERIES = {"POST": "jobs.query", "GET": "jobs.getQueryResults"}


def method_name(http_method: str, path: str) -> str:
    """`jobs.insert` for a POST to `…/projects/p/jobs`, `tables.get` for a GET of `…/tables/t`, and so on."""
    parts = path.strip("/").split("/")
    if parts[0] == "upload":
        return "jobs.upload"
    parts = parts[parts.index("projects") :] if "projects" in parts else parts
    if "queries" in parts:
        return _QUERIES.get(http_method, "jobs.query")
    on_collection = len(parts) % 2 == 1
    if on_collection and len(parts) > 4 and parts[-3] in ("jobs", "tables", "datasets") and parts[-1] != "tables":
        return f"{parts[-3]}.{parts[-1]}"
    if on_collection:
        return f"{parts[-1]}.{'list' if http_method == 'GET' else _VERBS.get(http_method, http_method)}"
    return f"{parts[-2]}.{_VERBS.get(http_method, http_method)}"
