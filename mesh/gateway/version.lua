-- The words for an operator who names a version that there is not. Which those are the routes say, by their name; each service's are in its svc-*.yaml.
-- The answer is gRPC's; for who called with JSON the transcoder makes JSON of it.

local ROUTE, CODE, NAME_BYTES = "operator-unknown-version", 3, 64

-- A field of a protobuf message, with less than 16384 bytes in it.
local function field(number, bytes)
  local length = #bytes < 128 and string.char(#bytes) or string.char(#bytes % 128 + 128, math.floor(#bytes / 128))
  return string.char(number * 8 + 2) .. length .. bytes
end

local function entry(key, value)
  return field(3, field(1, key) .. field(2, value))
end

function envoy_on_request(handle)
  if handle:streamInfo():routeName() ~= ROUTE then
    return
  end
  local name = (handle:headers():get("bourse-version") or ""):sub(1, NAME_BYTES):gsub("[^ -~]", "?")
  local message = "there is no version '" .. name .. "'"
  local info = field(1, "VERSION_UNKNOWN") .. field(2, "bourse") .. entry("field", "bourse-version") .. entry("value", name)
    .. entry("fix", "name one that `bourse version list` has, or leave it out: then the weights choose")
  local details = field(3, field(1, "type.googleapis.com/google.rpc.ErrorInfo") .. field(2, info))
  local status = string.char(8, CODE) .. field(2, message) .. details
  handle:respond({
    [":status"] = "200", ["content-type"] = "application/grpc", ["grpc-status"] = tostring(CODE),
    ["grpc-message"] = message:gsub("%%", "%%25"), ["grpc-status-details-bin"] = handle:base64Escape(status),
  })
end
