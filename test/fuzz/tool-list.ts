// The tool list cutter: what is left is the list without the denied tools, and of everything else not a character changes.
import * as fc from 'fast-check'
import { cutTools, listedIn } from '../../src/mcp/tools/listing.ts'
import { fuzzTarget, hostileJson, mutated } from './target.ts'

const NAMES = ['a', 'b', 'purge', 'é', '"', '\\', '']
const space = fc.constantFrom('', ' ', '\n\t')

const tool = fc.record({ name: fc.constantFrom(...NAMES), more: hostileJson(['tools', 'result', 'name'], NAMES) })
const pages = fc.record({
  tools: fc.array(fc.oneof(tool, hostileJson(['name', 'tools'], NAMES)), { maxLength: 6 }),
  denied: fc.subarray(NAMES),
  before: fc.array(fc.tuple(fc.constantFrom('id', 'jsonrpc', 'x', '_meta'), hostileJson(['tools'], NAMES)), { maxLength: 2 }),
  gap: space,
  isBatch: fc.boolean(),
})

export const toolList = fuzzTarget(
  'tool list',
  pages,
  ({ tools, denied, before, gap, isBatch }) => {
    const texts = tools.map((each) => JSON.stringify(each))
    const page = (list: readonly string[]): string => {
      const head = before.map(([name, value]) => `${JSON.stringify(name)}${gap}:${JSON.stringify(value)},`).join('')
      return `{${head}"result"${gap}:{"tools":${gap}[${list.join(',')}]}}`
    }
    const whole = (list: readonly string[]): string => (isBatch ? `[${page(list)},${gap}${page(list)}]` : page(list))
    const left = cutTools(whole(texts), ({ name }) => !denied.includes(name))
    const kept = texts.filter((_, index) => isKept(tools[index], denied))
    if (left !== whole(kept)) throw new Error(`left ${left} instead of ${whole(kept)}`)
  },
  [
    { name: 'many tools', prepare: (size) => cutting(`{"result":{"tools":[${listOf(size / 12)}]}}`) },
    {
      name: 'one long description',
      prepare: (size) => cutting(`{"result":{"tools":[{"name":"a","d":"${'\\"'.repeat(size / 2)}"}]}}`),
    },
    { name: 'many members', prepare: (size) => cutting(`{${'"x":1,'.repeat(size / 6)}"result":{"tools":[]}}`) },
    { name: 'nested lists', prepare: (size) => cutting(`{"tools":${'['.repeat(size / 2)}${']'.repeat(size / 2)}}`), most: 8_000 },
  ],
)

/** Nothing at all about the text: the cutter answers with text or with undefined, and the reader with tools or with undefined. */
export const toolListText = fuzzTarget(
  'tool list text',
  mutated(
    fc.constantFrom('{"id":1,"result":{"tools":[{"name":"a"},{"name":"b"}],"nextCursor":"n"}}', '[{"result":{"tools":[]}}]'),
  ),
  (text) => {
    const left = cutTools(text, ({ name }) => name !== 'a')
    const listed = listedIn(text)
    if (left === undefined && listed !== undefined) throw new Error('tools were read from what is not JSON')
    if (left !== undefined && listedIn(left)?.tools.some(({ name }) => name === 'a')) throw new Error('a denied tool is left')
  },
)

function isKept(value: unknown, denied: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null || !('name' in value)) return false
  return typeof value.name === 'string' && !denied.includes(value.name)
}

function listOf(count: number): string {
  return Array.from({ length: Math.ceil(count) }, (_, at) => `{"name":"${at % 2 ? 'a' : 'b'}"}`).join(',')
}

function cutting(text: string): () => unknown {
  return () => cutTools(text, ({ name }) => name !== 'a')
}
