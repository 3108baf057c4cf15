-- Maps our fenced divs to blocks of Typst and LaTeX, and mends pandoc's Typst formulas.

local typst = FORMAT:match 'typst' ~= nil
local raw = typst and 'typst' or 'latex'
local boxes = { result = true, evidence = true }

-- Words that are set as functions have no space before their brackets.
local operators = { diag = true, erf = true, sign = true, Var = true, Cov = true }

local function around(open, blocks, close)
  blocks:insert(1, pandoc.RawBlock(raw, open))
  blocks:insert(pandoc.RawBlock(raw, close))
  return blocks
end

local function Math(el)
  if not typst then return nil end
  -- TeX sets a thin space beside a fraction that stands in a product; Typst does not.
  el.text = el.text:gsub('} \\sum', '} \\, \\sum'):gsub('([%w})]) \\frac', '%1 \\, \\frac')
  local text = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ el }) }), 'typst'):gsub('%s+$', '')
  text = text:gsub('dot%.circle', '⊙')
  text = text:gsub('upright%((%a [%a ]+)%)', function(letters)
    return 'upright("' .. letters:gsub(' ', '') .. '")'
  end)
  -- Typst sets a space between words and letters by itself.
  text = text:gsub('upright%("%s*(.-)%s*"%)', function(word)
    return (operators[word] and 'op("' or 'upright("') .. word .. '")'
  end)
  text = text:gsub('#scale%(x: (%d+)%%, y: %d+%%%)%[(\\?[%(%)%[%]])%]', function(size, bracket)
    return 'lr(size: #' .. tonumber(size) / 100 .. 'em, ' .. bracket .. ')'
  end)
  -- Something must stand before a sign for it to be a binary one.
  text = text:gsub('(#h%(2em%)%s+)([%+%-])', '%1"" %2')
  return pandoc.RawInline('typst', text)
end

-- A step stays in one piece: its reason and its formula on one page.
local function OrderedList(el)
  if not typst then return nil end
  for n, item in ipairs(el.content) do
    el.content[n] = around('#together[', pandoc.Blocks(item), ']')
  end
  return el
end

local function is_display(block)
  return block.t == 'Para' and #block.content == 1 and block.content[1].t == 'Math'
    and block.content[1].mathtype == 'DisplayMath'
end

-- Where a box's formula ends, if several lines follow that say what its names stand for.
local function after_formula(blocks)
  local last = blocks[#blocks]
  local _, lines = (is_display(last) and last.content[1].text or ''):gsub('\\\\', '')
  for n, block in ipairs(blocks) do
    if is_display(block) and n < #blocks and lines > 1 then return n + 1 end
  end
end

local function Div(el)
  local kind = el.classes[1]
  if not boxes[kind] then return nil end
  if not typst then return around('\\begin{' .. kind .. '}', el.content, '\\end{' .. kind .. '}') end
  local names = kind == 'result' and after_formula(el.content)
  if names then
    kind = 'result-where'
    el.content:insert(names, pandoc.RawBlock(raw, ']['))
  end
  return around('#' .. kind .. '[', el.content, ']')
end

local function is_label(block)
  return block.t == 'Para' and block.content[1].t == 'Strong'
end

-- What leads up to a formula, a list or code stays on its page, and so does what
-- starts with a label, such as a question; in LaTeX a formula belongs to the
-- paragraph before it.
local function Blocks(blocks)
  local result = pandoc.Blocks({})
  for n, block in ipairs(blocks) do
    local after, before = blocks[n + 1], result[#result]
    local leads = block.t == 'Para' and not is_display(block) and after
      and (is_label(block) or is_display(after) or after.t ~= 'Para' and after.t ~= 'Header')
    if typst and leads then
      result:extend(around('#lead[', pandoc.Blocks({ block }), ']'))
    elseif not typst and is_display(block) and before and before.t == 'Para' then
      before.content:insert(pandoc.SoftBreak())
      before.content:extend(block.content)
    else
      result:insert(block)
    end
    if not typst and leads and not is_display(after) then
      result:insert(pandoc.RawBlock('latex', '\\nopagebreak'))
    end
  end
  return result
end

local function CodeBlock(el)
  if typst then return nil end
  local _, breaks = el.text:gsub('\n', '')
  local kind = breaks < 20 and 'shortcode' or 'code'
  return pandoc.RawBlock('latex',
    '\\begin{' .. kind .. '}\n' .. el.text .. '\n\\end{' .. kind .. '}')
end

-- Formulas come last: what leads up to one must still see it.
return {
  { Blocks = Blocks },
  { Div = Div, OrderedList = OrderedList, CodeBlock = CodeBlock },
  { Math = Math },
}
