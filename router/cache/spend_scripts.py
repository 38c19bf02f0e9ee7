"""What Redis does for budgets in one step each, so that no two instances see half of it.

Both answer in words of digits, because the link reads nothing else. Sums are added by Redis itself,
in whole 64-bit numbers; Lua's own numbers, exact to 16 digits, only compare them.
"""

from typing import Final

HOLD: Final = b"""
local amount, slot_s, full, out = ARGV[1], ARGV[2], 0, {}
for i = 1, #KEYS / 3 do
  local key, hard, known, until_s = KEYS[3 * i - 2], ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2]
  local spent = redis.call('GET', key) or '0'
  if tonumber(spent) < tonumber(known) then
    redis.call('SET', key, known)
    redis.call('EXPIREAT', key, until_s)
    spent = known
  end
  local held = 0
  for slot = 3 * i - 1, 3 * i do
    held = held + tonumber(redis.call('GET', KEYS[slot]) or '0')
  end
  if full == 0 and hard ~= '' and tonumber(spent) + held + tonumber(amount) > tonumber(hard) then
    full = i
  end
  out[#out + 1] = spent
  out[#out + 1] = string.format('%.0f', held)
end
if full == 0 and amount ~= '0' then
  for i = 1, #KEYS / 3 do
    redis.call('INCRBY', KEYS[3 * i - 1], amount)
    redis.call('EXPIRE', KEYS[3 * i - 1], slot_s)
  end
end
return full .. ' ' .. table.concat(out, ' ')
"""
"""Keys: for each window what was spent, what is held in this slot of time and in the one before.

Arguments: the amount, the life of a slot, then for each window its hard limit or nothing, what the
caller knows to have been spent, and when it may be forgotten. A sum that is lower than the caller
knows was lost, and is put right. Answers the number of the window that is too full, or 0, then what
is spent and held in each.
"""

TELL: Final = b"""
local windows = tonumber(ARGV[3])
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  for i = 1, windows do
    local key, spent = KEYS[i + 1], ARGV[3 * i + 1]
    local known, until_s = ARGV[3 * i + 2], ARGV[3 * i + 3]
    if tonumber(redis.call('GET', key) or '0') < tonumber(known) then
      redis.call('SET', key, known)
    end
    redis.call('INCRBY', key, spent)
    redis.call('EXPIREAT', key, until_s)
  end
  for i = windows + 2, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then
      redis.call('DECRBY', KEYS[i], ARGV[2 + 2 * windows + i])
    end
  end
end
local out = {}
for i = 1, windows do
  out[i] = redis.call('GET', KEYS[i + 1]) or '0'
end
return ARGV[1] .. ' ' .. table.concat(out, ' ')
"""
"""Keys: the number of the last batch that this instance told, the windows, the slots.

Arguments: the number of this batch, the life of that number, how many windows there are; for each
what to add, what the caller knows, when it may be forgotten; for each slot what to give back. A
batch that was told before, whose answer was lost, is not counted again. Answers the batch's number
and what is spent in each window.
"""
