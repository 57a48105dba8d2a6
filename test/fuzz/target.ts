// What a fuzz target is: inputs as strangers could make them, a promise that holds for each, and inputs that grow.
import * as fc from 'fast-check'

export interface FuzzTarget {
  readonly name: string
  /** Runs this many inputs; throws with the smallest input that broke the promise, and the seed that finds it again. */
  readonly run: (inputs: number, seed: number) => Promise<void>
  /** Inputs whose cost has to be linear in their size. */
  readonly growth: readonly Growth[]
}

export interface Growth {
  readonly name: string
  /** Makes an input of about this many bytes, and says what is to be timed. */
  readonly prepare: (size: number) => () => unknown
  /** The size from which the door itself refuses, where it does. */
  readonly most?: number
}

export function fuzzTarget<Input>(
  name: string,
  inputs: fc.Arbitrary<Input>,
  promise: (input: Input) => void | Promise<void>,
  growth: readonly Growth[] = [],
): FuzzTarget {
  return {
    name,
    run: async (numRuns, seed) => {
      const property = fc.asyncProperty(inputs, async (input) => {
        await promise(input)
      })
      await fc.assert(property, { numRuns, seed })
    },
    growth,
  }
}

/** Text as a stranger's program could send it: words that mean something here, among everything else. */
export function hostileText(words: readonly string[], maxLength = 12): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...words) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) },
  )
  return fc.array(piece, { maxLength }).map((pieces) => pieces.join(''))
}

/** Any JSON value, with these keys and texts more often than chance would have them. */
export function hostileJson(keys: readonly string[], texts: readonly string[]): fc.Arbitrary<unknown> {
  const text = fc.oneof(fc.constantFrom(...texts), fc.string({ unit: 'binary', maxLength: 20 }))
  const leaf = fc.oneof(text, fc.constantFrom(null, true, false, 0, -1, 1e308, ''), fc.integer(), fc.double())
  return fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 6 })), tie('value'), { maxKeys: 6 }),
    ),
  })).value
}

/** One text, changed in a few places: most of what is accepted is near to it, and so is what must not be. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    remove: fc.nat(3),
    insert: fc.string({ unit: 'binary', maxLength: 3 }),
  })
  return fc.tuple(text, fc.array(change, { maxLength: 3 })).map(([original, changes]) =>
    changes.reduce((now, { at, remove, insert }) => {
      const index = Math.floor(at * (now.length + 1))
      return now.slice(0, index) + insert + now.slice(index + remove)
    }, original),
  )
}
