// The JSON-RPC door: what it lets through is read the same way by every parser, and what it does not is a refusal with a code.
import * as fc from 'fast-check'
import { openEnvelope, type Envelope } from '../../src/mcp/message/json-rpc-body.ts'
import { McpRefusal } from '../../src/mcp/message/refusal.ts'
import { memberAt, readJson, READINGS, type Json } from './json-readings.ts'
import { fuzzTarget, hostileText, mutated } from './target.ts'

const META = 'io.modelcontextprotocol/protocolVersion'
const KEYS = ['jsonrpc', 'id', 'method', 'params', 'name', 'uri', '_meta', META, 'result', 'error', 'Method', 'METHOD', 'ſ', 'K']
const TEXTS = ['2.0', 'tools/call', 'tools/list', 'initialize', '2026-07-28', '2025-11-25', 'purge', '']

const key = fc
  .oneof({ weight: 5, arbitrary: fc.constantFrom(...KEYS) }, fc.string({ maxLength: 4 }))
  .chain((name) => fc.constantFrom(JSON.stringify(name), escaped(name)))
const scalar = fc.oneof(
  fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text)),
  fc.constantFrom('null', 'true', '0', '-0', '1e999', '9007199254740993', '"\\ud800"', '"a\\u0000"'),
  fc.string({ unit: 'binary', maxLength: 6 }).map((text) => JSON.stringify(text)),
)
const space = fc.constantFrom('', ' ', '\n', '\t', '\r\n')

const anyValue = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }).map((elements) => `[${elements.join(',')}]`),
    fc.array(fc.tuple(key, space, tie('value')), { maxLength: 5 }).map(objectOf),
  ),
})).value

const params = fc.oneof(
  anyValue,
  fc
    .record({
      name: fc.constantFrom('"name":"purge"', '"n\\u0061me":"purge"', '"Name":"safe"', '"uri":"x"', '"a":1'),
      more: fc.array(fc.tuple(key, space, anyValue), { maxLength: 3 }),
    })
    .map(({ name, more }) => `{${[name, ...more.map(([k, s, v]) => `${k}${s}:${v}`)].join(',')}}`),
)

const message = fc
  .record({
    id: fc.constantFrom('"id":1', '"id":"a"', '"id":null', '"x":1'),
    method: fc.constantFrom('"method":"tools/call"', '"m\\u0065thod":"tools/list"', '"METHOD":"tools/call"', '"result":{}'),
    params,
    more: fc.array(fc.tuple(key, space, anyValue), { maxLength: 2 }),
  })
  .map(
    ({ id, method, params: inner, more }) =>
      `{"jsonrpc":"2.0",${id},${method},"params":${inner}${more.map(([k, s, v]) => `,${k}${s}:${v}`).join('')}}`,
  )

const bodies = fc.oneof(
  { weight: 4, arbitrary: message },
  { weight: 3, arbitrary: mutated(message) },
  { weight: 2, arbitrary: fc.array(message, { maxLength: 3 }).map((all) => `[${all.join(',')}]`) },
  { weight: 1, arbitrary: anyValue },
  { weight: 1, arbitrary: hostileText(['{', '}', '[', ']', '"', '\\', ':', ',', '\uFEFF', '"method"', '"tools/call"']) },
)
const bytes = fc.oneof(
  { weight: 9, arbitrary: bodies.map((text) => new TextEncoder().encode(text)) },
  fc.uint8Array({ maxLength: 64 }),
)

export const jsonRpcBody = fuzzTarget(
  'JSON-RPC body',
  bytes,
  (body) => {
    const opened = refusable(body)
    if (!opened) return
    const text = new TextDecoder().decode(body)
    const read = readJson(text)
    const messages = read.kind === 'array' ? read.elements : [read]
    if (messages.length !== opened.messages.length) throw new Error('not every message of the batch was judged')
    messages.forEach((each, index) => readAlike(each, opened, index))
  },
  [
    { name: 'backslashes', prepare: (size) => open(`{"jsonrpc":"2.0","method":"${'\\\\'.repeat(size / 2)}"}`) },
    { name: 'escaped quotes', prepare: (size) => open(`{"a":"${'\\"'.repeat(size / 2)}"}`) },
    { name: 'keys of the envelope', prepare: (size) => open(`{${many(size / 12, (at) => `"k${at}":1`)}}`) },
    { name: 'a batch', prepare: (size) => open(`[${many(size / 40, () => '{"jsonrpc":"2.0","id":1,"method":"a"}')}]`) },
    { name: 'open brackets', prepare: (size) => open('['.repeat(size)) },
    { name: 'open objects', prepare: (size) => open('{"a":'.repeat(size / 5)) },
    { name: 'an unfinished string', prepare: (size) => open(`{"a":"${'x'.repeat(size)}`) },
    { name: 'white space', prepare: (size) => open(`{${' '.repeat(size)}}`) },
    { name: 'commas', prepare: (size) => open(`[${','.repeat(size)}]`) },
    { name: 'a long id', prepare: (size) => open(`{"jsonrpc":"2.0","id":"${'i'.repeat(size)}","method":"a"}`) },
  ],
)

function readAlike(json: Json, opened: Envelope, index: number): void {
  const judged = opened.messages[index]
  if (!judged || judged.kind === 'response') return
  for (const [name, reading] of Object.entries(READINGS)) {
    const differs = (what: string): Error => new Error(`a parser that takes ${name} reads another ${what}`)
    if (scalarAt(json, ['method'], reading) !== judged.method) throw differs('method')
    for (const member of ['name', 'uri', 'taskId'])
      if (!same(scalarAt(json, ['params', member], reading), judged.params[member])) throw differs(`params.${member}`)
    if (!same(scalarAt(json, ['params', '_meta', META], reading), judged.meta[META])) throw differs('protocol version')
    const id = memberAt(json, ['id'], reading)
    if ((id?.kind === 'scalar' ? id.raw : undefined) !== judged.id) throw differs('id')
  }
}

/** What decides is text; anything else is nobody's tool name, whichever parser reads it. */
function same(read: unknown, judged: unknown): boolean {
  return typeof read === 'string' || typeof judged === 'string' ? read === judged : true
}

function scalarAt(json: Json, path: readonly string[], reading: (typeof READINGS)[string]): unknown {
  const found = memberAt(json, path, reading)
  return found?.kind === 'scalar' ? JSON.parse(found.raw) : undefined
}

function refusable(body: Uint8Array): Envelope | undefined {
  try {
    return openEnvelope(body)
  } catch (error) {
    if (error instanceof McpRefusal) return undefined
    throw error
  }
}

function open(text: string): () => unknown {
  const body = new TextEncoder().encode(text)
  return () => refusable(body)
}

function many(count: number, item: (at: number) => string): string {
  return Array.from({ length: Math.ceil(count) }, (_, at) => item(at)).join(',')
}

function objectOf(members: readonly (readonly [string, string, string])[]): string {
  return `{${members.map(([name, between, value]) => `${name}${between}:${value}`).join(',')}}`
}

function escaped(name: string): string {
  return `"${name.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}
