-- Envoy's transcoder drops the fields that it does not know. Here a request is refused that names one, or names one twice:
-- a misspelt field must never change what an order means. Only plain JSON (RFC 8259) passes, keys without escapes.
-- METHODS: the request message of each path. MESSAGES: by either of a field's JSON names its place, its name, its message, and whether it is a list or true or false.

local DEPTH_LIMIT, BODY_BYTES_LIMIT = 8, 1048576
local Check = {}
Check.__index = Check

function Check:refuse(reason, message, field)
  error({reason = reason, message = message, field = field}, 0)
end

function Check:blank()
  self.at = self.text:find("[^ \t\r\n]", self.at) or #self.text + 1
end

function Check:next()
  self:blank()
  return self.text:sub(self.at, self.at)
end

function Check:take(pattern, what, path)
  self:blank()
  local _, last, found = self.text:find("^(" .. pattern .. ")", self.at)
  if not last then
    self:refuse("JSON_INVALID", "at byte " .. self.at .. " of the body there should be " .. what, path)
  end
  self.at = last + 1
  return found
end

-- Calls `each` for every item until `close`.
function Check:items(open, close, path, each)
  self:take(open, "a " .. open:sub(-1), path)
  if self:next() == close then
    self.at = self.at + 1
    return
  end
  while true do
    each()
    if self:take("[,%" .. close .. "]", "a , or a " .. close, path) == close then
      return
    end
  end
end

function Check:object(message, path, depth)
  if depth > DEPTH_LIMIT then
    self:refuse("JSON_INVALID", "messages stand in each other too deep", path)
  end
  local seen = {}
  self:items("{", "}", path, function()
    local key = self:take('"[%w_]*"', "a field's name in quotation marks, without escapes", path):sub(2, -2)
    local within = path == "" and key or path .. "." .. key
    local field = MESSAGES[message][key]
    if not field then
      self:refuse("FIELD_UNKNOWN", message .. " has no field " .. key, within)
    elseif seen[field.name] then
      self:refuse("FIELD_TWICE", message .. " is given its field " .. field.name .. " twice", within)
    end
    seen[field.name] = true
    self:take(":", "a :", within)
    if self:next() == "n" then
      self:take("null%f[^%w]", "null", within)
    elseif field.list then
      self:items("%[", "]", within, function() self:value(field, within, depth) end)
    else
      self:value(field, within, depth)
    end
  end)
end

function Check:value(field, path, depth)
  if field.message then
    self:object(field.message, path, depth + 1)
  elseif field.values then
    self:enum(field, path)
  elseif field.truth then
    self:truth(path)
  else
    self:scalar(path)
  end
end

function Check:scalar(path)
  local first = self:next()
  if first == '"' then
    self:string(path)
  elseif first == "t" or first == "f" then
    self:truth(path)
  else
    self:take("%-?%d+", "a text in quotation marks, a whole number, true, false or null", path)
    if self.text:find("^[.eE]", self.at) then
      self:refuse("JSON_INVALID", "numbers are whole, and written with digits alone", path)
    end
  end
end

-- The transcoder takes texts here too, and makes true or false of them.
function Check:truth(path)
  local word = self:take("%a+", "true or false", path)
  if word ~= "true" and word ~= "false" then
    self:refuse("JSON_INVALID", "here stands true or false", path)
  end
end

function Check:enum(field, path)
  if self:next() ~= '"' then
    self:scalar(path)
    return
  end
  local name = self:take('"[%w_]*"', "a value's name", path):sub(2, -2)
  if not field.values[name] then
    self:refuse("VALUE_UNKNOWN", field.name .. " has no value " .. name, path)
  end
end

function Check:string(path)
  local at = self.at + 1
  while true do
    local stop = self.text:find('["\\%c]', at)
    local found = stop and self.text:sub(stop, stop)
    if found == '"' then
      self.at = stop + 1
      return
    elseif found ~= "\\" then
      self:refuse("JSON_INVALID", "a text does not end, or has a control character", path)
    end
    at = stop + 2
  end
end

local function problem(message, text)
  local check = setmetatable({text = text, at = 1}, Check)
  local fine, why = pcall(function()
    check:object(message, "", 1)
    if check:next() ~= "" then
      check:refuse("JSON_INVALID", "something stands behind the message", "")
    end
  end)
  if fine then
    return nil
  end
  return type(why) == "table" and why or {reason = "JSON_INVALID", message = "the body cannot be read", field = ""}
end

local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', "?") .. '"'
end

local function answer(handle, status, code, why)
  local info = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":' .. quoted(why.reason)
    .. ',"domain":"bourse","metadata":{"field":' .. quoted(why.field:sub(1, 128)) .. ',"fix":' .. quoted(why.fix) .. "}}"
  local body = '{"code":' .. code .. ',"message":' .. quoted(why.message:sub(1, 256)) .. ',"details":[' .. info .. "]}\n"
  handle:respond({[":status"] = status, ["content-type"] = "application/json"}, body)
end

-- What Envoy takes for gRPC it does not transcode (Grpc::Common::hasGrpcContentType); everything else is checked.
-- A script that fails lets a request pass: what was checked is marked, and the filter behind this one refuses the rest.
function envoy_on_request(handle)
  local kind = handle:headers():get("content-type") or ""
  if kind == "application/grpc" or kind:find("^application/grpc%+") then
    return
  end
  local body = handle:body()
  local headers = handle:headers()
  local path = headers:get(":path")
  local message = METHODS[path]
  if not message or headers:get(":method") ~= "POST" then
    return answer(handle, "404", "12", {
      reason = "METHOD_UNKNOWN", message = "no method is called so with JSON", field = path:match("^[^?]*"),
      fix = "POST to /package.Service/Method of a method that takes one request; streams of requests need gRPC",
    })
  end
  if body and body:length() > BODY_BYTES_LIMIT then
    return handle:respond({[":status"] = "413"}, "too large")
  end
  local why = problem(message, body and body:getBytes(0, body:length()) or "")
  if why then
    why.fix = "send one JSON object with the fields of " .. message
    return answer(handle, "400", "3", why)
  end
  headers:replace("bourse-json", "checked")
end
