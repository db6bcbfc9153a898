"""A VirtualService's retries to Envoy's, as istiod translates them."""

from http import HTTPStatus

from mesh.local.document import Json
from mesh.local.duration import duration

TYPE = "type.googleapis.com/envoy."

RETRY_ON = "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes"
CONDITIONS = {
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream"),
    *("retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
}
STATUSES = {str(status.value) for status in HTTPStatus}
OTHER_HOST = {
    "name": "envoy.retry_host_predicates.previous_hosts",
    "typed_config": {"@type": TYPE + "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"},
}


def is_retry_on(value: object) -> bool:
    """Whether each of its parts is one that Istio knows: a condition of Envoy's, for HTTP or gRPC, or a status of HTTP."""
    return isinstance(value, str) and (not value or {*value.split(",")} <= CONDITIONS | STATUSES)


def retry_policy(retries: Json | None, *, hashed: bool = False) -> Json | None:
    """Istio's own default when nothing is said; none when the attempts are zero. A number in retryOn is a status of HTTP."""
    policy: Json = {"num_retries": 2, "retry_on": RETRY_ON, "host_selection_retry_max_attempts": "5"}
    if not hashed:
        policy["retry_host_predicate"] = [OTHER_HOST]
    if retries is None:
        return policy
    if retries.get("attempts", 0) <= 0:
        return None
    policy["num_retries"] = retries["attempts"]
    if retries.get("retryOn"):
        named = retries["retryOn"].split(",")
        codes = [int(part) for part in named if part.isdigit()]
        conditions = [part for part in named if not part.isdigit()]
        if codes:
            policy["retriable_status_codes"] = codes
            if "retriable-status-codes" not in conditions:
                conditions.append("retriable-status-codes")
        policy["retry_on"] = ",".join(conditions)
    if retries.get("perTryTimeout"):
        policy["per_try_timeout"] = duration(retries["perTryTimeout"])
    if retries.get("backoff"):
        policy["retry_back_off"] = {"base_interval": duration(retries["backoff"])}
    if "retryIgnorePreviousHosts" in retries:
        policy["retry_host_predicate"] = [OTHER_HOST] if retries["retryIgnorePreviousHosts"] else []
    return policy
