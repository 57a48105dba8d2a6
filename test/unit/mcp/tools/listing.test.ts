// Cutting tools out of a list: exactly those that are denied go, and of everything else not a byte changes.
import { describe, expect, test } from 'vitest'
import { cutTools, type ListedTool } from '../../../../src/mcp/tools/listing.ts'

const not =
  (...names: readonly string[]) =>
  ({ name }: ListedTool): boolean =>
    !names.includes(name)

const LIST = `{"jsonrpc":"2.0", "id":1e0, "result":{ "tools" : [ {"name":"a"} , {"name":"b","x":1.0},\n\t{"name":"c"} ] ,"nextCursor":"n" }}`

describe('of a list of tools', () => {
  test.for<[string, readonly string[], string]>([
    ['nothing goes', [], `[ {"name":"a"} , {"name":"b","x":1.0},\n\t{"name":"c"} ]`],
    ['the first goes', ['a'], `[ {"name":"b","x":1.0},\n\t{"name":"c"} ]`],
    ['one between two goes', ['b'], `[ {"name":"a"} , {"name":"c"} ]`],
    ['the last goes', ['c'], `[ {"name":"a"} , {"name":"b","x":1.0} ]`],
    ['all but the last go', ['a', 'b'], `[ {"name":"c"} ]`],
    ['all but the first go', ['b', 'c'], `[ {"name":"a"} ]`],
    ['all but the middle one go', ['a', 'c'], `[ {"name":"b","x":1.0} ]`],
    ['all go', ['a', 'b', 'c'], `[  ]`],
  ])('%s', ([, denied, left]) => {
    const [before = '', after = ''] = LIST.split(/\[.*\]/s)
    expect(cutTools(LIST, not(...denied))).toBe(before + left + after)
  })

  test.for<[string, string]>([
    ['a message of another kind', '{"jsonrpc":"2.0","method":"notifications/message","params":{"tools":[{"name":"a"}]}}'],
    ['a question of the server’s about tools', '{"id":1,"method":"sampling/createMessage","params":{"tools":[{"name":"a"}]}}'],
    ['an error', '{"id":1,"error":{"code":1,"message":"\\"tools\\"","data":{"tools":[{"name":"a"}]}}}'],
    ['a result that names its tools elsewhere', '{"id":1,"result":{"structuredContent":{"tools":[{"name":"a"}]}}}'],
    ['a result in which tools is no list', '{"id":1,"result":{"tools":{"name":"a"}}}'],
    ['a list without tools', '{"id":1,"result":{"tools":[ ]}}'],
    ['a number', ' 12 '],
  ])('%s stays as it is', ([, text]) => {
    expect(cutTools(text, not('a'))).toBe(text)
  })

  test.for<[string, string, string]>([
    [
      'each of a batch is looked at',
      '[ {"id":1,"result":{"tools":[{"name":"a"},{"name":"b"}]}}, {"id":2,"result":{"tools":[{"name":"a"}]}} ]',
      '[ {"id":1,"result":{"tools":[{"name":"b"}]}}, {"id":2,"result":{"tools":[]}} ]',
    ],
    [
      'a key in another spelling is the same key',
      '{"r\\u0065sult":{"t\\u006fols":[{"n\\u0061me":"\\u0061"},{"name":"b"}]}}',
      '{"r\\u0065sult":{"t\\u006fols":[{"name":"b"}]}}',
    ],
    [
      'of a key that is there twice both are meant',
      '{"result":{"tools":[{"name":"a"}],"tools":[{"name":"b"},{"name":"a"}]}}',
      '{"result":{"tools":[],"tools":[{"name":"b"}]}}',
    ],
    [
      'what has no name is no tool',
      '{"result":{"tools":[7,"a",null,[{"name":"b"}],{"title":"a"},{"name":"b"}]}}',
      '{"result":{"tools":[{"name":"b"}]}}',
    ],
    [
      'brackets in strings are no brackets',
      '{"result":{"tools":[{"name":"a","d":"]},\\\\\\"{["},{"name":"b","d":"\\\\"}]}}',
      '{"result":{"tools":[{"name":"b","d":"\\\\"}]}}',
    ],
  ])('%s', ([, text, left]) => {
    expect(cutTools(text, not('a'))).toBe(left)
  })

  test.for(['', '{"result":{"tools":[', '{"result":{"tools":[{"name":"a"},]}}', '\uFEFF{}', '<html>'])(
    '%j is no answer',
    (text) => {
      expect(cutTools(text, not('a'))).toBeUndefined()
    },
  )

  test('only the word true makes a tool read-only', () => {
    const hints = ['true', 'false', '"true"', '1', 'null']
    const tools = hints.map((hint, at) => `{"name":"t${at}","annotations":{"readOnlyHint":${hint}}}`)
    const others = ['{"name":"t5"}', '{"name":"t6","annotations":null}', '{"name":"t7","annotations":{}}']
    const seen: ListedTool[] = []
    cutTools(`{"result":{"tools":[${[...tools, ...others].join()}]}}`, (tool) => seen.push(tool) > 0)
    expect(seen.map(({ isReadOnly }) => isReadOnly)).toEqual([true, false, false, false, false, false, false, false])
  })

  test('whatever a list looks like, what is left are the bytes of those that stay', () => {
    const random = seeded(20_261_121)
    for (let round = 0; round < 2_000; round += 1) {
      const names = Array.from({ length: random(9) }, (_, at) => `${odd(random)}${at}`)
      const elements = names.map(
        (name) => `{${space(random)}"name"${space(random)}:${JSON.stringify(name)},"x":${value(random, 3)}}`,
      )
      const stays = names.map(() => random(2) === 0)
      const body = elements.map((element) => space(random) + element + space(random)).join(',')
      const text = `{"id":${random(99)},"before":${value(random, 2)},"result":{"_meta":${value(random, 2)},"tools":[${body}],"nextCursor":${value(random, 1)}}}`
      const left = cutTools(text, ({ name }) => stays[names.indexOf(name)] === true) ?? 'not JSON'
      const kept = elements.filter((_, at) => stays[at])
      const parsed: unknown = JSON.parse(left)
      const whole: unknown = JSON.parse(text)
      expect(parsed).toEqual(
        Object.assign(structuredClone(Object(whole)), {
          result: { ...Object(whole).result, tools: kept.map((element) => JSON.parse(element)) },
        }),
      )
      expect(left.startsWith(text.slice(0, text.indexOf(body)))).toBe(true)
      expect(left.endsWith(text.slice(text.indexOf(body) + body.length))).toBe(true)
      let at = 0
      for (const element of kept) {
        at = left.indexOf(element, at)
        expect(at, `${element} in ${left}`).toBeGreaterThan(-1)
        at += element.length
      }
    }
  })
})

type Random = (below: number) => number

/** Mulberry32: the same lists in every run. */
function seeded(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const ODD = [
  '',
  'delete_',
  '"',
  '\\',
  '\\"',
  '[{',
  '}]',
  '],',
  '\u0000',
  '\u2028',
  'ü',
  '🦉',
  '\ud800',
  '"tools":[',
  'tools',
  '\t',
]

function odd(random: Random): string {
  return Array.from({ length: random(4) }, () => ODD[random(ODD.length)] ?? '').join('')
}

function space(random: Random): string {
  return Array.from({ length: random(3) }, () => ' \n\r\t'.charAt(random(4))).join('')
}

/** JSON as no serialiser writes it. */
function value(random: Random, depth: number): string {
  const kind = random(depth === 0 ? 4 : 6)
  const inner = (): string => space(random) + value(random, depth - 1) + space(random)
  if (kind === 0) return ['-0', '1.50', '1E+2', '12345678901234567890', '0'][random(5)] ?? '0'
  if (kind === 1) return ['true', 'false', 'null'][random(3)] ?? 'null'
  if (kind === 2) return JSON.stringify(odd(random)).replaceAll('e', '\\u0065')
  if (kind === 3) return `"${odd(random).replaceAll(/[^a-z]/g, '\\/')}"`
  if (kind === 4) return `[${Array.from({ length: random(4) }, inner).join(',')}]`
  return `{${Array.from({ length: random(4) }, (_, at) => `${JSON.stringify(`${odd(random)}${at}`)}${space(random)}:${inner()}`).join(',')}}`
}
