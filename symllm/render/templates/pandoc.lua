-- Maps our fenced divs to blocks of Typst and LaTeX, and mends pandoc's Typst formulas.
-- In a book, where `chapter` names the one that this is, results are numbered and referred to.

local chapter

local typst = FORMAT:match 'typst' ~= nil
local raw = typst and 'typst' or 'latex'
local boxes = { result = true, evidence = true }


-- Words that are set as functions have no space before their brackets.
local operators = { diag = true, erf = true, sign = true, Var = true, Cov = true }

-- Functions that Typst knows; the space before them is not one between words.
local functions = {
  arg = true, cos = true, cosh = true, det = true, exp = true, inf = true, lim = true, ln = true,
  log = true, max = true, min = true, sin = true, sinh = true, sup = true, tan = true, tanh = true,
  tr = true, op = true, sum = true, product = true,
}

local function Meta(meta)
  chapter = meta.chapter and pandoc.utils.stringify(meta.chapter)
end

local function around(open, blocks, close)
  blocks:insert(1, pandoc.RawBlock(raw, open))
  blocks:insert(pandoc.RawBlock(raw, close))
  return blocks
end

-- So many lines go on one page; more may be broken between two of them.
local page_lines = 12

local function Math(el)
  if not typst then
    local inner, lines = el.text:match('^%s*\\begin{aligned}(.*)\\end{aligned}%s*$'), 0
    for _ in (inner or ''):gmatch('\\\\\n') do lines = lines + 1 end
    if lines < page_lines or el.mathtype ~= 'DisplayMath' then return el end
    return pandoc.RawInline('latex', '\\begin{align*}' .. inner .. '\\end{align*}')
  end
  -- What stands right before a bracket is applied to what is in it.
  local applied = {}
  for name in el.text:gmatch('\\mathrm{(%a%a+)}[%(%[\\]') do applied[name] = true end
  -- Bars that open and close are no relations.
  el.text = el.text:gsub('\\([lr])vert%s*', { l = '\\left| ', r = ' \\right| ' })
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
  text = text:gsub('upright(%("(%a+)"%) \\?l?r?[%(%[])', function(rest, name)
    return (applied[name] and 'op' or 'upright') .. rest
  end)
  text = text:gsub('(upright%("[^"]*"%)) (%a+)', function(words, next)
    return words .. (functions[next] and ' #h(0.33em) ' or ' ') .. next
  end)
  text = text:gsub('upright%(d%) upright%("(%a+)"%)', 'upright("d%1")')
  -- Before a comma it must not: what follows a letter is no word.
  text = text:gsub('upright%("([,;])', '\\%1 upright("')
  text = text:gsub('#scale%(x: (%d+)%%, y: %d+%%%)%[(\\?[%(%)%[%]])%]', function(size, bracket)
    return 'lr(size: #' .. tonumber(size) / 100 .. 'em, ' .. bracket .. ')'
  end)
  -- Something must stand before a sign for it to be a binary one.
  text = text:gsub('(#h%(2em%)%s+)([%+%-])', '%1"" %2')
  return pandoc.RawInline('typst', text)
end

-- Parts are told apart elsewhere; here they follow each other.
local function unwrapped(el)
  local kind = el.classes[1]
  if not boxes[kind] and kind ~= 'work' and not (chapter and el.identifier ~= '') then
    return el.content
  end
end

-- A step stays in one piece: its reason and its formula on one page.
local function OrderedList(el)
  if not typst then return nil end
  for n, item in ipairs(el.content) do
    el.content[n] = around('#together[', pandoc.Blocks(item), ']')
  end
  return el
end

-- A long table goes on on the next page, a short one stays in one piece.
local function Table(el)
  if not typst or #el.bodies[1].body <= 2 * page_lines then return nil end
  local rule = '#[#show figure: set block(breakable: true)'
  return around(rule, pandoc.Blocks({ el }), ']')
end

local function quoted(text)
  return '"' .. text:gsub('\\', '\\\\'):gsub('"', '\\"') .. '"'
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

-- The first formula of what has an anchor gets a number, by which the book refers to it.
local function numbered(el)
  local done = false
  return el:walk({
    Math = function(math)
      if done or math.mathtype ~= 'DisplayMath' then return nil end
      done = true
      local label = chapter .. ':' .. el.identifier
      if not typst then
        local shown = Math(math)
        local rows, count = (shown.t == 'RawInline' and shown.text or ''):gsub('\\\\\n',
          '\\tag{\\theequation}\\\\\n', 1)
        if count == 1 then
          rows = '\\refstepcounter{equation}\\label{eq:' .. label .. '}' .. rows
        else
          rows = '\\begin{equation}\\label{eq:' .. label .. '}' .. math.text .. '\\end{equation}'
        end
        return pandoc.RawInline('latex', rows)
      end
      return pandoc.RawInline('typst', '#[#set math.equation(numbering: equation-number)\n'
        .. Math(math).text .. ' <' .. label .. '>]')
    end,
  })
end

local function Div(el)
  local kind = el.classes[1]
  if kind == 'work' then return nil end
  local names = typst and kind == 'result' and after_formula(el.content)
  if chapter and el.identifier ~= '' then el = numbered(el) end
  if not boxes[kind] then return el.content end
  if not typst then return around('\\begin{' .. kind .. '}', el.content, '\\end{' .. kind .. '}') end
  if names then
    kind = 'result-where'
    el.content:insert(names, pandoc.RawBlock(raw, ']['))
  end
  return around('#' .. kind .. '[', el.content, ']')
end

local function is_label(block)
  return block.t == 'Para' and block.content[1].t == 'Strong'
end

local function is_numbered(block)
  return is_label(block) and pandoc.utils.stringify(block.content[1]):match('^%d+%.$')
end

local function is_picture(block)
  return block.t == 'CodeBlock' and block.classes[1] == 'picture'
end

-- So much prose, in characters, must follow a picture that may begin the next page: it would stand
-- in the midst of what follows, and that must not be code or a derivation.
local filling = 700

local function may_float(blocks, n)
  local length = 0
  for k = n + 1, #blocks do
    if blocks[k].t ~= 'Para' or is_display(blocks[k]) or is_label(blocks[k]) then break end
    length = length + #pandoc.utils.stringify(blocks[k])
  end
  return length >= filling
end

-- Evidence stands on the page of the formula that it is about.
local function is_shown_by(after, block)
  return after and after.t == 'Div' and after.classes[1] == 'evidence'
    and (is_display(block) or block.t == 'Div' and block.classes[1] == 'result')
end

-- What leads up to a formula, a list or code stays on its page, and so does what
-- starts with a label, such as a question, but for the exercises of a list; in
-- LaTeX a formula belongs to the paragraph before it.
local function Blocks(blocks)
  local result = pandoc.Blocks({})
  for n, block in ipairs(blocks) do
    local after, before = blocks[n + 1], result[#result]
    if is_picture(block) and may_float(blocks, n) then block.attributes.floats = 'true' end
    local leads = block.t == 'Para' and not is_display(block) and after and not is_picture(after)
      and (is_label(block) or is_display(after) or after.t ~= 'Para' and after.t ~= 'Header')
      and not (is_numbered(block) and (is_numbered(after) or after.t == 'Header'))
    if typst and (leads or is_shown_by(after, block)) then
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

local function Header(el)
  local anchor = chapter and (chapter .. ':' .. el.identifier) or ''
  el.identifier = typst and anchor or ''
  if typst or anchor == '' then return el end
  return { el, pandoc.RawBlock('latex', '\\label{' .. anchor .. '}') }
end

local function Link(el)
  local name, anchor = el.target:match('^([%w_]+)%.md#?(.*)$')
  if not name then return nil end
  if not chapter then return pandoc.Emph(el.content) end
  if anchor ~= '' then name = name .. ':' .. anchor end
  local open, close = '#chapter-ref(label("' .. name .. '"))[', ']'
  if not typst then open, close = '\\chapterref{' .. name .. '}{', '}' end
  local link = pandoc.Inlines({ pandoc.RawInline(raw, open) })
  link:extend(el.content)
  link:insert(pandoc.RawInline(raw, close))
  return link
end

local function picture(el)
  local words = pandoc.read(el.attributes.words, 'markdown').blocks[1].content
  if not typst and el.text:match('^<') then  -- what it shows is said, where it cannot be drawn
    return pandoc.Para({ pandoc.Str('('), pandoc.Emph(words), pandoc.Str(')') })
  elseif not typst then
    words:insert(1, pandoc.RawInline('latex', '\\begin{drawn}' .. el.text .. '\\words\n'))
    words:insert(pandoc.RawInline('latex', '\n\\end{drawn}'))
    return pandoc.Plain(words)
  end
  local caption = pandoc.write(pandoc.Pandoc({ pandoc.Plain(words) }), 'typst')
  local floats = el.attributes.floats and ', floats: true' or ''
  return pandoc.RawBlock('typst',
    '#picture(' .. quoted(el.text) .. floats .. ')[' .. caption .. ']')
end

local function CodeBlock(el)
  if el.classes[1] == 'picture' then return picture(el) end
  if typst then return nil end
  local _, breaks = el.text:gsub('\n', '')
  local kind = breaks < 20 and 'shortcode' or 'code'
  return pandoc.RawBlock('latex',
    '\\begin{' .. kind .. '}\n' .. el.text .. '\n\\end{' .. kind .. '}')
end

-- Formulas come last: what leads up to one must still see it.
return {
  { Meta = Meta },
  { Div = unwrapped },
  { Blocks = Blocks },
  { Div = Div, OrderedList = OrderedList, CodeBlock = CodeBlock, Table = Table },
  { Header = Header, Link = Link },
  { Math = Math },
}
