-- wrk calls init once per thread and request once per request; requests are formatted beforehand.
local requests = {}
local n = 0

init = function()
  for id = 1, 10000 do
    requests[id] = wrk.format("GET", "/users/" .. id)
  end
end

request = function()
  n = n % 10000 + 1
  return requests[n]
end
