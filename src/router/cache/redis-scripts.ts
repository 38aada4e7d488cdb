// What Redis does in one go: page, lists and sums always fit each other, whoever else writes at the same time.

/**
 * Takes a page of a site away, with all that is noted of it: of its address, too, when it was the last one there. Gives how many there were. What another
 * version has noted may say no address.
 */
const remove = `
local function remove(site, page)
  local size = tonumber(redis.call('HGET', prefix .. 'sizes:' .. site, page) or '0')
  local about = redis.call('HGET', prefix .. 'about:' .. site, page)
  local isRead, noted = pcall(cjson.decode, about)
  local address = isRead and type(noted) == 'table' and noted.address
  if type(address) == 'string' and redis.call('HINCRBY', prefix .. 'variants:' .. site, address, -1) <= 0 then
    redis.call('HDEL', prefix .. 'variants:' .. site, address)
    redis.call('UNLINK', prefix .. 'vary:' .. site .. ':' .. address)
  end
  redis.call('ZREM', prefix .. 'used:' .. site, page)
  redis.call('HDEL', prefix .. 'sizes:' .. site, page)
  redis.call('HDEL', prefix .. 'about:' .. site, page)
  if size > 0 then
    redis.call('ZINCRBY', prefix .. 'sites', -size, site)
    redis.call('DECRBY', prefix .. 'bytes', size)
  end
  return redis.call('UNLINK', prefix .. 'page:' .. site .. ':' .. page)
end`;

/** Takes the least recently used page of a site away. False when the site has none. */
const evict = `
local function evict(site)
  local oldest = redis.call('ZPOPMIN', prefix .. 'used:' .. site)
  if #oldest == 0 then
    redis.call('DECRBY', prefix .. 'bytes', tonumber(redis.call('ZSCORE', prefix .. 'sites', site) or '0'))
    redis.call('ZREM', prefix .. 'sites', site)
    redis.call('UNLINK', prefix .. 'sizes:' .. site, prefix .. 'about:' .. site, prefix .. 'variants:' .. site)
    return false
  end
  remove(site, oldest[1])
  return true
end`;

/** Keeps a page: prefix, site, page, its bytes, what it varies by, its key for that, what it is about, size, now, time to live, limits of the site, of all, and of entries. */
export const keepScript = `
local prefix, site, page, blob = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local vary, address, about = ARGV[5], ARGV[6], ARGV[7]
local size, now, ttl = tonumber(ARGV[8]), ARGV[9], ARGV[10]
local siteLimit, limit, entries = tonumber(ARGV[11]), tonumber(ARGV[12]), tonumber(ARGV[13])
${remove}
${evict}
local before = tonumber(redis.call('HGET', prefix .. 'sizes:' .. site, page) or '0')
redis.call('SET', prefix .. 'page:' .. site .. ':' .. page, blob, 'PX', ttl)
redis.call('SET', prefix .. 'vary:' .. site .. ':' .. address, vary, 'PX', ttl)
redis.call('ZADD', prefix .. 'used:' .. site, now, page)
redis.call('HSET', prefix .. 'sizes:' .. site, page, size)
redis.call('HSET', prefix .. 'about:' .. site, page, about)
if before == 0 then redis.call('HINCRBY', prefix .. 'variants:' .. site, address, 1) end
redis.call('ZINCRBY', prefix .. 'sites', size - before, site)
redis.call('INCRBY', prefix .. 'bytes', size - before)
for _, old in ipairs(redis.call('ZRANGE', prefix .. 'used:' .. site, 0, 2)) do
  if redis.call('EXISTS', prefix .. 'page:' .. site .. ':' .. old) == 0 then evict(site) end
end
local rounds = 0
while rounds < 1000 and (tonumber(redis.call('ZSCORE', prefix .. 'sites', site) or '0') > siteLimit or redis.call('ZCARD', prefix .. 'used:' .. site) > entries) do
  rounds = rounds + 1
  if not evict(site) then break end
end
while rounds < 1000 and tonumber(redis.call('GET', prefix .. 'bytes') or '0') > limit do
  rounds = rounds + 1
  local fullest = redis.call('ZREVRANGE', prefix .. 'sites', 0, 0)
  if #fullest == 0 then redis.call('UNLINK', prefix .. 'bytes') break end
  evict(fullest[1])
end
return rounds`;

/** Takes certain pages of a site away: prefix, site, pages. Gives how many there were. */
export const forgetScript = `
local prefix, site = ARGV[1], ARGV[2]
${remove}
local gone = 0
for index = 3, #ARGV do gone = gone + remove(site, ARGV[index]) end
return gone`;

/** Ends a reservation if it is still one's own: its key, whose it is. */
export const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
