-- For wrk: each request with the next token of a file, one a line, from the start again at its end.
--     wrk ... -s tokens.lua URL -- TOKENS_FILE|- [METHOD [BODY_BYTES [FIRST_LINE [close]]]]
-- Prints one JSON line at the end.
local file, head, tail

local function next_token()
  local token = file:read("*l")
  if token then return token end
  file:seek("set")
  return file:read("*l")
end

function init(args)
  local method = args[2] or "GET"
  local size = tonumber(args[3] or "0")
  if args[1] ~= "-" then file = assert(io.open(args[1])) end
  head = method .. " " .. wrk.path .. " HTTP/1.1\r\nHost: bench.example\r\nAccept: */*\r\nUser-Agent: bench\r\n"
  if size > 0 then head = head .. "Content-Type: application/octet-stream\r\nContent-Length: " .. size .. "\r\n" end
  if args[5] == "close" then head = head .. "Connection: close\r\n" end
  if file then head = head .. "Authorization: Bearer " end
  if file then for _ = 1, tonumber(args[4] or "0") do next_token() end end
  tail = (file and "\r\n\r\n" or "\r\n") .. string.rep("x", size)
end

function request()
  return file and head .. next_token() .. tail or head .. tail
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '{"requests":%d,"microseconds":%d,"p50_us":%d,"p99_us":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), e.status,
    e.connect + e.read + e.write + e.timeout))
end
