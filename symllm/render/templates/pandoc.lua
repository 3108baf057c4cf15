-- Maps our fenced divs to blocks of Typst and LaTeX, and mends pandoc's Typst formulas.
-- In a book, where `chapter` names the one that this is, results are numbered and referred to.

local chapter

local typst = FORMAT:match 'typst' ~= nil
local raw = typst and 'typst' or 'latex'
local boxes = { result = true, evidence = true, step = true, references = true }

-- Formulas inside a line of no more signs of TeX than that are not broken where they could be.
local short = 32

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

-- What stands under the heading of references is set as a list of them.
local function Pandoc(doc)
  local result, works = pandoc.Blocks({}), nil
  for _, block in ipairs(doc.blocks) do
    if block.t == 'Header' then works = nil end
    if works then works.content:insert(block) else result:insert(block) end
    if block.t == 'Header' and pandoc.utils.stringify(block) == 'References' then
      works = pandoc.Div({}, { class = 'references' })
      result:insert(works)
    end
  end
  return pandoc.Pandoc(result, doc.meta)
end

local function around(open, blocks, close)
  blocks:insert(1, pandoc.RawBlock(raw, open))
  blocks:insert(pandoc.RawBlock(raw, close))
  return blocks
end

-- So many lines go on one page; more may be broken between two of them.
local page_lines = 12

-- Between the lines of a formula that has no more, no page begins.
local few_lines = 3

-- Whole numbers of many digits with gaps, as people read them.
local function grouped(text)
  return (text:gsub('[%d.]+', function(number)
    local digits, stop = number:match('^(%d+)(%.?)$')
    if not digits or #digits < 5 then return nil end
    local first = (#digits - 1) % 3 + 1
    return digits:sub(1, first) .. digits:sub(first + 1):gsub('%d%d%d', '\\,%0') .. stop
  end))
end

local function latex_formula(el)
  local inner, lines = el.text:match('^%s*\\begin{aligned}(.*)\\end{aligned}%s*$'), 0
  for _ in (inner or ''):gmatch('\\\\\n') do lines = lines + 1 end
  if lines < page_lines or el.mathtype ~= 'DisplayMath' then return el end
  return pandoc.RawInline('latex', '\\begin{align*}' .. inner .. '\\end{align*}')
end

local function typst_formula(el)
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
  return text
end

local function Math(el)
  el.text = grouped(el.text)
  if not typst then return latex_formula(el) end
  local _, breaks = el.text:gsub('\\\\\n', '')
  local text = typst_formula(el)
  if breaks > 0 and breaks < few_lines then text = '#whole[' .. text .. ']' end
  -- Short ones stay on one line: the semicolon parts what is set from brackets that follow.
  local could = el.mathtype == 'InlineMath' and el.text:find('%s')
  if could and #el.text <= short then text = '#box[' .. text .. '];' end
  return pandoc.RawInline('typst', text)
end

-- Parts are told apart elsewhere; here they follow each other.
local function unwrapped(el)
  local kind = el.classes[1]
  if not boxes[kind] and kind ~= 'work' and not (chapter and el.identifier ~= '') then
    return el.content
  end
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
      math.text = grouped(math.text)
      if not typst then
        local shown = latex_formula(math)
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
        .. typst_formula(math) .. ' <' .. label .. '>]')
    end,
  })
end

-- The last works of a list stand on one page, so many of them.
local last_works = 6

local function with_last_works(blocks)
  local result = pandoc.Blocks({})
  for n, block in ipairs(blocks) do
    local stays = #blocks - last_works < n and n < #blocks
    if stays and typst then
      result:extend(around('#lead[', pandoc.Blocks({ block }), ']'))
    else
      result:insert(block)
      if stays then result:insert(pandoc.RawBlock('latex', '\\nopagebreak')) end
    end
  end
  return result
end

local function Div(el)
  local kind = el.classes[1]
  if kind == 'work' then return nil end
  if kind == 'references' then el.content = with_last_works(el.content) end
  local names = typst and kind == 'result' and after_formula(el.content)
  if chapter and el.identifier ~= '' then el = numbered(el) end
  if not boxes[kind] then return el.content end
  if not typst then return around('\\begin{' .. kind .. '}', el.content, '\\end{' .. kind .. '}') end
  if names then
    kind = 'result-where'
    el.content:insert(names, pandoc.RawBlock(raw, ']['))
  end
  if kind == 'step' then kind = 'step(' .. el.attributes.start .. ')' end
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

-- Does its last sentence end with it?
local function ends(block)
  return pandoc.utils.stringify(block):match('[%.!?]["”’)%]]*$') ~= nil
end

-- So many letters go into a line.
local line_letters = 80

-- Does it take more than a line?
local function is_long(block)
  return utf8.len(pandoc.utils.stringify(block)) > line_letters
end

-- Does a sentence go on in it that began before the formula above it?
local function goes_on(block)
  local first = block.t == 'Para' and block.content[1]
  return first and first.t == 'Str' and first.text:match('^%l') ~= nil
end

-- The reason of a formula that stands above it, and how far it can be relied on.
local function is_note(block)
  local last = block.t == 'Para' and block.content[#block.content]
  return last and last.t == 'Emph' and pandoc.utils.stringify(last):match('^%(%l+%)$') ~= nil
end

local function is_box(block, kind)
  return block.t == 'Div' and block.classes[1] == kind
end

-- What leads up to a formula, a list or code stays on its page if its sentence goes on there, and so
-- does what starts with a label, such as a question, but for exercises and their answers.
local function leads(block, after)
  if block.t ~= 'Para' or is_display(block) or is_picture(after) then return false end
  if is_display(after) then return true end
  if after.t == 'Header' then return is_label(block) and not is_numbered(block) end
  if is_numbered(block) then return not is_numbered(after) and not (ends(block) and is_long(block)) end
  return is_label(block) or after.t ~= 'Para' and not ends(block)
end

-- So many paragraphs of prose follow the block at n: they may stand before it, if it is a picture.
local function prose_after(blocks, n)
  local last = n
  while blocks[last + 1] and blocks[last + 1].t == 'Para' and not is_display(blocks[last + 1])
    and not is_label(blocks[last + 1])
    and not (blocks[last + 2] and leads(blocks[last + 1], blocks[last + 2])) do last = last + 1 end
  return last - n
end

-- A formula stays on the page of what is said of it right below, its reason and the evidence.
local function is_followed(block, after)
  local shown = block.t == 'Para' or is_box(block, 'result') or is_box(block, 'step')
  return shown and is_box(after, 'evidence') or is_display(block) and is_note(after)
end

-- The items of lists of formulas as blocks of their own, each in one piece: its reason and its
-- formula on one page.
local function with_steps(blocks)
  local result = pandoc.Blocks({})
  for _, block in ipairs(blocks) do
    local shows = block.t == 'OrderedList' and block.content[1]:find_if(is_display)
    for n, item in ipairs(shows and block.content or {}) do
      result:insert(pandoc.Div(item, { class = 'step', start = block.start + n - 1 }))
    end
    if not shows then result:insert(block) end
  end
  return result
end

local function is_boxed(blocks)
  local label = is_label(blocks[1]) and pandoc.utils.stringify(blocks[1].content[1])
  return label and (label == 'Result.' or label:match('^M%l+imum%.$')) ~= nil
end

-- How many blocks the formula at n is followed by that its sentence goes on to: the words below it,
-- a formula, a step or a box, and what is said of that.
local function sentence(blocks, n)
  local words, shown = blocks[n + 1], blocks[n + 2]
  if not (is_display(blocks[n]) and words and goes_on(words) and shown) then return 0 end
  local last = n + 2
  while blocks[last + 1] and is_followed(blocks[last], blocks[last + 1]) do last = last + 1 end
  return last - n
end

-- A formula after which LaTeX begins no page.
local function kept(formula)
  local open = pandoc.RawInline('latex', '{\\postdisplaypenalty=10000')
  return { open, pandoc.SoftBreak(), formula, pandoc.RawInline('latex', '}') }
end

-- In LaTeX a formula belongs to the paragraph before it.
local function latex_blocks(blocks)
  local result = pandoc.Blocks({})
  for n, block in ipairs(blocks) do
    local after, before = blocks[n + 1], result[#result]
    local stays = after and (leads(block, after) or is_followed(block, after)
      or sentence(blocks, n) > 0)
    local content = is_display(block) and (stays and kept(block.content[1]) or block.content)
    if content and before and before.t == 'Para' then
      before.content:insert(pandoc.SoftBreak())
      before.content:extend(content)
    else
      result:insert(content and pandoc.Para(content) or block)
    end
    if stays and not is_display(after) then
      result:insert(pandoc.RawBlock('latex', '\\nopagebreak'))
    end
  end
  return result
end

-- Marks where the text ends that a picture follows. What stands by itself moves with what comes
-- below it; the end of a line does not.
local function mark(blocks)
  local last, here = blocks[#blocks], 'box[#metadata(none) <shown>]'
  if last and last.t == 'Para' and not is_display(last) then
    last.content:insert(pandoc.RawInline('typst', '#sym.wj;#' .. here))
  else
    blocks:insert(pandoc.RawBlock('typst', '#place' .. here:sub(4)))
  end
end

local function typst_blocks(blocks)
  blocks = with_steps(blocks)
  local result, n, flush = pandoc.Blocks({}), 1, 0
  while n <= #blocks do
    local block, after, more = blocks[n], blocks[n + 1], sentence(blocks, n)
    local prose = is_picture(block) and prose_after(blocks, n) or 0
    if is_picture(block) then mark(result) end
    if prose > 0 then
      block.attributes.floats = 'true'
      flush = n + prose + 1
    elseif n == flush then
      result:insert(pandoc.RawBlock('typst', '#place.flush()'))
    end
    if more > 0 and not is_boxed(blocks) then
      local rest = typst_blocks(pandoc.Blocks({ table.unpack(blocks, n + 1, n + more) }))
      result:extend(around('#joined[', pandoc.Blocks({ block }), ']['))
      result:extend(rest)
      result:insert(pandoc.RawBlock('typst', ']'))
      n = n + more
    elseif after and (leads(block, after) or is_followed(block, after)) then
      result:extend(around('#lead[', pandoc.Blocks({ block }), ']'))
    else
      result:insert(block)
    end
    n = n + 1
  end
  return result
end

local Blocks = typst and typst_blocks or latex_blocks

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
  return pandoc.Inlines({ pandoc.RawInline(raw, open) }) .. el.content
    .. { pandoc.RawInline(raw, close) }
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
  { Meta = Meta, Pandoc = Pandoc },
  { Div = unwrapped },
  { Blocks = Blocks },
  { Div = Div, CodeBlock = CodeBlock },
  { Header = Header, Link = Link },
  { Math = Math },
}
