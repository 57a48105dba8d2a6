// Whether matching can take time that grows faster than the text does: quadratic, or worse.
//
// The pattern becomes an automaton, after Thompson. Two places where it can stand are enough to tell (Weber and Seidl, "On the
// degree of ambiguity of finite automata", 1991): a word that leads from the first back to it, from the first to the second, and
// from the second back to it. So a run of that word is cut in two in as many ways as it is long, and a matcher that backtracks
// tries them all. Where a match may begin anywhere, the first place stands before the pattern and takes any character.
// It errs on the careful side: an assertion is taken to hold.
import { ANYTHING, parsePattern, type Pattern, type Range } from './pattern.ts'

/** A repetition of more is taken to have no end, and one of fewer is written out. */
const COPIES = 8
const LARGEST_BOUND = 256

interface Step {
  readonly to: number
  /** What the step needs besides: the beginning of the text, or something that may fail. */
  readonly needs?: 'start' | 'luck' | undefined
}

/** One set of characters of the pattern, about to be taken. */
interface Place {
  readonly ranges: readonly Range[]
  /** Places that may be next. */
  readonly next: ReadonlySet<number>
  /** After it the pattern has matched, whatever follows. */
  readonly mayEnd: boolean
  /** Next places that are reached in more than one way. */
  readonly twice: ReadonlySet<number>
}

/** Throws an `UnknownSyntax` where it can't tell. */
export function isSuperlinear(source: string, flags: string): boolean {
  const places = placesOf(parsePattern(source, flags), !flags.includes('y'))
  const around = places.map((_, at) => reachable(places, at))
  const inCircle = (a: number, b: number): boolean => around[a]?.has(b) === true && around[b]?.has(a) === true
  const circling = places.map((_, at) => at).filter((at) => inCircle(at, at))
  if (circling.some((at) => [...(places[at]?.twice ?? [])].some((next) => inCircle(at, next)))) return true
  return circling.some((first) => {
    const seconds = circling.filter(
      (second) => second !== first && around[first]?.has(second) && mayFail(places, inCircle, second),
    )
    return seconds.some((second) => isCutAnywhere(places, inCircle, first, second))
  })
}

/** Some way around leaves the pattern unmatched. */
function mayFail(places: readonly Place[], inCircle: (a: number, b: number) => boolean, second: number): boolean {
  return places.some(({ next, mayEnd }, at) => inCircle(at, second) && next.has(second) && !mayEnd)
}

/** Searches for one word that leads from the first to itself and to the second, and from the second to itself. */
function isCutAnywhere(
  places: readonly Place[],
  inCircle: (a: number, b: number) => boolean,
  first: number,
  second: number,
): boolean {
  const seen = new Set<string>()
  const todo: (readonly [number, number, number])[] = [[first, first, second]]
  for (let triple = todo.pop(); triple; triple = todo.pop()) {
    const [a, b, c] = triple.map((at) => places[at])
    if (!a || !b || !c || !overlap(a.ranges, b.ranges, c.ranges)) continue
    for (const x of a.next)
      for (const y of b.next)
        for (const z of c.next) {
          if (!inCircle(x, first) || !inCircle(z, second)) continue
          if (x === first && y === second && z === second) return true
          const key = `${x} ${y} ${z}`
          if (!seen.has(key)) todo.push([x, y, z])
          seen.add(key)
        }
  }
  return false
}

function overlap(a: readonly Range[], b: readonly Range[], c: readonly Range[]): boolean {
  return a.some((x) => b.some((y) => c.some((z) => Math.max(x[0], y[0], z[0]) <= Math.min(x[1], y[1], z[1]))))
}

function reachable(places: readonly Place[], from: number): ReadonlySet<number> {
  const found = new Set<number>()
  const todo = [...(places[from]?.next ?? [])]
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (found.has(at)) continue
    found.add(at)
    todo.push(...(places[at]?.next ?? []))
  }
  return found
}

/** The first place stands before the pattern, where a match may begin anywhere. */
function placesOf(pattern: Pattern, beginsAnywhere: boolean): readonly Place[] {
  const automaton = new Automaton()
  const begin = automaton.state()
  automaton.build(pattern, begin, automaton.end)
  const places = automaton.taken.map(({ ranges, to }): Place => ({ ranges, ...automaton.after(to) }))
  const before = places.length
  const { next } = automaton.after(begin)
  return beginsAnywhere
    ? [...places, { ranges: ANYTHING, next: new Set([...next, before]), mayEnd: false, twice: new Set() }]
    : places
}

class Automaton {
  readonly taken: { readonly ranges: readonly Range[]; readonly to: number }[] = []
  readonly #steps: Step[][] = []
  readonly #takes = new Map<number, number>()
  readonly end = this.state()

  state(): number {
    return this.#steps.push([]) - 1
  }

  build(pattern: Pattern, from: number, to: number): void {
    if (pattern.kind === 'set') this.#take(pattern.ranges, from, to)
    else if (pattern.kind === 'sequence') this.#inOrder(pattern.parts, from, to)
    else if (pattern.kind === 'choice') for (const option of pattern.options) this.build(option, this.#stepTo(from), to)
    else if (pattern.kind === 'repeat') this.#repeat(pattern.body, pattern.min, pattern.max, from, to)
    else if (pattern.kind === 'look') {
      this.build(pattern.body, this.#stepTo(from), this.end)
      this.#step(from, to, 'luck')
    } else this.#step(from, to, pattern.kind === 'start' ? 'start' : 'luck')
  }

  /** What may follow on a state that was reached by taking a character; so it is not the beginning of the text. */
  after(state: number): Pick<Place, 'next' | 'mayEnd' | 'twice'> {
    const [next, twice] = [new Set<number>(), new Set<number>()]
    let mayEnd = false
    const walk = (at: number, path: readonly number[], isSure: boolean): void => {
      const taken = this.#takes.get(at)
      if (taken !== undefined) (next.has(taken) ? twice : next).add(taken)
      if (at === this.end && isSure) mayEnd = true
      for (const { to, needs } of this.#steps[at] ?? [])
        if (needs !== 'start' && !path.includes(to)) walk(to, [...path, to], isSure && needs === undefined)
    }
    walk(state, [state], true)
    return { next, mayEnd, twice }
  }

  #take(ranges: readonly Range[], from: number, to: number): void {
    this.#takes.set(this.#stepTo(from), this.taken.push({ ranges, to }) - 1)
  }

  #inOrder(parts: readonly Pattern[], from: number, to: number): void {
    let at = from
    for (const part of parts) {
      const next = this.state()
      this.build(part, at, next)
      at = next
    }
    this.#step(at, to)
  }

  #repeat(body: Pattern, min: number, max: number, from: number, to: number): void {
    let at = from
    const isEndless = max > LARGEST_BOUND
    const copies = isEndless ? Math.min(Math.max(min - 1, 0), COPIES) : Math.min(max, COPIES)
    for (let copy = 0; copy < copies; copy += 1) {
      if (copy >= min) this.#step(at, to)
      const next = this.state()
      this.build(body, this.#stepTo(at), next)
      at = next
    }
    if (isEndless) {
      const [first, last] = [this.#stepTo(at), this.state()]
      this.build(body, first, last)
      this.#step(last, first)
      this.#step(last, to)
    }
    if (!isEndless || min === 0) this.#step(at, to)
  }

  #stepTo(from: number): number {
    const to = this.state()
    this.#step(from, to)
    return to
  }

  #step(from: number, to: number, needs?: Step['needs']): void {
    this.#steps[from]?.push({ to, needs })
  }
}
