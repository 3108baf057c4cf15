-- Makes what unfolds, scrolls and is pointed to of our fenced divs, formulas and links.

-- Parts of a page that are folded; their first paragraph says what they hold.
local folded = { steps = true, lemma = true, code = true }

local function is_display(block)
  return (block.t == 'Para' or block.t == 'Plain') and #block.content == 1
    and block.content[1].t == 'Math' and block.content[1].mathtype == 'DisplayMath'
end

-- What is wider than a phone scrolls inside its own box.
local function scrolling(blocks)
  return blocks:map(function(block)
    if is_display(block) then
      return pandoc.Div({ pandoc.Plain(block.content) }, { class = 'display' })
    elseif block.t == 'Table' then
      return pandoc.Div({ block }, { class = 'wide' })
    end
    return block
  end)
end

-- What a part is called while it is folded.
local function summary_of(kind, words, blocks)
  local last = words[#words]
  if last.t == 'Str' then last.text = last.text:gsub(':$', '') end
  if kind ~= 'steps' then return words end
  local steps = 0
  blocks:walk({ OrderedList = function(list) steps = steps + #list.content end })
  local said = ' in ' .. steps .. (steps == 1 and ' step' or ' steps')
  return { pandoc.Strong(pandoc.Str('Derivation')), pandoc.Str(said) }
end

local function Div(el)
  local kind = el.classes[1]
  if not folded[kind] or #el.content < 2 then return nil end
  local first = el.content:remove(1)
  local summary = pandoc.Blocks({ pandoc.Plain(summary_of(kind, first.content, el.content)) })
  summary:insert(1, pandoc.RawBlock('html', '<details class="' .. kind .. '"><summary>'))
  summary:insert(pandoc.RawBlock('html', '</summary>'))
  el.content:insert(pandoc.RawBlock('html', '</details>'))
  return summary .. el.content
end

-- Letters of a picture are never smaller than this, in pixels; a screen too narrow for that scrolls.
local readable = 7.5

local function least(svg)
  local smallest = math.huge
  for size in svg:gmatch('font%-size="([%d.]+)"') do
    smallest = math.min(smallest, tonumber(size))
  end
  local width = tonumber(svg:match('<svg [^>]-width="([%d.]+)"')) or 0
  return math.ceil(width * math.min(1, readable / smallest))
end

local function CodeBlock(el)
  if el.classes[1] == 'picture' then
    return pandoc.RawBlock('html', '<figure><div class="wide" style="--least: ' .. least(el.text)
      .. 'px">' .. el.text .. '</div><figcaption>'
      .. pandoc.write(pandoc.read(el.attributes.words, 'markdown'), 'plain'):gsub('%s+$', '')
      .. '</figcaption></figure>')
  end
end

local function Link(el)
  el.target = el.target:gsub('^([%w_]+)%.md', '%1.html')
  return el
end

return { { Blocks = scrolling }, { Div = Div, CodeBlock = CodeBlock, Link = Link } }
