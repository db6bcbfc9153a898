"""A VirtualService's faults to Envoy's fault filter, and shares of calls."""

import grpc

from mesh.local.document import Json
from mesh.local.duration import duration

TYPE = "type.googleapis.com/envoy."


def per_million(percentage: Json) -> Json:
    return {"numerator": int(percentage.get("value", 0) * 10_000), "denominator": "MILLION"}


def fault(wanted: Json) -> Json:
    found: Json = {"@type": TYPE + "extensions.filters.http.fault.v3.HTTPFault"}
    if wanted.get("delay"):
        delay = wanted["delay"]
        found["delay"] = {"fixed_delay": duration(delay["fixedDelay"]), "percentage": fault_share(delay)}
    if wanted.get("abort"):
        abort = wanted["abort"]
        found["abort"] = {"percentage": fault_share(abort)} if abort.get("percentage") else {}
        if "grpcStatus" in abort:
            found["abort"]["grpc_status"] = grpc.StatusCode[abort["grpcStatus"]].value[0]
        else:
            found["abort"]["http_status"] = abort["httpStatus"]
    return found


def fault_share(wanted: Json) -> Json:
    return per_million(wanted["percentage"]) if wanted.get("percentage") else {"numerator": 0, "denominator": "HUNDRED"}
