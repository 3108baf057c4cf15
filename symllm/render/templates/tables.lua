-- Makes tables fit to be set: as wide as what they hold, and broken where they are long.
-- Where there are `widths`, columns are as wide as they say.

local typst = FORMAT:match 'typst' ~= nil
local widths_given

local function Meta(meta)
  widths_given = meta.widths ~= nil
end

-- About how many letters are seen of what a cell holds.
local function letters(cell)
  local seen = 0
  cell.contents:walk({
    Str = function(el) seen = seen + utf8.len(el.text) end,
    Space = function() seen = seen + 1 end,
    Code = function(el) seen = seen + utf8.len(el.text) end,
    Math = function(el) seen = seen + #el.text:gsub('\\%a+', 'x'):gsub('[{}_^%s]', '') end,
  })
  return seen
end

-- So many letters go into a line.
local line_letters = 80

-- Columns are as wide as what they hold. Typst finds that by itself; in LaTeX they share the line
-- if they would be wider than it is.
local function with_widths(el)
  if widths_given then return el end
  local widths, total = {}, 0
  for _, row in ipairs(typst and {} or el.bodies[1].body) do
    for n, cell in ipairs(row.cells) do widths[n] = math.max(widths[n] or 1, letters(cell)) end
  end
  for _, width in ipairs(widths) do total = total + width end
  for n, column in ipairs(el.colspecs) do
    column[2] = total > line_letters and widths[n] / total or nil
    el.colspecs[n] = column
  end
  return el
end

-- A number in a table is a formula.
local function number(el)
  if el.text:match('^%d%d%d%d%d+$') then return pandoc.Math('InlineMath', el.text) end
end

local function named(open, inlines)
  local result = pandoc.Inlines({ pandoc.RawInline('typst', open) })
  result:extend(inlines)
  result:insert(pandoc.RawInline('typst', ']'))
  return result
end

-- Where the first cell of a row is empty, that of a row above it is meant. It is shown again where
-- the table goes on in another column or on another page.
local function with_names(el)
  local function empty(row) return row and #row.cells[1].contents == 0 end
  local rows, name = el.bodies[1].body, nil
  for n, row in ipairs(rows) do
    local again, cell = empty(row), row.cells[1]
    if not again then name = cell.contents end
    if name and (again or empty(rows[n + 1])) then
      local open = again and '#named(again: true)[' or '#named['
      cell.contents = { pandoc.Plain(named(open, name[1].content)) }
    end
  end
  return el
end

-- A table of so many rows stands on one page.
local short_rows = 24

-- A long table goes on on the next page, a short one stays in one piece.
local function Table(el)
  el = with_widths(el):walk({ Str = number })
  if typst then el = with_names(el) end
  if not typst or #el.bodies[1].body <= short_rows then return el end
  local rule = '#[#show figure: set block(breakable: true)'
  return { pandoc.RawBlock('typst', rule), el, pandoc.RawBlock('typst', ']') }
end

return { { Meta = Meta }, { Table = Table } }
