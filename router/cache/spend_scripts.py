"""What Redis does for budgets in one step each, so that no two instances see half of it.

Both answer in words of digits, because the link reads nothing else. Sums are added by Redis itself,
in whole 64-bit numbers; Lua's own numbers, exact to 16 digits, only compare them.
"""

from typing import Final

_SUM: Final = b"""
local function sum(key)
  local said = redis.call('GET', key) or '0'
  if string.match(said, '^%d+$') and tonumber(said) < 9e18 then
    return said
  end
  redis.call('DEL', key)
  return '0'
end
"""
"""What stands under a name. Who else wrote there, wrote no sum: it counts as lost, or every request
would fail for it. What is no word at all is an error."""

HOLD: Final = (
    _SUM
    + b"""
local amount, slot_s, full, out = ARGV[1], ARGV[2], 0, {}
for i = 1, #KEYS / 3 do
  local key, hard, known, until_s = KEYS[3 * i - 2], ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2]
  local spent = sum(key)
  if tonumber(spent) < tonumber(known) then
    redis.call('SET', key, known)
    redis.call('EXPIREAT', key, until_s)
    spent = known
  end
  local held = 0
  for slot = 3 * i - 1, 3 * i do
    held = held + tonumber(sum(KEYS[slot]))
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
)
"""Keys: for each window what was spent, what is held in this slot of time and in the one before.

Arguments: the amount, the life of a slot, then for each window its hard limit or nothing, what the
caller knows to have been spent, and when it may be forgotten. A sum that is lower than the caller
knows was lost, and is put right. Answers the number of the window that is too full, or 0, then what
is spent and held in each.
"""

TELL: Final = (
    _SUM
    + b"""
local windows = tonumber(ARGV[3])
for i = 2, #KEYS do
  sum(KEYS[i])
end
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
  for i = 1, windows do
    local key, spent = KEYS[i + 1], ARGV[3 * i + 1]
    local known, until_s = ARGV[3 * i + 2], ARGV[3 * i + 3]
    if tonumber(sum(key)) < tonumber(known) then
      redis.call('SET', key, known)
    end
    redis.call('INCRBY', key, spent)
    redis.call('EXPIREAT', key, until_s)
  end
  for i = windows + 2, #KEYS do
    if sum(KEYS[i]) ~= '0' then
      redis.call('DECRBY', KEYS[i], ARGV[2 + 2 * windows + i])
    end
  end
end
local out = {}
for i = 1, windows do
  out[i] = sum(KEYS[i + 1])
end
return ARGV[1] .. ' ' .. table.concat(out, ' ')
"""
)
"""Keys: the number of the last batch that this instance told, the windows, the slots.

Arguments: the number of this batch, the life of that number, how many windows there are; for each
what to add, what the caller knows, when it may be forgotten; for each slot what to give back. A
batch that was told before, whose answer was lost, is not counted again; one that meets an error
meets it before anything of it is counted. Answers the batch's number
and what is spent in each window.
"""
