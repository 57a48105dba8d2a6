// Changes to JSON as text: the member that is named changes, and of everything else not a byte.
import {
  array,
  assert,
  constantFrom,
  boolean,
  dictionary,
  json,
  jsonValue,
  letrec,
  oneof,
  option,
  property,
  record,
  tuple,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import { editJson, elementsOf, memberOf, membersOf, type JsonChange } from '../../../../src/mcp/bridge/json-edit.ts'

const change = (at: string, to: JsonChange['to']): JsonChange => ({ at: at.split('.'), to })

const CALL = `{"jsonrpc":"2.0", "id":12345678901234567890, "method":"tools\\/call" ,\n"params":{ "name":"a","arguments":{"n":1.0,"\\u0061":[{}]} } }`

describe('a member', () => {
  test.for<[string, string, readonly JsonChange[], string]>([
    ['is added behind the others', '{"a":1 }', [change('b', '2')], '{"a":1,"b":2 }'],
    ['is added to an object without any', ' { } ', [change('b', '2')], ' {"b":2 } '],
    ['is added with the objects it stands in', '{"a":1}', [change('p._meta.k', 'true')], '{"a":1,"p":{"_meta":{"k":true}}}'],
    ['is added beside another', '{"p":{}}', [change('p.x', '1'), change('p.y', '2')], '{"p":{"x":1,"y":2}}'],
    ['is replaced in its place', '{"a" : 1e0 ,"b":2}', [change('a', '"x"')], '{"a" : "x" ,"b":2}'],
    ['goes with the comma before it', '{"a":1 , "b":2 , "c":3}', [change('b', undefined)], '{"a":1 , "c":3}'],
    ['goes at the beginning', '{ "a":1 , "b":2}', [change('a', undefined)], '{ "b":2}'],
    ['goes at the end', '{"a":1 , "b":2 }', [change('b', undefined)], '{"a":1 }'],
    ['goes as the only one', '{ "a":1 }', [change('a', undefined)], '{  }'],
    ['goes while another comes', '{"a":1}', [change('a', undefined), change('b', '2')], '{"b":2}'],
    ['that is not there does not go', '{"a":1}', [change('b', undefined), change('c.d', undefined)], '{"a":1}'],
    ['of something that is no object does not go', '{"a":[1]}', [change('a.b', undefined)], '{"a":[1]}'],
    ['of something that is no object takes its place', '{"a":null}', [change('a.b', '1')], '{"a":{"b":1}}'],
    ['is changed by what it is', '{"a":[1,2]}', [change('a', (raw) => `[${raw}]`)], '{"a":[[1,2]]}'],
    ['goes by what it is', '{"a":{"t":1},"b":2}', [change('a', (raw) => (raw.includes('t') ? undefined : raw))], '{"b":2}'],
    ['that is not there is not changed by what it is', '{"a":1}', [change('b', () => '2')], '{"a":1}'],
    ['that is there twice is there once when it is set', '{"a":1,"b":0,"a":2}', [change('a', '3')], '{"b":0,"a":3}'],
    ['that is there twice goes twice', '{"a":1,"b":0,"a":2}', [change('a', undefined)], '{"b":0}'],
    [
      'inside one that is there twice goes from both',
      '{"a":{"x":1},"a":{"x":2,"y":3}}',
      [change('a.x', undefined)],
      '{"a":{},"a":{"y":3}}',
    ],
    ['is found however its name is spelled', '{"\\u0061":1,"b":"a"}', [change('a', '2')], '{"\\u0061":2,"b":"a"}'],
    ['called __proto__ is a member', '{"__proto__":{"x":1}}', [change('__proto__.x', '2')], '{"__proto__":{"x":2}}'],
    [
      'of a message leaves its numbers and its escapes',
      CALL,
      [change('params._meta.k', '1')],
      CALL.replace('[{}]} }', '[{}]},"_meta":{"k":1} }'),
    ],
    ['is found behind strings that look like JSON', '{"a":"}\\\\\\",{[","b":1}', [change('b', '2')], '{"a":"}\\\\\\",{[","b":2}'],
  ])('%s', ([, text, changes, edited]) => {
    expect(editJson(text, changes)).toBe(edited)
  })
})

test('nothing changes where nothing is named', () => {
  assert(property(json(), (text) => editJson(text, []) === text))
})

test('of ten thousand levels none takes stack', () => {
  const deep = `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)},"b":1}`
  expect(editJson(deep, [change('b', '2')])).toBe(deep.replace('"b":1', '"b":2'))
})

// Not a lone backslash: V8 14 then takes an escaped name for it, in every later object that begins alike.
const NAMES = ['a', 'b', '_meta', 'io.modelcontextprotocol/x', '', '"', 'x\\', '\n', 'ä', '\u2028']
const name = constantFrom(...NAMES)
const value = letrec<{ value: unknown; object: unknown }>((tie) => ({
  object: dictionary(name, tie('value'), { maxKeys: 4 }),
  value: oneof({ maxDepth: 3, withCrossShrink: true }, jsonValue({ maxDepth: 1 }), tie('object')),
})).object
const aChange = record({
  at: array(name, { minLength: 1, maxLength: 3 }),
  to: option(json({ maxDepth: 1 }), { nil: undefined }),
})
/** White space wherever JSON allows it, and names in other spellings. */
const spelled = tuple(value, constantFrom(undefined, 1, '\t'), boolean()).map(([object, space, escaped]) => {
  const text = JSON.stringify(object, null, space)
  return escaped ? text.replaceAll('"a":', '"\\u0061":') : text
})

test('reads like the change made to what JSON.parse reads, and again after every other one', () => {
  assert(
    property(spelled, array(aChange, { maxLength: 4 }), (text, changes) => {
      let [edited, expected] = [text, JSON.parse(text)]
      for (const one of changes) {
        edited = editJson(edited, [one])
        expected = model(expected, one.at, one.to)
        expect(JSON.parse(edited)).toEqual(expected)
      }
    }),
  )
})

test('what was read of a member is what JSON.parse reads', () => {
  assert(
    property(spelled, array(name, { minLength: 1, maxLength: 3 }), (text, at) => {
      const raw = memberOf(text, at)
      let expected: unknown = JSON.parse(text)
      for (const one of at) expected = isObject(expected) && Object.hasOwn(expected, one) ? expected[one] : undefined
      expect(raw === undefined ? undefined : JSON.parse(raw)).toEqual(expected)
    }),
  )
})

test('members and elements are read as they are spelled', () => {
  expect(membersOf('{"a" : 1e0, "b":[ 1 , 2] }')).toEqual([
    ['a', '1e0'],
    ['b', '[ 1 , 2]'],
  ])
  expect(membersOf('[1]')).toBeUndefined()
  expect(elementsOf(' [ {"a":"]"} , 12345678901234567890,"x"]')).toEqual(['{"a":"]"}', '12345678901234567890', '"x"'])
  expect(elementsOf('{}')).toBeUndefined()
})

function isObject(of: unknown): of is Record<string, unknown> {
  return typeof of === 'object' && of !== null && !Array.isArray(of)
}

function model(of: unknown, [first = '', ...rest]: readonly string[], to: string | undefined): unknown {
  if (!isObject(of)) return to === undefined ? of : model({}, [first, ...rest], to)
  if (rest.length > 0) {
    if (to === undefined && !Object.hasOwn(of, first)) return of
    return { ...of, [first]: model(of[first], rest, to) }
  }
  const { [first]: _, ...others } = of
  return to === undefined ? others : { ...others, [first]: JSON.parse(to) }
}
