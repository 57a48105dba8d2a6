// The pattern of a regular expression as a tree, as far as it matters for how long matching takes.

/** Code points, both ends included. */
export type Range = readonly [number, number]

export type Pattern =
  | { readonly kind: 'set'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence'; readonly parts: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly options: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly body: Pattern; readonly min: number; readonly max: number }
  | { readonly kind: 'look'; readonly body: Pattern }
  /** The beginning of the text; `assertion`: anything else that consumes nothing and may fail. */
  | { readonly kind: 'start' }
  | { readonly kind: 'assertion' }

/** What this analysis does not know; it says nothing rather than something wrong. */
export class UnknownSyntax extends Error {
  override readonly name = 'UnknownSyntax'
}

const LAST = 0x10ffff
const DIGIT: readonly Range[] = [[0x30, 0x39]]
const WORD: readonly Range[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]
const SPACE: readonly Range[] = [
  [9, 13],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]
const LINE_END: readonly Range[] = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
]
const CLASSES: Readonly<Record<string, readonly Range[]>> = {
  d: DIGIT,
  w: WORD,
  s: SPACE,
  D: allBut(DIGIT),
  W: allBut(WORD),
  S: allBut(SPACE),
}
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, '0': 0 }

export const ANYTHING: readonly Range[] = [[0, LAST]]

export function parsePattern(source: string, flags: string): Pattern {
  const parser = new Parser(source, flags)
  return parser.whole()
}

class Parser {
  readonly #source: string
  readonly #flags: string
  #at = 0

  constructor(source: string, flags: string) {
    this.#source = source
    this.#flags = flags
  }

  whole(): Pattern {
    const pattern = this.#choice()
    if (this.#at < this.#source.length) throw new UnknownSyntax(`at ${this.#at}`)
    return pattern
  }

  #takes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#source) ?? undefined
    if (found) this.#at = expression.lastIndex
    return found
  }

  #choice(): Pattern {
    const options = [this.#sequence()]
    while (this.#takes('|')) options.push(this.#sequence())
    return { kind: 'choice', options }
  }

  #sequence(): Pattern {
    const parts: Pattern[] = []
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source.charAt(this.#at))) parts.push(this.#repeated(this.#atom()))
    return { kind: 'sequence', parts }
  }

  #repeated(body: Pattern): Pattern {
    const found = this.#match(/(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y)
    if (!found) return body
    const [, sign, least, comma, most] = found
    if (sign !== undefined) return { kind: 'repeat', body, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity }
    const min = Number(least)
    const max = comma === '' ? min : most === '' ? Infinity : Number(most)
    return { kind: 'repeat', body, min, max }
  }

  #atom(): Pattern {
    if (this.#takes('(')) return this.#group()
    if (this.#takes('[')) return this.#set(this.#class())
    if (this.#takes('^')) return { kind: this.#flags.includes('m') ? 'assertion' : 'start' }
    if (this.#takes('$') || this.#takes('\\b') || this.#takes('\\B')) return { kind: 'assertion' }
    if (this.#takes('.')) return this.#set(this.#flags.includes('s') ? ANYTHING : allBut(LINE_END))
    return this.#set(this.#takes('\\') ? this.#escape(false) : [this.#character()])
  }

  #group(): Pattern {
    const looksBehind = this.#takes('?<=') || this.#takes('?<!')
    const looks = looksBehind || this.#takes('?=') || this.#takes('?!')
    if (!looks && !this.#takes('?:') && !this.#match(/\?<[^>]+>/y) && this.#source.charAt(this.#at) === '?')
      throw new UnknownSyntax('a group with modifiers')
    const body = this.#choice()
    if (!this.#takes(')')) throw new UnknownSyntax('a group without an end')
    if (!looks) return body
    if (looksBehind && repeatsWithoutEnd(body)) throw new UnknownSyntax('a repetition that looks behind')
    return looksBehind ? { kind: 'assertion' } : { kind: 'look', body }
  }

  #class(): readonly Range[] {
    const isNegated = this.#takes('^')
    const ranges: Range[] = []
    while (!this.#takes(']')) {
      if (this.#flags.includes('v') && /\[|--|&&/y.test(this.#source.slice(this.#at)))
        throw new UnknownSyntax('operations on sets')
      const from = this.#member()
      const isRange = from.length === 1 && this.#source.startsWith('-', this.#at) && this.#source.charAt(this.#at + 1) !== ']'
      if (isRange) this.#at += 1
      const to = isRange ? this.#member() : from
      const [first, last] = [from[0], to[0]]
      if (isRange && first && last && to.length === 1) ranges.push([first[0], last[1]])
      else ranges.push(...from, ...(isRange ? to : []))
    }
    return isNegated ? allBut(this.#folded(ranges)) : ranges
  }

  #member(): readonly Range[] {
    return this.#takes('\\') ? this.#escape(true) : [this.#character()]
  }

  #escape(isInClass: boolean): readonly Range[] {
    const hex = this.#match(/x([\da-f]{2})|u([\da-f]{4})|u\{([\da-f]+)\}/iy)
    if (hex) return [point(Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16))]
    if (this.#match(/p\{[^}]*\}/iy)) return ANYTHING
    const name = this.#source.charAt(this.#at)
    if (!isInClass && /[1-9k]/.test(name)) throw new UnknownSyntax('a back reference')
    this.#at += 1
    const known = CLASSES[name]
    if (known) return known
    if (isInClass && name === 'b') return [point(8)]
    const control = CONTROLS[name]
    return [point(control ?? name.charCodeAt(0))]
  }

  #character(): Range {
    const code = this.#source.codePointAt(this.#at)
    if (code === undefined) throw new UnknownSyntax('an end too early')
    this.#at += code > 0xffff ? 2 : 1
    return point(code)
  }

  #set(ranges: readonly Range[]): Pattern {
    return { kind: 'set', ranges: this.#folded(ranges) }
  }

  /** Upper and lower case of ASCII; beyond it, nobody here writes both. */
  #folded(ranges: readonly Range[]): readonly Range[] {
    if (!this.#flags.includes('i')) return ranges
    const shifted = (from: number, to: number, by: number): readonly Range[] =>
      ranges.flatMap(([first, last]): readonly Range[] => {
        const [low, high] = [Math.max(first, from), Math.min(last, to)]
        return low <= high ? [[low + by, high + by]] : []
      })
    return [...ranges, ...shifted(0x41, 0x5a, 32), ...shifted(0x61, 0x7a, -32)]
  }
}

function repeatsWithoutEnd(pattern: Pattern): boolean {
  if (pattern.kind === 'repeat') return pattern.max === Infinity || repeatsWithoutEnd(pattern.body)
  if (pattern.kind === 'sequence') return pattern.parts.some(repeatsWithoutEnd)
  if (pattern.kind === 'choice') return pattern.options.some(repeatsWithoutEnd)
  return pattern.kind === 'look' && repeatsWithoutEnd(pattern.body)
}

function point(code: number): Range {
  return [code, code]
}

function allBut(ranges: readonly Range[]): readonly Range[] {
  const others: Range[] = []
  let next = 0
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    if (first > next) others.push([next, first - 1])
    next = Math.max(next, last + 1)
  }
  if (next <= LAST) others.push([next, LAST])
  return others
}
