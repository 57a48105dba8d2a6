// What was lost, doubled or out of order in a stream of numbers, and whether the way it ended keeps the promise.
import type { Counted } from './counting-client.ts'

export interface Verdict {
  readonly lost: number
  readonly doubled: number
  readonly disordered: number
}

/** `upTo` is the last number that must have come; what was said beyond it and did not come is no loss. */
export function verdictOn(numbers: readonly number[], upTo: number): Verdict {
  const seen = new Set(numbers)
  let lost = 0
  for (let number = 1; number <= upTo; number += 1) if (!seen.has(number)) lost += 1
  const disordered = numbers.filter((number, at) => at > 0 && number < (numbers[at - 1] ?? 0)).length
  return { lost, doubled: numbers.length - seen.size, disordered }
}

/** A call has to bring every number and then its result; an explicit error may cut it short, silence and gaps may not. */
export function verdictOnCall({ numbers, ending }: Counted, to: number): Verdict {
  return verdictOn(numbers, ending === 'result' ? to : Math.max(0, ...numbers))
}

export function added(a: Verdict, b: Verdict): Verdict {
  return { lost: a.lost + b.lost, doubled: a.doubled + b.doubled, disordered: a.disordered + b.disordered }
}
