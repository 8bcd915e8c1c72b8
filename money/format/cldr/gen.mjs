// This program writes the tables of package format, and the examples that its
// tests compare with, from the locale data of the ICU library inside Node.js.
// Run "node cldr/gen.mjs && gofmt -w cldr.go" in the directory of the package
// when a newer Node.js brings a newer CLDR.
//
// It asks Intl.NumberFormat how each locale writes a few amounts, and takes the
// answers apart. What a locale shares with the one that it falls back to (es-MX
// to es, es to und) is left out.
import fs from "node:fs"

const iso = new Map() // code -> decimals
for (const list of ["list_one", "list_three"]) {
  for (const line of fs.readFileSync(`../iso4217/${list}.csv`, "utf8").trim().split("\n").slice(1)) {
    const [code, , units] = line.split(",")
    if (units !== "N.A.") iso.set(code, Number(units))
  }
}

// Languages that golang.org/x/text has and ICU has not. They get the root of CLDR.
const rootOnly = "bh cu dv guw io iu jbo kaj kcg lag lkt mgo nah nr ny pap sdh sma smi smj sms ss ssy tig ts ve vo wa".split(" ")
const root = {
  plain: "¤\u00a0#", minus: "-¤\u00a0#", books: "¤\u00a0#", booksMinus: "-¤\u00a0#", booksPlus: "+¤\u00a0#",
  decimal: ".", group: ",", sign: "-", zero: "0", primary: 3, secondary: 3, least: 1,
}

const letters = [..."abcdefghijklmnopqrstuvwxyz"]
const pairs = letters.flatMap(a => letters.map(b => a + b))
const regions = ["001", "150", "419", ...pairs.map(p => p.toUpperCase())]
const scripts = ("Adlm Arab Aran Armn Beng Bopo Cans Cher Cyrl Deva Dsrt Ethi Geor Grek Gujr Guru Hans Hant Hebr Hmnp Java Jpan " +
  "Khmr Knda Kore Lana Laoo Latn Mlym Mong Mtei Mymr Nkoo Olck Orya Osge Rohg Shaw Sinh Syrc Taml Telu Tfng Thai Tibt Vaii Yiii").split(" ")

// known reports whether ICU has data for exactly this tag.
function known(tag) {
  try {
    return Intl.getCanonicalLocales(tag)[0] === tag && new Intl.NumberFormat(tag).resolvedOptions().locale === tag
  } catch {
    return false
  }
}

function allTags() {
  const tags = []
  const languages = [...pairs, ...pairs.flatMap(p => letters.map(c => p + c))].filter(l => Intl.NumberFormat.supportedLocalesOf(l)[0] === l)
  for (const language of languages) {
    for (const base of [language, ...scripts.map(s => `${language}-${s}`).filter(known)]) {
      tags.push(base, ...regions.map(r => `${base}-${r}`).filter(known))
    }
  }
  return tags
}

// keyOf leaves out the script that the language has anyway, and names every other.
function keyOf(tag) {
  const l = new Intl.Locale(tag).maximize()
  const usual = new Intl.Locale(l.language).maximize().script
  return [l.language, l.script === usual ? "" : l.script, new Intl.Locale(tag).region ?? ""].filter(Boolean).join("-")
}

const parentOf = key => key.includes("-") ? key.slice(0, key.lastIndexOf("-")) : "und"

const isNumber = { integer: 1, group: 1, decimal: 1, fraction: 1 }

function parts(tag, value, options) {
  return new Intl.NumberFormat(tag, { style: "currency", currencyDisplay: "narrowSymbol",
    minimumFractionDigits: 2, maximumFractionDigits: 2, ...options }).formatToParts(value)
}

const labelOf = (tag, options) => parts(tag, 1, options).find(p => p.type === "currency").value

// A label of letters gets a space of its own, so shapes are seen with one of signs.
const isSigns = label => /^\p{S}+$/u.test(label)
const plainCurrency = tag => ["XXX", "USD", "JPY", "GBP"].find(currency => isSigns(labelOf(tag, { currency })))

// shape turns the parts of one number into a template: ¤ for the currency, # for
// the digits, - and + for the sign.
function shape(tag, value, options) {
  let text = ""
  for (const p of parts(tag, value, options)) {
    if (isNumber[p.type]) text += text.endsWith("#") ? "" : "#"
    else text += { currency: "¤", minusSign: "-", plusSign: "+" }[p.type] ?? p.value
  }
  return text
}

function styleOf(tag, currency = plainCurrency(tag)) {
  const usual = { currency }, books = { currency, currencySign: "accounting" }
  const big = parts(tag, -1234567890.25, usual)
  const find = type => big.find(p => p.type === type)?.value
  const sizes = big.filter(p => p.type === "integer").map(p => [...p.value].length)
  const groups = value => parts(tag, value, usual).filter(p => p.type === "group").length
  let decimal = find("decimal")
  // Where escudos are at home, ICU takes their sign for the decimal mark of all money.
  if (decimal === "$" && currency === plainCurrency(tag)) decimal = new Intl.NumberFormat(tag).formatToParts(0.5).find(p => p.type === "decimal").value
  return {
    plain: shape(tag, 1, usual), minus: shape(tag, -1, usual),
    books: shape(tag, 1, books), booksMinus: shape(tag, -1, books), booksPlus: shape(tag, 1, { ...books, signDisplay: "always" }),
    decimal, group: find("group"), sign: find("minusSign"),
    zero: parts(tag, 0, usual).find(p => p.type === "integer").value,
    primary: sizes.at(-1), secondary: sizes.at(-2), least: groups(1234) ? 1 : groups(12345) ? 2 : 3,
  }
}

// symbolsOf takes the symbols out of whole texts: formatToParts splits the marks
// of direction at their ends from them.
function symbolsOf(tag, currencyDisplay) {
  const template = shape(tag, 1, { currency: plainCurrency(tag) })
  const [before, after] = template.split("¤").map(s => s.split("#"))
  const symbols = new Map()
  for (const currency of iso.keys()) {
    const all = parts(tag, 1, { currency, currencyDisplay })
    const first = all.findIndex(p => isNumber[p.type]), last = all.findLastIndex(p => isNumber[p.type])
    const text = list => list.map(p => p.value).join("")
    const at = all.findIndex(p => p.type === "currency"), [lead, trail] = at > last ? [before[1], after[0]] : [before[0], after[0]]
    let symbol = at > last ? text(all.slice(last + 1)) : text(all.slice(0, first))
    // A currency with a style of its own may stand on the other side.
    if (at > last !== before.length > 1) symbol = all[at].value
    else symbol = symbol.slice(symbol.startsWith(lead) ? lead.length : 0, trail && symbol.endsWith(trail) ? -trail.length : undefined)
    symbols.set(currency, symbol.replace(/^\u00a0|\u00a0$/g, ""))
  }
  return symbols
}

// ownStyleOf finds the one currency that a locale writes in a style of its own,
// such as the euro in English in Europe.
function ownStyleOf(tag, usual) {
  const base = plainCurrency(tag), seen = currency => {
    const all = parts(tag, -1234567.5, { currency }), of = type => all.find(p => p.type === type).value
    return [of("decimal"), of("group"), isSigns(of("currency")) ? shape(tag, -1, { currency }) : usual.minus].join()
  }
  const want = [usual.decimal, usual.group, usual.minus].join()
  // Where the country's own currency bends all of ICU's money, the others count.
  const bent = seen(base) === want ? "" : seen(base)
  const own = [...iso.keys()].filter(c => seen(c) !== want && (bent === "" || labelOf(tag, { currency: c }) === "\u200b"))
  if (own.length > 1) throw new Error(`${tag} writes ${own} in styles of their own; one is provided for`)
  if (own.length === 0) return undefined
  const style = styleOf(tag, own[0])
  if (isSigns(labelOf(tag, { currency: own[0] }))) return { code: own[0], style }
  return { code: own[0], style: { ...usual, decimal: style.decimal, group: style.group } }
}

// The most frequent symbol of each currency over all languages is the root's.
function usual(rows, field) {
  const root = new Map()
  for (const code of iso.keys()) {
    const votes = new Map()
    for (const [key, row] of rows) {
      if (!key.includes("-")) votes.set(row[field].get(code), (votes.get(row[field].get(code)) ?? 0) + 1)
    }
    root.set(code, [...votes].sort((a, b) => b[1] - a[1])[0][0])
  }
  return root
}

const tags = allTags()
const rows = new Map()
for (const tag of tags) {
  // Of two tags for one key the later one, which names its script, is known better.
  const key = keyOf(tag), style = styleOf(tag)
  rows.set(key, { tag, style, latin: styleOf(tag + "-u-nu-latn"), own: ownStyleOf(tag, style),
    symbols: symbolsOf(tag, "symbol"), narrow: symbolsOf(tag, "narrowSymbol") })
}
const und = { style: root, latin: root, symbols: usual(rows, "symbols"), narrow: usual(rows, "narrow") }
rows.set("und", und)
for (const key of rootOnly) if (!rows.has(key)) rows.set(key, und)

function numbered(list, value) {
  const text = JSON.stringify(value)
  let i = list.findIndex(v => JSON.stringify(v) === text)
  if (i < 0) i = list.push(value) - 1
  return i
}
// A locale without a row is found at its parents; so is what its row leaves out.
const find = key => {
  while (!rows.has(key)) key = parentOf(key)
  return rows.get(key)
}
function news(row, parent, field, key) {
  const list = []
  for (const [code, symbol] of row[field]) {
    const inherited = key === "und" ? code : parent[field].get(code)
    if (symbol !== inherited) list.push(`${code}=${symbol}`)
  }
  if (list.some(s => /[;]/.test(s) || s.split("=").length !== 2)) throw new Error(`a symbol of ${key} has ; or = in it`)
  return list.sort().join(";")
}

const quote = s => '"' + s.replace(/[\p{Cf}\p{Zs}]/gu, c => c === " " ? c : "\\u" + c.codePointAt(0).toString(16).padStart(4, "0")) + '"'
const shapes = [], styles = [], lines = [], kept = []
function styleIndex(s) {
  const { decimal, group, sign, zero, primary, secondary, least, ...rest } = s
  return numbered(styles, { shape: numbered(shapes, rest), decimal, group, sign, zero, primary, secondary, least })
}
for (const key of [...rows.keys()].sort()) {
  const row = rows.get(key), parent = key === "und" ? row : find(parentOf(key))
  const style = styleIndex(row.style), latin = styleIndex(row.latin)
  const symbols = news(row, parent, "symbols", key), narrow = news(row, parent, "narrow", key)
  const ownText = own => own ? `, own: ${quote(own.code)}, ownStyle: ${styleIndex(own.style)}` : ""
  const isLanguage = !key.includes("-")
  if (!isLanguage && style === styleIndex(parent.style) && latin === styleIndex(parent.latin) &&
    ownText(row.own) === ownText(parent.own) && !symbols && !narrow) continue
  if (row.tag) kept.push(key)
  lines.push(`{key: ${quote(key)}, style: ${style}, latin: ${latin}${ownText(row.own)}` +
    (symbols ? `, symbols: ${quote(symbols)}` : "") + (narrow ? `, narrow: ${quote(narrow)}` : "") + "},")
}

const fields = o => Object.entries(o).map(([k, v]) => `${k}: ${k === "zero" ? `'${v}'` : typeof v === "number" ? v : quote(v)}`).join(", ")
fs.writeFileSync("cldr.go", `// Code generated by cldr/gen.mjs from CLDR ${process.versions.cldr} in ICU ${process.versions.icu}. DO NOT EDIT.
//
// The data is that of the Unicode Common Locale Data Repository, copyright
// Unicode, Inc., used under the Unicode License V3.

package format

// shapes is the arrangements of sign, symbol and digits.
var shapes = [...]shape{
${shapes.map(s => `{${fields(s)}},`).join("\n")}
}

// styles is the ways to write a number of money.
var styles = [...]style{
${styles.map(s => `{${fields(s)}},`).join("\n")}
}

// locales is sorted by key.
var locales = [...]locale{
${lines.join("\n")}
}
`)

// The examples: every locale that has a row, and every other spelling of one.
const examples = [
  ["1234567.89 USD", "symbol", {}],
  ["-12345.67 EUR", "symbol accounting", { currencySign: "accounting" }],
  ["-1234 JPY", "code", { currencyDisplay: "code" }],
  ["0.05 CHF", "narrow plus", { currencyDisplay: "narrowSymbol", signDisplay: "exceptZero" }],
  ["98.765 KWD", "symbol plus accounting", { currencySign: "accounting", signDisplay: "exceptZero" }],
]
const out = [`# Amounts as CLDR ${process.versions.cldr} in ICU ${process.versions.icu} writes them: locale, options, amount, text.`]
for (const tag of tags.filter(t => kept.includes(t) || keyOf(t) !== t)) {
  for (const [amount, name, options] of examples) {
    const [number, currency] = amount.split(" "), digits = iso.get(currency)
    const text = new Intl.NumberFormat(tag, { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits, ...options }).format(number)
    out.push([tag, name, amount, JSON.stringify(text).replace(/[\p{Cf}\p{Zs}]/gu, c => c === " " ? c : "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"))].join("\t"))
  }
}
fs.writeFileSync("testdata/cldr.tsv", out.join("\n") + "\n")
